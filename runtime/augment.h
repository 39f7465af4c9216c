/* augment.h: random changes of a picture (C,H,W) with values in [0,1], which leave its class alone.
   All that is random comes from the generator given. lualib/switchback/augment.lua documents them.
 */
#ifndef SB_AUGMENT_H
#define SB_AUGMENT_H

#include "canvas.h"
#include "rng.h"

typedef enum sb_augment_kind {
  SB_RANDOM_CROP,         /* height, width, padding, fill */
  SB_RANDOM_RESIZED_CROP, /* height, width, least and most of the area, of width / height */
  SB_HORIZONTAL_FLIP,     /* probability */
  SB_COLOR_JITTER,        /* brightness, contrast, saturation, hue */
  SB_ROTATION,            /* degrees, fill */
  SB_RESIZE,              /* height, width; or the shorter side and 0 */
  SB_CENTER_CROP,         /* height, width */
  SB_AUGMENT_KINDS,
} sb_augment_kind;

enum { SB_AUGMENT_NUMBERS = 6 };

typedef struct sb_augmentation {
  sb_augment_kind kind;
  double p[SB_AUGMENT_NUMBERS]; /* in the order above; a fill below 0 mirrors the picture */
} sb_augmentation;

/* Changes the picture on the canvas; fails when it is too small for a crop. */
bool sb_augment(sb_canvas *c, const sb_augmentation *a, sb_rng *r, sb_error *e);

/* Resizes the part of h x w at (y, x), which lies inside, bilinearly (antialiased) to to_h x to_w.
 */
bool sb_resize_part(sb_canvas *c, const int64_t part[4], int64_t to_h, int64_t to_w, sb_error *e);

#endif
