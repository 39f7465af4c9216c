/* fast.h: the ways to convolve that want their weights packed first. Most do a forward convolution
   only; the backward pass to the input at stride 1 is one with the filters turned and the channels
   exchanged, so it takes the same road. Those that are transposed do the backward pass. */
#ifndef SB_CONV_FAST_H
#define SB_CONV_FAST_H

#include <stdbool.h>

#include "conv/conv.h"

typedef struct sb_conv_fast {
  const char *name;
  /* Estimated time in cycles of one core; INFINITY where it cannot be used. */
  double (*cost)(const sb_conv *g);
  /* Floats of packed weights, and of scratch at the present number of threads. */
  int64_t (*packed_size)(const sb_conv *g);
  int64_t (*scratch)(const sb_conv *g);
  /* w is (c_out, c_in/groups, kh, kw); with flip (c_in, c_out/groups, kh, kw), to be turned by 180
     degrees with the channels of each group exchanged. */
  void (*pack)(const sb_conv *g, const float *w, bool flip, float *packed);
  void (*run)(const sb_conv *g, const float *packed, const float *x, const sb_conv_finish *finish,
              float *y, float *scratch);
  /* Computes the adjoint of g in x: the x of run is dy, its y is dx; pack is called with flip. */
  bool transposed;
  bool in_double; /* for exact mode alone */
} sb_conv_fast;

/* The forward convolution, from y to x, that is the adjoint of g at stride 1: channels exchanged,
   filters to be turned. False if there is none. */
bool sb_conv_adjoint(const sb_conv *g, sb_conv *adjoint);

/* All of them, ended by NULL. */
extern const sb_conv_fast *const sb_conv_fasts[];

extern const sb_conv_fast sb_conv_winograd4; /* F(4x4, 3x3): 1e-5 of the largest value */
extern const sb_conv_fast sb_conv_winograd2; /* F(2x2, 3x3): about 1e-6 */
extern const sb_conv_fast sb_conv_panels;    /* 1x1, stride 1 */
extern const sb_conv_fast sb_conv_shifts;    /* any shape */
extern const sb_conv_fast sb_conv_col2im;    /* transposed, few input channels */
extern const sb_conv_fast sb_conv_phases;    /* transposed, many */
extern const sb_conv_fast sb_conv_exact;     /* any shape, in double */

#endif
