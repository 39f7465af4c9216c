/* conditional_instancenorm: each plane is normalised by its own mean and biased variance, then
   scaled and shifted as the style weights say: y = xhat * (s . gamma) + (s . beta), where gamma and
   beta have a row for each style (Dumoulin, Shlens & Kudlur 2017, equation 5, with the weighted
   sums of their section 3.4 for blends). The same in training and evaluation. */
#include <math.h>
#include <string.h>

#include "layer.h"
#include "layers/normalise.h"

typedef struct conditional_instancenorm {
  int channels, styles;
  double eps;
} conditional_instancenorm;

static const sb_param params[] = {
    SB_PARAM(conditional_instancenorm, channels, SB_INT, "0", 0, "of x; 0: taken from a tensor"),
    SB_PARAM(conditional_instancenorm, styles, SB_INT, "0", 0, "rows of gamma; 0: from a tensor"),
    SB_PARAM(conditional_instancenorm, eps, SB_FLOAT, "1e-5", 0, "added to the variance"),
    {NULL}};

enum { GAMMA, BETA, COUNT };
static const sb_weight weights[] = {{"gamma", SB_INIT_ONE}, {"beta", SB_INIT_ZERO}, {NULL}};
static const char *const tape_names[] = {"mean", "inverse_deviation", NULL};

static bool construct(void *config, sb_shape *w, sb_error *e) {
  conditional_instancenorm *f = config;
  for (int i = 0; i < COUNT; i++) {
    if (w[i].rank != 2 || w[i].dim[0] > 1 << 20 || w[i].dim[1] > 1 << 30) continue;
    if (f->styles == 0) f->styles = (int)w[i].dim[0];
    if (f->channels == 0) f->channels = (int)w[i].dim[1];
  }
  if (f->channels < 1 || f->styles < 1)
    return sb_fail(e, "conditional_instancenorm: give channels and styles, or gamma or beta of "
                      "rank 2 (styles, channels)");
  w[GAMMA] = w[BETA] = sb_shape2(f->styles, f->channels);
  return true;
}

static bool shape(const void *config, const sb_shape *weights_shapes, const sb_shape *in, int n_in,
                  sb_plan *plan, sb_error *e) {
  const conditional_instancenorm *f = config;
  const sb_shape *x = &in[0], *s = &in[1];
  char text[SB_SHAPE_TEXT], more[SB_SHAPE_TEXT];
  if (x->rank < 3 || x->dim[1] != f->channels)
    return sb_fail(e, "conditional_instancenorm: input must be (N,%d,...) with planes, got %s",
                   f->channels, sb_shape_text(x, text));
  if (s->rank != 2 || s->dim[1] != f->styles || (s->dim[0] != 1 && s->dim[0] != x->dim[0]))
    return sb_fail(e,
                   "conditional_instancenorm: style weights must be (N,%d) or (1,%d) for input "
                   "%s, got %s",
                   f->styles, f->styles, sb_shape_text(x, text), sb_shape_text(s, more));
  plan->n_out = 1;
  plan->out[0] = *x;
  plan->tape[0] = plan->tape[1] = sb_shape2(x->dim[0], x->dim[1]);
  plan->backward_scratch = 2 * x->dim[0] * x->dim[1];
  return true;
}

static sb_norm_set plane_set(const sb_call *c) {
  return (sb_norm_set){1, sb_shape_span(&c->in[0].shape, 2, c->in[0].shape.rank), 0};
}

/* The style weights of image n. */
static float *style_of(const sb_call *c, const sb_tensor *styles, int64_t n) {
  const int64_t *dim = c->in[1].shape.dim;
  return styles->data + (dim[0] == 1 ? 0 : n) * dim[1];
}

/* s . gamma or s . beta of channel ch. */
static double blended(const sb_call *c, int weight, int64_t n, int64_t ch) {
  const conditional_instancenorm *f = c->config;
  const float *s = style_of(c, &c->in[1], n), *table = c->weights[weight].data;
  double sum = 0;
  for (int64_t k = 0; k < f->styles; k++) sum += (double)s[k] * table[k * f->channels + ch];
  return sum;
}

static void forward_planes(void *context, int64_t first, int64_t last) {
  const sb_call *c = context;
  const conditional_instancenorm *f = c->config;
  sb_norm_set set = plane_set(c);
  for (int64_t plane = first; plane < last; plane++) {
    int64_t n = plane / f->channels, ch = plane % f->channels, at = plane * set.length;
    double mean, variance;
    sb_norm_statistics(&set, c->in[0].data + at, &mean, &variance);
    double inverse = 1 / sqrt(variance + f->eps);
    if (c->tape[0].data) c->tape[0].data[plane] = (float)mean;
    if (c->tape[1].data) c->tape[1].data[plane] = (float)inverse;
    sb_norm_apply(&set, c->in[0].data + at, (float)mean,
                  (float)(blended(c, GAMMA, n, ch) * inverse), (float)blended(c, BETA, n, ch),
                  c->out[0].data + at);
  }
}

static void forward(const sb_call *c) {
  int64_t planes = sb_shape_span(&c->in[0].shape, 0, 2);
  if (sb_count(&c->in[0]) > 0) sb_parallel_call(c, planes, 4, forward_planes);
}

/* The way back through each plane; leaves the gradients of its gain and shift in the scratch. */
static void backward_planes(void *context, int64_t first, int64_t last) {
  const sb_call *c = context;
  const conditional_instancenorm *f = c->config;
  sb_norm_set set = plane_set(c);
  int64_t planes = sb_shape_span(&c->in[0].shape, 0, 2);
  for (int64_t plane = first; plane < last; plane++) {
    int64_t at = plane * set.length;
    double gain = blended(c, GAMMA, plane / f->channels, plane % f->channels);
    sb_norm_gradient g = {.mean = c->tape[0].data[plane],
                          .inverse = c->tape[1].data[plane],
                          .gain = (float)gain,
                          .x = c->in[0].data + at,
                          .dy = c->dy[0].data + at,
                          .dx = c->dx[0].data ? c->dx[0].data + at : NULL,
                          .dgain = c->scratch + plane,
                          .dshift = c->scratch + planes + plane};
    sb_norm_backward(&set, &g);
  }
}

/* ds[k] += dgain . gamma[k] + dshift . beta[k] of image n. */
static void add_to_style(const sb_call *c, const float *dgain, const float *dshift, float *ds) {
  const conditional_instancenorm *f = c->config;
  for (int64_t k = 0; k < f->styles; k++) {
    const float *gamma = c->weights[GAMMA].data + k * f->channels;
    const float *beta = c->weights[BETA].data + k * f->channels;
    double sum = 0;
    for (int64_t ch = 0; ch < f->channels; ch++)
      sum += (double)dgain[ch] * gamma[ch] + (double)dshift[ch] * beta[ch];
    ds[k] += (float)sum;
  }
}

/* table[k] += s[k] * d. */
static void add_to_table(const sb_call *c, const float *s, const float *d, float *table) {
  const conditional_instancenorm *f = c->config;
  for (int64_t k = 0; k < f->styles; k++)
    for (int64_t ch = 0; ch < f->channels; ch++) table[k * f->channels + ch] += s[k] * d[ch];
}

static void backward(const sb_call *c) {
  const int64_t *dim = c->in[0].shape.dim;
  int64_t planes = dim[0] * dim[1];
  if (c->dx[1].data) sb_fill(&c->dx[1], 0);
  if (sb_count(&c->in[0]) == 0) return;
  memset(c->scratch, 0, sizeof(float) * 2 * (size_t)planes);
  sb_parallel_call(c, planes, 4, backward_planes);
  for (int64_t n = 0; n < dim[0]; n++) {
    const float *dgain = c->scratch + n * dim[1], *dshift = dgain + planes;
    const float *s = style_of(c, &c->in[1], n);
    if (c->dx[1].data) add_to_style(c, dgain, dshift, style_of(c, &c->dx[1], n));
    if (c->grads[GAMMA].data) add_to_table(c, s, dgain, c->grads[GAMMA].data);
    if (c->grads[BETA].data) add_to_table(c, s, dshift, c->grads[BETA].data);
  }
}

static bool window(const void *config, const sb_shape *w, sb_window *out) {
  return false;
}

const sb_layer sb_layer_conditional_instancenorm = {
    .name = "conditional_instancenorm",
    .help = "y = (x - mean) / sqrt(variance + eps) * (s . gamma) + (s . beta), statistics of each "
            "plane; x is (N,C,...), style weights s are (N,styles) or (1,styles)",
    .config_size = sizeof(conditional_instancenorm),
    .params = params,
    .weights = weights,
    .min_in = 2,
    .max_in = 2,
    .keeps = SB_KEEP_INPUT,
    .tape_names = tape_names,
    .samples = "{ {channels = 3, styles = 2}, input = {{2, 3, 4, 3}, {2, 2}} },"
               "{ {channels = 2, styles = 3, eps = 0.1}, input = {{2, 2, 7}, {1, 3}} }",
    .construct = construct,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .window = window,
};
