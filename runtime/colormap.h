/* colormap.h: numbers to colours. */
#ifndef SB_COLORMAP_H
#define SB_COLORMAP_H

#include <stdint.h>

typedef struct sb_colormap {
  const char *name;
  void (*colour)(float t, float rgb[3]); /* t in [0,1] */
} sb_colormap;

/* All colour maps, ended by a NULL name. */
extern const sb_colormap sb_colormaps[];

/* Fills the three planes of n values at rgb from v[0..n), clamped to [0,1]; NaN counts as 0. */
void sb_colormap_apply(const sb_colormap *map, const float *v, int64_t n, float *rgb);

#endif
