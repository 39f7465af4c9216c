/* matmul.h: products of stacks of matrices. */
#ifndef SB_MATMUL_H
#define SB_MATMUL_H

#include "tensor.h"

/* c = a b for each matrix of the stack: a is (..., m, k), b is (..., k, n), c is (..., m, n), and
   the leading dimensions of a and b broadcast to those of c. m, n and k are below 2^31. */
void sb_matmul(sb_tensor *c, const sb_tensor *a, const sb_tensor *b);

#endif
