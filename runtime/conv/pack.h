/* pack.h: weights in the order in which a register tile reads them, for products with the im2col
   matrix: [group of the convolution][row tile][depth][rows], zero rows filling the last tile. */
#ifndef SB_CONV_PACK_H
#define SB_CONV_PACK_H

#include <stdbool.h>

#include "conv/conv.h"

/* The weights of one output channel: the first tap of its first input channel, and how far the next
   tap and the first tap of the next input channel are. row counts through all groups; flip as for
   sb_conv_fast.pack. */
typedef struct sb_weight_line {
  const float *at;
  int64_t tap, channel;
} sb_weight_line;

sb_weight_line sb_find_weights(const sb_conv *g, const float *w, bool flip, int64_t row);

int64_t sb_packed_size(const sb_conv *g);

/* As sb_conv_fast.pack. */
void sb_pack_weights(const sb_conv *g, const float *w, bool flip, float *packed);

#endif
