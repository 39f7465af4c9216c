/* packed.h: convolution of any shape as a matrix product with weights packed once. A column panel
   of the im2col matrix is written straight into the layout that the register tile reads. */
#ifndef SB_CONV_PACKED_H
#define SB_CONV_PACKED_H

#include <stdbool.h>

#include "conv/conv.h"

/* Floats of the packed weights; of the scratch that a run needs at the present number of threads.
 */
int64_t sb_packed_size(const sb_conv *g);
int64_t sb_packed_scratch(const sb_conv *g);

/* Packs w (c_out, c_in/groups, kh, kw). flip: w is (c_in, c_out/groups, kh, kw), each filter to be
   turned by 180 degrees, channels exchanged within a group: the backward pass to the input at
   stride 1. */
void sb_packed_pack(const sb_conv *g, const float *w, bool flip, float *packed);

/* y = relu?(conv(x, w) + bias); bias may be NULL. */
void sb_packed_run(const sb_conv *g, const float *packed, const float *x, const float *bias,
                   bool relu, float *y, float *scratch);

#endif
