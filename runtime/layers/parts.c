#include "layers/parts.h"

#include "walk.h"

typedef void copy_part(float *stretch, float *part, const sb_tensor *whole, const sb_shape *shape);

/* The walk over a part has the strides of the whole for one array. */
static void into_whole(float *stretch, float *part, const sb_tensor *whole, const sb_shape *shape) {
  int64_t stride[SB_MAX_RANK];
  sb_walk w = sb_walk_over(shape);
  sb_strides(&whole->shape, stride);
  sb_walk_add_strides(&w, stride);
  sb_walk_add(&w, shape);
  sb_walk_copy(&w, stretch, part);
}

static void out_of_whole(float *stretch, float *part, const sb_tensor *whole,
                         const sb_shape *shape) {
  int64_t stride[SB_MAX_RANK];
  sb_walk w = sb_walk_over(shape);
  sb_strides(&whole->shape, stride);
  sb_walk_add(&w, shape);
  sb_walk_add_strides(&w, stride);
  sb_walk_copy(&w, part, stretch);
}

static void each_part(const sb_tensor *whole, int axis, const sb_tensor *parts, int n,
                      copy_part *copy) {
  float *stretch = whole->data;
  int64_t step = sb_shape_span(&whole->shape, axis + 1, whole->shape.rank);
  for (int k = 0; k < n; k++) {
    if (parts[k].data) copy(stretch, parts[k].data, whole, &parts[k].shape);
    stretch += parts[k].shape.dim[axis] * step;
  }
}

void sb_join_parts(sb_tensor *whole, int axis, const sb_tensor *parts, int n) {
  each_part(whole, axis, parts, n, into_whole);
}

void sb_cut_parts(const sb_tensor *whole, int axis, sb_tensor *parts, int n) {
  each_part(whole, axis, parts, n, out_of_whole);
}
