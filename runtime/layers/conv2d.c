/* conv2d: the convolution of convolutional networks, in fact a cross-correlation:
   y[n,o,oy,ox] = b[o] + sum over c,i,j of w[o,c,i,j] x[n,c, oy*sy - top + i*dy, ox*sx - left +
   j*dx] */
#include "layers/convolution.h"

static const sb_param params[] = {SB_CONVOLUTION_PARAMS, {NULL}};

enum { WEIGHT = SB_CONVOLUTION_WEIGHT, BIAS = SB_CONVOLUTION_BIAS };

static bool construct(void *config, sb_shape *w, sb_error *e) {
  return sb_convolution_construct("conv2d", config, false, w, e);
}

static bool shape(const void *config, const sb_shape *w, const sb_shape *in, int n_in,
                  sb_plan *plan, sb_error *e) {
  const sb_convolution *f = config;
  char text[SB_SHAPE_TEXT];
  if (!sb_convolution_check("conv2d", f, w, &in[0], e)) return false;
  plan->n_out = 1;
  plan->out[0] = sb_shape4(in[0].dim[0], f->out_channels, 0, 0);
  sb_conv g = sb_convolution_geometry(f, &in[0], &plan->out[0]);
  g.oh = plan->out[0].dim[2] = sb_conv_extent(&g, 0, g.h);
  g.ow = plan->out[0].dim[3] = sb_conv_extent(&g, 1, g.w);
  if (g.oh < 1 || g.ow < 1 || !sb_shape_valid(&plan->out[0]))
    return sb_fail(e,
                   "conv2d: a kernel of %dx%d with dilation %d,%d does not fit the input %s with "
                   "padding %d,%d,%d,%d",
                   f->kernel[0], f->kernel[1], f->dilation[0], f->dilation[1],
                   sb_shape_text(&in[0], text), f->pad[0], f->pad[1], f->pad[2], f->pad[3]);
  plan->products = sb_conv_products(&g);
  plan->forward_scratch = sb_conv_scratch(&g, SB_CONV_FORWARD);
  int64_t to_input = sb_conv_scratch(&g, SB_CONV_TO_INPUT);
  int64_t to_weights = sb_conv_backward_weights_scratch(&g);
  plan->backward_scratch = to_input > to_weights ? to_input : to_weights;
  return true;
}

static sb_conv geometry(const sb_call *c) {
  sb_conv g = sb_convolution_geometry(c->config, &c->in[0].shape, &c->out[0].shape);
  g.recorded = c->recorded;
  return g;
}

static int64_t prepared_size(const sb_call *c, bool backward, int *kind) {
  sb_conv g = geometry(c);
  return sb_conv_packed_size(&g, backward ? SB_CONV_TO_INPUT : SB_CONV_FORWARD, kind);
}

static void prepare(const sb_call *c, bool backward, float *prepared) {
  sb_conv g = geometry(c);
  sb_conv_pack(&g, backward ? SB_CONV_TO_INPUT : SB_CONV_FORWARD, c->weights[WEIGHT].data,
               prepared);
}

static void forward(const sb_call *c) {
  sb_conv g = geometry(c);
  sb_conv_weights w = {c->weights[WEIGHT].data, c->prepared};
  sb_conv_finish finish = {c->weights[BIAS].data, c->relu, c->mask};
  sb_conv_forward(&g, c->in[0].data, w, finish, c->out[0].data, c->scratch);
}

static void backward(const sb_call *c) {
  sb_conv g = geometry(c);
  sb_conv_weights w = {c->weights[WEIGHT].data, c->prepared};
  const float *dy = c->dy[0].data;
  if (c->dx[0].data)
    sb_conv_backward_input(&g, dy, w, (sb_conv_finish){NULL, c->relu, c->mask}, c->dx[0].data,
                           c->scratch);
  if (c->grads[WEIGHT].data)
    sb_conv_backward_weights(&g, dy, c->in[0].data, c->grads[WEIGHT].data, c->scratch);
  sb_convolution_bias_gradient(&c->dy[0], &c->grads[BIAS]);
}

static bool window(const void *config, const sb_shape *w, sb_window *out) {
  const sb_convolution *f = config;
  for (int axis = 0; axis < 2; axis++) {
    out->extent[axis] = (f->kernel[axis] - 1.0) * f->dilation[axis] + 1;
    out->stride[axis] = f->stride[axis];
    out->pad[axis] = f->pad[axis];
  }
  return true;
}

const sb_layer sb_layer_conv2d = {
    .name = "conv2d",
    .help = "y = w * x + b (cross-correlation); x is (N,in,H,W), w is (out,in/groups,kh,kw), "
            "b is (out)",
    .config_size = sizeof(sb_convolution),
    .params = params,
    .weights = sb_convolution_weights,
    .min_in = 1,
    .max_in = 1,
    .finishes = true,
    .samples =
        "{ {in_channels = 3, out_channels = 4, kernel = 3, pad = 1}, input = {{2, 3, 6, 5}} },"
        "{ {in_channels = 2, out_channels = 3, kernel = {3, 2}, stride = {2, 1},"
        "   pad = {1, 0, 2, 1}, bias = false}, input = {{1, 2, 7, 5}} },"
        "{ {in_channels = 4, out_channels = 6, kernel = 3, groups = 2, dilation = {1, 2},"
        "   pad = 2}, input = {{1, 4, 5, 6}} },"
        "{ {in_channels = 5, out_channels = 3, kernel = 1}, input = {{2, 5, 3, 4}} },"
        "{ {in_channels = 4, out_channels = 4, kernel = 1, groups = 2}, input = {{1, 4, 3, 3}} },"
        "{ {in_channels = 3, out_channels = 2, kernel = 1, stride = 2}, input = {{1, 3, 5, 4}} },"
        "{ {in_channels = 3, out_channels = 6, kernel = 3, groups = 3, stride = 2, pad = 1},"
        "  input = {{2, 3, 6, 7}} }",
    .construct = construct,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .prepared_size = prepared_size,
    .prepare = prepare,
    .window = window,
};
