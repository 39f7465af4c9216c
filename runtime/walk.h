/* walk.h: visiting several arrays of the same extents and different strides, row by row and in
   parallel. Broadcasting is a stride of 0, a permutation is reordered strides, a reversal a
   negative one; so every copy that rearranges and every pointwise operation that broadcasts is one
   walk. */
#ifndef SB_WALK_H
#define SB_WALK_H

#include "shape.h"

enum { SB_WALK_ARRAYS = 4, SB_WALK_RANK = 2 * SB_MAX_RANK };

/* Array 0 is the one written: no two positions may share an element of it. Strides count elements.
 */
typedef struct sb_walk {
  int rank, arrays;
  int64_t dim[SB_WALK_RANK];
  int64_t stride[SB_WALK_ARRAYS][SB_WALK_RANK];
} sb_walk;

/* Handles n neighbours of the innermost dimension: element i of array a is at offset[a] + i *
   stride[a]. */
typedef void sb_row(const void *context, const int64_t *offset, const int64_t *stride, int64_t n);

/* Starts a walk over `shape`, with no array yet. */
sb_walk sb_walk_over(const sb_shape *shape);
/* Adds a contiguous array of shape `from`, which broadcasts to the walk's shape. */
void sb_walk_add(sb_walk *w, const sb_shape *from);
/* Adds an array by its strides, one a dimension of the walk. */
void sb_walk_add_strides(sb_walk *w, const int64_t *stride);
/* Row-major strides of `shape`. */
void sb_strides(const sb_shape *shape, int64_t stride[SB_MAX_RANK]);

/* Fewer and longer rows: drops extents of 1 and merges neighbours that every array walks as one.
   Leaves rank >= 1. */
sb_walk sb_walk_compact(const sb_walk *walk);

/* Calls row until every position of the compacted walk was visited once; a thread takes `grain`
   positions at once. */
enum { SB_WALK_GRAIN = 1 << 14 }; /* for cheap rows */
void sb_walk_rows(const sb_walk *w, int64_t grain, sb_row *row, const void *context);

/* Copies (walk_copy.c) along a walk whose array 0 is `to` and whose array 1 is `from`. They must
 * not overlap. */
void sb_walk_copy(const sb_walk *w, float *to, const float *from);

#endif
