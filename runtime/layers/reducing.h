/* reducing.h: what the reduce_* layers share. */
#ifndef SB_REDUCING_H
#define SB_REDUCING_H

#include "layer.h"

typedef struct sb_reducing {
  sb_ints axes;
  bool keepdims;
} sb_reducing;

#define SB_REDUCING_PARAMS                                                                         \
  SB_PARAM(sb_reducing, axes, SB_AXES, "{}", SB_ANY, "dimensions to reduce; none: all"),           \
      SB_PARAM(sb_reducing, keepdims, SB_BOOL, "true", 0, "leave them with extent 1")

/* The shape rule. Plans forward scratch for sb_reducing_forward (as often as x that is mapped
   first: `buffers`) and backward scratch of one float an output. */
bool sb_reducing_shape(const char *name, const sb_reducing *f, const sb_shape *in, int buffers,
                       sb_plan *plan, sb_error *e);

/* y = x reduced (a name of reduce.h), where x is the input's data or a buffer at the start of
   scratch. */
void sb_reducing_forward(const sb_call *c, const char *reduction, const float *x);

/* How many values of x make one of y. */
int64_t sb_reducing_count(const sb_call *c);

/* dx = v, one value for each of y, stretched back over the reduced dimensions. */
void sb_reducing_spread(const sb_call *c, const float *v);
/* dx = v * by, with v stretched as above; `by` has x's shape and may be dx. */
void sb_reducing_scale(const sb_call *c, const float *v, const sb_tensor *by);

/* dx: the values that equal their y share its gradient evenly. */
void sb_reducing_share(const sb_call *c);

/* Pointwise in space unless a spatial dimension of (N,C,H,W) is reduced. */
bool sb_reducing_window(const void *config, const sb_shape *weights, sb_window *w);

#endif
