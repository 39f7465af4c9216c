/* tensor.h: float32 arrays, contiguous, row-major, up to 6 dimensions.

   An sb_tensor never owns its data: in Lua the bytes are a userdata that the collector sees
   (ltensor.h); in C they are whatever the caller holds. Functions here cannot fail: shapes are
   checked by whoever calls them. Operands may alias the result only where a comment says so. */
#ifndef SB_TENSOR_H
#define SB_TENSOR_H

#include <stddef.h>

#include "shape.h"

typedef struct sb_tensor {
  sb_shape shape;
  float *data;
} sb_tensor;

static inline int64_t sb_count(const sb_tensor *t) {
  return sb_shape_count(&t->shape);
}

/* A tensor seen as outer x k x inner: lines of k values, inner apart, along one dimension. */
typedef struct sb_lines {
  int64_t outer, k, inner;
} sb_lines;
sb_lines sb_lines_along(const sb_shape *shape, int dim);

void sb_fill(sb_tensor *t, float value);
void sb_copy(sb_tensor *to, const sb_tensor *from); /* equal element counts */

#endif
