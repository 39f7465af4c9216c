/* softmax_lines.h: what softmax and log_softmax share: lines of values along one dimension, worked
   off in blocks of neighbouring lines. */
#ifndef SB_SOFTMAX_LINES_H
#define SB_SOFTMAX_LINES_H

#include "layer.h"

enum { SB_BLOCK_LINES = 64 };

typedef struct sb_softmax {
  int axis;
} sb_softmax;

#define SB_SOFTMAX_PARAMS                                                                          \
  SB_PARAM(sb_softmax, axis, SB_AXIS, "2", SB_ANY, "the dimension that is normalised")

/* Lines side by side: value i of line j lies at offset + i * step + j. */
typedef struct sb_line_block {
  int64_t offset, k, step;
  int lines; /* at most SB_BLOCK_LINES */
} sb_line_block;

/* The shape rule: x must have the axis. */
bool sb_softmax_shape(const char *name, const sb_softmax *f, const sb_shape *in, sb_plan *plan,
                      sb_error *e);

/* Calls work for blocks that cover all lines along the layer's axis; in parallel. */
void sb_for_line_blocks(const sb_call *c, void (*work)(const sb_call *c, const sb_line_block *b));

/* e = exp(x - largest of its line); also gives the largest and the sum of e of each line. */
void sb_exponentials(const sb_line_block *b, const float *x, float *e, float *largest, double *sum);

/* Pointwise in space if the channels are normalised; otherwise an output sees everything. */
bool sb_softmax_window(const void *config, const sb_shape *weights, sb_window *w);

#endif
