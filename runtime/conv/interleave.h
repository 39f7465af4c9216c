/* interleave.h: from planes to channels-last. */
#ifndef SB_CONV_INTERLEAVE_H
#define SB_CONV_INTERLEAVE_H

#include <stdint.h>

/* to[k * stride + r] = rows[r][k] for k in [0, n) and r in [0, count), count at most 8 and stride.
   All 8 rows can be read. What lies in `to` between those elements may be overwritten, so that of
   several calls for one place those with fewer rows come first. */
void sb_interleave(int count, const float *const rows[8], int64_t n, float *to, int64_t stride);

#endif
