#include "sgd.h"

#include <stddef.h>

#include "threads.h"

enum { GRAIN = 1 << 14 };

typedef struct work {
  float rate, momentum, decay, straight, along; /* x -= straight * g' + along * v */
  float *x, *v;
  const float *g;
} work;

static void step_range(void *context, int64_t first, int64_t last) {
  const work w = *(const work *)context;
  float *restrict x = w.x, *restrict v = w.v;
  for (int64_t i = first; i < last && v; i++) {
    float g = w.g[i] + w.decay * x[i];
    v[i] = w.momentum * v[i] + g;
    x[i] -= w.straight * g + w.along * v[i];
  }
  for (int64_t i = first; i < last && !v; i++) x[i] -= w.rate * (w.g[i] + w.decay * x[i]);
}

void sb_sgd_step(const sb_sgd *s, int64_t n, float *x, const float *g, float *v) {
  work w = {.rate = (float)s->rate,
            .momentum = (float)s->momentum,
            .decay = (float)s->decay,
            .straight = s->nesterov ? (float)s->rate : 0,
            .along = (float)(s->nesterov ? s->rate * s->momentum : s->rate),
            .x = x,
            .v = v,
            .g = g};
  sb_parallel(n, GRAIN, step_range, &w);
}
