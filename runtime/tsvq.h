/* tsvq.h: near neighbours among many vectors by tree-structured vector quantisation (Gersho & Gray
   1992, section 12.4; Wei & Levoy 2000, section 4): a binary tree whose every node splits its
   vectors between two centroids. */
#ifndef SB_TSVQ_H
#define SB_TSVQ_H

#include <stdint.h>

/* A node holds the vectors order[first .. last); its children, if `left` is not 0, are the nodes
   left and left + 1. */
typedef struct sb_tsvq_node {
  int32_t first, last, left;
} sb_tsvq_node;

typedef struct sb_tsvq {
  const float *rows; /* n vectors of d values, n > 0 */
  int64_t n, d;
  int32_t *order;      /* n: the vectors, those of a node together */
  sb_tsvq_node *nodes; /* room for 2 n; node 0 is the root */
  int64_t n_nodes;
  float *centroids; /* n_nodes x d: the means of the nodes' vectors */
} sb_tsvq;

/* Splits nodes of more than `leaf` vectors by Lloyd's algorithm for two centroids, which start at
   the vector farthest from the mean and the one farthest from that; in nodes of many thousands the
   centroids are those of evenly spaced ones. Fills order, nodes and n_nodes, whose
   memory must be there; scratch: 4 d floats a thread; spare: n ints. Deterministic. */
void sb_tsvq_split(sb_tsvq *t, int64_t leaf, float *scratch, int32_t *spare);

/* Fills centroids, once n_nodes is known. */
void sb_tsvq_find_centroids(const sb_tsvq *t);

/* What a search found: a row, and its squared distance. */
typedef struct sb_neighbour {
  int64_t row;
  float distance;
} sb_neighbour;

/* A node yet to be searched. */
typedef struct sb_tsvq_branch {
  float distance; /* of its centroid */
  int32_t node;
} sb_tsvq_branch;

/* The nearest among the vectors of the `leaves` leaves that are visited: the one that lies behind
   the nearer centroid at each node, then those behind the nearest centroids that were passed by.
   scratch: room for n_nodes. */
sb_neighbour sb_tsvq_nearest(const sb_tsvq *t, const float *v, int64_t leaves,
                             sb_tsvq_branch *scratch);

/* The nearest of all n rows of d values, the first among equals. Runs on all threads; `blocks` is
   scratch for SB_NEAREST_BLOCKS(n). */
#define SB_NEAREST_BLOCKS(n) ((n) / 512 + 1)
sb_neighbour sb_nearest_row(const float *rows, int64_t n, int64_t d, const float *v,
                            sb_neighbour *blocks);

#endif
