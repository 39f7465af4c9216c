/* ltensor_index.c: t[i], t[{i, j}], assignment to them, #t and pairs(t). */
#include <lauxlib.h>

#include "ltensor_parts.h"
#include "walk.h"

/* ---- Regions --------------------------------------------------------------------------------- */

/* The part of a tensor that a key names: of every dimension the positions [first, first + extent).
   A dimension that was given by one position is dropped from the result. */
typedef struct region {
  sb_shape extent;
  int64_t first[SB_MAX_RANK];
  bool dropped[SB_MAX_RANK];
  bool has_range;
  bool is_view; /* by the key's form, whatever the sizes: positions, then at most one range */
} region;

static region whole(const sb_tensor *t) {
  return (region){.extent = t->shape, .is_view = true};
}

static void take_position(lua_State *L, const sb_tensor *t, region *r, int d, lua_Integer i) {
  if (d >= t->shape.rank)
    luaL_error(L, "index: %d positions for a tensor of %d dimensions", d + 1, t->shape.rank);
  r->first[d] = sb_check_position(L, "index", i, t->shape.dim[d]);
  r->extent.dim[d] = 1;
  r->dropped[d] = true;
}

/* The range {first, last} in the table on top of the stack. */
static void take_range(lua_State *L, const sb_tensor *t, region *r, int d) {
  if (luaL_len(L, -1) != 2) luaL_error(L, "index: a range is {first, last} or {}");
  int64_t n = t->shape.dim[d], last;
  lua_geti(L, -1, 1);
  r->first[d] = sb_check_position(L, "index", sb_pop_integer(L, "index"), n);
  lua_geti(L, -1, 2);
  last = sb_check_position(L, "index", sb_pop_integer(L, "index"), n);
  if (last < r->first[d])
    luaL_error(L, "index: the range from %I to %I is empty", (lua_Integer)r->first[d] + 1,
               (lua_Integer)last + 1);
  r->extent.dim[d] = last - r->first[d] + 1;
}

/* Pops the entry of a key that belongs to dimension d. */
static void take_entry(lua_State *L, const sb_tensor *t, region *r, int d) {
  bool is_range = lua_istable(L, -1), everything = is_range && luaL_len(L, -1) == 0;
  if (r->has_range && !everything) r->is_view = false;
  r->has_range = r->has_range || is_range;
  if (!is_range) {
    take_position(L, t, r, d, sb_pop_integer(L, "index"));
    return;
  }
  if (!everything) take_range(L, t, r, d);
  lua_pop(L, 1);
}

static region check_region(lua_State *L, const sb_tensor *t) {
  region r = whole(t);
  if (lua_type(L, 2) == LUA_TNUMBER) {
    take_position(L, t, &r, 0, luaL_checkinteger(L, 2));
    return r;
  }
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_Integer n = luaL_len(L, 2);
  if (n > t->shape.rank)
    luaL_error(L, "index: %I positions for a tensor of %d dimensions", n, t->shape.rank);
  for (int d = 0; d < (int)n; d++) {
    lua_geti(L, 2, d + 1);
    take_entry(L, t, &r, d);
  }
  return r;
}

static sb_shape kept_shape(const region *r) {
  sb_shape s = {0};
  for (int d = 0; d < r->extent.rank; d++)
    if (!r->dropped[d]) s.dim[s.rank++] = r->extent.dim[d];
  return s;
}

/* Where the region begins, and the strides of its kept dimensions. */
static float *locate(const sb_tensor *t, const region *r, int64_t stride[SB_MAX_RANK]) {
  int64_t dense[SB_MAX_RANK], offset = 0;
  sb_strides(&t->shape, dense);
  for (int d = 0, kept = 0; d < t->shape.rank; d++) {
    offset += r->first[d] * dense[d];
    if (!r->dropped[d]) stride[kept++] = dense[d];
  }
  return t->data + offset;
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* t[i] --> the number i of a vector, the slice i of the first dimension otherwise (a view).
   t[{i, j, ...}] --> a number, or what the positions leave over. A position may be a range
   {first, last}, or {} for everything. The result is a view if positions come first, then at most
   one range; a copy otherwise. Negative positions count from the end; t[#t + 1] is nil, so that
   ipairs works; other positions outside raise. */
int sb_tensor_index(lua_State *L) {
  sb_tensor *t = sb_check_tensor(L, 1);
  if (lua_isinteger(L, 2) && t->shape.rank > 0 && lua_tointeger(L, 2) == t->shape.dim[0] + 1) {
    lua_pushnil(L);
    return 1;
  }
  region r = check_region(L, t);
  int64_t stride[SB_MAX_RANK];
  float *data = locate(t, &r, stride);
  sb_shape shape = kept_shape(&r);
  if (shape.rank == 0) {
    lua_pushnumber(L, *data);
  } else if (r.is_view) {
    sb_push_view(L, 1, &shape, data);
  } else {
    sb_tensor *copy = sb_push_tensor(L, &shape);
    sb_walk w = sb_walk_over(&shape);
    sb_walk_add(&w, &shape);
    sb_walk_add_strides(&w, stride);
    sb_walk_copy(&w, copy->data, data);
  }
  return 1;
}

/* ---- Writing --------------------------------------------------------------------------------- */

/* t[key] = value: a number, or a tensor that broadcasts to what t[key] would give. */
int sb_tensor_newindex(lua_State *L) {
  sb_tensor *t = sb_check_writable(L, 1);
  if (lua_type(L, 2) != LUA_TNUMBER && !lua_istable(L, 2))
    return luaL_error(L, "a tensor has no field '%s' to set", luaL_tolstring(L, 2, NULL));
  region r = check_region(L, t);
  sb_operand value;
  sb_check_operand(L, 3, &value);
  int64_t stride[SB_MAX_RANK];
  float *data = locate(t, &r, stride);
  sb_shape shape = kept_shape(&r);
  sb_check_fits(L, "index", &value.t.shape, &shape);
  sb_separate(L, &value, t);
  sb_walk w = sb_walk_over(&shape);
  sb_walk_add_strides(&w, stride);
  sb_walk_add(&w, &value.t.shape);
  sb_walk_copy(&w, data, value.t.data);
  return 0;
}

/* ---- Length and iteration -------------------------------------------------------------------- */

/* #t --> the extent of the first dimension. */
int sb_tensor_len(lua_State *L) {
  sb_tensor *t = sb_check_tensor(L, 1);
  if (t->shape.rank == 0) return luaL_error(L, "a scalar has no length");
  lua_pushinteger(L, t->shape.dim[0]);
  return 1;
}

static int next_slice(lua_State *L) {
  lua_Integer i = luaL_checkinteger(L, 2) + 1;
  if (i > sb_check_tensor(L, 1)->shape.dim[0]) return 0;
  lua_pushinteger(L, i);
  lua_geti(L, 1, i);
  return 2;
}

/* pairs(t) --> i, t[i] for every i. */
int sb_tensor_pairs(lua_State *L) {
  sb_tensor_len(L);
  lua_pushcfunction(L, next_slice);
  lua_pushvalue(L, 1);
  lua_pushinteger(L, 0);
  return 3;
}
