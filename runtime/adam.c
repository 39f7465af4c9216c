#include "adam.h"

#include <math.h>

#include "threads.h"

enum { GRAIN = 1 << 14 };

typedef struct work {
  float rate, beta1, new1, beta2, new2, epsilon, decay, keep, root;
  float *x, *m, *v;
  const float *g;
} work;

static void step_range(void *context, int64_t first, int64_t last) {
  const work w = *(const work *)context;
  float *restrict x = w.x, *restrict m = w.m, *restrict v = w.v;
  for (int64_t i = first; i < last; i++) {
    const float g = w.g[i] + w.decay * x[i];
    m[i] = w.beta1 * m[i] + w.new1 * g;
    v[i] = w.beta2 * v[i] + w.new2 * g * g;
    x[i] = w.keep * x[i] - w.rate * m[i] / (w.root * sqrtf(v[i]) + w.epsilon);
  }
}

void sb_adam_step(const sb_adam *s, int64_t n, float *x, const float *g, float *m, float *v) {
  double start1 = 1 - pow(s->beta1, (double)s->step), start2 = 1 - pow(s->beta2, (double)s->step);
  work w = {.rate = (float)(s->rate / start1),
            .beta1 = (float)s->beta1,
            .new1 = (float)(1 - s->beta1), /* 1 - (float)beta2 would be 5e-5 off */
            .beta2 = (float)s->beta2,
            .new2 = (float)(1 - s->beta2),
            .epsilon = (float)s->epsilon,
            .decay = (float)s->decay,
            .keep = (float)s->keep,
            .root = (float)(1 / sqrt(start2)),
            .x = x,
            .m = m,
            .v = v,
            .g = g};
  sb_parallel(n, GRAIN, step_range, &w);
}
