#include "template_match.h"

#include <math.h>
#include <string.h>

#include "clones.h"
#include "threads.h"

/* Positions whose sums are kept in registers: in vectors, since arrays would go to memory. */
typedef float lanes __attribute__((vector_size(64), aligned(4), may_alias));
enum { LANES = 16, VECTORS = 4, BLOCK = LANES * VECTORS };

/* The sums of BLOCK positions; first[0] is channel 0 of the first of them. */
SB_PART void match_block(const sb_planes *p, const sb_template *t, const float *first,
                         float *distance) {
  lanes sum[VECTORS] = {{0}};
  for (int64_t k = 0; k < t->n; k++) {
    const float *from = first + t->dy[k] * p->w + t->dx[k], *value = t->value + k * t->channels;
    for (int64_t c = 0; c < t->channels; c++, from += p->h * p->w)
#pragma GCC unroll 4
      for (int v = 0; v < VECTORS; v++) {
        lanes e = *(const lanes *)(from + v * LANES) - value[c];
        sum[v] += t->weight[k] * (e * e);
      }
  }
  memcpy(distance, sum, sizeof sum);
}

/* The same for any number of positions. */
SB_PART void match_rest(const sb_planes *p, const sb_template *t, const float *first, int64_t n,
                        float *distance) {
  memset(distance, 0, (size_t)n * sizeof *distance);
  for (int64_t k = 0; k < t->n; k++) {
    const float *from = first + t->dy[k] * p->w + t->dx[k], *value = t->value + k * t->channels;
    for (int64_t c = 0; c < t->channels; c++, from += p->h * p->w)
      for (int64_t j = 0; j < n; j++) {
        float e = from[j] - value[c];
        distance[j] += t->weight[k] * (e * e);
      }
  }
}

/* n positions from `first` on: where rows of the picture follow each other in memory, so do
   positions, those beyond the edges included. */
SB_CLONES static void match_run(const sb_planes *p, const sb_template *t, const float *first,
                                int64_t n, float *distance) {
  int64_t i = 0;
  for (; i + BLOCK <= n; i += BLOCK) match_block(p, t, first + i, distance + i);
  if (i < n) match_rest(p, t, first + i, n - i, distance + i);
}

typedef struct matching {
  const sb_planes *picture;
  const sb_template *t;
  const sb_positions *at;
  float *distance;
} matching;

static void match_blocks(void *context, int64_t first, int64_t last) {
  const matching *m = context;
  const sb_positions *at = m->at;
  int64_t n = (at->rows - 1) * m->picture->w + at->columns, from = first * BLOCK;
  int64_t to = last * BLOCK < n ? last * BLOCK : n;
  match_run(m->picture, m->t, m->picture->data + at->top * m->picture->w + at->left + from,
            to - from, m->distance + from);
}

void sb_match_template(const sb_planes *picture, const sb_template *t, const sb_positions *at,
                       float *distance) {
  enum { WORTH = 1 << 17 }; /* multiplications that are worth a thread's while */
  matching m = {picture, t, at, distance};
  int64_t n = (at->rows - 1) * picture->w + at->columns;
  sb_parallel((n + BLOCK - 1) / BLOCK, 1 + WORTH / (1 + t->n * t->channels * BLOCK), match_blocks,
              &m);
  for (int64_t i = 0; i < at->rows; i++)
    for (int64_t j = at->columns; j < picture->w; j++) distance[i * picture->w + j] = INFINITY;
}

SB_CLONES float sb_least(const float *distance, int64_t n) {
  float least = distance[0];
  for (int64_t i = 1; i < n; i++) least = distance[i] < least ? distance[i] : least;
  return least;
}

SB_CLONES int64_t sb_count_within(const float *distance, int64_t n, float limit) {
  int64_t count = 0;
  for (int64_t i = 0; i < n; i++) count += distance[i] <= limit;
  return count;
}

int64_t sb_kth_within(const float *distance, int64_t n, float limit, int64_t k) {
  for (int64_t i = 0; i < n; i++)
    if (distance[i] <= limit && k-- == 0) return i;
  return -1;
}
