/* sgd.h: a step of gradient descent in one pass over memory. */
#ifndef SB_SGD_H
#define SB_SGD_H

#include <stdbool.h>
#include <stdint.h>

typedef struct sb_sgd {
  double rate, momentum, decay;
  bool nesterov;
} sb_sgd;

/* g' = g + decay x; v = momentum v + g'; x = x - rate v, or x - rate (g' + momentum v) by Nesterov
   (Sutskever et al. 2013, as PyTorch writes it). v may be NULL if momentum is 0: then x = x - rate
   g'. n floats each, none of which overlap. */
void sb_sgd_step(const sb_sgd *s, int64_t n, float *x, const float *g, float *v);

#endif
