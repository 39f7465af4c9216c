#include "tsvq.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "clones.h"
#include "threads.h"

/* ---- Distances --------------------------------------------------------------------------------
 */

enum { LANES = 16 }; /* sums kept side by side, so that the compiler makes vector loops of them */

/* The squared distance of a and b. */
SB_CLONES static float distance(const float *a, const float *b, int64_t d) {
  float lanes[LANES] = {0}, sum = 0;
  int64_t i = 0;
  for (; i + LANES <= d; i += LANES)
    for (int l = 0; l < LANES; l++) {
      float e = a[i + l] - b[i + l];
      lanes[l] += e * e;
    }
  for (; i < d; i++) sum += (a[i] - b[i]) * (a[i] - b[i]);
  for (int l = 0; l < LANES; l++) sum += lanes[l];
  return sum;
}

typedef struct scan {
  const float *rows, *v;
  int64_t n, d, block;
  sb_neighbour *best; /* of each block */
} scan;

static void scan_blocks(void *context, int64_t first, int64_t last) {
  const scan *s = context;
  for (int64_t b = first; b < last; b++) {
    int64_t end = (b + 1) * s->block < s->n ? (b + 1) * s->block : s->n;
    sb_neighbour best = {b * s->block, INFINITY};
    for (int64_t i = b * s->block; i < end; i++) {
      float e = distance(s->rows + i * s->d, s->v, s->d);
      if (e < best.distance) best = (sb_neighbour){i, e};
    }
    s->best[b] = best;
  }
}

sb_neighbour sb_nearest_row(const float *rows, int64_t n, int64_t d, const float *v,
                            sb_neighbour *blocks) {
  scan s = {rows, v, n, d, 512, blocks};
  int64_t count = (n + s.block - 1) / s.block;
  sb_parallel(count, 1, scan_blocks, &s);
  sb_neighbour best = blocks[0];
  for (int64_t b = 1; b < count; b++)
    if (blocks[b].distance < best.distance) best = blocks[b];
  return best;
}

/* ---- The tree ---------------------------------------------------------------------------------
 */

static const float *row_of(const sb_tsvq *t, int64_t i) {
  return t->rows + (int64_t)t->order[i] * t->d;
}

/* The mean of vectors first .. last of the order. */
static void mean_of(const sb_tsvq *t, int64_t first, int64_t last, float *mean) {
  memset(mean, 0, (size_t)t->d * sizeof *mean);
  for (int64_t i = first; i < last; i++) {
    const float *row = row_of(t, i);
    for (int64_t k = 0; k < t->d; k++) mean[k] += row[k];
  }
  for (int64_t k = 0; k < t->d; k++) mean[k] /= (float)(last - first);
}

static int64_t farthest(const sb_tsvq *t, const sb_tsvq_node *node, const float *from) {
  int64_t found = node->first;
  float most = -1;
  for (int64_t i = node->first; i < node->last; i++) {
    float e = distance(row_of(t, i), from, t->d);
    if (e > most) most = e, found = i;
  }
  return found;
}

/* Puts those nearer to a than to b before the others, both in their order; answers where the others
   begin. */
static int64_t partition(const sb_tsvq *t, const sb_tsvq_node *node, const float *a, const float *b,
                         int32_t *spare) {
  int64_t near = node->first, far = 0;
  for (int64_t i = node->first; i < node->last; i++) {
    const float *row = row_of(t, i);
    bool is_near = distance(row, a, t->d) <= distance(row, b, t->d);
    if (is_near)
      t->order[near++] = t->order[i];
    else
      spare[far++] = t->order[i];
  }
  memcpy(t->order + near, spare, (size_t)far * sizeof *spare);
  return near;
}

/* Lloyd's algorithm; answers where the second half begins, or the node's first or last vector if
   all are alike. */
static int64_t split(const sb_tsvq *t, const sb_tsvq_node *node, float *scratch, int32_t *spare) {
  enum { ROUNDS = 8 };
  float *a = scratch, *b = scratch + t->d;
  size_t bytes = (size_t)t->d * sizeof *a;
  mean_of(t, node->first, node->last, a);
  memcpy(a, row_of(t, farthest(t, node, a)), bytes);
  memcpy(b, row_of(t, farthest(t, node, a)), bytes);
  int64_t middle = partition(t, node, a, b, spare);
  for (int round = 0; round < ROUNDS && middle > node->first && middle < node->last; round++) {
    int64_t before = middle;
    mean_of(t, node->first, middle, a);
    mean_of(t, middle, node->last, b);
    middle = partition(t, node, a, b, spare);
    if (middle == before && round > 0) break;
  }
  return middle;
}

void sb_tsvq_split(sb_tsvq *t, int64_t leaf, float *scratch, int32_t *spare) {
  for (int64_t i = 0; i < t->n; i++) t->order[i] = (int32_t)i;
  t->nodes[0] = (sb_tsvq_node){0, (int32_t)t->n, 0};
  t->n_nodes = 1;
  for (int64_t k = 0; k < t->n_nodes; k++) {
    sb_tsvq_node *node = &t->nodes[k];
    if (node->last - node->first <= leaf) continue;
    int32_t middle = (int32_t)split(t, node, scratch, spare);
    if (middle == node->first || middle == node->last) continue;
    node->left = (int32_t)t->n_nodes;
    t->nodes[t->n_nodes++] = (sb_tsvq_node){node->first, middle, 0};
    t->nodes[t->n_nodes++] = (sb_tsvq_node){middle, node->last, 0};
  }
}

static void average_nodes(void *context, int64_t first, int64_t last) {
  const sb_tsvq *t = context;
  for (int64_t k = first; k < last; k++)
    mean_of(t, t->nodes[k].first, t->nodes[k].last, t->centroids + k * t->d);
}

void sb_tsvq_find_centroids(const sb_tsvq *t) {
  sb_tsvq tree = *t;
  sb_parallel(t->n_nodes, 16, average_nodes, &tree);
}

/* ---- Searching --------------------------------------------------------------------------------
 */

/* A binary heap with the nearest branch on top. */
static void push(sb_tsvq_branch *heap, int64_t *n, sb_tsvq_branch b) {
  int64_t i = (*n)++;
  for (; i > 0 && heap[(i - 1) / 2].distance > b.distance; i = (i - 1) / 2)
    heap[i] = heap[(i - 1) / 2];
  heap[i] = b;
}

static sb_tsvq_branch pop(sb_tsvq_branch *heap, int64_t *n) {
  sb_tsvq_branch top = heap[0], last = heap[--*n];
  int64_t i = 0;
  for (int64_t child; (child = 2 * i + 1) < *n; i = child) {
    if (child + 1 < *n && heap[child + 1].distance < heap[child].distance) child++;
    if (heap[child].distance >= last.distance) break;
    heap[i] = heap[child];
  }
  heap[i] = last;
  return top;
}

/* Goes down to a leaf behind nearer centroids; the branches passed by go onto the heap. */
static const sb_tsvq_node *descend(const sb_tsvq *t, const float *v, int32_t from,
                                   sb_tsvq_branch *heap, int64_t *n) {
  const sb_tsvq_node *node = &t->nodes[from];
  while (node->left) {
    int32_t near = node->left, far = node->left + 1;
    float e = distance(t->centroids + (int64_t)near * t->d, v, t->d);
    float f = distance(t->centroids + (int64_t)far * t->d, v, t->d);
    if (f < e) {
      float swapped = e;
      e = f, f = swapped;
      near = node->left + 1, far = node->left;
    }
    push(heap, n, (sb_tsvq_branch){f, far});
    node = &t->nodes[near];
  }
  return node;
}

sb_neighbour sb_tsvq_nearest(const sb_tsvq *t, const float *v, int64_t leaves,
                             sb_tsvq_branch *scratch) {
  sb_neighbour best = {t->order[0], INFINITY};
  int64_t n = 0;
  for (int32_t from = 0; leaves > 0; leaves--) {
    const sb_tsvq_node *leaf = descend(t, v, from, scratch, &n);
    for (int64_t i = leaf->first; i < leaf->last; i++) {
      float e = distance(row_of(t, i), v, t->d);
      if (e < best.distance || (e == best.distance && t->order[i] < best.row))
        best = (sb_neighbour){t->order[i], e};
    }
    if (n == 0) break;
    from = pop(scratch, &n).node;
  }
  return best;
}
