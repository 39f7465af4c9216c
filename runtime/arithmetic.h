/* arithmetic.h: pointwise operations, by name. Adding one is one line of a table in arithmetic.c.

   All follow IEEE 754 in float32: a NaN operand gives NaN, except that comparisons with it are
   false (`ne` true) and isfinite and isnan answer 0 or 1. 1/0 is inf, 0/0 and log(-1) are NaN. */
#ifndef SB_ARITHMETIC_H
#define SB_ARITHMETIC_H

#include <stdbool.h>

#include "tensor.h"

typedef struct sb_binary {
  const char *name;
  /* z[i] = op(x[i * sx], y[i * sy]); each stride is 0 or 1, and z may be x or y. */
  void (*row)(float *z, const float *x, int64_t sx, const float *y, int64_t sy, int64_t n);
  bool in_place; /* has a form that overwrites its first operand: add_ */
} sb_binary;

typedef struct sb_unary {
  const char *name;
  void (*run)(float *y, const float *x, int64_t n); /* y may be x */
} sb_unary;

/* Both end with a NULL name. */
extern const sb_binary sb_binaries[];
extern const sb_unary sb_unaries[];

/* The entry of that name, or NULL. */
const sb_binary *sb_find_binary(const char *name);
const sb_unary *sb_find_unary(const char *name);

/* z = op(x, y); x and y broadcast to z's shape. z may be x or y, or not overlap them. */
void sb_apply_binary(const sb_binary *op, sb_tensor *z, const sb_tensor *x, const sb_tensor *y);
/* y = op(x), equal element counts; y may be x. */
void sb_apply_unary(const sb_unary *op, sb_tensor *y, const sb_tensor *x);

/* z += alpha * y; y broadcasts to z's shape. */
void sb_add_scaled(sb_tensor *z, float alpha, const sb_tensor *y);
/* z = low where x < low, high where x > high, else x (NaN stays); z may be x. */
void sb_clamp(sb_tensor *z, const sb_tensor *x, float low, float high);
/* z = x where mask is not 0, else y; all broadcast to z's shape. */
void sb_where(sb_tensor *z, const sb_tensor *mask, const sb_tensor *x, const sb_tensor *y);

/* Finds the first i with |x[i] - y[i]| > tolerance * max(1, |x[i]|, |y[i]|), or where one is NaN,
   or one infinite and the other not equal; -1 if there is none. y has x's shape or is a scalar. */
int64_t sb_first_apart(const sb_tensor *x, const sb_tensor *y, double tolerance);

#endif
