/* adam.h: a step of Adam (Kingma & Ba 2015, algorithm 1) in one pass over memory. */
#ifndef SB_ADAM_H
#define SB_ADAM_H

#include <stdint.h>

typedef struct sb_adam {
  double rate, beta1, beta2, epsilon;
  double decay; /* added to the gradient, times x */
  double keep;  /* what x is multiplied by first: 1 - rate * decoupled weight decay */
  int64_t step; /* counts from 1 */
} sb_adam;

/* m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2;
   x = keep x - rate m' / (sqrt(v') + epsilon), m' = m / (1 - beta1^step), v' = v / (1 -
   beta2^step). n floats each, none of which overlap. */
void sb_adam_step(const sb_adam *s, int64_t n, float *x, const float *g, float *m, float *v);

#endif
