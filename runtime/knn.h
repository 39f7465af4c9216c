/* knn.h: nearest neighbours by Euclidean distance, exactly: candidates from a matrix product, whose
   distances are then computed by differences.

   Points are rows of d finite floats. What is asked for depends on neither the number of threads
   nor the order of the queries: equal distances are in order of the points' positions. */
#ifndef SB_KNN_H
#define SB_KNN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct sb_knn {
  const float *points, *queries; /* (n,d), (m,d) */
  int64_t n, m, d, k;
  bool same; /* queries are the points: none is its own neighbour; then k < n, else k <= n */
} sb_knn;

/* Bytes of scratch for a search with sb_get_threads() threads. */
size_t sb_knn_scratch(const sb_knn *s);

/* index (m,k): positions, from 0, of each query's k nearest points, nearest first; distance (m,k):
   the squares of their distances, within 1e-6 of their size. */
void sb_knn_search(const sb_knn *s, int32_t *index, float *distance, void *scratch);

/* Bytes of scratch for ranks. */
size_t sb_knn_rank_scratch(int64_t n);

/* rank (n,k): which neighbour of point i the point index[i,j] is, from 1 (the nearest) to n - 1.
   Of s, points, n, d and k are read. */
void sb_knn_ranks(const sb_knn *s, const int32_t *index, int32_t *rank, void *scratch);

#endif
