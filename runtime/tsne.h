/* tsne.h: t-distributed stochastic neighbour embedding in the plane: van der Maaten & Hinton 2008,
   with the sums over far-away points of van der Maaten 2014 (Barnes-Hut). The loop over steps is
   lualib/switchback/tsne.lua. Results do not depend on the number of threads. */
#ifndef SB_TSNE_H
#define SB_TSNE_H

#include <stddef.h>
#include <stdint.h>

/* p (n,k), rows that add up to 1: p[i,j] ~ exp(-b distance[i,j]), where b is such that the row's
   entropy is log(perplexity), 1 <= perplexity <= k. distance (n,k): squares, not negative. */
void sb_tsne_conditional(const float *distance, int64_t n, int64_t k, double perplexity, float *p);

/* The symmetric matrix of joint probabilities, rows of a sparse matrix. They add up to 1. */
typedef struct sb_affinities {
  int32_t n;
  int64_t *start;  /* (n + 1): row i is [start[i], start[i + 1]) */
  int32_t *column; /* ascending in a row */
  float *value;
} sb_affinities;

/* Bytes that the matrix of n points with k neighbours each takes at most, and of scratch. */
size_t sb_affinities_size(int64_t n, int64_t k);
size_t sb_affinities_scratch(int64_t n, int64_t k);

/* (p[j|i] + p[i|j]) / 2n from the conditional p (n,k) of the neighbours index (n,k), positions from
   0, different in a row and none its own. Lays the matrix out in `memory`. */
sb_affinities sb_affinities_build(const float *p, const int32_t *index, int64_t n, int64_t k,
                                  void *memory, void *scratch);

/* Bytes of scratch for a gradient of n points. */
size_t sb_tsne_scratch(int64_t n);

/* gradient (n,2) of the Kullback-Leibler divergence of the map y (n,2) from a * exaggeration.
   theta 0: exact; else squares whose side is below theta times their distance count as one point.
   Answers the divergence itself (without exaggeration) if `divergence` is not NULL. */
void sb_tsne_gradient(const sb_affinities *a, const float *y, double theta, double exaggeration,
                      float *gradient, double *divergence, void *scratch);

/* One step of gradient descent with momentum, and for each coordinate a gain that grows by 0.2
   while the gradient disagrees in sign with the velocity, and shrinks to 0.8 of itself otherwise
   (Jacobs 1988; at least 0.01). y, gradient, velocity and gain have n values. */
void sb_tsne_step(float *y, const float *gradient, float *velocity, float *gain, int64_t n,
                  double rate, double momentum);

#endif
