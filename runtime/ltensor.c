/* ltensor.c: tensors in Lua: construction, views, and the memory behind them. */
#include "ltensor.h"

#include <lauxlib.h>
#include <string.h>

#include "lmodules.h"

/* ---- Memory ---------------------------------------------------------------------------------- */

float *sb_push_buffer(lua_State *L, int64_t n) {
  enum { ALIGN = 64 };
  char *raw = lua_newuserdatauv(L, (size_t)n * sizeof(float) + ALIGN, 0);
  return (float *)(raw + (ALIGN - (uintptr_t)raw % ALIGN) % ALIGN);
}

static sb_tensor *push_header(lua_State *L, const sb_shape *shape) {
  sb_tensor *t = lua_newuserdatauv(L, sizeof *t, 1);
  *t = (sb_tensor){*shape, NULL};
  luaL_setmetatable(L, SB_TENSOR);
  return t;
}

sb_tensor *sb_push_tensor(lua_State *L, const sb_shape *shape) {
  char text[SB_SHAPE_TEXT];
  if (shape->rank < 0 || shape->rank > SB_MAX_RANK || !sb_shape_valid(shape))
    luaL_error(L, "tensor: invalid shape %s", sb_shape_text(shape, text));
  sb_tensor *t = push_header(L, shape);
  t->data = sb_push_buffer(L, sb_shape_count(shape));
  lua_setiuservalue(L, -2, 1);
  return t;
}

sb_tensor *sb_push_view(lua_State *L, int anchor, const sb_shape *shape, float *data) {
  anchor = lua_absindex(L, anchor);
  sb_tensor *t = push_header(L, shape);
  if (sb_to_tensor(L, anchor))
    lua_getiuservalue(L, anchor, 1);
  else
    lua_pushvalue(L, anchor);
  lua_setiuservalue(L, -2, 1);
  t->data = data;
  return t;
}

sb_tensor *sb_to_tensor(lua_State *L, int index) {
  return luaL_testudata(L, index, SB_TENSOR);
}

sb_tensor *sb_check_tensor(lua_State *L, int arg) {
  return luaL_checkudata(L, arg, SB_TENSOR);
}

/* ---- Shapes ---------------------------------------------------------------------------------- */

static sb_shape shape_from_table(lua_State *L, int arg) {
  sb_shape s = {0};
  lua_Integer rank = luaL_len(L, arg);
  luaL_argcheck(L, rank <= SB_MAX_RANK, arg, "a tensor has at most 6 dimensions");
  for (; s.rank < rank; s.rank++) {
    lua_geti(L, arg, s.rank + 1);
    luaL_argcheck(L, lua_isinteger(L, -1), arg, "dimensions must be integers");
    s.dim[s.rank] = lua_tointeger(L, -1);
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

/* ---- Construction ---------------------------------------------------------------------------- */

static int tensor_zeros(lua_State *L) {
  sb_shape shape = sb_check_shape(L, 1);
  sb_fill(sb_push_tensor(L, &shape), 0);
  return 1;
}

/* ---- Methods --------------------------------------------------------------------------------- */

static int tensor_size(lua_State *L) {
  sb_tensor *t = sb_check_tensor(L, 1);
  if (lua_isnoneornil(L, 2)) {
    sb_push_shape(L, &t->shape);
    return 1;
  }
  lua_Integer dim = luaL_checkinteger(L, 2);
  luaL_argcheck(L, dim >= 1 && dim <= t->shape.rank, 2, "no such dimension");
  lua_pushinteger(L, t->shape.dim[dim - 1]);
  return 1;
}

static const luaL_Reg methods[] = {{"size", tensor_size}, {NULL, NULL}};
static const luaL_Reg functions[] = {{"zeros", tensor_zeros}, {NULL, NULL}};

int sb_open_tensor(lua_State *L) {
  luaL_newmetatable(L, SB_TENSOR);
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  luaL_newlib(L, functions);
  return 1;
}
