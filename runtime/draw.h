/* draw.h: drawing into planes: rectangles, pictures, blending. Everything is clipped to the target;
   positions are those of the top left corner and may be negative. */
#ifndef SB_DRAW_H
#define SB_DRAW_H

#include "planes.h"

/* A colour has a value a plane; planes beyond the third take the third. */
typedef struct sb_colour {
  float v[3];
} sb_colour;

typedef struct sb_rectangle {
  int64_t y, x, h, w;
} sb_rectangle;

/* The part of r inside of an h x w picture (h or w 0 when there is none). */
sb_rectangle sb_clip(sb_rectangle r, int64_t h, int64_t w);

void sb_draw_rectangle(const sb_planes *to, sb_rectangle r, sb_colour colour);

/* Copies a picture into another. One plane of `from` stands for all planes of `to`. */
void sb_draw_picture(const sb_planes *to, int64_t y, int64_t x, const sb_planes *from);

/* out = (1 - weight) * a + weight * b, all of one size; an operand of one plane stands for all. */
void sb_blend(const sb_planes *a, const sb_planes *b, const sb_planes *weight,
              const sb_planes *out);

/* The luma of ITU-R BT.601 of three planes, 0.299 R + 0.587 G + 0.114 B, into one. */
void sb_luminance(const float *rgb, int64_t n, float *out);

#endif
