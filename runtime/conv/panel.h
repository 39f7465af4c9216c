/* panel.h: im2col, a block at a time. The matrix col of one image and group has a
   row for each (channel, i, j) and a column for each output position; a panel is a block of it:
   some channels, some positions. */
#ifndef SB_CONV_PANEL_H
#define SB_CONV_PANEL_H

#include "conv/conv.h"

/* panel[(c,i,j), p - p0] = x[c, input position of tap (i,j) of output p], zero in the padding, for
   `channels` planes that start at x and positions [p0, p1). */
void sb_panel_gather(const sb_conv *g, const float *x, int64_t channels, int64_t p0, int64_t p1,
                     float *panel);

#endif
