/* blas.h: OpenBLAS, which gemm.c alone calls. It is loaded by the first product, since most
   programs need none and its start takes as long as a small network's pass; and it is loaded with
   one thread (its own would spin on a core of ours): parallelism is the caller's (threads.h). */
#ifndef SB_BLAS_H
#define SB_BLAS_H

#include <cblas.h>
#include <stddef.h>

/* LAPACK, which OpenBLAS contains but has no header for. */
typedef void sb_dsyevr(const char *job, const char *range, const char *uplo, const int *n,
                       double *a, const int *lda, const double *vl, const double *vu, const int *il,
                       const int *iu, const double *tolerance, int *found, double *w, double *z,
                       const int *ldz, int *support, double *work, const int *lwork, int *iwork,
                       const int *liwork, int *info, size_t job_length, size_t range_length,
                       size_t uplo_length);
typedef void sb_dpotrf(const char *uplo, const int *n, double *a, const int *lda, int *info,
                       size_t uplo_length);

typedef struct sb_blas {
  __typeof__(&cblas_sgemm) sgemm;
  __typeof__(&cblas_ssyrk) ssyrk;
  __typeof__(&cblas_dgemm) dgemm;
  __typeof__(&cblas_dtrsm) dtrsm;
  sb_dsyevr *dsyevr;
  sb_dpotrf *dpotrf;
  void (*set_threads)(int threads);
} sb_blas;

/* The functions; owned by the library. Ends the program, with words, where OpenBLAS is missing, as
   the dynamic linker would have done. */
const sb_blas *sb_get_blas(void);

#endif
