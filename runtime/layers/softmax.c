/* softmax: y = e^x / (sum of e^x along the axis). */
#include "layers/softmax_lines.h"

static const sb_param params[] = {SB_SOFTMAX_PARAMS, {NULL}};

static bool shape(const void *config, const sb_shape *weights, const sb_shape *in, int n_in,
                  sb_plan *plan, sb_error *e) {
  return sb_softmax_shape("softmax", config, &in[0], plan, e);
}

static void forward_block(const sb_call *c, const sb_line_block *b) {
  float *y = c->out[0].data + b->offset, largest[SB_BLOCK_LINES];
  double sum[SB_BLOCK_LINES];
  sb_exponentials(b, c->in[0].data + b->offset, y, largest, sum);
  for (int j = 0; j < b->lines; j++) sum[j] = 1 / sum[j];
  for (int64_t i = 0; i < b->k; i++)
    for (int j = 0; j < b->lines; j++) y[i * b->step + j] *= (float)sum[j];
}

static void forward(const sb_call *c) {
  sb_for_line_blocks(c, forward_block);
}

/* dx = y (dy - sum of y dy). */
static void backward_block(const sb_call *c, const sb_line_block *b) {
  const float *y = c->out[0].data + b->offset, *dy = c->dy[0].data + b->offset;
  float *dx = c->dx[0].data + b->offset;
  double sum[SB_BLOCK_LINES] = {0};
  for (int64_t i = 0; i < b->k; i++)
    for (int j = 0; j < b->lines; j++) sum[j] += (double)y[i * b->step + j] * dy[i * b->step + j];
  for (int64_t i = 0; i < b->k; i++)
    for (int j = 0; j < b->lines; j++) {
      int64_t at = i * b->step + j;
      dx[at] = y[at] * (dy[at] - (float)sum[j]);
    }
}

static void backward(const sb_call *c) {
  if (c->dx[0].data) sb_for_line_blocks(c, backward_block);
}

const sb_layer sb_layer_softmax = {
    .name = "softmax",
    .help = "y = e^x / (sum of e^x along axis), any shape",
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
