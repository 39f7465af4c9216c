/* planes.h: a tensor seen as a stack of equal planes: (..., H, W) as n planes of h x w. What
   treats every channel and every image alike works on planes and never sees the batch. */
#ifndef SB_PLANES_H
#define SB_PLANES_H

#include "tensor.h"

typedef struct sb_planes {
  int64_t n, h, w;
  float *data;
} sb_planes;

static inline sb_planes sb_planes_of(const sb_tensor *t) {
  int rank = t->shape.rank;
  return (sb_planes){sb_shape_span(&t->shape, 0, rank - 2), t->shape.dim[rank - 2],
                     t->shape.dim[rank - 1], t->data};
}

#endif
