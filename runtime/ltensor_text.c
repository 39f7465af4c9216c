/* ltensor_text.c: tostring(t): shape and range, then as many values as a screen of 80 x 24 holds.
 */
#include <lauxlib.h>
#include <math.h>
#include <stdio.h>

#include "ltensor_parts.h"

enum { SCREEN_WIDTH = 80, MATRIX_ROWS = 16, SLICE_ROWS = 7, SLICES = 2, CELL = 32 };

/* ---- What there is to show ------------------------------------------------------------------- */

typedef struct summary {
  double low, high; /* of the finite values */
  int64_t finite, nan, infinite;
  bool integers;
} summary;

static summary summarise(const sb_tensor *t) {
  summary s = {INFINITY, -INFINITY, 0, 0, 0, true};
  for (int64_t i = 0, n = sb_count(t); i < n; i++) {
    double v = t->data[i];
    if (isnan(v)) {
      s.nan++;
    } else if (isinf(v)) {
      s.infinite++;
    } else {
      s.finite++;
      if (v < s.low) s.low = v;
      if (v > s.high) s.high = v;
      s.integers = s.integers && v == floor(v);
    }
  }
  return s;
}

/* One number format for all cells, so that columns line up. */
typedef struct style {
  int digits; /* behind the point */
  bool scientific;
  int width;
} style;

static int print_number(char *cell, const style *look, double value) {
  if (isnan(value)) return snprintf(cell, CELL, "nan"); /* printf may give it a sign */
  if (look->scientific) return snprintf(cell, CELL, "%.*e", look->digits, value);
  return snprintf(cell, CELL, "%.*f", look->digits, value);
}

static style choose_style(const summary *s) {
  style look = {.digits = 4, .width = 5}; /* room for " -inf" */
  double largest = s->finite ? fmax(fabs(s->low), fabs(s->high)) : 0;
  if (s->integers && largest < 1e7)
    look.digits = 0;
  else if (largest >= 1e5 || largest < 1e-2)
    look.digits = 3, look.scientific = true;
  double ends[] = {s->low, s->high};
  for (int i = 0; i < 2 && s->finite; i++) {
    char cell[CELL];
    int width = print_number(cell, &look, ends[i]) + 2;
    if (width > look.width) look.width = width;
  }
  return look;
}

/* Of n things the first `head` and the last `tail` are shown. */
typedef struct excerpt {
  int64_t n, head, tail;
} excerpt;

static excerpt shorten(int64_t n, int64_t limit) {
  if (n <= limit) return (excerpt){n, n, 0};
  return (excerpt){n, limit / 2 + limit % 2, limit / 2};
}

/* ---- Writing --------------------------------------------------------------------------------- */

static void add_cell(luaL_Buffer *b, const style *look, double value) {
  char number[CELL], cell[2 * CELL];
  print_number(number, look, value);
  snprintf(cell, sizeof cell, "%*s", look->width, number);
  luaL_addstring(b, cell);
}

static void add_row(luaL_Buffer *b, const style *look, const float *x, int64_t n) {
  const int dots = 5;
  excerpt e = {n, n, 0};
  if (n * look->width > SCREEN_WIDTH) e = shorten(n, (SCREEN_WIDTH - dots) / look->width);
  for (int64_t i = 0; i < e.n; i++) {
    if (i == e.head) {
      luaL_addstring(b, "  ...");
      i = e.n - e.tail;
    }
    add_cell(b, look, x[i]);
  }
}

static void add_matrix(luaL_Buffer *b, const style *look, const float *x, int64_t rows,
                       int64_t columns, int64_t limit) {
  excerpt e = shorten(rows, limit);
  for (int64_t i = 0; i < e.n; i++) {
    if (i == e.head) {
      luaL_addstring(b, "\n  ...");
      i = e.n - e.tail;
    }
    luaL_addchar(b, '\n');
    add_row(b, look, x + i * columns, columns);
  }
}

/* "(2,1,.,.)" above slice i of the leading dimensions. */
static void add_slice_title(luaL_Buffer *b, const sb_shape *shape, int64_t i) {
  int64_t count = sb_shape_span(shape, 0, shape->rank - 2);
  luaL_addstring(b, "\n(");
  for (int d = 0; d < shape->rank - 2; d++) {
    char number[CELL];
    count /= shape->dim[d];
    snprintf(number, sizeof number, "%lld,", (long long)(i / count + 1));
    luaL_addstring(b, number);
    i %= count;
  }
  luaL_addstring(b, ".,.)");
}

static void add_values(luaL_Buffer *b, const style *look, const sb_tensor *t) {
  int rank = t->shape.rank;
  int64_t columns = rank > 0 ? t->shape.dim[rank - 1] : 1;
  int64_t rows = rank > 1 ? t->shape.dim[rank - 2] : 1;
  if (rank <= 2) {
    add_matrix(b, look, t->data, rows, columns, MATRIX_ROWS);
    return;
  }
  excerpt e = shorten(sb_shape_span(&t->shape, 0, rank - 2), SLICES);
  for (int64_t i = 0; i < e.n; i++) {
    if (i == e.head) {
      luaL_addstring(b, "\n...");
      i = e.n - e.tail;
    }
    add_slice_title(b, &t->shape, i);
    add_matrix(b, look, t->data + i * rows * columns, rows, columns, SLICE_ROWS);
  }
}

static void add_header(luaL_Buffer *b, const sb_tensor *t, const summary *s) {
  char line[256], shape[SB_SHAPE_TEXT];
  snprintf(line, sizeof line, "tensor %s", sb_shape_text(&t->shape, shape));
  luaL_addstring(b, line);
  if (sb_count(t) == 0) luaL_addstring(b, ", empty");
  if (s->finite) {
    snprintf(line, sizeof line, ", %g to %g", s->low, s->high);
    luaL_addstring(b, line);
  }
  if (s->nan || s->infinite) {
    snprintf(line, sizeof line, ", %lld NaN, %lld infinite", (long long)s->nan,
             (long long)s->infinite);
    luaL_addstring(b, line);
  }
}

/* tostring(t) --> "tensor SHAPE, LOWEST to HIGHEST" and the values, elided in the middle. */
int sb_tensor_tostring(lua_State *L) {
  sb_tensor *t = sb_check_tensor(L, 1);
  summary s = summarise(t);
  style look = choose_style(&s);
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  add_header(&b, t, &s);
  if (sb_count(t) > 0) add_values(&b, &look, t);
  luaL_pushresult(&b);
  return 1;
}
