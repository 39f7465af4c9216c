/* sort.h: stable sorting of float values with their positions. */
#ifndef SB_SORT_H
#define SB_SORT_H

#include <stdbool.h>

#include "tensor.h"

typedef struct sb_sort_item {
  uint32_t key, position;
} sb_sort_item;

/* Sorts the lines of x and keeps the first `keep` of each: values and their positions (from 0,
   exact below 2^24), both outer x keep x inner. Equal values stay in order, -0 equals 0, and a NaN
   counts as larger than everything. `scratch` has room for 2 * l.k items. */
void sb_sort_lines(const float *x, sb_lines l, bool descending, int64_t keep, sb_sort_item *scratch,
                   float *values, float *positions);

#endif
