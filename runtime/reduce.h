/* reduce.h: many values to one: sums, extremes and their positions.

   Everything accumulates in double, in an order that depends on the sizes alone. A NaN makes every
   reduction NaN but `any`, `all` (a NaN counts as true, like every value that is not 0). */
#ifndef SB_REDUCE_H
#define SB_REDUCE_H

#include <stdbool.h>

#include "tensor.h"

typedef struct sb_fold sb_fold;

typedef struct sb_reduction {
  const char *name;
  const sb_fold *fold;
  bool about_mean; /* folds the differences from the mean of the k values */
  double (*finish)(double folded, double k, double correction);
  bool is_truth; /* the result is 0 or 1 */
} sb_reduction;

/* sum, mean, var, std, norm (Euclidean), prod, any, all; ends with a NULL name. `correction` is
   what var and std take from k before dividing (1: unbiased). mean of nothing is NaN, sum 0. */
extern const sb_reduction sb_reductions[];
extern const sb_reduction sb_reduce_max, sb_reduce_min; /* k = 0 gives -inf and inf */

/* The reduction of that name, max and min included, or NULL. */
const sb_reduction *sb_find_reduction(const char *name);

/* The lines along the marked dimensions of `shape`. False: those are not neighbours, and the lines
   are those of the copy that sb_marked_last makes. */
bool sb_lines_over(const sb_shape *shape, const bool *marked, sb_lines *lines);
/* Copies `from` with its marked dimensions behind the others. */
void sb_marked_last(float *to, const sb_tensor *from, const bool *marked);

double sb_reduce_all(const sb_reduction *r, const float *x, int64_t n, double correction);
/* Reduces lines of k values to outer * inner results. */
void sb_reduce_lines(const sb_reduction *r, const float *x, sb_lines l, double correction,
                     float *out);

/* The position of the first value that is the extreme (the first NaN if there is one); r is
   sb_reduce_max or sb_reduce_min, and there must be a value. Positions count from 0. */
int64_t sb_extreme_all(const sb_reduction *r, const float *x, int64_t n);
/* The same for lines; values and positions have outer * inner elements. Positions, as floats, are
   exact below 2^24. */
void sb_extreme_lines(const sb_reduction *r, const float *x, sb_lines l, float *values,
                      float *positions);

/* The sum of x[i] * y[i]. */
double sb_dot(const float *x, const float *y, int64_t n);

/* y[i] = x[0] + ... + x[i] along the lines; y may be x. */
void sb_cumulate(const float *x, sb_lines l, float *y);

#endif
