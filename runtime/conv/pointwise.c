/* pointwise.c: a 1x1 convolution with stride 1 and no padding is one matrix product an image and
   group, y = w x with x as (channels, positions), and needs no copy of x. */
#include <stddef.h>

#include "conv/algorithm.h"
#include "gemm.h"
#include "threads.h"

/* A block of the result that one item computes; the cut follows from the shape alone. */
enum { BLOCK_COLUMNS = 1024, BLOCK_ROWS = 64, ENOUGH_ITEMS = 8 };

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

/* to = w from, for each image and group: w is (rows, depth), or (depth, rows) to be transposed, and
   `from` is (depth, columns). */
typedef struct products {
  int64_t groups, planes; /* planes = images * groups */
  int64_t rows, columns, depth;
  int64_t row_blocks, column_blocks, block_rows, block_columns;
  bool transpose_w;
  const float *w, *from, *bias;
  float *to;
} products;

static void cut(products *p) {
  p->column_blocks = divide_up(p->columns, BLOCK_COLUMNS);
  int64_t items = p->planes * p->column_blocks;
  int64_t wanted = items >= ENOUGH_ITEMS || items == 0 ? 1 : divide_up(ENOUGH_ITEMS, items);
  int64_t most = divide_up(p->rows, BLOCK_ROWS);
  p->row_blocks = wanted < most ? wanted : most;
  p->block_rows = divide_up(p->rows, p->row_blocks);
  p->block_columns = divide_up(p->columns, p->column_blocks);
}

static void fill(const float *bias, int64_t rows, int64_t columns, int64_t stride, float *to) {
  for (int64_t r = 0; r < rows; r++)
    for (int64_t c = 0; c < columns; c++) to[r * stride + c] = bias[r];
}

static void multiply(const products *p, int64_t plane, int64_t row, int64_t column) {
  int64_t group = plane % p->groups, left = p->rows - row;
  int64_t rows = left < p->block_rows ? left : p->block_rows;
  left = p->columns - column;
  int64_t columns = left < p->block_columns ? left : p->block_columns;
  if (rows <= 0 || columns <= 0) return;
  const float *w = p->w + group * p->rows * p->depth + row * (p->transpose_w ? 1 : p->depth);
  const float *from = p->from + plane * p->depth * p->columns + column;
  float *to = p->to + (plane * p->rows + row) * p->columns + column;
  if (p->bias) fill(p->bias + group * p->rows + row, rows, columns, p->columns, to);
  sb_gemm(p->transpose_w, false, rows, columns, p->depth, 1, w, p->transpose_w ? p->rows : p->depth,
          from, p->columns, p->bias ? 1 : 0, to, p->columns);
}

static void items(void *context, int64_t first, int64_t last) {
  const products *p = context;
  for (int64_t i = first; i < last; i++) {
    int64_t column = i % p->column_blocks, rest = i / p->column_blocks;
    multiply(p, rest / p->row_blocks, rest % p->row_blocks * p->block_rows,
             column * p->block_columns);
  }
}

static void run(products *p) {
  cut(p);
  sb_parallel(p->planes * p->row_blocks * p->column_blocks, 1, items, p);
}

static void forward(const sb_conv *g, const float *x, const float *w, const float *bias, float *y,
                    float *scratch) {
  products p = {.groups = g->groups,
                .planes = g->n * g->groups,
                .rows = g->c_out / g->groups,
                .w = w,
                .depth = g->c_in / g->groups,
                .columns = g->h * g->w,
                .from = x,
                .bias = bias,
                .to = y};
  run(&p);
}

static void backward_input(const sb_conv *g, const float *dy, const float *w, float *dx,
                           float *scratch) {
  products p = {.groups = g->groups,
                .planes = g->n * g->groups,
                .rows = g->c_in / g->groups,
                .w = w,
                .depth = g->c_out / g->groups,
                .columns = g->h * g->w,
                .transpose_w = true,
                .from = dy,
                .to = dx};
  run(&p);
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
    .forward_scratch = no_scratch,
    .forward = forward,
    .backward_input_scratch = no_scratch,
    .backward_input = backward_input,
    .backward_weights_scratch = no_scratch,
    .backward_weights = backward_weights,
};
