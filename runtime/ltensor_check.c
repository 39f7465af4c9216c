/* ltensor_check.c: what tensor bindings ask of their arguments: shapes, dimensions, positions,
   operands. */
#include <lauxlib.h>

#include "ltensor_parts.h"

/* ---- Shapes ---------------------------------------------------------------------------------- */

static sb_shape shape_from_table(lua_State *L, int arg) {
  sb_shape s = {0};
  lua_Integer rank = luaL_len(L, arg);
  luaL_argcheck(L, rank <= SB_MAX_RANK, arg, "a tensor has at most 6 dimensions");
  for (; s.rank < rank; s.rank++) {
    int is_integer;
    lua_geti(L, arg, s.rank + 1);
    s.dim[s.rank] = lua_tointegerx(L, -1, &is_integer);
    luaL_argcheck(L, is_integer, arg, "dimensions must be integers");
    lua_pop(L, 1);
  }
  return s;
}

sb_shape sb_check_shape(lua_State *L, int arg) {
  if (lua_istable(L, arg)) return shape_from_table(L, arg);
  sb_shape s = {0};
  int top = lua_gettop(L);
  luaL_argcheck(L, top - arg + 1 <= SB_MAX_RANK, arg, "a tensor has at most 6 dimensions");
  for (int i = arg; i <= top; i++) s.dim[s.rank++] = luaL_checkinteger(L, i);
  return s;
}

void sb_push_shape(lua_State *L, const sb_shape *shape) {
  lua_createtable(L, shape->rank, 0);
  for (int i = 0; i < shape->rank; i++) {
    lua_pushinteger(L, shape->dim[i]);
    lua_seti(L, -2, i + 1);
  }
}

int sb_to_dim(lua_State *L, int arg, lua_Integer dim, int rank) {
  if (dim == 0 || dim > rank || dim < -rank)
    return luaL_argerror(L, arg,
                         lua_pushfstring(L, "no dimension %I, the tensor has %d", dim, rank));
  return (int)(dim < 0 ? dim + rank : dim - 1);
}

int sb_check_dim(lua_State *L, int arg, int rank) {
  return sb_to_dim(L, arg, luaL_checkinteger(L, arg), rank);
}

int sb_opt_dim(lua_State *L, int arg, int rank, int fallback) {
  return lua_isnoneornil(L, arg) ? fallback : sb_check_dim(L, arg, rank);
}

lua_Integer sb_pop_integer(lua_State *L, const char *name) {
  int is_integer;
  lua_Integer i = lua_tointegerx(L, -1, &is_integer);
  if (!is_integer) luaL_error(L, "%s: integers expected, got a %s", name, luaL_typename(L, -1));
  lua_pop(L, 1);
  return i;
}

int64_t sb_check_position(lua_State *L, const char *name, lua_Integer i, int64_t n) {
  if (i == 0 || i > n || i < -n)
    luaL_error(L, "%s: position %I is outside 1..%I", name, i, (lua_Integer)n);
  return i < 0 ? i + n : i - 1;
}

sb_shape sb_check_broadcast(lua_State *L, const char *name, const sb_shape *a, const sb_shape *b) {
  sb_shape out;
  char first[SB_SHAPE_TEXT], second[SB_SHAPE_TEXT];
  if (!sb_shape_broadcast(a, b, &out))
    luaL_error(L, "%s: shapes %s and %s do not broadcast", name, sb_shape_text(a, first),
               sb_shape_text(b, second));
  return out;
}

void sb_check_fits(lua_State *L, const char *name, const sb_shape *from, const sb_shape *to) {
  sb_shape out;
  char first[SB_SHAPE_TEXT], second[SB_SHAPE_TEXT];
  if (!sb_shape_broadcast(from, to, &out) || !sb_shape_equal(&out, to))
    luaL_error(L, "%s: shape %s does not broadcast to %s", name, sb_shape_text(from, first),
               sb_shape_text(to, second));
}

/* ---- Operands -------------------------------------------------------------------------------- */

void sb_check_operand(lua_State *L, int arg, sb_operand *o) {
  sb_tensor *t = sb_to_tensor(L, arg);
  if (t) {
    o->t = *t;
  } else if (lua_type(L, arg) == LUA_TNUMBER) {
    o->value = (float)lua_tonumber(L, arg);
    o->t = (sb_tensor){.shape = {.rank = 0}, .data = &o->value};
  } else {
    luaL_typeerror(L, arg, "tensor or number");
  }
}

void sb_separate(lua_State *L, sb_operand *o, const sb_tensor *z) {
  int64_t n = sb_count(&o->t), m = sb_count(z);
  bool apart = o->t.data + n <= z->data || z->data + m <= o->t.data;
  if (apart || (o->t.data == z->data && n == m)) return;
  sb_tensor *copy = sb_push_tensor(L, &o->t.shape);
  sb_copy(copy, &o->t);
  o->t = *copy;
}
