/* matmul: NumPy's matmul of two activations. */
#include "matmul.h"

#include <limits.h>

#include "arrange.h"
#include "layers/broadcast.h"

/* The operands as stacks of matrices: a vector counts as a row on the left, a column on the right.
   batch is the stretched stack. */
typedef struct product {
  sb_shape a, b, batch;
  int64_t m, k, n;
} product;

static sb_shape leading(const sb_shape *s) {
  sb_shape batch = *s;
  batch.rank -= 2;
  return batch;
}

static sb_shape with_matrix(const sb_shape *batch, int64_t rows, int64_t columns) {
  sb_shape s = *batch;
  s.dim[s.rank++] = rows;
  s.dim[s.rank++] = columns;
  return s;
}

/* False if the stacks do not broadcast. */
static bool find_product(const sb_shape *in, product *p) {
  p->a = in[0].rank > 1 ? in[0] : sb_shape2(1, in[0].dim[0]);
  p->b = in[1].rank > 1 ? in[1] : sb_shape2(in[1].dim[0], 1);
  p->m = p->a.dim[p->a.rank - 2];
  p->k = p->a.dim[p->a.rank - 1];
  p->n = p->b.dim[p->b.rank - 1];
  sb_shape of_a = leading(&p->a), of_b = leading(&p->b);
  return sb_shape_broadcast(&of_a, &of_b, &p->batch);
}

static bool shape(const void *config, const sb_shape *weights, const sb_shape *in, int n_in,
                  sb_plan *plan, sb_error *e) {
  char a[SB_SHAPE_TEXT], b[SB_SHAPE_TEXT];
  product p;
  sb_shape_text(&in[0], a), sb_shape_text(&in[1], b);
  if (in[0].rank < 1 || in[1].rank < 1)
    return sb_fail(e, "matmul: needs vectors or matrices, got %s and %s", a, b);
  if (!find_product(in, &p))
    return sb_fail(e, "matmul: cannot broadcast the stacks of %s and %s", a, b);
  if (p.b.dim[p.b.rank - 2] != p.k)
    return sb_fail(e, "matmul: columns of %s do not match rows of %s", a, b);
  sb_shape full_a = with_matrix(&p.batch, p.m, p.k), full_b = with_matrix(&p.batch, p.k, p.n);
  if (!sb_shape_valid(&full_a) || !sb_shape_valid(&full_b) || p.m > INT_MAX || p.n > INT_MAX ||
      p.k > INT_MAX)
    return sb_fail(e, "matmul: %s and %s are too large", a, b);
  plan->n_out = 1;
  plan->out[0] = p.batch;
  if (in[0].rank > 1) plan->out[0].dim[plan->out[0].rank++] = p.m;
  if (in[1].rank > 1) plan->out[0].dim[plan->out[0].rank++] = p.n;
  plan->products = sb_shape_count(&plan->out[0]) * p.k;
  plan->backward_scratch = sb_shape_count(&p.a) + sb_shape_count(&p.b) +
                           2 * (sb_shape_count(&full_a) + sb_shape_count(&full_b));
  return true;
}

static void forward(const sb_call *c) {
  sb_shape in[2] = {c->in[0].shape, c->in[1].shape};
  product p;
  find_product(in, &p);
  sb_tensor y = {with_matrix(&p.batch, p.m, p.n), c->out[0].data};
  sb_tensor a = {p.a, c->in[0].data}, b = {p.b, c->in[1].data};
  sb_matmul(&y, &a, &b);
}

/* The matrices of a stack, transposed into data. */
static sb_tensor transposed(float *data, const sb_shape *s, const float *from) {
  int rank = s->rank, order[SB_MAX_RANK];
  sb_tensor source = {*s, (float *)from}, t = {*s, data};
  for (int d = 0; d < rank; d++) order[d] = d;
  order[rank - 2] = rank - 1, order[rank - 1] = rank - 2;
  t.shape.dim[rank - 2] = s->dim[rank - 1], t.shape.dim[rank - 1] = s->dim[rank - 2];
  sb_permute(&t, &source, order);
  return t;
}

/* to = left right, summed where the operand was stretched over the stack; scratch for twice the
   full product. */
static void product_to(sb_tensor *to, const product *p, const sb_tensor *left,
                       const sb_tensor *right, float *scratch) {
  int rank = to->shape.rank;
  sb_tensor full = {with_matrix(&p->batch, to->shape.dim[rank - 2], to->shape.dim[rank - 1]),
                    scratch};
  sb_matmul(&full, left, right);
  sb_sum_to(to, &full, scratch + sb_count(&full));
}

/* da = dy b^T and db = a^T dy. */
static void backward(const sb_call *c) {
  sb_shape in[2] = {c->in[0].shape, c->in[1].shape};
  product p;
  find_product(in, &p);
  sb_tensor dy = {with_matrix(&p.batch, p.m, p.n), c->dy[0].data};
  sb_tensor da = {p.a, c->dx[0].data}, db = {p.b, c->dx[1].data};
  if (da.data) {
    sb_tensor bt = transposed(c->scratch, &p.b, c->in[1].data);
    product_to(&da, &p, &dy, &bt, c->scratch + sb_count(&bt));
  }
  if (db.data) {
    sb_tensor at = transposed(c->scratch, &p.a, c->in[0].data);
    product_to(&db, &p, &at, &dy, c->scratch + sb_count(&at));
  }
}

static bool window(const void *config, const sb_shape *weights, sb_window *w) {
  return false;
}

const sb_layer sb_layer_matmul = {
    .name = "matmul",
    .help = "y = a b, a is (..., m, k), b is (..., k, n); stacks broadcast, vectors as in NumPy",
    .min_in = 2,
    .max_in = 2,
    .keeps = SB_KEEP_INPUT,
    .samples = "{ {}, input = {{3, 4}, {4, 2}} }, { {}, input = {{2, 3, 4}, {4, 5}} },"
               "{ {}, input = {{2, 1, 3, 4}, {3, 4, 2}} }, { {}, input = {{4}, {2, 4, 3}} },"
               "{ {}, input = {{3, 4}, {4}} }, { {}, input = {{4}, {4}} }",
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .window = window,
};
