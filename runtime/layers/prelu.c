/* prelu: y = x for x > 0, weight * x otherwise, with one weight a channel or one for all
   (He et al. 2015, whose starting value is 0.25). */
#include "layer.h"
#include "threads.h"

typedef struct prelu {
  int channels;
} prelu;

static const sb_param params[] = {
    SB_PARAM(prelu, channels, SB_INT, "0", 0, "weights; 1: shared by all; 0: taken from weight"),
    {NULL}};
static const sb_weight weights[] = {{"weight", SB_INIT_QUARTER}, {NULL}};

static bool construct(void *config, sb_shape *w, sb_error *e) {
  prelu *f = config;
  char text[SB_SHAPE_TEXT];
  if (w->rank >= 0 && w->rank != 1)
    return sb_fail(e, "prelu: weight must be (channels), got %s", sb_shape_text(w, text));
  if (f->channels == 0) f->channels = w->rank == 1 ? (int)w->dim[0] : 1;
  if (f->channels < 1) return sb_fail(e, "prelu: weight must not be empty");
  *w = sb_shape1(f->channels);
  return true;
}

static bool shape(const void *config, const sb_shape *w, const sb_shape *in, int n_in,
                  sb_plan *plan, sb_error *e) {
  const prelu *f = config;
  char text[SB_SHAPE_TEXT];
  if (f->channels != 1 && (in[0].rank < 2 || in[0].dim[1] != f->channels))
    return sb_fail(e, "prelu: input is %s, weight expects %d channels in dimension 2",
                   sb_shape_text(&in[0], text), f->channels);
  return sb_shape_same(config, w, in, n_in, plan, e);
}

/* Elements that share a weight and lie side by side. */
static int64_t plane_size(const sb_call *c) {
  const sb_shape *s = &c->in[0].shape;
  return c->weights[0].shape.dim[0] == 1 ? sb_shape_count(s) : sb_shape_span(s, 2, s->rank);
}

static float weight_of(const sb_call *c, int64_t plane) {
  return c->weights[0].data[plane % c->weights[0].shape.dim[0]];
}

static void forward_planes(void *context, int64_t first, int64_t last) {
  const sb_call *c = context;
  int64_t n = plane_size(c);
  for (int64_t plane = first; plane < last; plane++) {
    const float *x = c->in[0].data + plane * n, w = weight_of(c, plane);
    float *y = c->out[0].data + plane * n;
    for (int64_t i = 0; i < n; i++) y[i] = x[i] * (x[i] > 0 ? 1 : w);
  }
}

static void backward_planes(void *context, int64_t first, int64_t last) {
  const sb_call *c = context;
  int64_t n = plane_size(c);
  for (int64_t plane = first; plane < last; plane++) {
    const float *x = c->in[0].data + plane * n, *dy = c->dy[0].data + plane * n;
    float *dx = c->dx[0].data + plane * n, w = weight_of(c, plane);
    bool guided = c->rules.rectifier == SB_GUIDED;
    if (c->rules.rectifier == SB_GRADIENT)
      for (int64_t i = 0; i < n; i++) dx[i] = dy[i] * (x[i] > 0 ? 1 : w);
    else
      for (int64_t i = 0; i < n; i++) dx[i] = dy[i] > 0 && (!guided || x[i] > 0) ? dy[i] : 0;
  }
}

static void for_planes(const sb_call *c, void (*work)(void *, int64_t, int64_t)) {
  int64_t n = plane_size(c), grain = (1 << 16) / (n < 1 ? 1 : n);
  if (n > 0) sb_parallel_call(c, sb_count(&c->in[0]) / n, grain, work);
}

static void forward(const sb_call *c) {
  for_planes(c, forward_planes);
}

static void add_weight_gradient(const sb_call *c) {
  int64_t n = plane_size(c), planes = n > 0 ? sb_count(&c->in[0]) / n : 0;
  for (int64_t plane = 0; plane < planes; plane++) {
    const float *x = c->in[0].data + plane * n, *dy = c->dy[0].data + plane * n;
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += x[i] > 0 ? 0 : (double)dy[i] * x[i];
    c->grads[0].data[plane % c->grads[0].shape.dim[0]] += (float)sum;
  }
}

static void backward(const sb_call *c) {
  if (c->dx[0].data) for_planes(c, backward_planes);
  if (c->grads[0].data) add_weight_gradient(c);
}

const sb_layer sb_layer_prelu = {
    .name = "prelu",
    .help = "y = x where x > 0, weight * x elsewhere; x is (N,C,...), weight is (C) or (1)",
    .config_size = sizeof(prelu),
    .params = params,
    .weights = weights,
    .min_in = 1,
    .max_in = 1,
    .keeps = SB_KEEP_INPUT,
    .is_rectifier = true,
    .samples = "{ {channels = 3}, input = {{2, 3, 4, 5}}, distinct = true },"
               "{ {}, input = {{7}}, distinct = true }",
    .construct = construct,
    .shape = shape,
    .forward = forward,
    .backward = backward,
};
