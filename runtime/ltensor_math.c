/* ltensor_math.c: pointwise arithmetic on tensors and numbers, with broadcasting. */
#include <lauxlib.h>
#include <math.h>

#include "arithmetic.h"
#include "ltensor_parts.h"
#include "walk.h"

/* ---- Two operands ---------------------------------------------------------------------------- */

/* op(x, y) --> a tensor; either may be a number, not both. The operation is the upvalue. */
static int binary(lua_State *L) {
  const sb_binary *op = lua_touserdata(L, lua_upvalueindex(1));
  sb_operand x, y;
  sb_check_operand(L, 1, &x);
  sb_check_operand(L, 2, &y);
  if (!sb_to_tensor(L, 1)) sb_check_tensor(L, 2);
  sb_shape shape = sb_check_broadcast(L, op->name, &x.t.shape, &y.t.shape);
  sb_apply_binary(op, sb_push_tensor(L, &shape), &x.t, &y.t);
  return 1;
}

/* x:op_(y) --> x, overwritten; y is a number or broadcasts to x's shape. */
static int binary_in_place(lua_State *L) {
  const sb_binary *op = lua_touserdata(L, lua_upvalueindex(1));
  sb_tensor *x = sb_check_writable(L, 1);
  sb_operand y;
  sb_check_operand(L, 2, &y);
  sb_check_fits(L, lua_pushfstring(L, "%s_", op->name), &y.t.shape, &x->shape);
  sb_separate(L, &y, x);
  sb_apply_binary(op, x, x, &y.t);
  lua_settop(L, 1);
  return 1;
}

/* x:addmul_(alpha, y) --> x, which becomes x + alpha * y. */
static int tensor_addmul(lua_State *L) {
  sb_tensor *x = sb_check_writable(L, 1);
  float alpha = (float)luaL_checknumber(L, 2);
  sb_operand y;
  sb_check_operand(L, 3, &y);
  sb_check_fits(L, "addmul_", &y.t.shape, &x->shape);
  sb_separate(L, &y, x);
  sb_add_scaled(x, alpha, &y.t);
  lua_settop(L, 1);
  return 1;
}

/* x:copy_(y) --> x, with y's values; y is a number or broadcasts to x's shape. */
static int tensor_copy(lua_State *L) {
  sb_tensor *x = sb_check_writable(L, 1);
  sb_operand y;
  sb_check_operand(L, 2, &y);
  sb_check_fits(L, "copy_", &y.t.shape, &x->shape);
  sb_separate(L, &y, x);
  sb_walk w = sb_walk_over(&x->shape);
  sb_walk_add(&w, &x->shape);
  sb_walk_add(&w, &y.t.shape);
  sb_walk_copy(&w, x->data, y.t.data);
  lua_settop(L, 1);
  return 1;
}

/* x:fill_(value) --> x. */
static int tensor_fill(lua_State *L) {
  sb_tensor *x = sb_check_writable(L, 1);
  sb_fill(x, (float)luaL_checknumber(L, 2));
  lua_settop(L, 1);
  return 1;
}

/* where(mask, x, y) --> x where mask is not 0, else y; all broadcast, x and y may be numbers. */
static int tensor_where(lua_State *L) {
  sb_tensor *mask = sb_check_tensor(L, 1);
  sb_operand x, y;
  sb_check_operand(L, 2, &x);
  sb_check_operand(L, 3, &y);
  sb_shape shape = sb_check_broadcast(L, "where", &x.t.shape, &y.t.shape);
  shape = sb_check_broadcast(L, "where", &mask->shape, &shape);
  sb_where(sb_push_tensor(L, &shape), mask, &x.t, &y.t);
  return 1;
}

/* ---- One operand ----------------------------------------------------------------------------- */

static int unary(lua_State *L) {
  const sb_unary *op = lua_touserdata(L, lua_upvalueindex(1));
  sb_tensor *x = sb_check_tensor(L, 1);
  sb_apply_unary(op, sb_push_tensor(L, &x->shape), x);
  return 1;
}

static int unary_in_place(lua_State *L) {
  const sb_unary *op = lua_touserdata(L, lua_upvalueindex(1));
  sb_tensor *x = sb_check_writable(L, 1);
  sb_apply_unary(op, x, x);
  lua_settop(L, 1);
  return 1;
}

static void clamp(lua_State *L, sb_tensor *to, const sb_tensor *x) {
  double low = luaL_optnumber(L, 2, -INFINITY), high = luaL_optnumber(L, 3, INFINITY);
  if (!(low <= high)) luaL_error(L, "clamp: low %f is not below high %f", low, high);
  sb_clamp(to, x, (float)low, (float)high);
}

/* x:clamp(low, high) --> a tensor within [low, high]; either may be nil. clamp_ overwrites x. */
static int tensor_clamp(lua_State *L) {
  sb_tensor *x = sb_check_tensor(L, 1);
  lua_settop(L, 3);
  clamp(L, sb_push_tensor(L, &x->shape), x);
  return 1;
}

static int tensor_clamp_in_place(lua_State *L) {
  sb_tensor *x = sb_check_writable(L, 1);
  clamp(L, x, x);
  lua_settop(L, 1);
  return 1;
}

/* x:map(f) --> the tensor of f(value) for every value, in row-major order; f answers a number. */
static int tensor_map(lua_State *L) {
  sb_tensor *x = sb_check_tensor(L, 1);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  sb_tensor *y = sb_push_tensor(L, &x->shape);
  sb_fill(y, 0);
  for (int64_t i = 0, n = sb_count(x); i < n; i++) {
    lua_pushvalue(L, 2);
    lua_pushnumber(L, x->data[i]);
    lua_call(L, 1, 1);
    if (!lua_isnumber(L, -1))
      return luaL_error(L, "map: the function gave a %s, not a number", luaL_typename(L, -1));
    y->data[i] = (float)lua_tonumber(L, -1);
    lua_pop(L, 1);
  }
  return 1;
}

/* ---- Equality -------------------------------------------------------------------------------- */

static const double default_tolerance = 1e-5;

static int push_difference(lua_State *L, const sb_tensor *x, const sb_tensor *y, int64_t i) {
  luaL_Buffer b;
  lua_pushboolean(L, 0);
  luaL_buffinit(L, &b);
  luaL_addstring(&b, "differ at {");
  int64_t stride[SB_MAX_RANK], rest = i;
  sb_strides(&x->shape, stride);
  for (int d = 0; d < x->shape.rank; rest %= stride[d], d++) {
    lua_pushfstring(L, d ? ", %I" : "%I", (lua_Integer)(rest / stride[d]) + 1);
    luaL_addvalue(&b);
  }
  lua_pushfstring(L, "}: %f and %f", x->data[i], y->data[y->shape.rank ? i : 0]);
  luaL_addvalue(&b);
  luaL_pushresult(&b);
  return 2;
}

/* x:close(y [, tolerance = 1e-5]) --> true if |x - y| <= tolerance * max(1, |x|, |y|) everywhere;
   otherwise false and a sentence on the first place that differs. y has x's shape or is a number.
   A NaN is close to nothing, an infinity to itself. */
static int tensor_close(lua_State *L) {
  sb_tensor *x = sb_check_tensor(L, 1);
  sb_operand y;
  sb_check_operand(L, 2, &y);
  double tolerance = luaL_optnumber(L, 3, default_tolerance);
  char first[SB_SHAPE_TEXT], second[SB_SHAPE_TEXT];
  if (y.t.shape.rank > 0 && !sb_shape_equal(&x->shape, &y.t.shape)) {
    lua_pushboolean(L, 0);
    lua_pushfstring(L, "close: shapes %s and %s", sb_shape_text(&x->shape, first),
                    sb_shape_text(&y.t.shape, second));
    return 2;
  }
  int64_t i = sb_first_apart(x, &y.t, tolerance);
  if (i >= 0) return push_difference(L, x, &y.t, i);
  lua_pushboolean(L, 1);
  return 1;
}

/* x == y: equal shapes and close with the default tolerance. */
int sb_tensor_eq(lua_State *L) {
  sb_tensor *x = sb_to_tensor(L, 1), *y = sb_to_tensor(L, 2);
  lua_pushboolean(L, x && y && sb_shape_equal(&x->shape, &y->shape) &&
                         sb_first_apart(x, y, default_tolerance) < 0);
  return 1;
}

/* ---- Registration ---------------------------------------------------------------------------- */

static void add_operation(lua_State *L, const char *name, const char *suffix, const void *op,
                          lua_CFunction f) {
  lua_pushfstring(L, "%s%s", name, suffix);
  lua_pushlightuserdata(L, (void *)(uintptr_t)op); /* the table is const */
  lua_pushcclosure(L, f, 1);
  lua_settable(L, -3);
}

static const luaL_Reg methods[] = {
    {"addmul_", tensor_addmul}, {"copy_", tensor_copy},  {"fill_", tensor_fill},
    {"where", tensor_where},    {"clamp", tensor_clamp}, {"clamp_", tensor_clamp_in_place},
    {"map", tensor_map},        {"close", tensor_close}, {NULL, NULL}};

void sb_tensor_math(lua_State *L) {
  for (const sb_binary *op = sb_binaries; op->name; op++) {
    add_operation(L, op->name, "", op, binary);
    if (op->in_place) add_operation(L, op->name, "_", op, binary_in_place);
  }
  for (const sb_unary *op = sb_unaries; op->name; op++) {
    add_operation(L, op->name, "", op, unary);
    add_operation(L, op->name, "_", op, unary_in_place);
  }
  luaL_setfuncs(L, methods, 0);
}
