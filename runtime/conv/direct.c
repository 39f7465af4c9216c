/* direct.c: the definition of convolution as loops, summed in double. Slow, and plain enough to be
   checked by reading: the other algorithms are tested against it. */
#include <stddef.h>

#include "conv/algorithm.h"

static bool fits(const sb_conv *g) {
  return true;
}

static int64_t no_scratch(const sb_conv *g) {
  return 0;
}

/* Offset of x[n, c, tap (i, j) of output (oy, ox)], or -1 in the padding. */
static int64_t input_at(const sb_conv *g, int64_t n, int64_t c, int64_t oy, int64_t ox, int i,
                        int j) {
  int64_t y = sb_conv_at(g, 0, oy, i), x = sb_conv_at(g, 1, ox, j);
  if (y < 0 || y >= g->h || x < 0 || x >= g->w) return -1;
  return ((n * g->c_in + c) * g->h + y) * g->w + x;
}

static int64_t weight_at(const sb_conv *g, int64_t o, int64_t c, int i, int j) {
  int64_t per_group = g->c_in / g->groups;
  return ((o * per_group + c % per_group) * g->kernel[0] + i) * g->kernel[1] + j;
}

static int64_t output_at(const sb_conv *g, int64_t n, int64_t o, int64_t oy, int64_t ox) {
  return ((n * g->c_out + o) * g->oh + oy) * g->ow + ox;
}

/* The first input channel of output channel o's group, and the one after its last. */
static sb_conv_range channels_of(const sb_conv *g, int64_t o) {
  int64_t ins = g->c_in / g->groups, group = o / (g->c_out / g->groups);
  return (sb_conv_range){group * ins, (group + 1) * ins};
}

#define EACH(i, n) for (int64_t i = 0; i < (n); i++)
#define EACH_TAP(g, i, j)                                                                          \
  for (int i = 0; i < (g)->kernel[0]; i++)                                                         \
    for (int j = 0; j < (g)->kernel[1]; j++)

static double sum_at(const sb_conv *g, const float *x, const float *w, int64_t n, int64_t o,
                     int64_t oy, int64_t ox) {
  sb_conv_range ins = channels_of(g, o);
  double sum = 0;
  for (int64_t c = ins.first; c < ins.last; c++) EACH_TAP(g, i, j) {
      int64_t at = input_at(g, n, c, oy, ox, i, j);
      if (at >= 0) sum += (double)w[weight_at(g, o, c, i, j)] * x[at];
    }
  return sum;
}

static void forward(const sb_conv *g, const float *x, const float *w, const float *bias, float *y,
                    float *scratch) {
  EACH(n, g->n) EACH(o, g->c_out) EACH(oy, g->oh) EACH(ox, g->ow) {
    double sum = (bias ? bias[o] : 0) + sum_at(g, x, w, n, o, oy, ox);
    y[output_at(g, n, o, oy, ox)] = (float)sum;
  }
}

/* Scratch holds dx in double, so that the order of the additions does not show. */
static int64_t backward_input_scratch(const sb_conv *g) {
  return g->n * g->c_in * g->h * g->w * 2;
}

static void backward_input(const sb_conv *g, const float *dy, const float *w, float *dx,
                           float *scratch) {
  double *sum = (double *)scratch;
  EACH(k, g->n * g->c_in * g->h * g->w) sum[k] = 0;
  EACH(n, g->n) EACH(o, g->c_out) EACH(oy, g->oh) EACH(ox, g->ow) {
    double d = dy[output_at(g, n, o, oy, ox)];
    sb_conv_range ins = channels_of(g, o);
    for (int64_t c = ins.first; c < ins.last; c++) EACH_TAP(g, i, j) {
        int64_t at = input_at(g, n, c, oy, ox, i, j);
        if (at >= 0) sum[at] += d * w[weight_at(g, o, c, i, j)];
      }
  }
  EACH(k, g->n * g->c_in * g->h * g->w) dx[k] = (float)sum[k];
}

static void backward_weights(const sb_conv *g, const float *dy, const float *x, float *dw,
                             float *scratch) {
  EACH(o, g->c_out) {
    sb_conv_range ins = channels_of(g, o);
    for (int64_t c = ins.first; c < ins.last; c++) EACH_TAP(g, i, j) {
        double sum = 0;
        EACH(n, g->n) EACH(oy, g->oh) EACH(ox, g->ow) {
          int64_t at = input_at(g, n, c, oy, ox, i, j);
          if (at >= 0) sum += (double)dy[output_at(g, n, o, oy, ox)] * x[at];
        }
        dw[weight_at(g, o, c, i, j)] += (float)sum;
      }
  }
}

const sb_conv_algorithm sb_conv_direct = {
    .name = "direct",
    .fits = fits,
    .forward_scratch = no_scratch,
    .forward = forward,
    .backward_input_scratch = backward_input_scratch,
    .backward_input = backward_input,
    .backward_weights_scratch = no_scratch,
    .backward_weights = backward_weights,
};
