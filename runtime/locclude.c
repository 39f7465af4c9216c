/* locclude.c: switchback.core.occlude, rectangles of maps for lualib/switchback/occlude. */
#include <lauxlib.h>

#include "lmodules.h"
#include "ltensor.h"
#include "occlude.h"

static const sb_tensor *check_maps(lua_State *L, int arg) {
  const sb_tensor *t = sb_check_tensor(L, arg);
  luaL_argcheck(L, t->shape.rank == 4 && sb_count(t) > 0, arg, "must be (N,C,H,W) and not empty");
  return t;
}

/* The corners in the tensor (N,2) at `arg`, rows {y, x}. Pushes the memory they are kept in. */
static const sb_corner *push_corners(lua_State *L, int arg, int64_t *n) {
  enum { FARTHEST = 1 << 24 };
  const sb_tensor *t = sb_check_tensor(L, arg);
  luaL_argcheck(L, t->shape.rank == 2 && t->shape.dim[1] == 2, arg, "must be (N,2)");
  *n = t->shape.dim[0];
  sb_corner *corners = (sb_corner *)sb_push_buffer(L, 2 * *n);
  for (int64_t i = 0; i < 2 * *n; i++) {
    float v = t->data[i] - 1;
    luaL_argcheck(L, v > -FARTHEST && v < FARTHEST, arg, "holds corners out of range");
    if (i % 2)
      corners[i / 2].x = (int32_t)v;
    else
      corners[i / 2].y = (int32_t)v;
  }
  return corners;
}

/* The base at argument 1, and the patches and their corners at `arg` and `arg` + 1. Pushes the
   corners' memory. */
static sb_patched check_patched(lua_State *L, int arg) {
  const sb_tensor *base = check_maps(L, 1), *patch = check_maps(L, arg);
  int64_t n;
  luaL_argcheck(L, base->shape.dim[0] == 1, 1, "must be one image");
  luaL_argcheck(L, patch->shape.dim[1] == base->shape.dim[1], arg, "has other channels");
  const sb_corner *at = push_corners(L, arg + 1, &n);
  luaL_argcheck(L, n == patch->shape.dim[0], arg + 1, "must have a row for each patch");
  return (sb_patched){.base = *base, .patch = *patch, .patch_at = at};
}

static void check_beyond(lua_State *L, int arg, sb_patched *from) {
  static const char *const names[] = {"reflect", "edge", NULL};
  static const sb_beyond kinds[] = {SB_BEYOND_REFLECT, SB_BEYOND_EDGE};
  if (lua_type(L, arg) == LUA_TSTRING)
    from->beyond = kinds[luaL_checkoption(L, arg, NULL, names)];
  else
    from->value = (float)luaL_optnumber(L, arg, 0);
}

/* The tensor to write (N,C,h,w): argument 7, or a new one. */
static sb_tensor *push_target(lua_State *L, const sb_shape *shape) {
  if (lua_isnoneornil(L, 7)) return sb_push_tensor(L, shape);
  sb_tensor *to = sb_check_writable(L, 7);
  luaL_argcheck(L, sb_shape_equal(&to->shape, shape), 7, "is not of the shape of the regions");
  lua_pushvalue(L, 7);
  return to;
}

/* gather(base, at, {h, w} [, beyond = 0 [, patch, patch_at [, to]]]) --> (N,C,h,w)
   Image i is the base (1,C,H,W) with patch i of (N,C,ph,pw) pasted over it at corner i of patch_at
   (N,2); the result holds of each image the h x w whose corner is row i of `at` (N,2). Corners are
   {y, x}, 1-based, and may lie outside; beyond the edge is a number, "reflect" or "edge". The
   result is written to `to` if given. */
static int gather(lua_State *L) {
  lua_settop(L, 7);
  sb_patched from;
  int64_t n;
  luaL_checktype(L, 3, LUA_TTABLE);
  sb_shape size = sb_check_shape(L, 3);
  luaL_argcheck(L, size.rank == 2 && size.dim[0] > 0 && size.dim[1] > 0, 3, "must be {h, w}");
  const sb_corner *at = push_corners(L, 2, &n);
  if (lua_isnil(L, 5))
    from = (sb_patched){.base = *check_maps(L, 1)};
  else
    from = check_patched(L, 5);
  luaL_argcheck(L, from.base.shape.dim[0] == 1, 1, "must be one image");
  luaL_argcheck(L, !from.patch.data || from.patch.shape.dim[0] == n, 2,
                "must have a row for each patch");
  check_beyond(L, 4, &from);
  sb_shape shape = sb_shape4(n, from.base.shape.dim[1], size.dim[0], size.dim[1]);
  sb_gather_regions(&from, at, push_target(L, &shape));
  return 1;
}

/* changes(base, patch, patch_at) --> (N,C): by how much the sum of each of the maps differs from
   the base's. */
static int changes(lua_State *L) {
  lua_settop(L, 3);
  sb_patched from = check_patched(L, 2);
  const int64_t *map = from.base.shape.dim, *patch = from.patch.shape.dim;
  for (int64_t i = 0; i < patch[0]; i++) {
    sb_corner at = from.patch_at[i];
    luaL_argcheck(L,
                  at.y >= 0 && at.x >= 0 && at.y + patch[2] <= map[2] && at.x + patch[3] <= map[3],
                  3, "has a patch that leaves the map");
  }
  sb_shape shape = sb_shape2(patch[0], patch[1]);
  sb_sum_changes(&from, sb_push_tensor(L, &shape));
  return 1;
}

static const luaL_Reg functions[] = {{"gather", gather}, {"changes", changes}, {NULL, NULL}};

int sb_open_occlude(lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}
