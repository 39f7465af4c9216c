#include "arithmetic.h"

#include <math.h>
#include <string.h>

#include "threads.h"
#include "walk.h"

enum { GRAIN = 1 << 14 };

/* ---- Two operands ---------------------------------------------------------------------------- */

/* ivdep: z may be x or y, element for element, which is no dependence between iterations. */
#define LOOP(first, second, expression)                                                            \
  _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) {                                           \
    const float a = first, b = second;                                                             \
    z[i] = expression;                                                                             \
  }
#define BINARY(name, expression)                                                                   \
  static void name##_row(float *z, const float *x, int64_t sx, const float *y, int64_t sy,         \
                         int64_t n) {                                                              \
    const float x0 = *x, y0 = *y;                                                                  \
    if (sx && sy) {                                                                                \
      LOOP(x[i], y[i], expression)                                                                 \
    } else if (sx) {                                                                               \
      LOOP(x[i], y0, expression)                                                                   \
    } else if (sy) {                                                                               \
      LOOP(x0, y[i], expression)                                                                   \
    } else {                                                                                       \
      LOOP(x0, y0, expression)                                                                     \
    }                                                                                              \
  }

/* As Lua's %: the result has the sign of b. */
static inline float modulo(float a, float b) {
  const float m = fmodf(a, b);
  return m * b < 0 ? m + b : m;
}

BINARY(add, a + b)
BINARY(sub, a - b)
BINARY(mul, a *b)
BINARY(div, a / b)
BINARY(pow, powf(a, b))
BINARY(mod, modulo(a, b))
BINARY(idiv, floorf(a / b))
BINARY(maximum, a > b || a != a ? a : b)
BINARY(minimum, a < b || a != a ? a : b)
BINARY(lt, a < b)
BINARY(le, a <= b)
BINARY(gt, a > b)
BINARY(ge, a >= b)
BINARY(eq, a == b)
BINARY(ne, a != b)

const sb_binary sb_binaries[] = {
    {"add", add_row, true},   {"sub", sub_row, true},         {"mul", mul_row, true},
    {"div", div_row, true},   {"pow", pow_row, true},         {"mod", mod_row, true},
    {"idiv", idiv_row, true}, {"maximum", maximum_row, true}, {"minimum", minimum_row, true},
    {"lt", lt_row, false},    {"le", le_row, false},          {"gt", gt_row, false},
    {"ge", ge_row, false},    {"eq", eq_row, false},          {"ne", ne_row, false},
    {NULL, NULL, false}};

const sb_binary *sb_find_binary(const char *name) {
  for (const sb_binary *op = sb_binaries; op->name; op++)
    if (strcmp(op->name, name) == 0) return op;
  return NULL;
}

typedef struct operands {
  const sb_binary *op;
  float *z;
  const float *mask, *x, *y;
  float alpha;
} operands;

static void binary_row(const void *context, const int64_t *at, const int64_t *stride, int64_t n) {
  const operands *o = context;
  o->op->row(o->z + at[0], o->x + at[1], stride[1], o->y + at[2], stride[2], n);
}

void sb_apply_binary(const sb_binary *op, sb_tensor *z, const sb_tensor *x, const sb_tensor *y) {
  operands o = {.op = op, .z = z->data, .x = x->data, .y = y->data};
  sb_walk w = sb_walk_over(&z->shape);
  sb_walk_add(&w, &z->shape);
  sb_walk_add(&w, &x->shape);
  sb_walk_add(&w, &y->shape);
  sb_walk_rows(&w, SB_WALK_GRAIN, binary_row, &o);
}

static void add_scaled_row(const void *context, const int64_t *at, const int64_t *stride,
                           int64_t n) {
  const operands *o = context;
  const float *y = o->y + at[1], alpha = o->alpha;
  float *z = o->z + at[0];
  if (stride[1]) {
#pragma GCC ivdep
    for (int64_t i = 0; i < n; i++) z[i] += alpha * y[i];
  } else {
    const float b = alpha * *y;
    for (int64_t i = 0; i < n; i++) z[i] += b;
  }
}

void sb_add_scaled(sb_tensor *z, float alpha, const sb_tensor *y) {
  operands o = {.z = z->data, .y = y->data, .alpha = alpha};
  sb_walk w = sb_walk_over(&z->shape);
  sb_walk_add(&w, &z->shape);
  sb_walk_add(&w, &y->shape);
  sb_walk_rows(&w, SB_WALK_GRAIN, add_scaled_row, &o);
}

static void where_row(const void *context, const int64_t *at, const int64_t *stride, int64_t n) {
  const operands *o = context;
  const float *mask = o->mask + at[1], *x = o->x + at[2], *y = o->y + at[3];
  float *z = o->z + at[0];
  for (int64_t i = 0; i < n; i++)
    z[i] = mask[i * stride[1]] != 0 ? x[i * stride[2]] : y[i * stride[3]];
}

void sb_where(sb_tensor *z, const sb_tensor *mask, const sb_tensor *x, const sb_tensor *y) {
  operands o = {.z = z->data, .mask = mask->data, .x = x->data, .y = y->data};
  sb_walk w = sb_walk_over(&z->shape);
  sb_walk_add(&w, &z->shape);
  sb_walk_add(&w, &mask->shape);
  sb_walk_add(&w, &x->shape);
  sb_walk_add(&w, &y->shape);
  sb_walk_rows(&w, SB_WALK_GRAIN, where_row, &o);
}

int64_t sb_first_apart(const sb_tensor *x, const sb_tensor *y, double tolerance) {
  int64_t step = y->shape.rank > 0;
  for (int64_t i = 0, n = sb_count(x); i < n; i++) {
    double a = x->data[i], b = y->data[i * step];
    if (a == b) continue;
    double scale = fmax(1, fmax(fabs(a), fabs(b)));
    if (!(fabs(a - b) <= tolerance * scale) || isinf(scale)) return i;
  }
  return -1;
}

/* ---- One operand ----------------------------------------------------------------------------- */

#define UNARY(name, expression)                                                                    \
  static void name##_run(float *y, const float *x, int64_t n) {                                    \
    _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) {                                         \
      const float a = x[i];                                                                        \
      y[i] = expression;                                                                           \
    }                                                                                              \
  }

UNARY(neg, -a)
UNARY(abs, fabsf(a))
UNARY(sign, a != a ? a : (float)(a > 0) - (float)(a < 0))
UNARY(floor, floorf(a))
UNARY(ceil, ceilf(a))
UNARY(round, rintf(a)) /* halves to even */
UNARY(square, a *a)
UNARY(sqrt, sqrtf(a))
UNARY(reciprocal, 1 / a)
UNARY(exp, expf(a))
UNARY(log, logf(a))
UNARY(sin, sinf(a))
UNARY(cos, cosf(a))
UNARY(tan, tanf(a))
UNARY(tanh, tanhf(a))
UNARY(sigmoid, 1 / (1 + expf(-a)))
UNARY(isfinite, isfinite(a))
UNARY(isnan, a != a)

const sb_unary sb_unaries[] = {{"neg", neg_run},
                               {"abs", abs_run},
                               {"sign", sign_run},
                               {"floor", floor_run},
                               {"ceil", ceil_run},
                               {"round", round_run},
                               {"square", square_run},
                               {"sqrt", sqrt_run},
                               {"reciprocal", reciprocal_run},
                               {"exp", exp_run},
                               {"log", log_run},
                               {"sin", sin_run},
                               {"cos", cos_run},
                               {"tan", tan_run},
                               {"tanh", tanh_run},
                               {"sigmoid", sigmoid_run},
                               {"isfinite", isfinite_run},
                               {"isnan", isnan_run},
                               {NULL, NULL}};

const sb_unary *sb_find_unary(const char *name) {
  for (const sb_unary *op = sb_unaries; op->name; op++)
    if (strcmp(op->name, name) == 0) return op;
  return NULL;
}

typedef struct mapping {
  const sb_unary *op;
  float *y;
  const float *x;
  float low, high;
} mapping;

static void unary_range(void *context, int64_t first, int64_t last) {
  const mapping *m = context;
  m->op->run(m->y + first, m->x + first, last - first);
}

void sb_apply_unary(const sb_unary *op, sb_tensor *y, const sb_tensor *x) {
  mapping m = {.op = op, .y = y->data, .x = x->data};
  sb_parallel(sb_count(x), GRAIN, unary_range, &m);
}

static void clamp_range(void *context, int64_t first, int64_t last) {
  const mapping *m = context;
  const float low = m->low, high = m->high;
#pragma GCC ivdep
  for (int64_t i = first; i < last; i++) {
    const float a = m->x[i], b = a < low ? low : a;
    m->y[i] = b > high ? high : b;
  }
}

void sb_clamp(sb_tensor *z, const sb_tensor *x, float low, float high) {
  mapping m = {.y = z->data, .x = x->data, .low = low, .high = high};
  sb_parallel(sb_count(x), GRAIN, clamp_range, &m);
}
