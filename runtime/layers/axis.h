/* axis.h: dimensions as layers name them: 0-based here, negative from the end (SB_AXIS, SB_AXES).
 */
#ifndef SB_AXIS_H
#define SB_AXIS_H

#include "layer.h"

/* The dimension that `axis` names among `rank`; fails with "NAME: axis 5 is out of range for the
   input 2x3" (as a user writes it, 1-based). */
bool sb_resolve_axis(const char *name, int64_t axis, const sb_shape *input, int *out, sb_error *e);

/* The same for an axis that was checked before. */
static inline int sb_axis_of(int axis, int rank) {
  return axis < 0 ? axis + rank : axis;
}

/* Marks the dimensions that a list names; fails as above, or if one is named twice. */
bool sb_resolve_axes(const char *name, const sb_ints *axes, const sb_shape *input,
                     bool marked[SB_MAX_RANK], sb_error *e);

#endif
