/* conv2d_transpose: the adjoint of conv2d in its input, as a layer (Dumoulin & Visin 2016, ch. 4;
   Zeiler et al. 2011 call it deconvolution). Forward is the convolution's backward and the other
   way round, with weight (in, out/groups, kh, kw) as the convolution from y to x would have it. */
#include "layers/convolution.h"

static const sb_param params[] = {
    SB_CONVOLUTION_PARAMS,
    SB_PARAM(sb_convolution, output_pad, SB_PAIR, "0", 0,
             "rows and columns added at the end {h, w}; below stride or dilation"),
    {NULL}};

enum { WEIGHT = SB_CONVOLUTION_WEIGHT, BIAS = SB_CONVOLUTION_BIAS };

static bool construct(void *config, sb_shape *w, sb_error *e) {
  const sb_convolution *f = config;
  for (int axis = 0; axis < 2; axis++)
    if (f->output_pad[axis] >= f->stride[axis] && f->output_pad[axis] >= f->dilation[axis])
      return sb_fail(e, "conv2d_transpose: output_pad %d must be below stride %d or dilation %d",
                     f->output_pad[axis], f->stride[axis], f->dilation[axis]);
  return sb_convolution_construct("conv2d_transpose", config, true, w, e);
}

static int64_t output_extent(const sb_convolution *f, int axis, int64_t in) {
  return (in - 1) * f->stride[axis] - f->pad[axis] - f->pad[axis + 2] +
         (int64_t)f->dilation[axis] * (f->kernel[axis] - 1) + 1 + f->output_pad[axis];
}

static bool shape(const void *config, const sb_shape *w, const sb_shape *in, int n_in,
                  sb_plan *plan, sb_error *e) {
  const sb_convolution *f = config;
  char text[SB_SHAPE_TEXT];
  if (!sb_convolution_check("conv2d_transpose", f, w, &in[0], e)) return false;
  plan->n_out = 1;
  plan->out[0] = sb_shape4(in[0].dim[0], f->out_channels, output_extent(f, 0, in[0].dim[2]),
                           output_extent(f, 1, in[0].dim[3]));
  if (in[0].dim[2] < 1 || in[0].dim[3] < 1 || plan->out[0].dim[2] < 1 || plan->out[0].dim[3] < 1 ||
      !sb_shape_valid(&plan->out[0]))
    return sb_fail(e, "conv2d_transpose: no output for input %s, padding %d,%d,%d,%d",
                   sb_shape_text(&in[0], text), f->pad[0], f->pad[1], f->pad[2], f->pad[3]);
  sb_conv g = sb_convolution_geometry(f, &plan->out[0], &in[0]);
  plan->products = sb_conv_products(&g);
  plan->forward_scratch = sb_conv_scratch(&g, SB_CONV_TO_INPUT);
  int64_t to_input = sb_conv_scratch(&g, SB_CONV_FORWARD);
  int64_t to_weights = sb_conv_backward_weights_scratch(&g);
  plan->backward_scratch = to_input > to_weights ? to_input : to_weights;
  return true;
}

static sb_conv geometry(const sb_call *c) {
  return sb_convolution_geometry(c->config, &c->out[0].shape, &c->in[0].shape);
}

static int64_t prepared_size(const sb_call *c, bool backward, int *kind) {
  sb_conv g = geometry(c);
  return sb_conv_packed_size(&g, backward ? SB_CONV_FORWARD : SB_CONV_TO_INPUT, kind);
}

static void prepare(const sb_call *c, bool backward, float *prepared) {
  sb_conv g = geometry(c);
  sb_conv_pack(&g, backward ? SB_CONV_FORWARD : SB_CONV_TO_INPUT, c->weights[WEIGHT].data,
               prepared);
}

static void forward(const sb_call *c) {
  sb_conv g = geometry(c);
  sb_conv_weights w = {c->weights[WEIGHT].data, c->prepared};
  sb_conv_finish finish = {c->weights[BIAS].data, c->relu, c->mask};
  sb_conv_backward_input(&g, c->in[0].data, w, finish, c->out[0].data, c->scratch);
}

static void backward(const sb_call *c) {
  sb_conv g = geometry(c);
  sb_conv_weights w = {c->weights[WEIGHT].data, c->prepared};
  const float *dy = c->dy[0].data;
  if (c->dx[0].data)
    sb_conv_forward(&g, dy, w, (sb_conv_finish){NULL, c->relu, c->mask}, c->dx[0].data, c->scratch);
  if (c->grads[WEIGHT].data)
    sb_conv_backward_weights(&g, c->in[0].data, dy, c->grads[WEIGHT].data, c->scratch);
  sb_convolution_bias_gradient(&c->dy[0], &c->grads[BIAS]);
}

/* Output row o sees the input rows i with o = i*s - pad + k*d: a window of extent/s rows, a step of
   1/s a row, reaching (extent - 1 - pad)/s before. */
static bool window(const void *config, const sb_shape *w, sb_window *out) {
  const sb_convolution *f = config;
  for (int axis = 0; axis < 2; axis++) {
    double extent = (f->kernel[axis] - 1.0) * f->dilation[axis] + 1, stride = f->stride[axis];
    out->extent[axis] = (extent - 1) / stride + 1;
    out->stride[axis] = 1 / stride;
    out->pad[axis] = (extent - 1 - f->pad[axis]) / stride;
  }
  return true;
}

const sb_layer sb_layer_conv2d_transpose = {
    .name = "conv2d_transpose",
    .help =
        "the adjoint of conv2d, plus b; x is (N,in,H,W), w is (in,out/groups,kh,kw), b is (out)",
    .config_size = sizeof(sb_convolution),
    .params = params,
    .weights = sb_convolution_weights,
    .min_in = 1,
    .max_in = 1,
    .finishes = true,
    .samples =
        "{ {in_channels = 3, out_channels = 2, kernel = 3, stride = 2, pad = 1, output_pad = 1},"
        "  input = {{2, 3, 4, 3}} },"
        "{ {in_channels = 4, out_channels = 6, kernel = {2, 3}, stride = {3, 1},"
        "   pad = {0, 1, 1, 0}, groups = 2, bias = false}, input = {{1, 4, 3, 4}} },"
        "{ {in_channels = 2, out_channels = 3, kernel = 3, dilation = 2, output_pad = {1, 0}},"
        "  input = {{1, 2, 3, 3}} }",
    .construct = construct,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .prepared_size = prepared_size,
    .prepare = prepare,
    .window = window,
};
