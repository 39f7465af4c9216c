/* arrange.h: copies that put the same values elsewhere. `to` and `from` must not overlap. */
#ifndef SB_ARRANGE_H
#define SB_ARRANGE_H

#include <stdbool.h>

#include "tensor.h"

/* Dimension d of `to` is dimension order[d] of `from`. */
void sb_permute(sb_tensor *to, const sb_tensor *from, const int *order);
/* Puts `from` into `to`, of equal rank, with its first element at position `first`. */
void sb_place(sb_tensor *to, const int64_t *first, const sb_tensor *from);
/* `from` broadcasts to the shape of `to`. */
void sb_expand(sb_tensor *to, const sb_tensor *from);
/* Reverses the flipped dimensions. */
void sb_reverse(sb_tensor *to, const sb_tensor *from, const bool *flipped);
/* Repeats `from` along every dimension; extents of `to` are multiples, ranks are equal. */
void sb_tile(sb_tensor *to, const sb_tensor *from);
/* Position i along the lines of `to` is position which[i] (from 0) along those of `from`. */
void sb_take(float *to, const float *from, sb_lines from_lines, const int64_t *which, int64_t n);

#endif
