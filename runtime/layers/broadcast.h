/* broadcast.h: what layers of several inputs share, whose shapes NumPy broadcasting aligns. */
#ifndef SB_BROADCAST_H
#define SB_BROADCAST_H

#include "layer.h"
#include "walk.h"

/* The shape rule: all inputs stretched to one shape; fails with "add: cannot broadcast 2x3 and
   4x3". Plans the scratch that sb_broadcast_gradient needs. */
bool sb_broadcast_shape(const char *name, const sb_shape *in, int n_in, sb_plan *plan, sb_error *e);

/* y = in[0] op in[1] op ... from the left; op is a name of arithmetic.h. */
void sb_broadcast_fold(const sb_call *c, const char *op);

/* dx[k] = row(dy, in[0], in[1]), summed over the dimensions in which input k was stretched. */
void sb_broadcast_gradient(const sb_call *c, int k, sb_row *row);

/* The adjoint of stretching: `to` is `from` summed down to its shape. Scratch holds as many floats
   as `from`. */
void sb_sum_to(sb_tensor *to, const sb_tensor *from, float *scratch);

/* What a gradient row is given as its context. Walk array 0 is to, 1 is g, 2 is a, 3 is b. */
typedef struct sb_gradient_operands {
  float *to;
  const float *g, *a, *b;
} sb_gradient_operands;

/* Runs a gradient row over dy's shape, to which a and b are stretched. */
void sb_gradient_rows(sb_row *row, float *to, const sb_tensor *dy, const sb_tensor *a,
                      const sb_tensor *b);

/* Defines a gradient row: EXPR of a, b and the incoming g. A loop for each way in which a and b may
   be stretched, so that the compiler can vectorise it. */
#define SB_GRADIENT_ROW(NAME, EXPR)                                                                \
  static void NAME(const void *context, const int64_t *at, const int64_t *stride, int64_t n) {     \
    const sb_gradient_operands *o = context;                                                       \
    float *to = o->to + at[0];                                                                     \
    const float *pg = o->g + at[1], *pa = o->a + at[2], *pb = o->b + at[3];                        \
    if (stride[2] && stride[3])                                                                    \
      SB_GRADIENT_LOOP(pa[i], pb[i], EXPR)                                                         \
    else if (stride[2])                                                                            \
      SB_GRADIENT_LOOP(pa[i], *pb, EXPR)                                                           \
    else                                                                                           \
      SB_GRADIENT_LOOP(*pa, pb[i], EXPR)                                                           \
  }
#define SB_GRADIENT_LOOP(A, B, EXPR)                                                               \
  for (int64_t i = 0; i < n; i++) {                                                                \
    const float g = pg[i], a = A, b = B;                                                           \
    (void)a, (void)b;                                                                              \
    to[i] = EXPR;                                                                                  \
  }

#endif
