/* log_softmax: y = x - log(sum of e^x along the axis), which no large x can overflow. */
#include <math.h>

#include "layers/softmax_lines.h"

static const sb_param params[] = {SB_SOFTMAX_PARAMS, {NULL}};

static bool shape(const void *config, const sb_shape *weights, const sb_shape *in, int n_in,
                  sb_plan *plan, sb_error *e) {
  return sb_softmax_shape("log_softmax", config, &in[0], plan, e);
}

static void forward_block(const sb_call *c, const sb_line_block *b) {
  const float *x = c->in[0].data + b->offset;
  float *y = c->out[0].data + b->offset, largest[SB_BLOCK_LINES];
  double sum[SB_BLOCK_LINES];
  sb_exponentials(b, x, y, largest, sum);
  for (int j = 0; j < b->lines; j++) sum[j] = log(sum[j]);
  for (int64_t i = 0; i < b->k; i++)
    for (int j = 0; j < b->lines; j++)
      y[i * b->step + j] = x[i * b->step + j] - largest[j] - (float)sum[j];
}

static void forward(const sb_call *c) {
  sb_for_line_blocks(c, forward_block);
}

/* dx = dy - e^y (sum of dy). */
static void backward_block(const sb_call *c, const sb_line_block *b) {
  const float *y = c->out[0].data + b->offset, *dy = c->dy[0].data + b->offset;
  float *dx = c->dx[0].data + b->offset;
  double sum[SB_BLOCK_LINES] = {0};
  for (int64_t i = 0; i < b->k; i++)
    for (int j = 0; j < b->lines; j++) sum[j] += dy[i * b->step + j];
  for (int64_t i = 0; i < b->k; i++)
    for (int j = 0; j < b->lines; j++) {
      int64_t at = i * b->step + j;
      dx[at] = dy[at] - expf(y[at]) * (float)sum[j];
    }
}

static void backward(const sb_call *c) {
  if (c->dx[0].data) sb_for_line_blocks(c, backward_block);
}

const sb_layer sb_layer_log_softmax = {
    .name = "log_softmax",
    .help = "y = x - log(sum of e^x along axis), any shape",
    .config_size = sizeof(sb_softmax),
    .params = params,
    .min_in = 1,
    .max_in = 1,
    .keeps = SB_KEEP_OUTPUT,
    .samples = "{ {}, input = {{3, 5}} }, { {}, input = {{2, 3, 4, 5}} },"
               "{ {axis = -1}, input = {{2, 3, 4}} }, { {axis = 1}, input = {{6}} }",
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .window = sb_softmax_window,
};
