/* maxpool_strip.h: the vector form of max pooling, a few rows of outputs at a time.

   The input rows of a strip are dealt out into `stride` x `stride` phases, padded with -inf, so
   that a tap of all windows of the strip is one run of contiguous floats. Rows of windows are
   reduced first, then columns: the order in which the first of equal values wins. */
#ifndef SB_MAXPOOL_STRIP_H
#define SB_MAXPOOL_STRIP_H

#include "layers/pooling.h"

/* Windows that reach further than this are left to others. */
enum { SB_STRIP_REACH = 64 };

/* The columns of an input row that go to one phase: `n` from `at` on, to position `to`. */
typedef struct sb_strip_run {
  int64_t to, at, n;
} sb_strip_run;

typedef struct sb_strip {
  const sb_pooling *p;
  int64_t in[2], out[2];
  int stride[2], phases[2];
  int64_t tall;        /* rows of outputs in a strip */
  int64_t pitch, rows; /* of a phase */
  int64_t area;        /* floats of a phase, and room for whole vectors to run over its end */
  sb_strip_run run[SB_STRIP_REACH + 1];
  const float *corner; /* index in the plane of each window's corner, from that of the first */
} sb_strip;

/* Fills t for pooling planes of `in` to planes of `out` (N,C,H,W); false: the windows are too
 * large.
 */
bool sb_strip_plan(sb_strip *t, const sb_pooling *p, const sb_shape *in, const sb_shape *out);

/* Floats of scratch that one thread needs. */
int64_t sb_strip_scratch(const sb_strip *t);

/* Fills what stays the same from plane to plane; answers the scratch that is left. */
float *sb_strip_start(sb_strip *t, float *scratch);

/* Pools one plane x to y, and the switches to s unless it is NULL. `end` is the end of the memory
   that x lies in. Of equal values the first in row-major order wins, NaN wins over numbers; a
   window that lies in the padding alone gives -inf and the switch -1. */
void sb_strip_pool(const sb_strip *t, float *scratch, const float *x, const float *end, float *y,
                   float *s);

#endif
