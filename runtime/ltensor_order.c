/* ltensor_order.c: sorting tensors, and the largest few of their values. */
#include <lauxlib.h>

#include "ltensor_parts.h"
#include "sort.h"

/* Pushes the first `keep` sorted values along dimension d, and their positions counted from 1. */
static int push_sorted(lua_State *L, const char *name, const sb_tensor *t, int d, int64_t keep,
                       bool descending) {
  sb_lines l = sb_lines_along(&t->shape, d);
  sb_shape shape = t->shape;
  if (l.k > SB_EXACT_POSITIONS)
    return luaL_error(L, "%s: %I positions, float32 counts to %I", name, (lua_Integer)l.k,
                      (lua_Integer)SB_EXACT_POSITIONS);
  shape.dim[d] = keep;
  sb_sort_item *scratch = (sb_sort_item *)sb_push_buffer(L, 4 * l.k);
  sb_tensor *values = sb_push_tensor(L, &shape), *positions = sb_push_tensor(L, &shape);
  sb_sort_lines(t->data, l, descending, keep, scratch, values->data, positions->data);
  for (int64_t i = 0, n = sb_count(positions); i < n; i++) positions->data[i] += 1;
  return 2;
}

static int check_line_dim(lua_State *L, int arg, const char *name, const sb_tensor *t) {
  if (t->shape.rank == 0) luaL_error(L, "%s: a scalar has no dimension", name);
  return sb_opt_dim(L, arg, t->shape.rank, t->shape.rank - 1);
}

/* t:sort([descending = false [, dim = last]]) --> values sorted along dim, and their positions.
   Equal values stay in order; a NaN counts as larger than everything. */
static int tensor_sort(lua_State *L) {
  sb_tensor *t = sb_check_tensor(L, 1);
  if (!lua_isnoneornil(L, 2)) luaL_checktype(L, 2, LUA_TBOOLEAN);
  bool descending = lua_toboolean(L, 2);
  int d = check_line_dim(L, 3, "sort", t);
  return push_sorted(L, "sort", t, d, t->shape.dim[d], descending);
}

/* t:topk(k [, dim = last]) --> the k largest values along dim, largest first, and their positions.
   Of equal values the first come first; a NaN counts as larger than everything. */
static int tensor_topk(lua_State *L) {
  sb_tensor *t = sb_check_tensor(L, 1);
  lua_Integer k = luaL_checkinteger(L, 2);
  int d = check_line_dim(L, 3, "topk", t);
  char text[SB_SHAPE_TEXT];
  if (k < 0 || k > t->shape.dim[d])
    return luaL_error(L, "topk: %I values of dimension %d of shape %s", k, d + 1,
                      sb_shape_text(&t->shape, text));
  return push_sorted(L, "topk", t, d, k, true);
}

static const luaL_Reg methods[] = {{"sort", tensor_sort}, {"topk", tensor_topk}, {NULL, NULL}};

void sb_tensor_orders(lua_State *L) {
  luaL_setfuncs(L, methods, 0);
}
