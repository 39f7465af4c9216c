/* warp.h: planes moved and turned: the general affine sampler, and mirrors. */
#ifndef SB_WARP_H
#define SB_WARP_H

#include "planes.h"

/* Where a target pixel is looked up. Positions are relative to the centre of the picture, target
   and source each to its own: y' = yy*y + yx*x + dy, x' = xy*y + xx*x + dx, in pixels. */
typedef struct sb_affine {
  double yy, yx, xy, xx, dy, dx;
} sb_affine;

/* out = in looked up bilinearly; what lies outside of the source is `fill`. out->n == in->n. */
void sb_warp(const sb_planes *in, const sb_planes *out, const sb_affine *map, float fill);

/* Mirrors rows left to right, or columns top to bottom. Same size; must not alias. */
void sb_flip(const sb_planes *in, const sb_planes *out, bool vertical);

#endif
