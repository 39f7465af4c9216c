#include "layers/convolution.h"

#include <limits.h>
#include <string.h>

#include "clones.h"
#include "threads.h"

const sb_weight sb_convolution_weights[] = {{"weight", SB_INIT_HE}, {"bias", SB_INIT_ZERO}, {NULL}};

/* As an int; 0, which check() refuses, if it is too large for one. */
static int to_int(int64_t n) {
  return n <= INT_MAX ? (int)n : 0;
}

/* Takes what the parameters leave open (0) from the weight (first, second, kh, kw). */
static void infer(sb_convolution *f, bool transposed, const sb_shape *w) {
  int first = to_int(w->dim[0]);
  int second = w->dim[1] <= INT_MAX ? to_int(w->dim[1] * f->groups) : 0;
  int *outer = transposed ? &f->in_channels : &f->out_channels;
  int *inner = transposed ? &f->out_channels : &f->in_channels;
  if (*outer == 0) *outer = first;
  if (*inner == 0) *inner = second;
  for (int axis = 0; axis < 2; axis++)
    if (f->kernel[axis] == 0) f->kernel[axis] = to_int(w->dim[2 + axis]);
}

static bool check(const char *name, const sb_convolution *f, sb_error *e) {
  if (f->in_channels < 1 || f->out_channels < 1 || f->kernel[0] < 1 || f->kernel[1] < 1)
    return sb_fail(
        e, "%s: give weight, or in_channels, out_channels and kernel (got %d, %d, {%d, %d})", name,
        f->in_channels, f->out_channels, f->kernel[0], f->kernel[1]);
  if (f->in_channels % f->groups || f->out_channels % f->groups)
    return sb_fail(e, "%s: groups = %d must divide in_channels = %d and out_channels = %d", name,
                   f->groups, f->in_channels, f->out_channels);
  return true;
}

bool sb_convolution_construct(const char *name, sb_convolution *f, bool transposed, sb_shape *w,
                              sb_error *e) {
  char text[SB_SHAPE_TEXT];
  sb_shape *weight = &w[SB_CONVOLUTION_WEIGHT];
  if (weight->rank >= 0 && weight->rank != 4)
    return sb_fail(e, "%s: weight must be (%s, kh, kw), got %s", name,
                   transposed ? "in, out/groups" : "out, in/groups", sb_shape_text(weight, text));
  if (weight->rank == 4) infer(f, transposed, weight);
  if (!check(name, f, e)) return false;
  int64_t first = transposed ? f->in_channels : f->out_channels;
  int64_t second = (transposed ? f->out_channels : f->in_channels) / f->groups;
  *weight = sb_shape4(first, second, f->kernel[0], f->kernel[1]);
  w[SB_CONVOLUTION_BIAS] = f->bias ? sb_shape1(f->out_channels) : (sb_shape){.rank = -1};
  return true;
}

bool sb_convolution_check(const char *name, const sb_convolution *f, const sb_shape *w,
                          const sb_shape *x, sb_error *e) {
  char input[SB_SHAPE_TEXT], weight[SB_SHAPE_TEXT];
  if (!sb_require_nchw(name, x, e)) return false;
  if (x->dim[1] == f->in_channels) return true;
  return sb_fail(e, "%s: input has %lld channel%s, weights expect %d (input %s, weight %s)", name,
                 (long long)x->dim[1], x->dim[1] == 1 ? "" : "s", f->in_channels,
                 sb_shape_text(x, input), sb_shape_text(&w[SB_CONVOLUTION_WEIGHT], weight));
}

sb_conv sb_convolution_geometry(const sb_convolution *f, const sb_shape *large,
                                const sb_shape *small) {
  sb_conv g = {.n = large->dim[0],
               .c_in = large->dim[1],
               .h = large->dim[2],
               .w = large->dim[3],
               .c_out = small->dim[1],
               .oh = small->dim[2],
               .ow = small->dim[3],
               .groups = f->groups};
  memcpy(g.kernel, f->kernel, sizeof g.kernel);
  memcpy(g.stride, f->stride, sizeof g.stride);
  memcpy(g.pad, f->pad, sizeof g.pad);
  memcpy(g.dilation, f->dilation, sizeof g.dilation);
  return g;
}

/* In double, side by side so that the compiler makes a vector loop of it. */
SB_CLONES static double sum_plane(const float *x, int64_t n) {
  double lanes[16] = {0}, sum = 0;
  int64_t i = 0;
  for (; i + 16 <= n; i += 16)
    for (int l = 0; l < 16; l++) lanes[l] += x[i + l];
  for (; i < n; i++) sum += x[i];
  for (int l = 0; l < 16; l++) sum += lanes[l];
  return sum;
}

typedef struct bias_job {
  const sb_tensor *dy;
  sb_tensor *db;
} bias_job;

static void sum_channels(void *context, int64_t first, int64_t last) {
  const bias_job *t = context;
  const sb_shape *s = &t->dy->shape;
  int64_t channels = s->dim[1], positions = sb_shape_span(s, 2, 4);
  for (int64_t c = first; c < last; c++)
    for (int64_t n = 0; n < s->dim[0]; n++)
      t->db->data[c] += (float)sum_plane(t->dy->data + (n * channels + c) * positions, positions);
}

void sb_convolution_bias_gradient(const sb_tensor *dy, sb_tensor *db) {
  bias_job t = {dy, db};
  if (db->data) sb_parallel(dy->shape.dim[1], 4, sum_channels, &t);
}
