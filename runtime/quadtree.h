/* quadtree.h: points of the plane in nested squares, for sums over far-away points (Barnes & Hut
   1986). Squares in which only one quarter is occupied are left out, so there are fewer than two
   nodes a point however close points are. */
#ifndef SB_QUADTREE_H
#define SB_QUADTREE_H

#include <stddef.h>
#include <stdint.h>

/* Nodes are in preorder: the first child follows its parent. */
typedef struct sb_quadnode {
  float x, y;          /* centre of mass */
  float width;         /* side of the square; 0 for a single point */
  int32_t first, last; /* the points inside: positions [first, last) of `order` */
  int32_t next;        /* the node after all inside this one; its own position + 1 for a leaf */
} sb_quadnode;

typedef struct sb_quadtree {
  const float *points; /* (n,2) */
  int32_t n, nodes;
  int32_t *order; /* points along the tree's leaves; a leaf holds several only if they are equal
                     to 2^-31 of the whole */
  sb_quadnode *node;
  struct sb_quadkey *key;
} sb_quadtree;

/* Bytes of scratch that a tree of n points lives in. */
size_t sb_quadtree_scratch(int32_t n);

/* Builds the tree of points (n,2), finite, n >= 1. */
void sb_quadtree_build(sb_quadtree *t, const float *points, int32_t n, void *scratch);

#endif
