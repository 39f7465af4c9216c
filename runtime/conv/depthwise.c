/* depthwise.c: one input channel a group, as in MobileNet. A matrix product would have a depth of
   kh * kw only; adding one scaled, shifted row after the other is faster and needs no scratch. */
#include <stddef.h>
#include <string.h>

#include "clones.h"
#include "conv/algorithm.h"
#include "threads.h"

static bool fits(const sb_conv *g) {
  return g->groups > 1 && g->c_in == g->groups;
}

static int64_t no_scratch(const sb_conv *g) {
  return 0;
}

typedef struct job {
  const sb_conv *g;
  const float *x, *w, *bias, *dy;
  float *y, *dx, *dw;
} job;

/* What tap (i, j) joins in output row oy: `count` outputs from offset `out` in the output plane,
   and the input that the first of them sees, at offset `in`, the next a stride further. */
typedef struct span {
  int64_t count, out, in;
} span;

static inline span span_at(const sb_conv *g, int64_t oy, int i, int j) {
  int64_t y = sb_conv_at(g, 0, oy, i);
  sb_conv_range r = sb_conv_inside(g, 1, j);
  if (y < 0 || y >= g->h || r.first == r.last) return (span){0};
  return (span){r.last - r.first, oy * g->ow + r.first, y * g->w + sb_conv_at(g, 1, r.first, j)};
}

#define EACH_SPAN(g, oy, i, j)                                                                     \
  for (int64_t oy = 0; oy < (g)->oh; oy++)                                                         \
    for (int i = 0; i < (g)->kernel[0]; i++)                                                       \
      for (int j = 0; j < (g)->kernel[1]; j++)

/* Stride 1 apart, so that the compiler makes a vector loop of it. */
static inline void add_gathered(int64_t n, float w, const float *x, int64_t stride, float *y) {
  if (stride == 1)
    for (int64_t k = 0; k < n; k++) y[k] += w * x[k];
  else
    for (int64_t k = 0; k < n; k++) y[k] += w * x[k * stride];
}

static inline void add_scattered(int64_t n, float w, const float *dy, int64_t stride, float *dx) {
  if (stride == 1)
    for (int64_t k = 0; k < n; k++) dx[k] += w * dy[k];
  else
    for (int64_t k = 0; k < n; k++) dx[k * stride] += w * dy[k];
}

static inline float dot(int64_t n, const float *dy, const float *x, int64_t stride) {
  float lanes[8] = {0}, sum = 0;
  int64_t k = 0;
  for (; k + 8 <= n; k += 8)
    for (int l = 0; l < 8; l++) lanes[l] += dy[k + l] * x[(k + l) * stride];
  for (; k < n; k++) sum += dy[k] * x[k * stride];
  for (int l = 0; l < 8; l++) sum += lanes[l];
  return sum;
}

/* Planes of y. */
SB_CLONES static void forward_planes(void *context, int64_t first, int64_t last) {
  const job *t = context;
  const sb_conv *g = t->g;
  for (int64_t plane = first; plane < last; plane++) {
    int64_t o = plane % g->c_out, c = o / (g->c_out / g->c_in),
            taps = (int64_t)g->kernel[0] * g->kernel[1];
    const float *x = t->x + (plane / g->c_out * g->c_in + c) * g->h * g->w, *w = t->w + o * taps;
    float *y = t->y + plane * g->oh * g->ow, b = t->bias ? t->bias[o] : 0;
    for (int64_t k = 0; k < g->oh * g->ow; k++) y[k] = b;
    EACH_SPAN(g, oy, i, j) {
      span s = span_at(g, oy, i, j);
      add_gathered(s.count, w[i * g->kernel[1] + j], x + s.in, g->stride[1], y + s.out);
    }
  }
}

static void forward(const sb_conv *g, const float *x, const float *w, const float *bias, float *y,
                    float *scratch) {
  job t = {.g = g, .x = x, .w = w, .bias = bias, .y = y};
  sb_parallel(g->n * g->c_out, 4, forward_planes, &t);
}

/* Planes of dx, each from all output channels of its group. */
SB_CLONES static void backward_planes(void *context, int64_t first, int64_t last) {
  const job *t = context;
  const sb_conv *g = t->g;
  int64_t outs = g->c_out / g->c_in, taps = (int64_t)g->kernel[0] * g->kernel[1];
  for (int64_t plane = first; plane < last; plane++) {
    float *dx = t->dx + plane * g->h * g->w;
    memset(dx, 0, (size_t)(g->h * g->w) * sizeof *dx);
    for (int64_t o = plane % g->c_in * outs, end = o + outs; o < end; o++) {
      const float *dy = t->dy + (plane / g->c_in * g->c_out + o) * g->oh * g->ow;
      EACH_SPAN(g, oy, i, j) {
        span s = span_at(g, oy, i, j);
        float w = t->w[o * taps + i * g->kernel[1] + j];
        add_scattered(s.count, w, dy + s.out, g->stride[1], dx + s.in);
      }
    }
  }
}

static void backward_input(const sb_conv *g, const float *dy, const float *w, float *dx,
                           float *scratch) {
  job t = {.g = g, .dy = dy, .w = w, .dx = dx};
  sb_parallel(g->n * g->c_in, 4, backward_planes, &t);
}

/* Filters of dw, each over all images. */
SB_CLONES static void backward_filters(void *context, int64_t first, int64_t last) {
  const job *t = context;
  const sb_conv *g = t->g;
  int64_t taps = (int64_t)g->kernel[0] * g->kernel[1];
  for (int64_t o = first; o < last; o++)
    for (int64_t n = 0; n < g->n; n++) {
      int64_t c = o / (g->c_out / g->c_in);
      const float *x = t->x + (n * g->c_in + c) * g->h * g->w;
      const float *dy = t->dy + (n * g->c_out + o) * g->oh * g->ow;
      EACH_SPAN(g, oy, i, j) {
        span s = span_at(g, oy, i, j);
        float *dw = t->dw + o * taps + i * g->kernel[1] + j;
        *dw += dot(s.count, dy + s.out, x + s.in, g->stride[1]);
      }
    }
}

static void backward_weights(const sb_conv *g, const float *dy, const float *x, float *dw,
                             float *scratch) {
  job t = {.g = g, .dy = dy, .x = x, .dw = dw};
  sb_parallel(g->c_out, 4, backward_filters, &t);
}

const sb_conv_algorithm sb_conv_depthwise = {
    .name = "depthwise",
    .fits = fits,
    .forward_scratch = no_scratch,
    .forward = forward,
    .backward_input_scratch = no_scratch,
    .backward_input = backward_input,
    .backward_weights_scratch = no_scratch,
    .backward_weights = backward_weights,
};
