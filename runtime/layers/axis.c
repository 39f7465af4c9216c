#include "layers/axis.h"

bool sb_resolve_axis(const char *name, int64_t axis, const sb_shape *input, int *out, sb_error *e) {
  char text[SB_SHAPE_TEXT];
  *out = (int)(axis < 0 ? axis + input->rank : axis);
  if (*out >= 0 && *out < input->rank) return true;
  return sb_fail(e, "%s: axis %d is out of range for the input %s", name, (int)(axis + (axis >= 0)),
                 sb_shape_text(input, text));
}

bool sb_resolve_axes(const char *name, const sb_ints *axes, const sb_shape *input,
                     bool marked[SB_MAX_RANK], sb_error *e) {
  for (int d = 0; d < SB_MAX_RANK; d++) marked[d] = false;
  for (int i = 0; i < axes->n; i++) {
    int d;
    if (!sb_resolve_axis(name, axes->v[i], input, &d, e)) return false;
    if (marked[d]) return sb_fail(e, "%s: axis %d is named twice", name, d + 1);
    marked[d] = true;
  }
  return true;
}
