/* pack.h: weights in the order in which a register tile reads them, for products with the im2col
   matrix: [group of the convolution][row tile][depth][rows], zero rows filling the last tile. */
#ifndef SB_CONV_PACK_H
#define SB_CONV_PACK_H

#include <stdbool.h>

#include "conv/conv.h"

int64_t sb_packed_size(const sb_conv *g);

/* As sb_conv_fast.pack. */
void sb_pack_weights(const sb_conv *g, const float *w, bool flip, float *packed);

#endif
