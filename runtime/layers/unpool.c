/* unpool: puts each value back at its switch in a plane of zeros (Zeiler & Fergus 2013,
   section 2.1); inputs are the pooled values and the switches that maxpool recorded. */
#include <string.h>

#include "layers/pooling.h"

typedef struct unpool {
  int size[2], kernel[2], stride[2], pad[4], overlap;
} unpool;

enum { SUM, OVERWRITE };
static const char *const overlaps[] = {"sum", "overwrite", NULL};

static const sb_param params[] = {
    SB_PARAM(unpool, size, SB_PAIR, "0", 0, "plane {h, w}; 0: (in - 1) * stride + kernel - pads"),
    SB_PARAM(unpool, kernel, SB_PAIR, "0", 0, "of the pooling, where size is 0"),
    SB_PARAM(unpool, stride, SB_PAIR, "0", 0, "of the pooling; 0: as the kernel"),
    SB_PARAM(unpool, pad, SB_PADS, "0", 0, "of the pooling {top, left, bottom, right}"),
    SB_PARAM_CHOICE(unpool, overlap, "'sum'", overlaps,
                    "values at one switch add, or the last wins"),
    {NULL}};

static int64_t extent(const unpool *f, int axis, int64_t in) {
  if (f->size[axis] > 0) return f->size[axis];
  if (f->kernel[axis] == 0) return 0;
  int64_t step = f->stride[axis] ? f->stride[axis] : f->kernel[axis];
  return (in - 1) * step + f->kernel[axis] - f->pad[axis] - f->pad[axis + 2];
}

static bool shape(const void *config, const sb_shape *weights, const sb_shape *in, int n_in,
                  sb_plan *plan, sb_error *e) {
  const unpool *f = config;
  char text[SB_SHAPE_TEXT], other[SB_SHAPE_TEXT];
  if (!sb_require_nchw("unpool", &in[0], e)) return false;
  if (!sb_shape_equal(&in[0], &in[1]))
    return sb_fail(e, "unpool: values are %s, switches %s", sb_shape_text(&in[0], text),
                   sb_shape_text(&in[1], other));
  plan->n_out = 1;
  plan->out[0] = in[0];
  for (int axis = 0; axis < 2; axis++)
    plan->out[0].dim[2 + axis] = extent(f, axis, in[0].dim[2 + axis]);
  if (plan->out[0].dim[2] < 1 || plan->out[0].dim[3] < 1)
    return sb_fail(e, "unpool: give size, or the pooling's kernel (size {%d, %d}, kernel {%d, %d})",
                   f->size[0], f->size[1], f->kernel[0], f->kernel[1]);
  if (!sb_pooling_switchable("unpool", &plan->out[0], e)) return false;
  plan->index_limit = plan->out[0].dim[2] * plan->out[0].dim[3];
  if (f->overlap == OVERWRITE && sb_shape_valid(&plan->out[0]))
    plan->backward_scratch = sb_shape_count(&plan->out[0]);
  return true;
}

static void forward_planes(void *context, int64_t first, int64_t last) {
  const sb_call *c = context;
  bool add = ((const unpool *)c->config)->overlap == SUM;
  int64_t inner = sb_shape_span(&c->in[0].shape, 2, 4),
          outer = sb_shape_span(&c->out[0].shape, 2, 4);
  for (int64_t plane = first; plane < last; plane++) {
    const float *x = c->in[0].data + plane * inner, *s = c->in[1].data + plane * inner;
    float *y = c->out[0].data + plane * outer;
    memset(y, 0, (size_t)outer * sizeof *y);
    for (int64_t i = 0; i < inner; i++) {
      if (s[i] < 0) continue;
      float *to = y + (int64_t)s[i];
      *to = add ? *to + x[i] : x[i];
    }
  }
}

static void forward(const sb_call *c) {
  int64_t planes = c->in[0].shape.dim[0] * c->in[0].shape.dim[1];
  sb_parallel_call(c, planes, 4, forward_planes);
}

/* Each value takes the gradient at its switch, unless a later one overwrote it: owner[switch] is
   the last value that was put there. */
static void backward_planes(void *context, int64_t first, int64_t last) {
  const sb_call *c = context;
  bool all = ((const unpool *)c->config)->overlap == SUM;
  int64_t inner = sb_shape_span(&c->in[0].shape, 2, 4),
          outer = sb_shape_span(&c->out[0].shape, 2, 4);
  for (int64_t plane = first; plane < last; plane++) {
    const float *dy = c->dy[0].data + plane * outer, *s = c->in[1].data + plane * inner;
    float *dx = c->dx[0].data + plane * inner, *owner = all ? NULL : c->scratch + plane * outer;
    for (int64_t i = 0; owner && i < inner; i++)
      if (s[i] >= 0) owner[(int64_t)s[i]] = (float)i;
    for (int64_t i = 0; i < inner; i++) {
      int64_t at = (int64_t)s[i];
      dx[i] = at >= 0 && (all || owner[at] == (float)i) ? dy[at] : 0;
    }
  }
}

static void backward(const sb_call *c) {
  int64_t planes = c->in[0].shape.dim[0] * c->in[0].shape.dim[1];
  if (c->dx[0].data) sb_parallel_call(c, planes, 4, backward_planes);
}

/* The inverse of pooling's window, where that is known. */
static bool window(const void *config, const sb_shape *weights, sb_window *w) {
  const unpool *f = config;
  for (int axis = 0; axis < 2; axis++) {
    int step = f->stride[axis] ? f->stride[axis] : f->kernel[axis];
    if (step == 0) return false;
    w->extent[axis] = (f->kernel[axis] - 1.0) / step + 1;
    w->stride[axis] = 1.0 / step;
    w->pad[axis] = (f->kernel[axis] - 1.0 - f->pad[axis]) / step;
  }
  return true;
}

const sb_layer sb_layer_unpool = {
    .name = "unpool",
    .help = "y (N,C,H,W) = zeros, with x[i] at switches[i] of its plane",
    .config_size = sizeof(unpool),
    .params = params,
    .min_in = 2,
    .max_in = 2,
    .keeps = SB_KEEP_INPUT,
    .index_input = 2,
    .samples = "{ {size = {4, 6}}, input = {{2, 2, 2, 3}, {2, 2, 2, 3}}, index = {24} },"
               "{ {kernel = 2, overlap = 'overwrite'}, input = {{1, 2, 2, 2}, {1, 2, 2, 2}},"
               "  index = {16} }",
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .window = window,
};
