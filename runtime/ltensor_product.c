/* ltensor_product.c: matrix and inner products. */
#include <lauxlib.h>

#include "ltensor_parts.h"
#include "matmul.h"
#include "reduce.h"

/* a:dot(b) --> the sum of products of two tensors of equal shape, in double. */
static int tensor_dot(lua_State *L) {
  sb_tensor *a = sb_check_tensor(L, 1), *b = sb_check_tensor(L, 2);
  char first[SB_SHAPE_TEXT], second[SB_SHAPE_TEXT];
  if (!sb_shape_equal(&a->shape, &b->shape))
    return luaL_error(L, "dot: shapes %s and %s differ", sb_shape_text(&a->shape, first),
                      sb_shape_text(&b->shape, second));
  lua_pushnumber(L, sb_dot(a->data, b->data, sb_count(a)));
  return 1;
}

static int mismatch(lua_State *L, const sb_tensor *a, const sb_tensor *b) {
  char first[SB_SHAPE_TEXT], second[SB_SHAPE_TEXT];
  return luaL_error(L, "matmul: shapes %s and %s do not match", sb_shape_text(&a->shape, first),
                    sb_shape_text(&b->shape, second));
}

/* A vector as a matrix of one row, or of one column; anything else as it is. */
static sb_tensor as_matrix(const sb_tensor *t, bool column) {
  sb_tensor m = *t;
  if (t->shape.rank == 1)
    m.shape = column ? sb_shape2(t->shape.dim[0], 1) : sb_shape2(1, t->shape.dim[0]);
  return m;
}

/* A stack of matrices times one matrix is one matrix of all their rows times that matrix. */
static void merge_rows(sb_tensor *t) {
  int last = t->shape.rank - 1;
  t->shape = sb_shape2(sb_shape_span(&t->shape, 0, last), t->shape.dim[last]);
}

/* Shape of the product; raises if the factors do not match. */
static sb_shape check_product(lua_State *L, const sb_tensor *a, const sb_tensor *b) {
  sb_tensor x = as_matrix(a, false), y = as_matrix(b, true);
  sb_shape of_x = x.shape, of_y = y.shape, out;
  of_x.rank -= 2, of_y.rank -= 2;
  if (a->shape.rank == 0 || b->shape.rank == 0 || !sb_shape_broadcast(&of_x, &of_y, &out) ||
      x.shape.dim[of_x.rank + 1] != y.shape.dim[of_y.rank])
    mismatch(L, a, b);
  out.dim[out.rank++] = x.shape.dim[of_x.rank];
  out.dim[out.rank++] = y.shape.dim[of_y.rank + 1];
  for (int d = 0; d < 2; d++)
    if (x.shape.dim[of_x.rank + d] > INT32_MAX || y.shape.dim[of_y.rank + d] > INT32_MAX)
      luaL_error(L, "matmul: a matrix side exceeds %d", INT32_MAX);
  return out;
}

/* The product's shape without the dimension that a vector did not have. */
static sb_shape without_vectors(sb_shape s, const sb_tensor *a, const sb_tensor *b) {
  if (a->shape.rank == 1) s.dim[s.rank - 2] = s.dim[s.rank - 1], s.rank--;
  if (b->shape.rank == 1) s.rank--;
  return s;
}

/* a:matmul(b) --> the product of matrices; leading dimensions are stacks that broadcast. A vector
   is a row on the left and a column on the right; of two vectors the result is their dot, a number.
 */
static int tensor_matmul(lua_State *L) {
  sb_tensor *a = sb_check_tensor(L, 1), *b = sb_check_tensor(L, 2);
  sb_shape full = check_product(L, a, b), shape = without_vectors(full, a, b);
  if (a->shape.rank == 1 && b->shape.rank == 1) return tensor_dot(L);
  sb_tensor *out = sb_push_tensor(L, &shape);
  sb_tensor x = as_matrix(a, false), y = as_matrix(b, true), z = {full, out->data};
  if (y.shape.rank == 2 && sb_shape_span(&x.shape, 0, x.shape.rank - 1) <= INT32_MAX) {
    merge_rows(&x);
    merge_rows(&z);
  }
  sb_matmul(&z, &x, &y);
  return 1;
}

static const luaL_Reg methods[] = {{"dot", tensor_dot}, {"matmul", tensor_matmul}, {NULL, NULL}};

void sb_tensor_products(lua_State *L) {
  luaL_setfuncs(L, methods, 0);
}
