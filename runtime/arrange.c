#include "arrange.h"

#include <string.h>

#include "walk.h"

void sb_permute(sb_tensor *to, const sb_tensor *from, const int *order) {
  int64_t dense[SB_MAX_RANK], stride[SB_MAX_RANK];
  sb_strides(&from->shape, dense);
  for (int d = 0; d < to->shape.rank; d++) stride[d] = dense[order[d]];
  sb_walk w = sb_walk_over(&to->shape);
  sb_walk_add(&w, &to->shape);
  sb_walk_add_strides(&w, stride);
  sb_walk_copy(&w, to->data, from->data);
}

void sb_place(sb_tensor *to, const int64_t *first, const sb_tensor *from) {
  int64_t stride[SB_MAX_RANK], offset = 0;
  sb_strides(&to->shape, stride);
  for (int d = 0; d < to->shape.rank; d++) offset += first[d] * stride[d];
  sb_walk w = sb_walk_over(&from->shape);
  sb_walk_add_strides(&w, stride);
  sb_walk_add(&w, &from->shape);
  sb_walk_copy(&w, to->data + offset, from->data);
}

void sb_expand(sb_tensor *to, const sb_tensor *from) {
  sb_walk w = sb_walk_over(&to->shape);
  sb_walk_add(&w, &to->shape);
  sb_walk_add(&w, &from->shape);
  sb_walk_copy(&w, to->data, from->data);
}

void sb_reverse(sb_tensor *to, const sb_tensor *from, const bool *flipped) {
  int64_t stride[SB_MAX_RANK], offset = 0;
  if (sb_count(from) == 0) return;
  sb_strides(&from->shape, stride);
  for (int d = 0; d < from->shape.rank; d++) {
    if (!flipped[d]) continue;
    offset += (from->shape.dim[d] - 1) * stride[d];
    stride[d] = -stride[d];
  }
  sb_walk w = sb_walk_over(&to->shape);
  sb_walk_add(&w, &to->shape);
  sb_walk_add_strides(&w, stride);
  sb_walk_copy(&w, to->data, from->data + offset);
}

/* Every dimension of `to` is walked as (repetition, position), and repetitions stand still in
   `from`. */
void sb_tile(sb_tensor *to, const sb_tensor *from) {
  int64_t to_dense[SB_MAX_RANK], from_dense[SB_MAX_RANK];
  sb_walk w = {.rank = 2 * to->shape.rank, .arrays = 2};
  sb_strides(&to->shape, to_dense);
  sb_strides(&from->shape, from_dense);
  for (int d = 0; d < to->shape.rank; d++) {
    int64_t extent = from->shape.dim[d];
    w.dim[2 * d] = extent ? to->shape.dim[d] / extent : 0;
    w.dim[2 * d + 1] = extent;
    w.stride[0][2 * d] = extent * to_dense[d], w.stride[0][2 * d + 1] = to_dense[d];
    w.stride[1][2 * d] = 0, w.stride[1][2 * d + 1] = from_dense[d];
  }
  sb_walk_copy(&w, to->data, from->data);
}

void sb_take(float *to, const float *from, sb_lines l, const int64_t *which, int64_t n) {
  size_t row = (size_t)l.inner * sizeof *to;
  for (int64_t o = 0; o < l.outer; o++)
    for (int64_t i = 0; i < n; i++, to += l.inner)
      memcpy(to, from + (o * l.k + which[i]) * l.inner, row);
}
