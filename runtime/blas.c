#include "blas.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "library.h"

static sb_blas lib;

/* OpenBLAS reads the number of its threads from the environment, once, while it is loaded; what the
   user set there is for other programs that this one may start. */
static void load_library(void) {
  static const char *const libraries[] = {"libopenblas.so.0", NULL};
  static const char *const names[] = {"cblas_sgemm",
                                      "cblas_ssyrk",
                                      "cblas_dgemm",
                                      "cblas_dtrsm",
                                      "dsyevr_",
                                      "dpotrf_",
                                      "openblas_set_num_threads"};
  enum { N = sizeof names / sizeof *names };
  void *found[N];
  sb_error e;
  char *old = getenv("OPENBLAS_NUM_THREADS"), *kept = old ? strdup(old) : NULL;
  setenv("OPENBLAS_NUM_THREADS", "1", 1);
  if (!sb_library_find(libraries, N, names, found, &e)) {
    fprintf(stderr, "switchback: matrix products need OpenBLAS: %s\n", e.text);
    exit(EXIT_FAILURE);
  }
  memcpy(&lib, found, sizeof lib);
  lib.set_threads(1); /* where something else had loaded it before */
  if (kept)
    setenv("OPENBLAS_NUM_THREADS", kept, 1);
  else
    unsetenv("OPENBLAS_NUM_THREADS");
  free(kept);
}

const sb_blas *sb_get_blas(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, load_library);
  return &lib;
}
