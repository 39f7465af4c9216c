/* batchnorm: y = (x - mean) / sqrt(variance + eps) * weight + bias for each channel (Ioffe &
   Szegedy 2015). In training the statistics are the batch's, and the running ones, which evaluation
   uses, move towards them: r = (1 - momentum) r + momentum * batch, with the unbiased batch
   variance. */
#include <math.h>

#include "layer.h"
#include "layers/normalise.h"

typedef struct batchnorm {
  int channels;
  double eps, momentum;
  bool affine;
} batchnorm;

static const sb_param params[] = {
    SB_PARAM(batchnorm, channels, SB_INT, "0", 0, "channels of x; 0: taken from a tensor given"),
    SB_PARAM(batchnorm, eps, SB_FLOAT, "1e-5", 0, "added to the variance"),
    SB_PARAM(batchnorm, momentum, SB_FLOAT, "0.1", 0, "share of the batch in running statistics"),
    SB_PARAM(batchnorm, affine, SB_BOOL, "true", 0, "scale by weight and add bias"),
    {NULL}};

enum { WEIGHT, BIAS, MEAN, VARIANCE, COUNT };
static const sb_weight weights[] = {{"weight", SB_INIT_ONE},
                                    {"bias", SB_INIT_ZERO},
                                    {"mean", SB_INIT_ZERO, .is_buffer = true},
                                    {"variance", SB_INIT_ONE, .is_buffer = true},
                                    {NULL}};
static const char *const tape_names[] = {"mean", "inverse_deviation", NULL};

static bool construct(void *config, sb_shape *w, sb_error *e) {
  batchnorm *f = config;
  for (int i = 0; i < COUNT && f->channels == 0; i++)
    if (w[i].rank == 1 && w[i].dim[0] <= 1 << 30) f->channels = (int)w[i].dim[0];
  if (f->channels < 1)
    return sb_fail(e, "batchnorm: give channels, or weight, bias, mean or variance of rank 1");
  for (int i = 0; i < COUNT; i++)
    w[i] = f->affine || i >= MEAN ? sb_shape1(f->channels) : (sb_shape){.rank = -1};
  return true;
}

static bool shape(const void *config, const sb_shape *weights_shapes, const sb_shape *in, int n_in,
                  sb_plan *plan, sb_error *e) {
  const batchnorm *f = config;
  char text[SB_SHAPE_TEXT];
  if (in[0].rank < 2 || in[0].dim[1] != f->channels)
    return sb_fail(e, "batchnorm: input must be (N,%d,...), got %s", f->channels,
                   sb_shape_text(&in[0], text));
  plan->n_out = 1;
  plan->out[0] = in[0];
  plan->tape[0] = plan->tape[1] = sb_shape1(f->channels);
  return true;
}

static sb_norm_set channel_set(const sb_shape *x) {
  int64_t inner = sb_shape_span(x, 2, x->rank);
  return (sb_norm_set){x->dim[0], inner, x->dim[1] * inner};
}

static void update_running(const sb_call *c, const sb_norm_set *set, int64_t ch, double mean,
                           double variance) {
  const batchnorm *f = c->config;
  double n = (double)(set->runs * set->length),
         unbiased = n > 1 ? variance * n / (n - 1) : variance;
  float *m = &c->weights[MEAN].data[ch], *v = &c->weights[VARIANCE].data[ch];
  *m = (float)((1 - f->momentum) * *m + f->momentum * mean);
  *v = (float)((1 - f->momentum) * *v + f->momentum * unbiased);
}

static void forward_channels(void *context, int64_t first, int64_t last) {
  const sb_call *c = context;
  const batchnorm *f = c->config;
  sb_norm_set set = channel_set(&c->in[0].shape);
  for (int64_t ch = first; ch < last; ch++) {
    const float *x = c->in[0].data + ch * set.length;
    double mean = c->weights[MEAN].data[ch], variance = c->weights[VARIANCE].data[ch];
    if (c->training) {
      sb_norm_statistics(&set, x, &mean, &variance);
      update_running(c, &set, ch, mean, variance);
    }
    double inverse = 1 / sqrt(variance + f->eps);
    if (c->tape[0].data) c->tape[0].data[ch] = (float)mean;
    if (c->tape[1].data) c->tape[1].data[ch] = (float)inverse;
    double gain = f->affine ? c->weights[WEIGHT].data[ch] : 1;
    sb_norm_apply(&set, x, (float)mean, (float)(gain * inverse),
                  f->affine ? c->weights[BIAS].data[ch] : 0, c->out[0].data + ch * set.length);
  }
}

/* An empty batch has no statistics. */
static void forward(const sb_call *c) {
  const batchnorm *f = c->config;
  if (sb_count(&c->in[0]) > 0) sb_parallel_call(c, f->channels, 4, forward_channels);
}

static void backward_channels(void *context, int64_t first, int64_t last) {
  const sb_call *c = context;
  const batchnorm *f = c->config;
  sb_norm_set set = channel_set(&c->in[0].shape);
  const sb_tensor *dgain = &c->grads[WEIGHT], *dshift = &c->grads[BIAS];
  for (int64_t ch = first; ch < last; ch++) {
    int64_t at = ch * set.length;
    sb_norm_gradient g = {.mean = c->tape[0].data[ch],
                          .inverse = c->tape[1].data[ch],
                          .gain = f->affine ? c->weights[WEIGHT].data[ch] : 1,
                          .constant = !c->training,
                          .x = c->in[0].data + at,
                          .dy = c->dy[0].data + at,
                          .dx = c->dx[0].data ? c->dx[0].data + at : NULL,
                          .dgain = dgain->data ? dgain->data + ch : NULL,
                          .dshift = dshift->data ? dshift->data + ch : NULL};
    sb_norm_backward(&set, &g);
  }
}

static void backward(const sb_call *c) {
  const batchnorm *f = c->config;
  if (sb_count(&c->in[0]) > 0) sb_parallel_call(c, f->channels, 4, backward_channels);
}

const sb_layer sb_layer_batchnorm = {
    .name = "batchnorm",
    .help = "y = (x - mean) / sqrt(variance + eps) * weight + bias a channel; x is (N,C,...)",
    .config_size = sizeof(batchnorm),
    .params = params,
    .weights = weights,
    .min_in = 1,
    .max_in = 1,
    .keeps = SB_KEEP_INPUT,
    .tape_names = tape_names,
    .samples = "{ {channels = 3}, input = {{4, 3, 3, 2}} },"
               "{ {channels = 3}, input = {{4, 3, 3, 2}}, training = true },"
               "{ {channels = 2, eps = 0.1, affine = false}, input = {{5, 2}}, training = true },"
               "{ {channels = 2, affine = false, momentum = 0.5}, input = {{3, 2, 4}} }",
    .construct = construct,
    .shape = shape,
    .forward = forward,
    .backward = backward,
};
