/* lhalf.c: weights stored as halves: made from a tensor, and turned back into one. Only layers use
   them as they are. */
#include "lhalf.h"

#include <lauxlib.h>

#include "half.h"
#include "lmodules.h"
#include "ltensor.h"
#include "threads.h"

#define HALF_TYPE "switchback.half"

sb_half *sb_to_half(lua_State *L, int index) {
  return luaL_testudata(L, index, HALF_TYPE);
}

static sb_half *check_half(lua_State *L, int arg) {
  return luaL_checkudata(L, arg, HALF_TYPE);
}

static sb_half *push_half(lua_State *L, const sb_shape *shape) {
  sb_half *h = lua_newuserdatauv(L, sizeof *h, 1);
  *h = (sb_half){*shape, NULL};
  luaL_setmetatable(L, HALF_TYPE);
  h->data = (uint16_t *)sb_push_buffer(L, (sb_shape_count(shape) + 1) / 2);
  lua_setiuservalue(L, -2, 1);
  return h;
}

/* half(tensor) --> its values as the nearest halves (IEEE 754 binary16). Raises if one is not
   finite or larger than 65504. Pages of a mapped file are given back as they have been read. */
static int half_new(lua_State *L) {
  enum { STRETCH = 1 << 20 };
  const sb_tensor *t = sb_check_tensor(L, 1);
  sb_half *h = push_half(L, &t->shape);
  for (int64_t i = 0, n = sb_count(t); i < n; i += STRETCH) {
    int64_t count = n - i < STRETCH ? n - i : STRETCH;
    if (!sb_half_fits(count, t->data + i))
      return luaL_error(L, "half: a value is larger than 65504 or not a number");
    sb_half_best()->narrow(count, t->data + i, h->data + i);
    sb_forget_pages(L, 1, i, i + count);
  }
  return 1;
}

/* h:float() --> a tensor of its values. */
static int half_float(lua_State *L) {
  const sb_half *h = check_half(L, 1);
  sb_tensor *t = sb_push_tensor(L, &h->shape);
  sb_half_best()->widen(sb_count(t), h->data, t->data);
  return 1;
}

/* h:size() --> {d1, d2, ...}; h:count() --> the number of elements. */
static int half_size(lua_State *L) {
  sb_push_shape(L, &check_half(L, 1)->shape);
  return 1;
}

static int half_count(lua_State *L) {
  lua_pushinteger(L, sb_shape_count(&check_half(L, 1)->shape));
  return 1;
}

static int half_tostring(lua_State *L) {
  char text[SB_SHAPE_TEXT];
  lua_pushfstring(L, "halves %s", sb_shape_text(&check_half(L, 1)->shape, text));
  return 1;
}

/* is(value) --> whether it is such. */
static int half_is(lua_State *L) {
  lua_pushboolean(L, sb_to_half(L, 1) != NULL);
  return 1;
}

static const luaL_Reg methods[] = {
    {"float", half_float}, {"size", half_size}, {"count", half_count}, {NULL, NULL}};
static const luaL_Reg functions[] = {{"new", half_new}, {"is", half_is}, {NULL, NULL}};

int sb_open_half(lua_State *L) {
  luaL_newmetatable(L, HALF_TYPE);
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, half_tostring);
  lua_setfield(L, -2, "__tostring");
  lua_pop(L, 1);
  luaL_newlib(L, functions);
  return 1;
}
