#include "tensor.h"

#include <string.h>

sb_lines sb_lines_along(const sb_shape *shape, int dim) {
  return (sb_lines){sb_shape_span(shape, 0, dim), shape->dim[dim],
                    sb_shape_span(shape, dim + 1, shape->rank)};
}

void sb_fill(sb_tensor *t, float value) {
  for (int64_t i = 0, n = sb_count(t); i < n; i++) t->data[i] = value;
}

void sb_copy(sb_tensor *to, const sb_tensor *from) {
  int64_t n = sb_count(from);
  if (n > 0) memcpy(to->data, from->data, (size_t)n * sizeof(float)); /* data may be NULL */
}
