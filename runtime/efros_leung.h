/* efros_leung.h: texture synthesis by non-parametric sampling (Efros & Leung 1999): a picture grows
   pixel by pixel, each drawn from the sample's pixels whose surroundings resemble its own. */
#ifndef SB_EFROS_LEUNG_H
#define SB_EFROS_LEUNG_H

#include "planes.h"
#include "rng.h"

typedef struct sb_growth {
  sb_planes sample, picture; /* channels as planes; sample at least 2 radius + 1 high and wide */
  float *from;               /* picture's h x w: where a pixel came from, as the sample's flat index
                                from 1; negative: given; 0: not known yet */
  int64_t radius;            /* of the square window */
  float tolerance;           /* drawn from: distances up to (1 + tolerance) times the least */
  float limit;               /* no pixel is taken whose distance, a mean square, reaches this */
  sb_rng *rng;
} sb_growth;

/* Writes into `list` (room for the picture's h x w) the unknown pixels that touch a known one, as
   flat indices: those with the most known pixels in their window first, equals in random order.
   Answers how many. count: scratch of 2 h x w. */
int64_t sb_growth_frontier(const sb_growth *g, int32_t *list, int32_t *count);

/* Floats of scratch for sb_grow. */
int64_t sb_growth_scratch(const sb_growth *g);

/* Fills the n pixels of `list` that are still unknown, in turn, each from the sample's pixels whose
   window lies in the sample; writes picture and from. Windows are compared by the squared
   differences at known pixels, weighted by a Gaussian of deviation (2 radius + 1) / 6.4 and divided
   by the sum of weights and channels. Answers how many were filled. */
int64_t sb_grow(const sb_growth *g, const int32_t *list, int64_t n, float *scratch);

#endif
