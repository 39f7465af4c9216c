#include "layers/reducing.h"

#include "arithmetic.h"
#include "arrange.h"
#include "layers/axis.h"
#include "reduce.h"

/* Marks the dimensions that the layer reduces. */
static bool mark(const char *name, const sb_reducing *f, const sb_shape *in,
                 bool reduced[SB_MAX_RANK], sb_error *e) {
  if (f->axes.n > 0) return sb_resolve_axes(name, &f->axes, in, reduced, e);
  for (int d = 0; d < SB_MAX_RANK; d++) reduced[d] = true;
  return true;
}

/* The input's shape with every reduced dimension at 1, or without those. */
static sb_shape reduced_shape(const sb_shape *in, const bool *reduced, bool keepdims) {
  sb_shape out = {0};
  for (int d = 0; d < in->rank; d++)
    if (keepdims || !reduced[d]) out.dim[out.rank++] = reduced[d] ? 1 : in->dim[d];
  return out;
}

bool sb_reducing_shape(const char *name, const sb_reducing *f, const sb_shape *in, int buffers,
                       sb_plan *plan, sb_error *e) {
  bool reduced[SB_MAX_RANK];
  sb_lines lines;
  if (!mark(name, f, in, reduced, e)) return false;
  int64_t copy = sb_lines_over(in, reduced, &lines) ? 0 : sb_shape_count(in);
  plan->n_out = 1;
  plan->out[0] = reduced_shape(in, reduced, f->keepdims);
  plan->forward_scratch = buffers * sb_shape_count(in) + copy;
  plan->backward_scratch = sb_shape_count(&plan->out[0]) + copy;
  return true;
}

/* The layer's mark, which its shape rule has checked. */
static void marked(const sb_call *c, bool reduced[SB_MAX_RANK]) {
  sb_error none;
  mark("", c->config, &c->in[0].shape, reduced, &none);
}

/* to = x, of the input's shape, reduced; scratch for a copy of x. */
static void reduce(const sb_call *c, const char *reduction, const float *x, float *to,
                   float *scratch) {
  bool reduced[SB_MAX_RANK];
  sb_lines lines;
  sb_tensor whole = {c->in[0].shape, (float *)x};
  marked(c, reduced);
  if (!sb_lines_over(&whole.shape, reduced, &lines)) {
    sb_marked_last(scratch, &whole, reduced);
    x = scratch;
  }
  sb_reduce_lines(sb_find_reduction(reduction), x, lines, 0, to);
}

void sb_reducing_forward(const sb_call *c, const char *reduction, const float *x) {
  float *free = x == c->scratch ? c->scratch + sb_count(&c->in[0]) : c->scratch;
  reduce(c, reduction, x, c->out[0].data, free);
}

int64_t sb_reducing_count(const sb_call *c) {
  int64_t outputs = sb_count(&c->dy[0]);
  return outputs ? sb_count(&c->in[0]) / outputs : 0;
}

/* v, seen with extents of 1 where x was reduced. */
static sb_tensor stretchable(const sb_call *c, const float *v) {
  bool reduced[SB_MAX_RANK];
  marked(c, reduced);
  return (sb_tensor){reduced_shape(&c->in[0].shape, reduced, true), (float *)v};
}

void sb_reducing_spread(const sb_call *c, const float *v) {
  sb_tensor t = stretchable(c, v);
  sb_expand(&c->dx[0], &t);
}

void sb_reducing_scale(const sb_call *c, const float *v, const sb_tensor *by) {
  sb_tensor t = stretchable(c, v);
  sb_apply_binary(sb_find_binary("mul"), &c->dx[0], by, &t);
}

void sb_reducing_share(const sb_call *c) {
  sb_tensor y = stretchable(c, c->out[0].data);
  sb_tensor share = {c->dy[0].shape, c->scratch};
  sb_apply_binary(sb_find_binary("eq"), &c->dx[0], &c->in[0], &y);
  reduce(c, "sum", c->dx[0].data, share.data, c->scratch + sb_count(&share));
  sb_apply_binary(sb_find_binary("div"), &share, &c->dy[0], &share);
  sb_reducing_scale(c, share.data, &c->dx[0]);
}

bool sb_reducing_window(const void *config, const sb_shape *weights, sb_window *w) {
  const sb_reducing *f = config;
  for (int i = 0; i < f->axes.n; i++)
    if (f->axes.v[i] >= 2 || f->axes.v[i] == -1 || f->axes.v[i] == -2) return false;
  return f->axes.n > 0;
}
