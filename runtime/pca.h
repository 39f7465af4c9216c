/* pca.h: principal components, from the eigenvectors (LAPACK's dsyevr) of the smaller of the two
   matrices of inner products, of columns or of rows, summed in double. */
#ifndef SB_PCA_H
#define SB_PCA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

typedef struct sb_pca {
  const float *x;   /* (n,d), finite; n >= 2, d >= 1 */
  int64_t n, d, k;  /* 1 <= k <= min(n, d) */
  float *mean;      /* (d) */
  float *component; /* (k,d): rows of length 1, of most variance first; the entry of each that is
                       largest in size is positive. Those beyond the rank of x are zero */
  float *variance;  /* (k), with n - 1 in the denominator */
  float *score;     /* (n,k): (x - mean) component^T */
} sb_pca;

/* Bytes of scratch that a run needs. */
size_t sb_pca_scratch(const sb_pca *p);

/* Fills mean, component, variance and score. Fails if LAPACK does not converge. */
bool sb_pca_run(const sb_pca *p, void *scratch, sb_error *e);

#endif
