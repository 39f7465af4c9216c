#include "layers/maxpool_strip.h"

#include <math.h>
#include <string.h>

#include "clones.h"

/* Loops run over whole vectors of LANES; a strip is cut so that it stays in the fast caches. */
enum { LANES = 16, STRIP = 2048 };
#define NONE (-INFINITY)

static int64_t up_to(int64_t n, int64_t multiple) {
  return (n + multiple - 1) / multiple * multiple;
}

/* ---- Sizes ------------------------------------------------------------------------------------
 */

static int64_t reach(const sb_pooling *p, int axis) {
  return (int64_t)(p->kernel[axis] - 1) * p->dilation[axis];
}

static void plan_runs(sb_strip *t) {
  int64_t s = t->stride[1], pad = t->p->pad[1];
  for (int64_t q = 0; q < t->phases[1]; q++) {
    int64_t to = q < pad ? (pad - q + s - 1) / s : 0, at = to * s + q - pad;
    int64_t n = sb_pooling_before(at, s, t->in[1], t->pitch - to);
    t->run[q] = (sb_strip_run){to, at, n};
  }
}

bool sb_strip_plan(sb_strip *t, const sb_pooling *p, const sb_shape *in, const sb_shape *out) {
  t->p = p;
  for (int axis = 0; axis < 2; axis++) {
    if (reach(p, axis) > SB_STRIP_REACH) return false;
    t->in[axis] = in->dim[2 + axis], t->out[axis] = out->dim[2 + axis];
    t->stride[axis] = t->out[axis] > 1 ? sb_pooling_step(p, axis) : 1;
    int64_t most = reach(p, axis) + 1;
    t->phases[axis] = t->stride[axis] < most ? t->stride[axis] : (int)most;
  }
  t->pitch = t->out[1] + reach(p, 1) / t->stride[1];
  t->tall = STRIP / t->pitch > 4 ? STRIP / t->pitch : 4;
  if (t->tall > t->out[0]) t->tall = t->out[0];
  t->rows = t->tall + reach(p, 0) / t->stride[0];
  t->area = up_to(t->rows * t->pitch + reach(p, 1) / t->stride[1], LANES) + LANES;
  plan_runs(t);
  return true;
}

/* The corners, the phases, a pair of best and where for each phase of rows, a pair for the strip.
 */
static int64_t areas(const sb_strip *t) {
  return 1 + t->phases[0] * t->phases[1] + 2 * t->phases[0] + 2;
}

int64_t sb_strip_scratch(const sb_strip *t) {
  return t->area * areas(t);
}

/* What follows the last row of an area is read along with it, and cleared so that it is defined. */
float *sb_strip_start(sb_strip *t, float *scratch) {
  int64_t used = t->rows * t->pitch;
  t->corner = scratch;
  for (int64_t k = 0; k < areas(t); k++)
    memset(scratch + k * t->area + used, 0, (size_t)(t->area - used) * sizeof *scratch);
  for (int64_t r = 0; r < t->tall; r++)
    for (int64_t k = 0; k < t->pitch; k++)
      scratch[r * t->pitch + k] = (float)(r * t->stride[0] * t->in[1] + k * t->stride[1]);
  return scratch + t->area;
}

/* ---- Dealing out ------------------------------------------------------------------------------
 */

/* These write whole vectors, beyond n too. */
SB_PART void copy_over(float *to, const float *x, int64_t n) {
  for (int64_t k = 0; k < n; k += LANES) memcpy(to + k, x + k, LANES * sizeof *to);
}

SB_PART void fill_over(float *to, int64_t n) {
  static const float padding[LANES] = {NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE,
                                       NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE};
  for (int64_t k = 0; k < n; k += LANES) memcpy(to + k, padding, sizeof padding);
}

/* Even and odd floats of x apart, n of each. */
SB_PART void split_over(const float *x, int n, float *even, float *odd) {
  n = (int)up_to(n, LANES);
#pragma GCC ivdep
  for (int k = 0; k < n; k++) even[k] = x[2 * k], odd[k] = x[2 * k + 1];
}

SB_PART void copy(float *to, const float *x, int64_t step, int n) {
#pragma GCC ivdep
  for (int k = 0; k < n; k++) to[k] = x[k * step];
}

/* One input row x to its place in each phase; `end` ends the memory it lies in. */
SB_PART void deal_row(const sb_strip *t, const float *x, const float *end, float *to) {
  const sb_strip_run *run = t->run;
  int odd = 1 - t->p->pad[1] % 2; /* phase of columns 1, 3, ... for a stride of 2 */
  bool whole = end - x >= t->stride[1] * up_to(t->pitch, LANES);
  for (int q = 0; q < t->phases[1]; q++) fill_over(to + q * t->area, run[q].to);
  if (t->phases[1] == 2 && t->stride[1] == 2 && whole)
    split_over(x, (int)run[1 - odd].n, to + (1 - odd) * t->area + run[1 - odd].to,
               to + odd * t->area + run[odd].to);
  else if (t->stride[1] == 1 && whole)
    copy_over(to + run[0].to, x + run[0].at, run[0].n);
  else
    for (int q = 0; q < t->phases[1]; q++)
      copy(to + q * t->area + run[q].to, x + run[q].at, t->stride[1], (int)run[q].n);
  for (int q = 0; q < t->phases[1]; q++) {
    int64_t n = run[q].to + run[q].n;
    fill_over(to + q * t->area + n, t->pitch - n);
  }
}

/* The rows that outputs from row `oy` on look at. Rows of a phase are filled in order, since each
   may run over into the next. */
SB_CLONES static void deal(const sb_strip *t, int64_t oy, int64_t rows, const float *x,
                           const float *end, float *phases) {
  for (int q = 0; q < t->phases[0]; q++)
    for (int64_t r = 0; r < rows; r++) {
      int64_t iy = (oy + r) * t->stride[0] + q - t->p->pad[0];
      float *to = phases + q * t->phases[1] * t->area + r * t->pitch;
      if (iy >= 0 && iy < t->in[0])
        deal_row(t, x + iy * t->in[1], end, to);
      else
        for (int k = 0; k < t->phases[1]; k++) fill_over(to + k * t->area, t->pitch);
    }
}

/* ---- Reducing ---------------------------------------------------------------------------------
   A value takes over if it is larger than what came before, or the first NaN. */

#define BEATS(value, old) (!((value) <= (old)) & ((old) == (old)))

/* best = the larger of a and b at n places, whole vectors. */
SB_CLONES static void take_larger(int n, const float *a, const float *b, float *best) {
  n = n / LANES * LANES;
#pragma GCC ivdep
  for (int k = 0; k < n; k++) best[k] = BEATS(b[k], a[k]) ? b[k] : a[k];
}

/* The same, and `where` becomes its index: what it was for a, `index` for b. */
SB_CLONES static void take_larger_at(int n, const float *a, const float *b, float index,
                                     float *best, float *where) {
  n = n / LANES * LANES;
#pragma GCC ivdep
  for (int k = 0; k < n; k++) {
    bool wins = BEATS(b[k], a[k]);
    best[k] = wins ? b[k] : a[k];
    where[k] = wins ? index : where[k];
  }
}

/* The same; index[k] + more for b. */
SB_CLONES static void take_larger_of(int n, const float *a, const float *b, const float *index,
                                     float more, float *best, float *where) {
  n = n / LANES * LANES;
#pragma GCC ivdep
  for (int k = 0; k < n; k++) {
    bool wins = BEATS(b[k], a[k]);
    best[k] = wins ? b[k] : a[k];
    where[k] = wins ? index[k] + more : where[k];
  }
}

/* Tap i of an axis reads phase i * dilation % stride, i * dilation / stride further on. */
static const float *tap(const sb_strip *t, int axis, int i, const float *phases, int64_t phase,
                        int64_t further) {
  int64_t at = (int64_t)i * t->p->dilation[axis], s = t->stride[axis];
  return phases + at % s * phase + at / s * further;
}

/* The rows of windows of one phase of rows. */
static void reduce_rows(const sb_strip *t, int n, const float *phases, float *best, float *where) {
  const float *from = phases;
  if (where) memset(where, 0, (size_t)n * sizeof *where);
  for (int j = 1; j < t->p->kernel[1]; j++, from = best) {
    const float *next = tap(t, 1, j, phases, t->area, 1);
    if (where)
      take_larger_at(n, from, next, (float)(j * t->p->dilation[1]), best, where);
    else
      take_larger(n, from, next, best);
  }
  if (from != best) memcpy(best, from, (size_t)n * sizeof *best);
}

/* The columns of what the rows were reduced to: pairs of best and where, a pair a phase. */
static void reduce_columns(const sb_strip *t, int n, const float *rows, float *best, float *where) {
  const float *from = rows;
  if (where) memcpy(where, rows + t->area, (size_t)n * sizeof *where);
  for (int i = 1; i < t->p->kernel[0]; i++, from = best) {
    const float *next = tap(t, 0, i, rows, 2 * t->area, t->pitch);
    float more = (float)(i * t->p->dilation[0] * t->in[1]);
    if (where)
      take_larger_of(n, from, next, next + t->area, more, best, where);
    else
      take_larger(n, from, next, best);
  }
  if (from != best) memcpy(best, from, (size_t)n * sizeof *best);
}

/* ---- Switches ---------------------------------------------------------------------------------
 */

/* The index of the first position of a window that lies inside the image, -1 if none does. */
static float first_inside(const sb_strip *t, int64_t oy, int64_t ox) {
  sb_pooling_range rows = sb_pooling_inside(t->p, 0, oy, t->in[0]);
  sb_pooling_range columns = sb_pooling_inside(t->p, 1, ox, t->in[1]);
  if (rows.first >= rows.last || columns.first >= columns.last) return -1;
  return (float)(sb_pooling_at(t->p, 0, oy, (int)rows.first) * t->in[1] +
                 sb_pooling_at(t->p, 1, ox, (int)columns.first));
}

/* where counted from the corner of each window: from now on in the plane. True if a window's
   largest value is -inf, so that padding may have won over it. */
SB_CLONES static int locate(const sb_strip *t, int64_t oy, int n, const float *best, float *where) {
  float first = (float)(sb_pooling_at(t->p, 0, oy, 0) * t->in[1] - t->p->pad[1]);
  int padding = 0;
  for (int k = 0; k < n; k++) {
    where[k] += first + t->corner[k];
    padding |= best[k] == NONE;
  }
  return padding;
}

static void look_again(const sb_strip *t, int64_t oy, const float *y, float *s) {
  for (int64_t k = 0; k < t->out[1]; k++)
    if (y[k] == NONE) s[k] = first_inside(t, oy, k);
}

/* ---- A strip ----------------------------------------------------------------------------------
 */

/* Rows of `from` to the `n` rows of the plane `to` that begin with oy; each may run over into the
   next but not out of the plane. */
SB_CLONES static void write_rows(const sb_strip *t, int64_t oy, int64_t n, const float *from,
                                 float *to) {
  int64_t columns = t->out[1], whole = up_to(columns, LANES);
  for (int64_t r = 0; r < n; r++)
    if ((t->out[0] - oy - r) * columns >= whole)
      copy_over(to + (oy + r) * columns, from + r * t->pitch, columns);
    else
      copy(to + (oy + r) * columns, from + r * t->pitch, 1, (int)columns);
}

static void pool_strip(const sb_strip *t, int64_t oy, float *scratch, const float *x,
                       const float *end, float *y, float *s) {
  int64_t tall = t->out[0] - oy < t->tall ? t->out[0] - oy : t->tall;
  int64_t rows = t->rows - t->tall + tall;
  float *reduced = scratch + t->phases[0] * t->phases[1] * t->area;
  float *best = reduced + 2 * t->phases[0] * t->area, *where = s ? best + t->area : NULL;
  deal(t, oy, rows, x, end, scratch);
  for (int q = 0; q < t->phases[0]; q++) {
    float *to = reduced + 2 * q * t->area;
    reduce_rows(t, (int)up_to(rows * t->pitch, LANES), scratch + q * t->phases[1] * t->area, to,
                s ? to + t->area : NULL);
  }
  reduce_columns(t, (int)up_to(tall * t->pitch, LANES), reduced, best, where);
  write_rows(t, oy, tall, best, y);
  if (!s) return;
  int valid = (int)((tall - 1) * t->pitch + t->out[1]);
  bool padding = locate(t, oy, valid, best, where);
  write_rows(t, oy, tall, where, s);
  for (int64_t r = oy; r < oy + tall && padding; r++)
    look_again(t, r, y + r * t->out[1], s + r * t->out[1]);
}

void sb_strip_pool(const sb_strip *t, float *scratch, const float *x, const float *end, float *y,
                   float *s) {
  for (int64_t oy = 0; oy < t->out[0]; oy += t->tall) pool_strip(t, oy, scratch, x, end, y, s);
}
