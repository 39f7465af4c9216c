/* pointwise.h: layers that map each element alone, y[i] = value(x[i]), any shape.

   The layer's file defines two functions, which are inlined into loops here:
     static inline float value(const CONFIG *f, float x);
     static inline float slope(const CONFIG *f, float v);   dy/dx as a function of v
   and then SB_POINTWISE(CONFIG, KEPT) defines its forward and backward, where KEPT is the member of
   sb_call that v is taken from: in (keeps SB_KEEP_INPUT), out (SB_KEEP_OUTPUT), or dy (neither). */
#ifndef SB_POINTWISE_H
#define SB_POINTWISE_H

#include <math.h>

#include "layer.h"
#include "threads.h"

enum { SB_POINTWISE_GRAIN = 1 << 16 }; /* elements that one thread takes at a time */

/* Defines `static void NAME(const sb_call *c)`, which runs BODY for each element index i. BODY sees
   f (the configuration) and the locals of SETUP. */
#define SB_EACH_ELEMENT(NAME, CONFIG, SETUP, BODY)                                                 \
  static void NAME##_range(void *context, int64_t first, int64_t last) {                           \
    const sb_call *c = context;                                                                    \
    const CONFIG *f = c->config;                                                                   \
    (void)f;                                                                                       \
    SETUP for (int64_t i = first; i < last; i++) BODY                                              \
  }                                                                                                \
  static void NAME(const sb_call *c) {                                                             \
    sb_parallel_call(c, sb_count(&c->in[0]), SB_POINTWISE_GRAIN, NAME##_range);                    \
  }

#define SB_POINTWISE_FORWARD(CONFIG)                                                               \
  SB_EACH_ELEMENT(forward, CONFIG, const float *x = c->in[0].data; float *y = c->out[0].data;      \
                  , y[i] = value(f, x[i]);)

#define SB_POINTWISE_BACKWARD(NAME, CONFIG, KEPT)                                                  \
  SB_EACH_ELEMENT(NAME, CONFIG, const float *v = c->KEPT[0].data; const float *dy = c->dy[0].data; \
                  float *dx = c->dx[0].data;, dx[i] = dy[i] * slope(f, v[i]);)

#define SB_POINTWISE(CONFIG, KEPT)                                                                 \
  SB_POINTWISE_FORWARD(CONFIG)                                                                     \
  SB_POINTWISE_BACKWARD(true_gradient, CONFIG, KEPT)                                               \
  static void backward(const sb_call *c) {                                                         \
    if (c->dx[0].data) true_gradient(c);                                                           \
  }

#endif
