/* parts.h: a tensor and its parts along one dimension, for concat and split. */
#ifndef SB_PARTS_H
#define SB_PARTS_H

#include "tensor.h"

/* Copies the parts, laid end to end along the axis, into the whole. */
void sb_join_parts(sb_tensor *whole, int axis, const sb_tensor *parts, int n);

/* Copies the stretches of the whole into the parts that have data. */
void sb_cut_parts(const sb_tensor *whole, int axis, sb_tensor *parts, int n);

#endif
