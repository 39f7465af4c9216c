/* svm.h: linear support vector machines by liblinear (Fan et al. 2008), which is loaded when the
   first one is trained. */
#ifndef SB_SVM_H
#define SB_SVM_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"

/* Bytes of scratch that sb_svm_train needs for x. */
size_t sb_svm_scratch(const float *x, int64_t n, int64_t d);

/* One machine a class, that class against the rest, with the squared hinge loss:
   min w.w/2 + b^2/2 + cost * sum max(0, 1 - y (w.x + b))^2, by dual coordinate descent to
   liblinear's usual accuracy (0.1). x (n,d); class[i] in [0, classes); weights (classes,d) and bias
   (classes) are overwritten, those of classes without an example with 0. Its order of coordinates
   is drawn from rand(), which is seeded anew: equal calls give equal results, one at a time. */
bool sb_svm_train(const float *x, const int32_t *class, int64_t n, int64_t d, int classes,
                  double cost, float *weights, float *bias, void *scratch, sb_error *e);

#endif
