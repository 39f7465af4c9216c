#include "layers/extremum.h"

#include "arithmetic.h"

bool sb_extremum_shape(const char *name, const sb_shape *in, int n_in, sb_plan *plan, sb_error *e) {
  if (!sb_broadcast_shape(name, in, n_in, plan, e)) return false;
  plan->backward_scratch = 3 * sb_shape_count(&plan->out[0]);
  return true;
}

/* a is an input and b the output. */
SB_GRADIENT_ROW(taken, a == b ? g : 0)

/* share = dy over the number of inputs that equal the output. */
static void divide_among_equals(const sb_call *c, sb_tensor *share, sb_tensor *equal) {
  sb_fill(share, 0);
  for (int k = 0; k < c->n_in; k++) {
    sb_apply_binary(sb_find_binary("eq"), equal, &c->in[k], &c->out[0]);
    sb_add_scaled(share, 1, equal);
  }
  sb_apply_binary(sb_find_binary("div"), share, &c->dy[0], share);
}

void sb_extremum_backward(const sb_call *c) {
  int64_t n = sb_count(&c->dy[0]);
  sb_tensor share = {c->dy[0].shape, c->scratch}, part = {c->dy[0].shape, c->scratch + n};
  divide_among_equals(c, &share, &part);
  for (int k = 0; k < c->n_in; k++) {
    if (!c->dx[k].data) continue;
    sb_gradient_rows(taken, part.data, &share, &c->in[k], &c->out[0]);
    sb_sum_to(&c->dx[k], &part, c->scratch + 2 * n);
  }
}
