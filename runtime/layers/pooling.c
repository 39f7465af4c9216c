#include "layers/pooling.h"

/* How far a window reaches along an axis. */
static int64_t extent(const sb_pooling *p, int axis) {
  return (int64_t)p->dilation[axis] * (p->kernel[axis] - 1) + 1;
}

static int64_t output_extent(const sb_pooling *p, int axis, int64_t in) {
  int64_t before = p->pad[axis], after = p->pad[axis + 2], s = sb_pooling_step(p, axis);
  int64_t room = in + before + after - extent(p, axis);
  if (p->ceil_mode) room += s - 1;
  if (room < 0) return 0;
  int64_t n = room / s + 1;
  return p->ceil_mode && (n - 1) * s >= in + before ? n - 1 : n;
}

bool sb_pooling_shape(const char *name, const sb_pooling *p, const sb_shape *in, sb_shape *out,
                      sb_error *e) {
  char text[SB_SHAPE_TEXT];
  if (!sb_require_nchw(name, in, e)) return false;
  *out = *in;
  for (int axis = 0; axis < 2; axis++) {
    if (p->pad[axis] >= extent(p, axis) || p->pad[axis + 2] >= extent(p, axis))
      return sb_fail(e, "%s: padding %d,%d,%d,%d must be smaller than the window of %dx%d", name,
                     p->pad[0], p->pad[1], p->pad[2], p->pad[3], p->kernel[0], p->kernel[1]);
    out->dim[2 + axis] = output_extent(p, axis, in->dim[2 + axis]);
    if (out->dim[2 + axis] < 1)
      return sb_fail(e, "%s: a window of %dx%d does not fit the input %s with padding %d,%d,%d,%d",
                     name, p->kernel[0], p->kernel[1], sb_shape_text(in, text), p->pad[0],
                     p->pad[1], p->pad[2], p->pad[3]);
  }
  return true;
}

bool sb_pooling_switchable(const char *name, const sb_shape *in, sb_error *e) {
  char text[SB_SHAPE_TEXT];
  const int64_t limit = 1 << 24; /* the sides first: their product may overflow */
  if (in->dim[2] < limit && in->dim[3] < limit && in->dim[2] * in->dim[3] < limit) return true;
  return sb_fail(e, "%s: %s has a plane too large for float32 switches (2^24)", name,
                 sb_shape_text(in, text));
}

bool sb_pooling_window(const sb_pooling *p, sb_window *w) {
  for (int axis = 0; axis < 2; axis++) {
    w->extent[axis] = (p->kernel[axis] - 1.0) * p->dilation[axis] + 1;
    w->stride[axis] = (double)sb_pooling_step(p, axis);
    w->pad[axis] = p->pad[axis];
  }
  return true;
}
