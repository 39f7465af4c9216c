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

/* The vectors that the centroids of a node are found from: every step-th. */
typedef struct sampled {
  const sb_tsvq *t;
  int64_t first, last, step;
} sampled;

SB_CLONES static void add_to(float *sum, const float *row, int64_t d) {
  for (int64_t k = 0; k < d; k++) sum[k] += row[k];
}

static void mean_of(const sampled *s, float *mean) {
  int64_t n = (s->last - s->first - 1) / s->step + 1;
  memset(mean, 0, (size_t)s->t->d * sizeof *mean);
  for (int64_t i = s->first; i < s->last; i += s->step) add_to(mean, row_of(s->t, i), s->t->d);
  for (int64_t k = 0; k < s->t->d; k++) mean[k] /= (float)n;
}

static int64_t farthest(const sampled *s, const float *from) {
  int64_t found = s->first;
  float most = -1;
  for (int64_t i = s->first; i < s->last; i += s->step) {
    float e = distance(row_of(s->t, i), from, s->t->d);
    if (e > most) most = e, found = i;
  }
  return found;
}

static bool is_near(const sb_tsvq *t, const float *row, const float *a, const float *b) {
  return distance(row, a, t->d) <= distance(row, b, t->d);
}

/* A round of Lloyd's algorithm: a and b become the means of those nearer to them; sums: 2 d floats.
   Answers how many are nearer to a, 0 if there are none left for one of the two. */
static int64_t refine(const sampled *s, float *a, float *b, float *sums) {
  int64_t d = s->t->d, near = 0, far = 0;
  memset(sums, 0, 2 * (size_t)d * sizeof *sums);
  for (int64_t i = s->first; i < s->last; i += s->step) {
    const float *row = row_of(s->t, i);
    bool to_a = is_near(s->t, row, a, b);
    add_to(to_a ? sums : sums + d, row, d);
    near += to_a, far += !to_a;
  }
  if (near == 0 || far == 0) return 0;
  for (int64_t k = 0; k < d; k++) a[k] = sums[k] / (float)near, b[k] = sums[d + k] / (float)far;
  return near;
}

/* Puts those nearer to a than to b before the others, both in their order; answers where the others
   begin. */
static int64_t partition(const sb_tsvq *t, const sb_tsvq_node *node, const float *a, const float *b,
                         int32_t *spare) {
  int64_t near = node->first, far = 0;
  for (int64_t i = node->first; i < node->last; i++) {
    if (is_near(t, row_of(t, i), a, b))
      t->order[near++] = t->order[i];
    else
      spare[far++] = t->order[i];
  }
  memcpy(t->order + near, spare, (size_t)far * sizeof *spare);
  return near;
}

/* Answers where the second half begins: the node's first or last vector if all that were looked at
   are alike. */
static int64_t split(const sb_tsvq *t, const sb_tsvq_node *node, int64_t step, float *scratch,
                     int32_t *spare) {
  enum { ROUNDS = 6 };
  float *a = scratch, *b = scratch + t->d, *sums = b + t->d;
  size_t bytes = (size_t)t->d * sizeof *a;
  sampled s = {t, node->first, node->last, step};
  mean_of(&s, a);
  memcpy(a, row_of(t, farthest(&s, a)), bytes);
  memcpy(b, row_of(t, farthest(&s, a)), bytes);
  int64_t before = 0, near = refine(&s, a, b, sums);
  for (int round = 1; round < ROUNDS && near != before; round++) {
    before = near;
    near = refine(&s, a, b, sums);
  }
  return partition(t, node, a, b, spare);
}

/* Centroids of large nodes are found from some thousands of their vectors. */
static int64_t split_fairly(const sb_tsvq *t, const sb_tsvq_node *node, float *scratch,
                            int32_t *spare) {
  enum { ENOUGH = 2048 };
  int64_t step = 1 + (node->last - node->first - 1) / ENOUGH;
  int64_t middle = split(t, node, step, scratch, spare);
  if (step == 1 || (middle > node->first && middle < node->last)) return middle;
  return split(t, node, 1, scratch, spare);
}

/* A level of the tree: nodes from .. to. */
typedef struct generation {
  sb_tsvq *t;
  int64_t from, to, leaf;
  float *scratch;
  int32_t *spare;
} generation;

/* Leaves in `left` where the second halves begin; 0 stands for a leaf. */
static void split_nodes(void *context, int64_t first, int64_t last) {
  const generation *g = context;
  float *scratch = g->scratch + 4 * g->t->d * sb_thread_index();
  for (int64_t k = g->from + first; k < g->from + last; k++) {
    sb_tsvq_node *node = &g->t->nodes[k];
    if (node->last - node->first <= g->leaf) continue;
    int64_t middle = split_fairly(g->t, node, scratch, g->spare + node->first);
    if (middle > node->first && middle < node->last) node->left = (int32_t)middle;
  }
}

static void add_children(sb_tsvq *t, int64_t k) {
  sb_tsvq_node *node = &t->nodes[k];
  int32_t middle = node->left;
  if (!middle) return;
  node->left = (int32_t)t->n_nodes;
  t->nodes[t->n_nodes++] = (sb_tsvq_node){node->first, middle, 0};
  t->nodes[t->n_nodes++] = (sb_tsvq_node){middle, node->last, 0};
}

void sb_tsvq_split(sb_tsvq *t, int64_t leaf, float *scratch, int32_t *spare) {
  for (int64_t i = 0; i < t->n; i++) t->order[i] = (int32_t)i;
  t->nodes[0] = (sb_tsvq_node){0, (int32_t)t->n, 0};
  t->n_nodes = 1;
  generation g = {t, 0, 1, leaf, scratch, spare};
  for (; g.from < g.to; g.from = g.to, g.to = t->n_nodes) {
    sb_parallel(g.to - g.from, 4, split_nodes, &g);
    for (int64_t k = g.from; k < g.to; k++) add_children(t, k);
  }
}

static void average_nodes(void *context, int64_t first, int64_t last) {
  const sb_tsvq *t = context;
  for (int64_t k = first; k < last; k++) {
    sampled all = {t, t->nodes[k].first, t->nodes[k].last, 1};
    mean_of(&all, t->centroids + k * t->d);
  }
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
