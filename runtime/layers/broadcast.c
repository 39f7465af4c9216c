#include "layers/broadcast.h"

#include "arithmetic.h"
#include "arrange.h"
#include "reduce.h"

bool sb_broadcast_shape(const char *name, const sb_shape *in, int n_in, sb_plan *plan,
                        sb_error *e) {
  char a[SB_SHAPE_TEXT], b[SB_SHAPE_TEXT];
  bool stretched = false;
  sb_shape *out = &plan->out[0];
  plan->n_out = 1;
  *out = in[0];
  for (int i = 1; i < n_in; i++) {
    sb_shape so_far = *out;
    if (!sb_shape_broadcast(&so_far, &in[i], out))
      return sb_fail(e, "%s: cannot broadcast %s and %s", name, sb_shape_text(&so_far, a),
                     sb_shape_text(&in[i], b));
    if (!sb_shape_valid(out))
      return sb_fail(e, "%s: the result %s is too large", name, sb_shape_text(out, a));
  }
  for (int i = 0; i < n_in; i++) stretched = stretched || !sb_shape_equal(&in[i], out);
  plan->backward_scratch = stretched ? 2 * sb_shape_count(out) : 0;
  return true;
}

void sb_broadcast_fold(const sb_call *c, const char *op) {
  const sb_binary *binary = sb_find_binary(op);
  sb_tensor *y = &c->out[0];
  if (c->n_in == 1)
    sb_copy(y, &c->in[0]);
  else
    sb_apply_binary(binary, y, &c->in[0], &c->in[1]);
  for (int k = 2; k < c->n_in; k++) sb_apply_binary(binary, y, y, &c->in[k]);
}

void sb_sum_to(sb_tensor *to, const sb_tensor *from, float *scratch) {
  bool summed[SB_MAX_RANK];
  int lead = from->shape.rank - to->shape.rank;
  const float *x = from->data;
  sb_lines lines;
  if (sb_count(to) == sb_count(from)) {
    sb_copy(to, from);
    return;
  }
  for (int d = 0; d < from->shape.rank; d++)
    summed[d] = d < lead || to->shape.dim[d - lead] != from->shape.dim[d];
  if (!sb_lines_over(&from->shape, summed, &lines)) {
    sb_marked_last(scratch, from, summed);
    x = scratch;
  }
  sb_reduce_lines(sb_find_reduction("sum"), x, lines, 0, to->data);
}

void sb_gradient_rows(sb_row *row, float *to, const sb_tensor *dy, const sb_tensor *a,
                      const sb_tensor *b) {
  sb_gradient_operands o = {to, dy->data, a->data, b->data};
  sb_walk w = sb_walk_over(&dy->shape);
  sb_walk_add(&w, &dy->shape);
  sb_walk_add(&w, &dy->shape);
  sb_walk_add(&w, &a->shape);
  sb_walk_add(&w, &b->shape);
  sb_walk_rows(&w, SB_WALK_GRAIN, row, &o);
}

void sb_broadcast_gradient(const sb_call *c, int k, sb_row *row) {
  sb_tensor *dx = &c->dx[k];
  const sb_tensor *dy = &c->dy[0];
  if (!dx->data) return;
  bool whole = sb_count(dx) == sb_count(dy);
  sb_tensor full = {dy->shape, whole ? dx->data : c->scratch};
  sb_gradient_rows(row, full.data, dy, &c->in[0], &c->in[1]);
  if (!whole) sb_sum_to(dx, &full, c->scratch + sb_count(dy));
}
