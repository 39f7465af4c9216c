/* efros_freeman.h: image quilting (Efros & Freeman 2001): a picture of overlapping blocks of a
   sample, cut where neighbours differ least. */
#ifndef SB_EFROS_FREEMAN_H
#define SB_EFROS_FREEMAN_H

#include "planes.h"
#include "rng.h"

typedef struct sb_quilting {
  sb_planes sample, picture; /* channels as planes; the sample holds a block */
  float *from;               /* picture's h x w: where a pixel came from, as the sample's flat index
                                from 1; 0: not covered yet */
  int64_t block, overlap;    /* sides in pixels, overlap < block */
  float tolerance; /* drawn from: blocks up to (1 + tolerance) times as far as the nearest */
  sb_rng *rng;
} sb_quilting;

/* The cheapest way down n rows of m costs, from any column of the first, by at most one column a
   row: path[i] is its column in row i, the leftmost among equals. total: n x m scratch. */
void sb_cheapest_path(const float *cost, int64_t n, int64_t m, float *total, int32_t *path);

/* Floats of scratch for sb_quilt_block. */
int64_t sb_quilting_scratch(const sb_quilting *q);

/* Lays a block with its corner at (y, x), clipped at the edges of the picture. It is drawn among
   those of the sample that agree with what the block would cover (by the mean of squares over what
   is known; any if nothing is). Its first `overlap` rows and columns, where there were known
   pixels, are cut along the cheapest path of squared differences: above and left of it stays what
   was. */
void sb_quilt_block(const sb_quilting *q, int64_t y, int64_t x, float *scratch);

#endif
