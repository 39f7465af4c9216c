/* kernel.h: what a linear classifier sees of features that are many more than examples. It depends
   on their inner products alone, so it may as well be trained on other coordinates with the same
   inner products, as few as there are examples: the rows of a Cholesky factor. */
#ifndef SB_KERNEL_H
#define SB_KERNEL_H

#include <stdbool.h>
#include <stdint.h>

/* What sb_kernel_coordinates added to the squared length 1 of each example, so that equal ones can
   be told apart in the arithmetic: as if each had a feature of its own, of length 0.01. */
#define SB_KERNEL_RIDGE 1e-4

/* k (N,N): inner products of N examples, of which train[n] are trained on and test[t] tested.
   Features are centred on the mean of the training examples and scaled to length 1. Answers
   coordinates a (n,n), lower triangular, and b (t,n). False when the products are not those of any
   examples (NaN). mean: scratch of N doubles. */
bool sb_kernel_coordinates(const float *k, int64_t N, const int64_t *train, int64_t n,
                           const int64_t *test, int64_t t, double *a, double *b, double *mean);

#endif
