/* resize: x at another size, as ONNX's Resize: each dimension is interpolated by itself. */
#include <limits.h>
#include <math.h>

#include "layer.h"
#include "layers/interpolation.h"

static const char *const modes[] = {"nearest", "linear", "cubic", NULL};
static const char *const coordinates[] = {
    "half_pixel", "pytorch_half_pixel",   "align_corners",
    "asymmetric", "tf_half_pixel_for_nn", "tf_crop_and_resize",
    NULL};
static const char *const roundings[] = {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil",
                                        NULL};

typedef struct resize {
  sb_floats scales, roi;
  sb_ints sizes;
  int mode, coordinate_transformation_mode, nearest_mode;
  double cubic_coeff_a, extrapolation_value;
  bool exclude_outside;
} resize;

static const sb_param params[] = {
    SB_PARAM(resize, scales, SB_FLOATS, "{}", 0,
             "factors of the last dimensions; one value: of the last two (height and width)"),
    SB_PARAM(resize, sizes, SB_INTS, "{}", 0, "extents of the last dimensions, instead of scales"),
    SB_PARAM_CHOICE(resize, mode, "'nearest'", modes, "kernel of 1, 2 or 4 pixels a dimension"),
    SB_PARAM_CHOICE(resize, coordinate_transformation_mode, "'half_pixel'", coordinates,
                    "where the pixels of y lie in x (ONNX's formulas)"),
    SB_PARAM_CHOICE(resize, nearest_mode, "'round_prefer_floor'", roundings, "how nearest rounds"),
    SB_PARAM(resize, cubic_coeff_a, SB_FLOAT, "-0.75", SB_ANY, "Keys's a"),
    SB_PARAM(resize, exclude_outside, SB_BOOL, "false", 0,
             "pixels beyond the border weigh nothing; default: the edge is repeated"),
    SB_PARAM(resize, roi, SB_FLOATS, "{}", SB_ANY,
             "tf_crop_and_resize: {start..., end...} of those dimensions, 0 first, 1 last pixel"),
    SB_PARAM(resize, extrapolation_value, SB_FLOAT, "0", SB_ANY, "tf_crop_and_resize: outside x"),
    {NULL}};

static bool construct(void *config, sb_shape *weights, sb_error *e) {
  const resize *f = config;
  int n = f->scales.n + f->sizes.n;
  if ((f->scales.n > 0) == (f->sizes.n > 0))
    return sb_fail(e, "resize: give either scales or sizes (got %d and %d values)", f->scales.n,
                   f->sizes.n);
  if (n > SB_MAX_RANK) return sb_fail(e, "resize: at most %d dimensions, got %d", SB_MAX_RANK, n);
  for (int i = 0; i < f->scales.n; i++)
    if (!(f->scales.v[i] > 0) || isinf(f->scales.v[i]))
      return sb_fail(e, "resize: a scale must be positive, got %g", f->scales.v[i]);
  if (f->coordinate_transformation_mode == SB_TF_CROP_AND_RESIZE && f->roi.n != 2 * n)
    return sb_fail(e, "resize: roi needs %d values, got %d", 2 * n, f->roi.n);
  return true;
}

/* ---- Geometry -------------------------------------------------------------------------------- */

/* How many last dimensions of x are resized. */
static int resized_dimensions(const resize *f, int rank) {
  int n = f->scales.n + f->sizes.n;
  return n == 1 && rank > 1 ? 2 : n;
}

/* The map of the i-th resized dimension, of extent n. The output's extent is computed in float32,
   as scales are stored in models: 3 * 1.66666663 is meant to be 5. */
static sb_axis_map axis_map(const resize *f, int i, int64_t n) {
  sb_axis_map a = {.n = n, .crop = {0, 1}};
  if (f->scales.n > 0) {
    a.scale = f->scales.v[i % f->scales.n];
    a.m = (int64_t)fmin(floorf((float)a.scale * (float)n), INT_MAX);
  } else {
    a.m = f->sizes.v[i % f->sizes.n];
    a.scale = (double)a.m / (double)n;
  }
  if (f->roi.n > 0) {
    int half = f->roi.n / 2;
    a.crop[0] = f->roi.v[i % half], a.crop[1] = f->roi.v[half + i % half];
  }
  return a;
}

/* Whether a dimension of that scale need not be touched. */
static bool is_kept(const resize *f, const sb_axis_map *a) {
  return a->scale == 1 && f->coordinate_transformation_mode != SB_TF_CROP_AND_RESIZE &&
         f->coordinate_transformation_mode != SB_TF_HALF_PIXEL_FOR_NN;
}

/* The dimensions to resize, one after another from the last: shape[i] becomes shape[i + 1]. */
typedef struct steps {
  int n, dim[SB_MAX_RANK];
  sb_axis_map map[SB_MAX_RANK];
  sb_shape shape[SB_MAX_RANK + 1];
} steps;

static steps find_steps(const resize *f, const sb_shape *in) {
  steps s = {0};
  int k = resized_dimensions(f, in->rank);
  s.shape[0] = *in;
  for (int i = k - 1; i >= 0; i--) {
    int dim = in->rank - k + i;
    sb_axis_map a = axis_map(f, i, in->dim[dim]);
    if (is_kept(f, &a)) continue;
    s.dim[s.n] = dim, s.map[s.n] = a;
    s.shape[s.n + 1] = s.shape[s.n];
    s.shape[++s.n].dim[dim] = a.m;
  }
  return s;
}

static bool shape(const void *config, const sb_shape *weights, const sb_shape *in, int n_in,
                  sb_plan *plan, sb_error *e) {
  const resize *f = config;
  char text[SB_SHAPE_TEXT];
  sb_shape_text(&in[0], text);
  int k = resized_dimensions(f, in[0].rank);
  if (k > in[0].rank)
    return sb_fail(e, "resize: %d sizes or scales are too many for the input %s", k, text);
  steps s = find_steps(f, &in[0]);
  int64_t scratch = 0;
  for (int i = 0; i < s.n; i++) {
    const sb_axis_map *a = &s.map[i];
    if (a->m < 1 || a->n < 1 || a->m >= INT_MAX || a->n >= INT_MAX ||
        !sb_shape_valid(&s.shape[i + 1]))
      return sb_fail(e, "resize: axis %d of the input %s cannot become %lld long", s.dim[i] + 1,
                     text, (long long)a->m);
    scratch += 2 * a->m * sb_interpolation_width((sb_interpolation)f->mode);
    if (i > 0) scratch += sb_shape_count(&s.shape[i]);
  }
  plan->n_out = 1;
  plan->out[0] = s.shape[s.n];
  plan->forward_scratch = plan->backward_scratch = scratch;
  return true;
}

/* ---- Forward and backward -------------------------------------------------------------------- */

/* Builds the taps of a step at *scratch, and moves that on. */
static sb_taps make_taps(const resize *f, const sb_axis_map *a, float **scratch) {
  sb_interpolator how = {(sb_interpolation)f->mode,
                         (sb_coordinates)f->coordinate_transformation_mode,
                         (sb_rounding)f->nearest_mode, f->cubic_coeff_a, f->exclude_outside};
  int64_t entries = a->m * sb_interpolation_width(how.mode);
  sb_taps t = {.index = (int32_t *)*scratch,
               .weight = *scratch + entries,
               .outside = (float)f->extrapolation_value};
  sb_interpolation_taps(&how, a, &t);
  *scratch += 2 * entries;
  return t;
}

/* Places for the tensors between the steps; the first and the last are given. */
static void place_stages(const steps *s, float *first, float *last, float *scratch,
                         float *stage[SB_MAX_RANK + 1]) {
  stage[0] = first, stage[s->n] = last;
  for (int i = 1; i < s->n; i++) {
    stage[i] = scratch;
    scratch += sb_shape_count(&s->shape[i]);
  }
}

static void forward(const sb_call *c) {
  steps s = find_steps(c->config, &c->in[0].shape);
  sb_taps taps[SB_MAX_RANK];
  float *scratch = c->scratch, *stage[SB_MAX_RANK + 1];
  if (s.n == 0) {
    sb_copy(&c->out[0], &c->in[0]);
    return;
  }
  for (int i = 0; i < s.n; i++) taps[i] = make_taps(c->config, &s.map[i], &scratch);
  place_stages(&s, c->in[0].data, c->out[0].data, scratch, stage);
  for (int i = 0; i < s.n; i++)
    sb_resample(&taps[i], sb_lines_along(&s.shape[i], s.dim[i]), stage[i], stage[i + 1]);
}

static void backward(const sb_call *c) {
  steps s = find_steps(c->config, &c->in[0].shape);
  sb_taps taps[SB_MAX_RANK];
  float *scratch = c->scratch, *stage[SB_MAX_RANK + 1];
  if (!c->dx[0].data) return;
  if (s.n == 0) {
    sb_copy(&c->dx[0], &c->dy[0]);
    return;
  }
  for (int i = 0; i < s.n; i++) taps[i] = make_taps(c->config, &s.map[i], &scratch);
  place_stages(&s, c->dx[0].data, c->dy[0].data, scratch, stage);
  for (int i = s.n - 1; i >= 0; i--)
    sb_resample_adjoint(&taps[i], sb_lines_along(&s.shape[i], s.dim[i]), stage[i + 1], stage[i]);
}

/* With sizes the scale is not known here. */
static bool window(const void *config, const sb_shape *weights, sb_window *w) {
  const resize *f = config;
  if (f->sizes.n > 0) return false;
  for (int axis = 0; axis < 2; axis++) {
    int n = f->scales.n;
    double scale = n == 1 ? f->scales.v[0] : f->scales.v[n - 2 + axis];
    if (scale == 1) continue;
    w->extent[axis] = sb_interpolation_width((sb_interpolation)f->mode);
    w->stride[axis] = 1 / scale;
    w->pad[axis] = f->mode == SB_CUBIC ? 1 : 0;
  }
  return true;
}

const sb_layer sb_layer_resize = {
    .name = "resize",
    .help = "y = x at another size: nearest, linear or cubic along each of the last dimensions",
    .config_size = sizeof(resize),
    .params = params,
    .min_in = 1,
    .max_in = 1,
    .samples =
        "{ {scales = 2}, input = {{2, 3, 2, 3}} },"
        "{ {sizes = {5, 7}, mode = 'linear'}, input = {{1, 2, 3, 4}} },"
        "{ {scales = {0.6, 2.5}, mode = 'cubic', coordinate_transformation_mode = 'asymmetric'},"
        "  input = {{2, 5, 3}} },"
        "{ {sizes = {3, 7, 2}, mode = 'linear', coordinate_transformation_mode = 'align_corners'},"
        "  input = {{2, 4, 4, 5}} },"
        "{ {sizes = {6, 5}, mode = 'cubic', cubic_coeff_a = -0.5, exclude_outside = true},"
        "  input = {{4, 4}} },"
        "{ {sizes = 5, coordinate_transformation_mode = 'tf_half_pixel_for_nn',"
        "   nearest_mode = 'floor'}, input = {{1, 3, 3}} },"
        "{ {sizes = {3, 3}, mode = 'linear', coordinate_transformation_mode = 'tf_crop_and_resize',"
        "   roi = {0.4, 0.6, 0.6, 1.2}, extrapolation_value = 0.5}, input = {{4, 4}} }",
    .construct = construct,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .window = window,
};
