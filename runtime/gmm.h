/* gmm.h: mixtures of Gaussians over the colours of pixels, with full covariances: the colour models
   of GrabCut (Rother, Kolmogorov & Blake 2004). Pixels are planes (3,n): red, green, blue in
   [0,1]. */
#ifndef SB_GMM_H
#define SB_GMM_H

#include <stdint.h>

enum { SB_GMM_MOST = 32 }; /* components */

typedef struct sb_gaussian {
  float weight; /* share of the pixels; 0: the component is empty, and the rest means nothing */
  float mean[3], covariance[9];
} sb_gaussian;

/* Added to the variances when fitting: the rounding of 8-bit colours, so that no component is
   flat. */
#define SB_GMM_VARIANCE 1e-5f

/* Cuts the pixels where chosen[i] != 0 into k groups: label[i] is 0 to k-1, -1 elsewhere. The group
   with the largest variance along one direction is cut in two at its mean, across that direction,
   until there are k (Orchard & Bouman 1991); fewer groups are filled where colours do not suffice.
 */
void sb_gmm_split(const float *pixels, int64_t n, const float *chosen, int k, int32_t *label);

/* The Gaussian of each group of pixels with label 0 to k-1: mean, covariance (of the population,
   plus SB_GMM_VARIANCE on its diagonal) and the group's share of all labelled pixels. Pixels with
   label -1 do not count. */
void sb_gmm_fit(const float *pixels, int64_t n, const int32_t *label, int k, sb_gaussian *mixture);

/* cost[i] = the least over the components of
     -log weight + log(det covariance) / 2 + (z - mean)^T covariance^-1 (z - mean) / 2
   (equations 8 and 9 of GrabCut), label[i] the component that gives it; INFINITY and -1 for a
   mixture whose components all are empty. */
void sb_gmm_cost(const float *pixels, int64_t n, const sb_gaussian *mixture, int k, float *cost,
                 int32_t *label);

#endif
