/* grabcut.h: the picture's part of GrabCut (Rother, Kolmogorov & Blake 2004): neighbouring pixels
   as a network, its minimum cut, and the largest region of what was cut out. The colour models are
   gmm.h's; the iteration is lualib/switchback/grabcut.lua. */
#ifndef SB_GRABCUT_H
#define SB_GRABCUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What it costs to cut between a pixel and its neighbours to the right, below right, below and
   below left: planes in this order, 0 where there is none. */
enum { SB_NEIGHBOURS = 4 };

/* links (4,h,w) of pixels (3,h,w): gamma / distance * exp(-beta |z - z'|^2), with
   1 / beta = 2 <|z - z'|^2> over all pairs (equation 11, with the distance as in their section 2.1
   and Boykov & Jolly 2001). A picture of one colour has beta 0. */
void sb_grabcut_links(const float *pixels, int64_t h, int64_t w, float gamma, float *links);

/* The pixels of a picture as foreground (1) or background (0) so that the sum of their costs and of
   the links cut is the least: mask (h,w). Costs may be negative, and INFINITY for what a pixel must
   not be, but not for both. Returns that sum. `scratch` holds sb_grabcut_scratch bytes, aligned for
   int64_t. */
double sb_grabcut_cut(const float *foreground, const float *background, const float *links,
                      int64_t h, int64_t w, float *mask, void *scratch);

/* False if the picture has too many pixels for a network. */
bool sb_grabcut_fits(int64_t h, int64_t w);
size_t sb_grabcut_scratch(int64_t h, int64_t w);

/* region (h,w): 1 where mask is not 0 and belongs to its largest connected region (over edges, not
   corners; the first of equals), else 0. stack holds h * w entries. */
void sb_largest_region(const float *mask, int64_t h, int64_t w, float *region, int32_t *stack);

#endif
