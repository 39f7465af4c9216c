/* instancenorm: each plane of each image is normalised by its own mean and biased variance, then
   y = xhat * weight + bias (Ulyanov et al. 2016). The same in training and evaluation. */
#include <math.h>

#include "layer.h"
#include "layers/normalise.h"

typedef struct instancenorm {
  int channels;
  double eps;
  bool affine;
} instancenorm;

static const sb_param params[] = {
    SB_PARAM(instancenorm, channels, SB_INT, "0", 0, "channels of x; 0: taken from a tensor given"),
    SB_PARAM(instancenorm, eps, SB_FLOAT, "1e-5", 0, "added to the variance"),
    SB_PARAM(instancenorm, affine, SB_BOOL, "true", 0, "scale by weight and add bias"),
    {NULL}};

enum { WEIGHT, BIAS, COUNT };
static const sb_weight weights[] = {{"weight", SB_INIT_ONE}, {"bias", SB_INIT_ZERO}, {NULL}};
static const char *const tape_names[] = {"mean", "inverse_deviation", NULL};

static bool construct(void *config, sb_shape *w, sb_error *e) {
  instancenorm *f = config;
  for (int i = 0; i < COUNT && f->channels == 0; i++)
    if (w[i].rank == 1 && w[i].dim[0] <= 1 << 30) f->channels = (int)w[i].dim[0];
  if (f->channels < 1 && f->affine)
    return sb_fail(e, "instancenorm: give channels, or weight or bias of rank 1");
  for (int i = 0; i < COUNT; i++)
    w[i] = f->affine ? sb_shape1(f->channels) : (sb_shape){.rank = -1};
  return true;
}

static bool shape(const void *config, const sb_shape *weights_shapes, const sb_shape *in, int n_in,
                  sb_plan *plan, sb_error *e) {
  const instancenorm *f = config;
  char text[SB_SHAPE_TEXT];
  if (in[0].rank < 3)
    return sb_fail(e, "instancenorm: input must be (N,C,...) with planes, got %s",
                   sb_shape_text(&in[0], text));
  if (f->channels > 0 && in[0].dim[1] != f->channels)
    return sb_fail(e, "instancenorm: input must be (N,%d,...), got %s", f->channels,
                   sb_shape_text(&in[0], text));
  plan->n_out = 1;
  plan->out[0] = in[0];
  plan->tape[0] = plan->tape[1] = sb_shape2(in[0].dim[0], in[0].dim[1]);
  return true;
}

static sb_norm_set plane_set(const sb_call *c) {
  return (sb_norm_set){1, sb_shape_span(&c->in[0].shape, 2, c->in[0].shape.rank), 0};
}

static void forward_planes(void *context, int64_t first, int64_t last) {
  const sb_call *c = context;
  const instancenorm *f = c->config;
  sb_norm_set set = plane_set(c);
  for (int64_t plane = first; plane < last; plane++) {
    int64_t ch = plane % c->in[0].shape.dim[1], at = plane * set.length;
    double mean, variance;
    sb_norm_statistics(&set, c->in[0].data + at, &mean, &variance);
    double inverse = 1 / sqrt(variance + f->eps);
    if (c->tape[0].data) c->tape[0].data[plane] = (float)mean;
    if (c->tape[1].data) c->tape[1].data[plane] = (float)inverse;
    double gain = f->affine ? c->weights[WEIGHT].data[ch] : 1;
    sb_norm_apply(&set, c->in[0].data + at, (float)mean, (float)(gain * inverse),
                  f->affine ? c->weights[BIAS].data[ch] : 0, c->out[0].data + at);
  }
}

static void forward(const sb_call *c) {
  int64_t planes = sb_shape_span(&c->in[0].shape, 0, 2);
  if (sb_count(&c->in[0]) > 0) sb_parallel_call(c, planes, 4, forward_planes);
}

static void backward_plane(const sb_call *c, const sb_norm_set *set, int64_t plane) {
  const instancenorm *f = c->config;
  int64_t ch = plane % c->in[0].shape.dim[1], at = plane * set->length;
  const sb_tensor *dgain = &c->grads[WEIGHT], *dshift = &c->grads[BIAS];
  sb_norm_gradient g = {.mean = c->tape[0].data[plane],
                        .inverse = c->tape[1].data[plane],
                        .gain = f->affine ? c->weights[WEIGHT].data[ch] : 1,
                        .x = c->in[0].data + at,
                        .dy = c->dy[0].data + at,
                        .dx = c->dx[0].data ? c->dx[0].data + at : NULL,
                        .dgain = dgain->data ? dgain->data + ch : NULL,
                        .dshift = dshift->data ? dshift->data + ch : NULL};
  sb_norm_backward(set, &g);
}

/* By channels, so that no two threads add to the same weight gradient. */
static void backward_channels(void *context, int64_t first, int64_t last) {
  const sb_call *c = context;
  sb_norm_set set = plane_set(c);
  const int64_t *dim = c->in[0].shape.dim;
  for (int64_t ch = first; ch < last; ch++)
    for (int64_t n = 0; n < dim[0]; n++) backward_plane(c, &set, n * dim[1] + ch);
}

static void backward(const sb_call *c) {
  int64_t channels = c->in[0].shape.dim[1];
  if (sb_count(&c->in[0]) > 0) sb_parallel_call(c, channels, 4, backward_channels);
}

static bool window(const void *config, const sb_shape *w, sb_window *out) {
  return false;
}

const sb_layer sb_layer_instancenorm = {
    .name = "instancenorm",
    .help = "y = (x - mean) / sqrt(variance + eps) * weight + bias, statistics of each plane; "
            "x is (N,C,...)",
    .config_size = sizeof(instancenorm),
    .params = params,
    .weights = weights,
    .min_in = 1,
    .max_in = 1,
    .keeps = SB_KEEP_INPUT,
    .tape_names = tape_names,
    .samples = "{ {channels = 3}, input = {{2, 3, 4, 3}} },"
               "{ {affine = false, eps = 0.1}, input = {{2, 2, 7}} }",
    .construct = construct,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .window = window,
};
