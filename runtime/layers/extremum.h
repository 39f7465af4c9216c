/* extremum.h: what maximum and minimum share. */
#ifndef SB_EXTREMUM_H
#define SB_EXTREMUM_H

#include "layers/broadcast.h"

/* The shape rule of broadcasting, with the scratch for the way back. */
bool sb_extremum_shape(const char *name, const sb_shape *in, int n_in, sb_plan *plan, sb_error *e);

/* The inputs that equal the output at a position share the gradient there evenly. */
void sb_extremum_backward(const sb_call *c);

#endif
