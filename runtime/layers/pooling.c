#include "layers/pooling.h"

static int64_t output_extent(const sb_pooling *p, int axis, int64_t in) {
  int64_t before = p->pad[axis], after = p->pad[axis + 2], s = sb_pooling_step(p, axis);
  int64_t room = in + before + after - ((int64_t)p->dilation[axis] * (p->kernel[axis] - 1) + 1);
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
  if (in->dim[2] * in->dim[3] < 1 << 24) return true;
  return sb_fail(e, "%s: input %s has a plane too large for float32 switches (2^24)", name,
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
