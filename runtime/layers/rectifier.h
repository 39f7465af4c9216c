/* rectifier.h: what the ReLU family has in common on the way back (Springenberg et al. 2015, fig.
 * 1). */
#ifndef SB_RECTIFIER_H
#define SB_RECTIFIER_H

#include "layer.h"

/* dx from dy by the rule of the walk: gradient: dy * slope(x); guided: dy where x > 0 and dy > 0;
   deconv: max(dy, 0). Needs the kept input. */
static inline void sb_rectifier_backward(const sb_call *c, float (*slope)(const void *, float)) {
  const float *x = c->in[0].data, *dy = c->dy[0].data;
  float *dx = c->dx[0].data;
  int64_t n = sb_count(&c->dy[0]);
  if (!dx) return;
  switch (c->rules.rectifier) {
  case SB_GRADIENT:
    for (int64_t i = 0; i < n; i++) dx[i] = dy[i] * slope(c->config, x[i]);
    break;
  case SB_GUIDED:
    for (int64_t i = 0; i < n; i++) dx[i] = x[i] > 0 && dy[i] > 0 ? dy[i] : 0;
    break;
  case SB_DECONV:
    for (int64_t i = 0; i < n; i++) dx[i] = dy[i] > 0 ? dy[i] : 0;
    break;
  }
}

#endif
