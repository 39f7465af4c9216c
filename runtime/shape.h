/* shape.h: the extents of a dense row-major array, outermost dimension first. */
#ifndef SB_SHAPE_H
#define SB_SHAPE_H

#include <stdbool.h>
#include <stdint.h>

enum { SB_MAX_RANK = 6, SB_SHAPE_TEXT = 128 };

/* rank 0 is a scalar (one element). rank -1 marks "absent" where a shape is optional. */
typedef struct sb_shape {
  int rank;
  int64_t dim[SB_MAX_RANK];
} sb_shape;

/* Number of elements; shapes that were checked by sb_shape_valid cannot overflow. */
int64_t sb_shape_count(const sb_shape *s);

/* Number of elements of dimensions [from, to): 1 when the range is empty. */
int64_t sb_shape_span(const sb_shape *s, int from, int to);

/* True if no extent is negative and the element count stays below 2^40. */
bool sb_shape_valid(const sb_shape *s);

bool sb_shape_equal(const sb_shape *a, const sb_shape *b);

/* NumPy broadcasting of a and b into out; false if some pair of extents differs and none is 1. */
bool sb_shape_broadcast(const sb_shape *a, const sb_shape *b, sb_shape *out);

/* Writes "2x3x4" ("scalar" for rank 0) into text and returns it. */
const char *sb_shape_text(const sb_shape *s, char text[SB_SHAPE_TEXT]);

/* Shorthands for the common ranks. */
static inline sb_shape sb_shape1(int64_t a) {
  return (sb_shape){1, {a}};
}
static inline sb_shape sb_shape2(int64_t a, int64_t b) {
  return (sb_shape){2, {a, b}};
}
static inline sb_shape sb_shape3(int64_t a, int64_t b, int64_t c) {
  return (sb_shape){3, {a, b, c}};
}
static inline sb_shape sb_shape4(int64_t a, int64_t b, int64_t c, int64_t d) {
  return (sb_shape){4, {a, b, c, d}};
}

#endif
