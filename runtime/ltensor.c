/* ltensor.c: tensors in Lua: what a tensor userdata is, and its metatable. */
#include "ltensor.h"

#include <lauxlib.h>

#include "lmodules.h"
#include "ltensor_parts.h"

/* A tensor userdata. Memory that is no buffer of ours (a mapped file) shares one head. */
typedef struct object {
  sb_tensor tensor;
  sb_buffer_head *head;
} object;

static sb_buffer_head foreign = {0, 1};

static object *push_header(lua_State *L, const sb_shape *shape) {
  object *t = lua_newuserdatauv(L, sizeof *t, 1);
  *t = (object){{*shape, NULL}, &foreign};
  luaL_setmetatable(L, SB_TENSOR);
  return t;
}

sb_tensor *sb_push_tensor(lua_State *L, const sb_shape *shape) {
  char text[SB_SHAPE_TEXT];
  if (shape->rank < 0 || shape->rank > SB_MAX_RANK || !sb_shape_valid(shape))
    luaL_error(L, "tensor: invalid shape %s", sb_shape_text(shape, text));
  object *t = push_header(L, shape);
  int64_t n = sb_shape_count(shape);
  if (!sb_push_released(L, n)) sb_push_buffer(L, n);
  t->tensor.data = sb_buffer_floats(L, -1, &n);
  t->head = lua_touserdata(L, -1);
  lua_setiuservalue(L, -2, 1);
  return &t->tensor;
}

sb_tensor *sb_push_view(lua_State *L, int anchor, const sb_shape *shape, float *data) {
  anchor = lua_absindex(L, anchor);
  const object *owner = (const object *)sb_to_tensor(L, anchor);
  object *t = push_header(L, shape);
  if (owner) {
    t->head = owner->head;
    t->head->shared = 1;
    lua_getiuservalue(L, anchor, 1);
  } else {
    lua_pushvalue(L, anchor);
  }
  lua_setiuservalue(L, -2, 1);
  t->tensor.data = data;
  return &t->tensor;
}

/* ---- Released memory ---------------------------------------------------------------------------
 */

void sb_release_tensor(lua_State *L, int index) {
  index = lua_absindex(L, index);
  object *t = (object *)sb_to_tensor(L, index);
  int64_t n = sb_count(&t->tensor);
  if (t->head->shared || n < SB_SMALLEST_RELEASED) return;
  lua_getiuservalue(L, index, 1);
  sb_put_released(L, n);
  lua_pushnil(L);
  lua_setiuservalue(L, index, 1);
  *t = (object){{{1, {0}}, NULL}, &foreign};
}

/* t:release() --> nothing: hands t's memory to the next tensor of its size, before the collector
   would; t becomes empty. Memory that a view or a tape looks into stays as it is. */
int sb_tensor_release(lua_State *L) {
  sb_check_tensor(L, 1);
  sb_release_tensor(L, 1);
  return 0;
}

sb_tensor *sb_to_tensor(lua_State *L, int index) {
  return luaL_testudata(L, index, SB_TENSOR);
}

sb_tensor *sb_check_tensor(lua_State *L, int arg) {
  return luaL_checkudata(L, arg, SB_TENSOR);
}

sb_tensor *sb_check_writable(lua_State *L, int arg) {
  sb_tensor *t = sb_check_tensor(L, arg);
  ((object *)t)->head->version++;
  return t;
}

void sb_share_tensor(const sb_tensor *t) {
  ((const object *)t)->head->shared = 1;
}

uint64_t sb_tensor_version(const sb_tensor *t) {
  return ((const object *)t)->head->version;
}

/* ---- The metatable --------------------------------------------------------------------------- */

static int tensor_index(lua_State *L) {
  sb_check_tensor(L, 1);
  if (lua_type(L, 2) == LUA_TNUMBER || lua_istable(L, 2)) return sb_tensor_index(L);
  lua_pushvalue(L, 2);
  lua_rawget(L, lua_upvalueindex(1));
  return 1;
}

/* The operators that are methods under another name. */
static const char *const operators[][2] = {{"__add", "add"},   {"__sub", "sub"}, {"__mul", "mul"},
                                           {"__div", "div"},   {"__mod", "mod"}, {"__pow", "pow"},
                                           {"__idiv", "idiv"}, {"__unm", "neg"}};

static const luaL_Reg metamethods[] = {{"__newindex", sb_tensor_newindex},
                                       {"__tostring", sb_tensor_tostring},
                                       {"__len", sb_tensor_len},
                                       {"__pairs", sb_tensor_pairs},
                                       {"__eq", sb_tensor_eq},
                                       {NULL, NULL}};

static void push_methods(lua_State *L) {
  lua_newtable(L);
  sb_tensor_views(L);
  sb_tensor_math(L);
  sb_tensor_reductions(L);
  sb_tensor_orders(L);
  sb_tensor_arranging(L);
  sb_tensor_products(L);
}

/* Completes the metatable below the methods on top. */
static void set_metamethods(lua_State *L) {
  for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
    lua_getfield(L, -1, operators[i][1]);
    lua_setfield(L, -3, operators[i][0]);
  }
  lua_pushvalue(L, -1);
  lua_pushcclosure(L, tensor_index, 1);
  lua_setfield(L, -3, "__index");
  lua_pushvalue(L, -2);
  luaL_setfuncs(L, metamethods, 0);
  lua_pop(L, 1);
}

/* Leaves one table with every method and the constructors. */
int sb_open_tensor(lua_State *L) {
  sb_keep_freed_memory();
  luaL_newmetatable(L, SB_TENSOR);
  push_methods(L);
  set_metamethods(L);
  lua_newtable(L);
  lua_pushnil(L);
  while (lua_next(L, -3)) {
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    lua_settable(L, -4);
  }
  sb_tensor_new(L);
  return 1;
}
