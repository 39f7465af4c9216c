/* repeats.h: equal neighbours stay equal. On flat backgrounds many outputs of a convolution see the
   same numbers, and which of them a pooling switch names decides where a saliency map is bright:
   the first, if they are equal to the last bit. Winograd's algorithm computes the outputs of a tile
   in different ways, and rounding would decide (gradients of the astronaut's portrait were up to
   0.15 from the true ones). */
#ifndef SB_CONV_REPEATS_H
#define SB_CONV_REPEATS_H

#include "conv/conv.h"

/* Floats of scratch. */
int64_t sb_conv_repeats_scratch(const sb_conv *g);

/* Gives all outputs of a 3x3 convolution with stride and dilation 1 the value of the first in their
   area: neighbours are of one area where their whole patches are equal in all channels. Photographs
   have few such places, and then it takes as long as comparing a few channels. */
void sb_conv_repeat(const sb_conv *g, const float *x, float *y, float *scratch);

#endif
