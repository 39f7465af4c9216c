/* occlude.h: batches of maps that equal a base map but for one rectangle each: what an occlusion
   sweep computes with. */
#ifndef SB_OCCLUDE_H
#define SB_OCCLUDE_H

#include "tensor.h"

/* The top left corner of a rectangle; it may lie outside the map. */
typedef struct sb_corner {
  int32_t y, x;
} sb_corner;

/* What is seen beyond the edge of a map: a constant, the map mirrored at its edge pixel, or the
   edge pixel repeated. */
typedef enum sb_beyond { SB_BEYOND_VALUE, SB_BEYOND_REFLECT, SB_BEYOND_EDGE } sb_beyond;

/* The maps: image i is the base (1,C,H,W) with patch i of (N,C,h,w), corner patch_at[i], pasted
   over it. patch.data may be NULL. */
typedef struct sb_patched {
  sb_tensor base, patch;
  const sb_corner *patch_at;
  sb_beyond beyond;
  float value; /* of SB_BEYOND_VALUE */
} sb_patched;

/* to (N,C,h,w): of each image the rectangle of that size whose corner is at[i]. Mirroring reaches
   as far as the map is wide. */
void sb_gather_regions(const sb_patched *from, const sb_corner *at, sb_tensor *to);

/* to (N,C): the sum of each map minus that of the base, from the patches alone, which lie inside.
 */
void sb_sum_changes(const sb_patched *from, sb_tensor *to);

#endif
