#include "matmul.h"

#include "gemm.h"
#include "threads.h"
#include "walk.h"

typedef struct products {
  float *c;
  const float *a, *b;
  int64_t m, n, k;
  sb_walk stack; /* over the leading dimensions, strides counted in matrices: c, a, b */
} products;

/* The factors of product i. */
static void locate(const products *p, int64_t i, const float **a, const float **b) {
  int64_t at_a = 0, at_b = 0;
  for (int d = p->stack.rank - 1; d >= 0; d--) {
    int64_t at = i % p->stack.dim[d];
    i /= p->stack.dim[d];
    at_a += at * p->stack.stride[1][d], at_b += at * p->stack.stride[2][d];
  }
  *a = p->a + at_a * p->m * p->k, *b = p->b + at_b * p->k * p->n;
}

static void multiply_each(void *context, int64_t first, int64_t last) {
  const products *p = context;
  for (int64_t i = first; i < last; i++) {
    const float *a, *b;
    locate(p, i, &a, &b);
    sb_gemm(false, false, p->m, p->n, p->k, 1, a, p->k, b, p->n, 0, p->c + i * p->m * p->n, p->n);
  }
}

static sb_shape leading(const sb_tensor *t) {
  sb_shape s = t->shape;
  s.rank -= 2;
  return s;
}

void sb_matmul(sb_tensor *c, const sb_tensor *a, const sb_tensor *b) {
  sb_shape stack = leading(c), of_a = leading(a), of_b = leading(b);
  const int64_t *mk = a->shape.dim + of_a.rank, *kn = b->shape.dim + of_b.rank;
  products p = {c->data, a->data, b->data, mk[0], kn[1], mk[1], sb_walk_over(&stack)};
  if (p.k == 0) {
    sb_fill(c, 0);
    return;
  }
  sb_walk_add(&p.stack, &stack);
  sb_walk_add(&p.stack, &of_a);
  sb_walk_add(&p.stack, &of_b);
  int64_t count = sb_shape_count(&stack);
  if (count > 1 && p.m * p.n * p.k < 1 << 18) { /* small ones in parallel, large ones cut up */
    sb_parallel(count, 1, multiply_each, &p);
    return;
  }
  for (int64_t i = 0; i < count; i++) {
    const float *ai, *bi;
    locate(&p, i, &ai, &bi);
    sb_gemm_parallel(false, false, p.m, p.n, p.k, 1, ai, p.k, bi, p.n, 0, p.c + i * p.m * p.n, p.n);
  }
}
