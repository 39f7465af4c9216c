#include "shape.h"

#include <stdio.h>
#include <string.h>

int64_t sb_shape_span(const sb_shape *s, int from, int to) {
  int64_t n = 1;
  for (int i = from; i < to; i++) n *= s->dim[i];
  return n;
}

int64_t sb_shape_count(const sb_shape *s) {
  return sb_shape_span(s, 0, s->rank);
}

bool sb_shape_valid(const sb_shape *s) {
  const int64_t limit = (INT64_C(1) << 40) - 1;
  int64_t n = 1;
  for (int i = 0; i < s->rank; i++) {
    if (s->dim[i] < 0 || s->dim[i] > limit / n) return false;
    if (s->dim[i] > 0) n *= s->dim[i];
  }
  return true;
}

bool sb_shape_equal(const sb_shape *a, const sb_shape *b) {
  return a->rank == b->rank &&
         (a->rank <= 0 || memcmp(a->dim, b->dim, (size_t)a->rank * sizeof a->dim[0]) == 0);
}

bool sb_shape_broadcast(const sb_shape *a, const sb_shape *b, sb_shape *out) {
  *out = (sb_shape){a->rank > b->rank ? a->rank : b->rank, {0}};
  for (int i = 1; i <= out->rank; i++) {
    int64_t da = i <= a->rank ? a->dim[a->rank - i] : 1;
    int64_t db = i <= b->rank ? b->dim[b->rank - i] : 1;
    if (da != db && da != 1 && db != 1) return false;
    out->dim[out->rank - i] = da == 1 ? db : da;
  }
  return true;
}

const char *sb_shape_text(const sb_shape *s, char text[SB_SHAPE_TEXT]) {
  if (s->rank == 0) return strcpy(text, "scalar");
  int n = 0;
  for (int i = 0; i < s->rank && n < SB_SHAPE_TEXT; i++)
    n += snprintf(text + n, (size_t)(SB_SHAPE_TEXT - n), "%s%lld", i ? "x" : "",
                  (long long)s->dim[i]);
  return text;
}
