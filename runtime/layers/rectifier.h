/* rectifier.h: what the ReLU family has in common on the way back (Springenberg et al. 2015).

   gradient: dy * slope(x). guided: the gradient where x > 0 and dy > 0. deconv: max(dy, 0),
   whatever the sign of x. A file of the family defines value and slope as for
   SB_POINTWISE(CONFIG, KEPT), where KEPT (in, or out if it has the sign of x) is kept, and says
   SB_RECTIFIER(CONFIG, KEPT). */
#ifndef SB_RECTIFIER_H
#define SB_RECTIFIER_H

#include "layers/pointwise.h"

#define SB_RECTIFIER_BACKWARD(CONFIG, KEPT)                                                        \
  SB_POINTWISE_BACKWARD(true_gradient, CONFIG, KEPT)                                               \
  SB_EACH_ELEMENT(guided, CONFIG, const float *x = c->KEPT[0].data;                                \
                  const float *dy = c->dy[0].data; float *dx = c->dx[0].data;                      \
                  , dx[i] = (x[i] > 0 ? slope(f, x[i]) : 0) * (dy[i] > 0 ? dy[i] : 0);)            \
  SB_EACH_ELEMENT(deconv, CONFIG, const float *dy = c->dy[0].data; float *dx = c->dx[0].data;      \
                  , dx[i] = dy[i] > 0 ? dy[i] : 0;)                                                \
  static void rectifier_backward(const sb_call *c) {                                               \
    if (!c->dx[0].data) return;                                                                    \
    switch (c->rules.rectifier) {                                                                  \
    case SB_GRADIENT: true_gradient(c); break;                                                     \
    case SB_GUIDED: guided(c); break;                                                              \
    case SB_DECONV: deconv(c); break;                                                              \
    }                                                                                              \
  }

#define SB_RECTIFIER(CONFIG, KEPT)                                                                 \
  SB_POINTWISE_FORWARD(CONFIG)                                                                     \
  SB_RECTIFIER_BACKWARD(CONFIG, KEPT)                                                              \
  static void backward(const sb_call *c) {                                                         \
    rectifier_backward(c);                                                                         \
  }

#endif
