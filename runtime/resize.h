/* resize.h: planes to another size, separably, one filter an axis. Pixel centres lie at half
   integers (pixel i covers [i, i+1)); filters are widened by the scale when shrinking, so that
   every source pixel counts; at the border the weights that remain are normalised to sum 1. */
#ifndef SB_RESIZE_H
#define SB_RESIZE_H

#include "planes.h"

typedef enum sb_filter {
  SB_NEAREST,  /* the pixel that holds the centre */
  SB_AREA,     /* the mean over the area that the target pixel covers */
  SB_BILINEAR, /* triangle */
  SB_BICUBIC,  /* Keys 1981 with a = -1/2 */
  SB_AUTO,     /* an axis at a time: area when shrinking, bicubic when growing */
} sb_filter;

/* Floats of scratch that sb_resize needs. */
int64_t sb_resize_scratch(const sb_planes *in, int64_t h, int64_t w, sb_filter filter);

/* out->h x out->w from in; out->n == in->n. */
void sb_resize(const sb_planes *in, const sb_planes *out, sb_filter filter, float *scratch);

#endif
