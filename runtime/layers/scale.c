/* scale: y = weight[c] x + bias[c], a factor and an offset for each channel: Caffe's Scale layer,
   and what a batch normalisation in evaluation comes down to. */
#include "layer.h"
#include "threads.h"

typedef struct scale {
  int channels;
  bool bias;
} scale;

static const sb_param params[] = {
    SB_PARAM(scale, channels, SB_INT, "0", 0, "channels of x; 0: taken from weight"),
    SB_PARAM(scale, bias, SB_BOOL, "true", 0, "add an offset"),
    {NULL}};

enum { WEIGHT, BIAS };
static const sb_weight weights[] = {{"weight", SB_INIT_ONE}, {"bias", SB_INIT_ZERO}, {NULL}};

static bool construct(void *config, sb_shape *w, sb_error *e) {
  scale *f = config;
  char text[SB_SHAPE_TEXT];
  if (w[WEIGHT].rank >= 0 && w[WEIGHT].rank != 1)
    return sb_fail(e, "scale: weight must be (channels), got %s", sb_shape_text(&w[WEIGHT], text));
  if (f->channels == 0 && w[WEIGHT].rank == 1) f->channels = (int)w[WEIGHT].dim[0];
  if (f->channels < 1) return sb_fail(e, "scale: give weight, or channels (got %d)", f->channels);
  w[WEIGHT] = sb_shape1(f->channels);
  w[BIAS] = f->bias ? sb_shape1(f->channels) : (sb_shape){.rank = -1};
  return true;
}

static bool shape(const void *config, const sb_shape *w, const sb_shape *in, int n_in,
                  sb_plan *plan, sb_error *e) {
  const scale *f = config;
  char text[SB_SHAPE_TEXT];
  if (in[0].rank < 2 || in[0].dim[1] != f->channels)
    return sb_fail(e, "scale: input must be (N,%d,...), got %s", f->channels,
                   sb_shape_text(&in[0], text));
  return sb_shape_same(config, w, in, n_in, plan, e);
}

static int64_t plane_size(const sb_shape *x) {
  return sb_shape_span(x, 2, x->rank);
}

static void forward_planes(void *context, int64_t first, int64_t last) {
  const sb_call *c = context;
  int64_t n = plane_size(&c->in[0].shape), channels = c->weights[WEIGHT].shape.dim[0];
  for (int64_t plane = first; plane < last; plane++) {
    const float *x = c->in[0].data + plane * n;
    float *y = c->out[0].data + plane * n, factor = c->weights[WEIGHT].data[plane % channels];
    float offset = c->weights[BIAS].data ? c->weights[BIAS].data[plane % channels] : 0;
    for (int64_t i = 0; i < n; i++) y[i] = factor * x[i] + offset;
  }
}

static void backward_planes(void *context, int64_t first, int64_t last) {
  const sb_call *c = context;
  int64_t n = plane_size(&c->dx[0].shape), channels = c->weights[WEIGHT].shape.dim[0];
  for (int64_t plane = first; plane < last; plane++) {
    const float *dy = c->dy[0].data + plane * n;
    float *dx = c->dx[0].data + plane * n, factor = c->weights[WEIGHT].data[plane % channels];
    for (int64_t i = 0; i < n; i++) dx[i] = factor * dy[i];
  }
}

/* For each channel: sums over images and positions, of dy x for the factor, of dy for the offset.
 */
static void add_weight_gradients(const sb_call *c) {
  int64_t n = plane_size(&c->in[0].shape), channels = c->weights[WEIGHT].shape.dim[0];
  for (int64_t plane = 0; plane < c->in[0].shape.dim[0] * channels; plane++) {
    const float *x = c->in[0].data + plane * n, *dy = c->dy[0].data + plane * n;
    double factor = 0, offset = 0;
    for (int64_t i = 0; i < n; i++) factor += (double)dy[i] * x[i], offset += dy[i];
    if (c->grads[WEIGHT].data) c->grads[WEIGHT].data[plane % channels] += (float)factor;
    if (c->grads[BIAS].data) c->grads[BIAS].data[plane % channels] += (float)offset;
  }
}

static void for_planes(const sb_call *c, const sb_tensor *t,
                       void (*work)(void *, int64_t, int64_t)) {
  int64_t n = plane_size(&t->shape), grain = (1 << 16) / (n < 1 ? 1 : n);
  sb_parallel_call(c, sb_shape_span(&t->shape, 0, 2), grain < 1 ? 1 : grain, work);
}

static void forward(const sb_call *c) {
  for_planes(c, &c->in[0], forward_planes);
}

static void backward(const sb_call *c) {
  if (c->dx[0].data) for_planes(c, &c->dx[0], backward_planes);
  if (c->grads[WEIGHT].data || c->grads[BIAS].data) add_weight_gradients(c);
}

const sb_layer sb_layer_scale = {
    .name = "scale",
    .help = "y = weight x + bias for each channel; x is (N,C,...), weight and bias are (C)",
    .config_size = sizeof(scale),
    .params = params,
    .weights = weights,
    .min_in = 1,
    .max_in = 1,
    .samples = "{ {channels = 3}, input = {{2, 3, 4, 5}} },"
               "{ {channels = 4, bias = false}, input = {{3, 4}} }",
    .construct = construct,
    .shape = shape,
    .forward = forward,
    .backward = backward,
};
