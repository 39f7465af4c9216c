/* ltensor_new.c: constructors of tensors. */
#include <lauxlib.h>
#include <math.h>
#include <string.h>

#include "lrng.h"
#include "ltensor_parts.h"

/* A new tensor whose shape is argument arg: a table or the rest of the arguments. */
static sb_tensor *push_shaped(lua_State *L, const char *name, int arg) {
  sb_shape shape = sb_check_shape(L, arg);
  char text[SB_SHAPE_TEXT];
  if (!sb_shape_valid(&shape))
    luaL_error(L, "%s: invalid shape %s", name, sb_shape_text(&shape, text));
  return sb_push_tensor(L, &shape);
}

/* ---- From tables ----------------------------------------------------------------------------- */

/* The extents along the first elements of nested tables. */
static sb_shape nested_shape(lua_State *L, int arg) {
  sb_shape shape = {0};
  lua_pushvalue(L, arg);
  while (lua_istable(L, -1)) {
    luaL_argcheck(L, shape.rank < SB_MAX_RANK, arg, "a tensor has at most 6 dimensions");
    shape.dim[shape.rank++] = luaL_len(L, -1);
    lua_geti(L, -1, 1);
    lua_remove(L, -2);
  }
  lua_pop(L, 1);
  return shape;
}

/* Stores the value on top of the stack, nested from dimension d on, at `data`; answers its end. */
static float *store_nested(lua_State *L, const sb_shape *shape, int d, float *data) {
  if (d == shape->rank) {
    if (lua_type(L, -1) != LUA_TNUMBER)
      luaL_error(L, "tensor: every element must be a number, got a %s", luaL_typename(L, -1));
    *data = (float)lua_tonumber(L, -1);
    return data + 1;
  }
  if (!lua_istable(L, -1))
    luaL_error(L, "tensor: nested tables are ragged: a %s where a table of %I is due",
               luaL_typename(L, -1), (lua_Integer)shape->dim[d]);
  if (luaL_len(L, -1) != shape->dim[d])
    luaL_error(L, "tensor: nested tables are ragged: lengths %I and %I in dimension %d",
               (lua_Integer)luaL_len(L, -1), (lua_Integer)shape->dim[d], d + 1);
  for (int64_t i = 1; i <= shape->dim[d]; i++) {
    lua_geti(L, -1, i);
    data = store_nested(L, shape, d + 1, data);
    lua_pop(L, 1);
  }
  return data;
}

/* tensor(nested) --> the tensor of equally long nested tables of numbers; a number gives a scalar.
 */
static int tensor_from_table(lua_State *L) {
  if (!lua_istable(L, 1)) luaL_checknumber(L, 1);
  luaL_checkstack(L, 2 * SB_MAX_RANK, NULL);
  sb_shape shape = nested_shape(L, 1);
  sb_tensor *t = sb_push_tensor(L, &shape);
  lua_pushvalue(L, 1);
  store_nested(L, &shape, 0, t->data);
  lua_pop(L, 1);
  return 1;
}

/* from_bytes(string, shape...) --> a tensor of little-endian float32 values; t:bytes() inverts it.
 */
static int tensor_from_bytes(lua_State *L) {
  size_t size;
  const char *bytes = luaL_checklstring(L, 1, &size);
  sb_shape shape = sb_check_shape(L, 2);
  char text[SB_SHAPE_TEXT];
  if (!sb_shape_valid(&shape) || (size_t)sb_shape_count(&shape) != size / sizeof(float) ||
      size % sizeof(float))
    return luaL_error(L, "from_bytes: %I bytes are not shape %s in float32", (lua_Integer)size,
                      sb_shape_text(&shape, text));
  sb_tensor *t = sb_push_tensor(L, &shape);
  memcpy(t->data, bytes, size);
  return 1;
}

/* ---- Constant -------------------------------------------------------------------------------- */

/* zeros(shape...) and ones(shape...); shapes are integers or one table of them. */
static int tensor_zeros(lua_State *L) {
  sb_fill(push_shaped(L, "zeros", 1), 0);
  return 1;
}

static int tensor_ones(lua_State *L) {
  sb_fill(push_shaped(L, "ones", 1), 1);
  return 1;
}

/* full(value, shape...) --> a tensor of equal values. */
static int tensor_full(lua_State *L) {
  float value = (float)luaL_checknumber(L, 1);
  sb_fill(push_shaped(L, "full", 2), value);
  return 1;
}

/* eye(n) --> the n x n identity matrix. */
static int tensor_eye(lua_State *L) {
  lua_Integer n = luaL_checkinteger(L, 1);
  sb_shape shape = sb_shape2(n, n);
  luaL_argcheck(L, n >= 0 && sb_shape_valid(&shape), 1, "out of range");
  sb_tensor *t = sb_push_tensor(L, &shape);
  sb_fill(t, 0);
  for (lua_Integer i = 0; i < n; i++) t->data[i * n + i] = 1;
  return 1;
}

/* ---- Sequences ------------------------------------------------------------------------------- */

static int push_sequence(lua_State *L, const char *name, double first, double step, double count) {
  if (!(count >= 0 && count < 0x1p40)) return luaL_error(L, "%s: %f elements", name, count);
  sb_shape shape = sb_shape1((int64_t)count);
  sb_tensor *t = sb_push_tensor(L, &shape);
  for (int64_t i = 0; i < shape.dim[0]; i++) t->data[i] = (float)(first + (double)i * step);
  return 1;
}

/* arange(n) --> 1, 2, ..., n;  arange(first, last [, step = 1]) --> first, first + step, ... up to
   and including last, like a numerical `for`. */
static int tensor_arange(lua_State *L) {
  double first = luaL_checknumber(L, 1), last = luaL_optnumber(L, 2, first);
  double step = luaL_optnumber(L, 3, 1);
  if (lua_isnoneornil(L, 2)) first = 1;
  luaL_argcheck(L, step != 0, 3, "the step is 0");
  /* A part in 10^9 of a step is forgiven, so that 0, 1, 0.1 has its eleven values. */
  double count = floor((last - first) / step + 1e-9) + 1;
  return push_sequence(L, "arange", first, step, count < 0 ? 0 : count);
}

/* linspace(first, last, n) --> n values at equal distances, both ends included. */
static int tensor_linspace(lua_State *L) {
  double first = luaL_checknumber(L, 1), last = luaL_checknumber(L, 2);
  lua_Integer n = luaL_checkinteger(L, 3);
  push_sequence(L, "linspace", first, n > 1 ? (last - first) / (double)(n - 1) : 0, (double)n);
  sb_tensor *t = sb_to_tensor(L, -1);
  if (n > 1) t->data[n - 1] = (float)last;
  return 1;
}

/* ---- Random ---------------------------------------------------------------------------------- */

/* rand(rng, shape...) --> uniform in [0, 1);  randn(rng, shape...) --> mean 0, deviation 1. */
static int tensor_rand(lua_State *L) {
  sb_rng *rng = sb_check_rng(L, 1);
  sb_tensor *t = push_shaped(L, "rand", 2);
  /* 24 bits, since rounding 53 of them to float32 could give 1. */
  for (int64_t i = 0, n = sb_count(t); i < n; i++)
    t->data[i] = (float)(sb_rng_next(rng) >> 40) * 0x1p-24f;
  return 1;
}

static int tensor_randn(lua_State *L) {
  sb_rng *rng = sb_check_rng(L, 1);
  sb_tensor *t = push_shaped(L, "randn", 2);
  for (int64_t i = 0, n = sb_count(t); i < n; i++) t->data[i] = (float)sb_rng_normal(rng);
  return 1;
}

static const luaL_Reg functions[] = {{"tensor", tensor_from_table},
                                     {"from_bytes", tensor_from_bytes},
                                     {"zeros", tensor_zeros},
                                     {"ones", tensor_ones},
                                     {"full", tensor_full},
                                     {"eye", tensor_eye},
                                     {"arange", tensor_arange},
                                     {"linspace", tensor_linspace},
                                     {"rand", tensor_rand},
                                     {"randn", tensor_randn},
                                     {NULL, NULL}};

void sb_tensor_new(lua_State *L) {
  luaL_setfuncs(L, functions, 0);
}
