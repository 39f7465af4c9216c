/* pointwise.c: the gradient of the weights of a 1x1 convolution with stride 1 and no padding is one
   matrix product an image and group, dw += dy x^T with both as (channels, positions), and needs no
   copy of x. */
#include <stddef.h>

#include "conv/algorithm.h"
#include "gemm.h"
#include "threads.h"

/* The cut follows from the shape alone. */
enum { ENOUGH_ITEMS = 8 };

static bool fits(const sb_conv *g) {
  return g->kernel[0] == 1 && g->kernel[1] == 1 && g->stride[0] == 1 && g->stride[1] == 1 &&
         g->h == g->oh && g->w == g->ow && g->pad[0] == 0 && g->pad[1] == 0;
}

static int64_t no_scratch(const sb_conv *g) {
  return 0;
}

static int64_t divide_up(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

/* dw += dy x^T over all images: an item is a block of rows of one group's dw. */
typedef struct gradient {
  const sb_conv *g;
  const float *dy, *x;
  float *dw;
  int64_t blocks, block_rows;
} gradient;

static void gradient_items(void *context, int64_t first, int64_t last) {
  const gradient *t = context;
  const sb_conv *g = t->g;
  int64_t ins = g->c_in / g->groups, outs = g->c_out / g->groups, positions = g->h * g->w;
  for (int64_t i = first; i < last; i++) {
    int64_t group = i / t->blocks, row = i % t->blocks * t->block_rows, left = outs - row;
    int64_t rows = left < t->block_rows ? left : t->block_rows;
    for (int64_t n = 0; n < g->n && rows > 0; n++)
      sb_gemm(false, true, rows, ins, positions, 1,
              t->dy + (n * g->c_out + group * outs + row) * positions, positions,
              t->x + (n * g->c_in + group * ins) * positions, positions, 1,
              t->dw + (group * outs + row) * ins, ins);
  }
}

static void backward_weights(const sb_conv *g, const float *dy, const float *x, float *dw,
                             float *scratch) {
  int64_t outs = g->c_out / g->groups, wanted = divide_up(ENOUGH_ITEMS, g->groups);
  int64_t most = divide_up(outs, 16);
  gradient t = {g, dy, x, dw, wanted < most ? wanted : most, 0};
  t.block_rows = divide_up(outs, t.blocks);
  sb_parallel(g->groups * t.blocks, 1, gradient_items, &t);
}

const sb_conv_algorithm sb_conv_pointwise = {
    .name = "pointwise",
    .fits = fits,
    .backward_weights_scratch = no_scratch,
    .backward_weights = backward_weights,
};
