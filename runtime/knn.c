#include "knn.h"

#include <float.h>
#include <math.h>

#include "clones.h"
#include "gemm.h"
#include "threads.h"

enum {
  QUERIES = 64, /* a product is so many queries by so many points */
  POINTS = 512,
  SPARE = 16, /* candidates beyond k: rounding may have put the last ones in a wrong order */
  LANES = 16
};

typedef struct candidate {
  float distance; /* squared */
  int32_t index;
} candidate;

typedef struct search {
  const sb_knn *s;
  int32_t *index;
  float *distance;
  float *norm; /* squared, of each point */
  float longest;
  float *product;  /* a thread: QUERIES x POINTS */
  candidate *heap; /* a thread: QUERIES x kept */
  int64_t kept;
} search;

static bool nearer(candidate a, candidate b) {
  return a.distance < b.distance || (a.distance == b.distance && a.index < b.index);
}

/* ---- Distances --------------------------------------------------------------------------------
 */

/* The sum of (a - b)^2, in an order that lets the compiler use vectors. */
SB_CLONES
static float squared_distance(const float *a, const float *b, int64_t d) {
  float sum[LANES] = {0}, rest = 0;
  int64_t whole = d - d % LANES;
  for (int64_t i = 0; i < whole; i += LANES)
    for (int l = 0; l < LANES; l++) sum[l] += (a[i + l] - b[i + l]) * (a[i + l] - b[i + l]);
  for (int64_t i = whole; i < d; i++) rest += (a[i] - b[i]) * (a[i] - b[i]);
  for (int l = 0; l < LANES; l++) rest += sum[l];
  return rest;
}

static float squared_norm(const float *a, int64_t d) {
  double sum = 0;
  for (int64_t i = 0; i < d; i++) sum += (double)a[i] * a[i];
  return (float)sum;
}

/* ---- Heaps: the farthest candidate first -------------------------------------------------------
 */

static void sift_down(candidate *heap, int64_t n, int64_t at) {
  candidate moved = heap[at];
  for (int64_t child; (child = 2 * at + 1) < n; at = child) {
    if (child + 1 < n && nearer(heap[child], heap[child + 1])) child++;
    if (!nearer(moved, heap[child])) break;
    heap[at] = heap[child];
  }
  heap[at] = moved;
}

static void start_heap(candidate *heap, int64_t n) {
  for (int64_t i = 0; i < n; i++) heap[i] = (candidate){INFINITY, INT32_MAX};
}

static inline void offer(candidate *heap, int64_t n, candidate c) {
  if (!nearer(c, heap[0])) return;
  heap[0] = c;
  sift_down(heap, n, 0);
}

/* Nearest first. */
static void sort_heap(candidate *heap, int64_t n) {
  for (int64_t last = n - 1; last > 0; last--) {
    candidate farthest = heap[0];
    heap[0] = heap[last];
    heap[last] = farthest;
    sift_down(heap, last, 0);
  }
}

/* ---- The search --------------------------------------------------------------------------------
 */

/* Offers points [from, from + count) to query q by |x|^2 - 2 q.x. */
static void offer_products(const search *r, int64_t q, int64_t from, int64_t count,
                           const float *product, candidate *heap) {
  for (int64_t j = 0; j < count; j++) {
    int64_t at = from + j;
    if (r->s->same && at == q) continue;
    offer(heap, r->kept, (candidate){r->norm[at] - 2 * product[j], (int32_t)at});
  }
}

/* The k nearest of all points by differences. */
static void scan(const search *r, int64_t q, candidate *heap) {
  const sb_knn *s = r->s;
  start_heap(heap, s->k);
  for (int64_t j = 0; j < s->n; j++) {
    if (s->same && j == q) continue;
    float distance = squared_distance(s->queries + q * s->d, s->points + j * s->d, s->d);
    offer(heap, s->k, (candidate){distance, (int32_t)j});
  }
  sort_heap(heap, s->k);
}

/* Sorts candidates by differences. False: a point that is none may be nearer than the k-th, since
   the products' rounding (at most d + 2 roundings of terms that add up to |q||x|) exceeds the lead
   of the last candidate. */
static bool refine(const search *r, int64_t q, candidate *heap) {
  const sb_knn *s = r->s;
  const float *query = s->queries + q * s->d;
  double norm = squared_norm(query, s->d), last = heap[0].distance + norm;
  double rounding = (double)(s->d + 4) * FLT_EPSILON * (sqrt(norm * r->longest) * 2 + r->longest);
  for (int64_t i = 0; i < r->kept; i++)
    heap[i].distance = squared_distance(query, s->points + heap[i].index * s->d, s->d);
  for (int64_t i = r->kept / 2 - 1; i >= 0; i--) sift_down(heap, r->kept, i);
  sort_heap(heap, r->kept);
  bool all = r->kept == s->n - s->same;
  return all || heap[s->k - 1].distance * (1 + 1e-5) <= last - rounding;
}

static void answer(const search *r, int64_t q, candidate *heap) {
  int64_t k = r->s->k;
  if (!refine(r, q, heap)) scan(r, q, heap);
  for (int64_t i = 0; i < k; i++) {
    r->index[q * k + i] = heap[i].index;
    r->distance[q * k + i] = heap[i].distance;
  }
}

static void search_block(void *context, int64_t first, int64_t last) {
  const search *r = context;
  const sb_knn *s = r->s;
  int thread = sb_thread_index();
  float *product = r->product + (size_t)thread * QUERIES * POINTS;
  candidate *heaps = r->heap + (int64_t)thread * QUERIES * r->kept;
  for (int64_t q = first; q < last; q++) start_heap(heaps + (q - first) * r->kept, r->kept);
  for (int64_t from = 0; from < s->n; from += POINTS) {
    int64_t count = s->n - from < POINTS ? s->n - from : POINTS;
    sb_gemm(false, true, last - first, count, s->d, 1, s->queries + first * s->d, s->d,
            s->points + from * s->d, s->d, 0, product, count);
    for (int64_t q = first; q < last; q++)
      offer_products(r, q, from, count, product + (q - first) * count,
                     heaps + (q - first) * r->kept);
  }
  for (int64_t q = first; q < last; q++) answer(r, q, heaps + (q - first) * r->kept);
}

static int64_t kept_candidates(const sb_knn *s) {
  int64_t most = s->n - s->same;
  return s->k + SPARE < most ? s->k + SPARE : most;
}

size_t sb_knn_scratch(const sb_knn *s) {
  size_t threads = (size_t)sb_get_threads(), heap = QUERIES * (size_t)kept_candidates(s);
  return threads * (QUERIES * POINTS * sizeof(float) + heap * sizeof(candidate)) +
         (size_t)s->n * sizeof(float);
}

void sb_knn_search(const sb_knn *s, int32_t *index, float *distance, void *scratch) {
  search r = {.s = s, .index = index, .distance = distance, .kept = kept_candidates(s)};
  size_t threads = (size_t)sb_get_threads();
  r.product = scratch;
  r.heap = (candidate *)(r.product + threads * QUERIES * POINTS);
  r.norm = (float *)(r.heap + threads * QUERIES * (size_t)r.kept);
  for (int64_t i = 0; i < s->n; i++) {
    r.norm[i] = squared_norm(s->points + i * s->d, s->d);
    r.longest = fmaxf(r.longest, r.norm[i]);
  }
  sb_parallel(s->m, QUERIES, search_block, &r);
}

/* ---- Ranks -------------------------------------------------------------------------------------
 */

typedef struct ranking {
  const sb_knn *s;
  const int32_t *index;
  int32_t *rank;
  float *distance; /* a thread: of a point to all */
} ranking;

static int32_t rank_of(const float *distance, int64_t n, int64_t self, int32_t which) {
  candidate c = {distance[which], which};
  int32_t before = 0;
  for (int64_t j = 0; j < n; j++)
    before += j != self && nearer((candidate){distance[j], (int32_t)j}, c);
  return before + 1;
}

static void rank_rows(void *context, int64_t first, int64_t last) {
  const ranking *r = context;
  const sb_knn *s = r->s;
  float *distance = r->distance + (int64_t)sb_thread_index() * s->n;
  for (int64_t i = first; i < last; i++) {
    for (int64_t j = 0; j < s->n; j++)
      distance[j] = squared_distance(s->points + i * s->d, s->points + j * s->d, s->d);
    for (int64_t j = 0; j < s->k; j++)
      r->rank[i * s->k + j] = rank_of(distance, s->n, i, r->index[i * s->k + j]);
  }
}

size_t sb_knn_rank_scratch(int64_t n) {
  return (size_t)sb_get_threads() * (size_t)n * sizeof(float);
}

void sb_knn_ranks(const sb_knn *s, const int32_t *index, int32_t *rank, void *scratch) {
  ranking r = {s, index, rank, scratch};
  sb_parallel(s->n, 8, rank_rows, &r);
}
