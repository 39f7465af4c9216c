/* ltensor_view.c: other shapes of the same memory, parts of it, and conversions to Lua values. */
#include <lauxlib.h>

#include "ltensor_parts.h"
#include "walk.h"

/* ---- What it is ------------------------------------------------------------------------------ */

/* t:size() --> {d1, d2, ...}; t:size(dim) --> that extent. */
static int tensor_size(lua_State *L) {
  sb_tensor *t = sb_check_tensor(L, 1);
  if (lua_isnoneornil(L, 2))
    sb_push_shape(L, &t->shape);
  else
    lua_pushinteger(L, t->shape.dim[sb_check_dim(L, 2, t->shape.rank)]);
  return 1;
}

/* t:dim() --> the number of dimensions; t:count() --> the number of elements. */
static int tensor_dim(lua_State *L) {
  lua_pushinteger(L, sb_check_tensor(L, 1)->shape.rank);
  return 1;
}

static int tensor_count(lua_State *L) {
  lua_pushinteger(L, sb_count(sb_check_tensor(L, 1)));
  return 1;
}

/* ---- Conversions ----------------------------------------------------------------------------- */

/* t:item() --> the number in a tensor of one element. */
static int tensor_item(lua_State *L) {
  sb_tensor *t = sb_check_tensor(L, 1);
  char text[SB_SHAPE_TEXT];
  if (sb_count(t) != 1)
    return luaL_error(L, "item: shape %s has %I elements, not 1", sb_shape_text(&t->shape, text),
                      (lua_Integer)sb_count(t));
  lua_pushnumber(L, *t->data);
  return 1;
}

static const float *push_nested(lua_State *L, const sb_shape *shape, int d, const float *data) {
  if (d == shape->rank || d == SB_MAX_RANK) {
    lua_pushnumber(L, *data);
    return data + 1;
  }
  lua_createtable(L, (int)(shape->dim[d] < 1 << 20 ? shape->dim[d] : 1 << 20), 0);
  for (int64_t i = 1; i <= shape->dim[d]; i++) {
    data = push_nested(L, shape, d + 1, data);
    lua_seti(L, -2, i);
  }
  return data;
}

/* t:totable() --> nested tables of numbers; of a scalar, the number. */
static int tensor_totable(lua_State *L) {
  sb_tensor *t = sb_check_tensor(L, 1);
  luaL_checkstack(L, SB_MAX_RANK + 2, NULL);
  push_nested(L, &t->shape, 0, t->data);
  return 1;
}

/* t:bytes() --> a string of little-endian float32 values in row-major order. */
static int tensor_bytes(lua_State *L) {
  sb_tensor *t = sb_check_tensor(L, 1);
  lua_pushlstring(L, (const char *)t->data, (size_t)sb_count(t) * sizeof(float));
  return 1;
}

/* t:clone() --> a copy with memory of its own. */
static int tensor_clone(lua_State *L) {
  sb_tensor *t = sb_check_tensor(L, 1);
  sb_copy(sb_push_tensor(L, &t->shape), t);
  return 1;
}

/* ---- Other shapes ---------------------------------------------------------------------------- */

/* Replaces the one extent of -1 by what is left over of n elements. */
static void infer_extent(sb_shape *shape, int64_t n) {
  int64_t *free_extent = NULL, known = 1;
  for (int d = 0; d < shape->rank; d++) {
    if (shape->dim[d] == -1 && !free_extent)
      free_extent = &shape->dim[d];
    else
      known *= shape->dim[d] >= 0 && known > 0 && shape->dim[d] <= n / known ? shape->dim[d] : 0;
  }
  if (free_extent && known > 0 && n % known == 0) *free_extent = n / known;
}

/* t:reshape(shape...) --> a view; one extent may be -1 and is then what the others leave over. */
static int tensor_reshape(lua_State *L) {
  sb_tensor *t = sb_check_tensor(L, 1);
  sb_shape asked = sb_check_shape(L, 2), shape = asked;
  char from[SB_SHAPE_TEXT], to[SB_SHAPE_TEXT];
  infer_extent(&shape, sb_count(t));
  if (!sb_shape_valid(&shape) || sb_shape_count(&shape) != sb_count(t))
    return luaL_error(L, "reshape: %s does not fit %s", sb_shape_text(&t->shape, from),
                      sb_shape_text(&asked, to));
  sb_push_view(L, 1, &shape, t->data);
  return 1;
}

/* t:squeeze() --> a view without the dimensions of extent 1; t:squeeze(dim): without that one. */
static int tensor_squeeze(lua_State *L) {
  sb_tensor *t = sb_check_tensor(L, 1);
  int only = sb_opt_dim(L, 2, t->shape.rank, -1);
  sb_shape shape = {0};
  for (int d = 0; d < t->shape.rank; d++)
    if (t->shape.dim[d] != 1 || (only >= 0 && d != only)) shape.dim[shape.rank++] = t->shape.dim[d];
  sb_push_view(L, 1, &shape, t->data);
  return 1;
}

/* t:unsqueeze(dim) --> a view with an extent of 1 inserted so that it becomes dimension dim. */
static int tensor_unsqueeze(lua_State *L) {
  sb_tensor *t = sb_check_tensor(L, 1);
  luaL_argcheck(L, t->shape.rank < SB_MAX_RANK, 1, "a tensor has at most 6 dimensions");
  int at = sb_check_dim(L, 2, t->shape.rank + 1);
  sb_shape shape = {.rank = t->shape.rank + 1};
  for (int d = 0; d < shape.rank; d++)
    shape.dim[d] = d == at ? 1 : t->shape.dim[d < at ? d : d - 1];
  sb_push_view(L, 1, &shape, t->data);
  return 1;
}

/* ---- Parts ----------------------------------------------------------------------------------- */

/* Pushes positions [first, first + n) of dimension d in the given shape: a view when d is the first
   dimension, whatever the sizes, and otherwise a copy. */
static void push_part(lua_State *L, const sb_tensor *t, int d, int64_t first, int64_t n,
                      const sb_shape *shape) {
  int64_t inner = sb_shape_span(&t->shape, d + 1, t->shape.rank);
  float *data = t->data + first * inner;
  if (d == 0) {
    sb_push_view(L, 1, shape, data);
    return;
  }
  sb_shape rows = sb_shape2(sb_shape_span(&t->shape, 0, d), n * inner);
  int64_t stride[] = {t->shape.dim[d] * inner, 1};
  sb_walk w = sb_walk_over(&rows);
  sb_walk_add(&w, &rows);
  sb_walk_add_strides(&w, stride);
  sb_walk_copy(&w, sb_push_tensor(L, shape)->data, data);
}

/* t:narrow(dim, first, n) --> n positions of dimension dim from first on; a view of the first
   dimension, a copy of others. */
static int tensor_narrow(lua_State *L) {
  sb_tensor *t = sb_check_tensor(L, 1);
  int d = sb_check_dim(L, 2, t->shape.rank);
  lua_Integer first = luaL_checkinteger(L, 3), n = luaL_checkinteger(L, 4);
  int64_t extent = t->shape.dim[d];
  if (first < 1 || n < 0 || n > extent || first - 1 > extent - n)
    return luaL_error(L, "narrow: %I positions from %I on exceed the extent %I of dimension %d", n,
                      first, (lua_Integer)extent, d + 1);
  sb_shape shape = t->shape;
  shape.dim[d] = n;
  push_part(L, t, d, first - 1, n, &shape);
  return 1;
}

/* t:select(dim, i) --> position i of dimension dim, which disappears; a view of the first
   dimension, a copy of others. i may count from the end: -1 is the last. */
static int tensor_select(lua_State *L) {
  sb_tensor *t = sb_check_tensor(L, 1);
  int d = sb_check_dim(L, 2, t->shape.rank);
  int64_t i = sb_check_position(L, "select", luaL_checkinteger(L, 3), t->shape.dim[d]);
  sb_shape shape = {0};
  for (int e = 0; e < t->shape.rank; e++)
    if (e != d) shape.dim[shape.rank++] = t->shape.dim[e];
  push_part(L, t, d, i, 1, &shape);
  return 1;
}

static const luaL_Reg methods[] = {{"size", tensor_size},           {"dim", tensor_dim},
                                   {"count", tensor_count},         {"item", tensor_item},
                                   {"totable", tensor_totable},     {"bytes", tensor_bytes},
                                   {"clone", tensor_clone},         {"release", sb_tensor_release},
                                   {"reshape", tensor_reshape},     {"squeeze", tensor_squeeze},
                                   {"unsqueeze", tensor_unsqueeze}, {"narrow", tensor_narrow},
                                   {"select", tensor_select},       {NULL, NULL}};

void sb_tensor_views(lua_State *L) {
  luaL_setfuncs(L, methods, 0);
}
