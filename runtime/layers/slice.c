/* slice: part of x along some dimensions, with ONNX's (and NumPy's) rules for positions. */
#include "layers/axis.h"
#include "walk.h"

typedef struct slice {
  sb_ints starts, ends, axes, steps;
} slice;

static const sb_param params[] = {
    SB_PARAM(slice, starts, SB_INTS, NULL, SB_ANY,
             "first position, counted from 0; negative: from the end; clamped"),
    SB_PARAM(slice, ends, SB_INTS, NULL, SB_ANY,
             "position to stop before, counted from 0; negative: from the end; clamped"),
    SB_PARAM(slice, axes, SB_AXES, "{}", SB_ANY, "the dimensions cut; none: the first ones"),
    SB_PARAM(slice, steps, SB_INTS, "{}", SB_ANY, "step of each; negative: backwards; none: 1"),
    {NULL}};

static bool construct(void *config, sb_shape *weights, sb_error *e) {
  const slice *f = config;
  int n = f->starts.n;
  if (n > SB_MAX_RANK) return sb_fail(e, "slice: at most %d dimensions, got %d", SB_MAX_RANK, n);
  if (f->ends.n != n) return sb_fail(e, "slice: %d starts, but %d ends", n, f->ends.n);
  if (f->axes.n && f->axes.n != n) return sb_fail(e, "slice: %d starts, but %d axes", n, f->axes.n);
  if (f->steps.n && f->steps.n != n)
    return sb_fail(e, "slice: %d starts, but %d steps", n, f->steps.n);
  for (int i = 0; i < f->steps.n; i++)
    if (f->steps.v[i] == 0) return sb_fail(e, "slice: a step must not be 0");
  return true;
}

static int64_t clamp(int64_t v, int64_t low, int64_t high) {
  return v < low ? low : v > high ? high : v;
}

/* Positions first, first + step, ... of one dimension. */
typedef struct range {
  int64_t first, step, count;
} range;

static range find_range(int64_t start, int64_t end, int64_t step, int64_t extent) {
  step = clamp(step, -extent - 1, extent + 1); /* the same positions, without overflow */
  if (start < 0) start += extent;
  if (end < 0) end += extent;
  if (step > 0) {
    start = clamp(start, 0, extent), end = clamp(end, 0, extent);
    return (range){start, step, end > start ? (end - start - 1) / step + 1 : 0};
  }
  start = clamp(start, -1, extent - 1), end = clamp(end, -1, extent - 1);
  return (range){start, step, start > end ? (start - end - 1) / -step + 1 : 0};
}

static bool find_ranges(const slice *f, const sb_shape *in, range ranges[SB_MAX_RANK],
                        sb_error *e) {
  bool cut[SB_MAX_RANK];
  if (!sb_resolve_axes("slice", &f->axes, in, cut, e)) return false;
  for (int d = 0; d < in->rank; d++) ranges[d] = (range){0, 1, in->dim[d]};
  for (int i = 0; i < f->starts.n; i++) {
    int d = f->axes.n ? sb_axis_of((int)f->axes.v[i], in->rank) : i;
    ranges[d] =
        find_range(f->starts.v[i], f->ends.v[i], f->steps.n ? f->steps.v[i] : 1, in->dim[d]);
  }
  return true;
}

static bool shape(const void *config, const sb_shape *weights, const sb_shape *in, int n_in,
                  sb_plan *plan, sb_error *e) {
  const slice *f = config;
  char text[SB_SHAPE_TEXT];
  range ranges[SB_MAX_RANK];
  if (f->starts.n > in[0].rank)
    return sb_fail(e, "slice: %d starts, but the input is %s", f->starts.n,
                   sb_shape_text(&in[0], text));
  if (!find_ranges(f, &in[0], ranges, e)) return false;
  plan->n_out = 1;
  plan->out[0] = in[0];
  for (int d = 0; d < in[0].rank; d++) plan->out[0].dim[d] = ranges[d].count;
  return true;
}

/* The strides of x along the slice, and where in x it begins. */
static int64_t strides_in_x(const sb_call *c, int64_t stride[SB_MAX_RANK]) {
  range ranges[SB_MAX_RANK];
  sb_error none;
  int64_t offset = 0;
  const sb_shape *in = &c->in[0].shape;
  find_ranges(c->config, in, ranges, &none);
  sb_strides(in, stride);
  for (int d = 0; d < in->rank; d++) {
    offset += ranges[d].first * stride[d];
    stride[d] *= ranges[d].step;
  }
  return offset;
}

static void forward(const sb_call *c) {
  int64_t stride[SB_MAX_RANK], offset = strides_in_x(c, stride);
  sb_walk w = sb_walk_over(&c->out[0].shape);
  if (sb_count(&c->out[0]) == 0) return;
  sb_walk_add(&w, &c->out[0].shape);
  sb_walk_add_strides(&w, stride);
  sb_walk_copy(&w, c->out[0].data, c->in[0].data + offset);
}

static void backward(const sb_call *c) {
  int64_t stride[SB_MAX_RANK], offset = strides_in_x(c, stride);
  sb_walk w = sb_walk_over(&c->dy[0].shape);
  if (!c->dx[0].data) return;
  sb_fill(&c->dx[0], 0);
  if (sb_count(&c->dy[0]) == 0) return;
  sb_walk_add_strides(&w, stride);
  sb_walk_add(&w, &c->dy[0].shape);
  sb_walk_copy(&w, c->dx[0].data + offset, c->dy[0].data);
}

/* For (N,C,H,W); a start or step from the far end depends on the extent, which is not known here.
 */
static bool window(const void *config, const sb_shape *weights, sb_window *w) {
  const slice *f = config;
  for (int i = 0; i < f->starts.n; i++) {
    int axis = sb_axis_of(f->axes.n ? (int)f->axes.v[i] : i, 4) - 2;
    int64_t step = f->steps.n ? f->steps.v[i] : 1;
    if (axis < 0 || axis > 1) continue;
    if (f->starts.v[i] < 0 || step < 0) return false;
    w->pad[axis] = -(double)f->starts.v[i];
    w->stride[axis] = (double)step;
  }
  return true;
}

const sb_layer sb_layer_slice = {
    .name = "slice",
    .help = "y = x[start:end:step] along axes; starts and ends count from 0 as in NumPy and ONNX",
    .config_size = sizeof(slice),
    .params = params,
    .min_in = 1,
    .max_in = 1,
    .samples = "{ {starts = {1, 0}, ends = {3, 2}, axes = {3, -1}}, input = {{2, 3, 4, 5}} },"
               "{ {starts = {-1, 1}, ends = {-100, 100}, steps = {-2, 3}}, input = {{5, 7}} },"
               "{ {starts = 0, ends = 2}, input = {{3, 2}} }",
    .construct = construct,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .window = window,
};
