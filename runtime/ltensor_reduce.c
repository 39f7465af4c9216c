/* ltensor_reduce.c: sums, extremes and their positions, of a whole tensor or along dimensions. */
#include <lauxlib.h>

#include "ltensor_parts.h"
#include "reduce.h"

/* ---- Which dimensions ------------------------------------------------------------------------ */

/* The plan of a reduction along some dimensions. */
typedef struct plan {
  const float *data;
  sb_lines lines;
  sb_shape out;
} plan;

/* Marks the dimension or the list of dimensions at argument 2. */
static void mark_dims(lua_State *L, int rank, bool reduced[SB_MAX_RANK]) {
  if (!lua_istable(L, 2)) {
    reduced[sb_check_dim(L, 2, rank)] = true;
    return;
  }
  for (lua_Integer i = 1, n = luaL_len(L, 2); i <= n; i++) {
    lua_geti(L, 2, i);
    reduced[sb_to_dim(L, 2, sb_pop_integer(L, "dimensions"), rank)] = true;
  }
}

/* The result's shape: reduced dimensions become 1 if `keep`, or disappear. */
static sb_shape reduced_shape(const sb_shape *s, const bool *reduced, bool keep) {
  sb_shape out = {0};
  for (int d = 0; d < s->rank; d++)
    if (!reduced[d] || keep) out.dim[out.rank++] = reduced[d] ? 1 : s->dim[d];
  return out;
}

static plan check_plan(lua_State *L, const sb_tensor *t) {
  bool reduced[SB_MAX_RANK] = {false};
  plan p = {.data = t->data};
  mark_dims(L, t->shape.rank, reduced);
  p.out = reduced_shape(&t->shape, reduced, lua_toboolean(L, 3));
  if (!sb_lines_over(&t->shape, reduced, &p.lines)) {
    sb_tensor *gathered = sb_push_tensor(L, &t->shape);
    sb_marked_last(gathered->data, t, reduced);
    p.data = gathered->data;
  }
  return p;
}

/* ---- Sums and the like ----------------------------------------------------------------------- */

static void push_result(lua_State *L, const sb_reduction *r, double value) {
  if (r->is_truth)
    lua_pushboolean(L, value != 0);
  else
    lua_pushnumber(L, value);
}

/* t:sum() --> a number;  t:sum(dim or {dim, ...} [, keep]) --> a tensor without those dimensions,
   or with extent 1 there if keep. Also mean, prod, norm (Euclidean), any and all (truth values, or
   0 and 1 in tensors), and var and std, whose argument 4 is subtracted from the number of values
   (default 1: unbiased). Sums accumulate in double. The mean of nothing is NaN. */
static int reduce(lua_State *L) {
  const sb_reduction *r = lua_touserdata(L, lua_upvalueindex(1));
  sb_tensor *t = sb_check_tensor(L, 1);
  double correction = luaL_optnumber(L, 4, 1);
  if (lua_isnoneornil(L, 2)) {
    push_result(L, r, sb_reduce_all(r, t->data, sb_count(t), correction));
    return 1;
  }
  plan p = check_plan(L, t);
  sb_reduce_lines(r, p.data, p.lines, correction, sb_push_tensor(L, &p.out)->data);
  return 1;
}

/* ---- Extremes -------------------------------------------------------------------------------- */

static plan check_extreme_plan(lua_State *L, const char *name, const sb_tensor *t) {
  plan p = check_plan(L, t);
  char text[SB_SHAPE_TEXT];
  if (p.lines.k == 0)
    luaL_error(L, "%s: no values along that dimension of %s", name, sb_shape_text(&t->shape, text));
  if (p.lines.k > SB_EXACT_POSITIONS)
    luaL_error(L, "%s: %I positions, float32 counts to %I", name, (lua_Integer)p.lines.k,
               (lua_Integer)SB_EXACT_POSITIONS);
  return p;
}

/* Pushes the extreme values and their positions, counted from 1. */
static void push_extremes(lua_State *L, const sb_reduction *r, const sb_tensor *t) {
  plan p = check_extreme_plan(L, r->name, t);
  sb_tensor *values = sb_push_tensor(L, &p.out), *positions = sb_push_tensor(L, &p.out);
  sb_extreme_lines(r, p.data, p.lines, values->data, positions->data);
  for (int64_t i = 0, n = sb_count(positions); i < n; i++) positions->data[i] += 1;
}

static int64_t check_extreme_all(lua_State *L, const sb_reduction *r, const sb_tensor *t) {
  char text[SB_SHAPE_TEXT];
  if (sb_count(t) == 0)
    luaL_error(L, "%s: no values in %s", r->name, sb_shape_text(&t->shape, text));
  return sb_extreme_all(r, t->data, sb_count(t));
}

/* t:max() --> the largest value and its position in row-major order;  t:max(dim or {dim, ...}
   [, keep]) --> two tensors, the largest values and their positions along dim (in row-major order
   of several). The first of equals wins, and a NaN wins over everything. Also min. */
static int extreme(lua_State *L) {
  const sb_reduction *r = lua_touserdata(L, lua_upvalueindex(1));
  sb_tensor *t = sb_check_tensor(L, 1);
  if (lua_isnoneornil(L, 2)) {
    int64_t i = check_extreme_all(L, r, t);
    lua_pushnumber(L, t->data[i]);
    lua_pushinteger(L, i + 1);
  } else {
    push_extremes(L, r, t);
  }
  return 2;
}

/* t:argmax([dim or {dim, ...} [, keep]]) --> the position alone. Also argmin. */
static int arg_extreme(lua_State *L) {
  extreme(L);
  return 1;
}

/* t:cumsum(dim) --> running sums along dim. */
static int tensor_cumsum(lua_State *L) {
  sb_tensor *t = sb_check_tensor(L, 1);
  int d = sb_check_dim(L, 2, t->shape.rank);
  sb_cumulate(t->data, sb_lines_along(&t->shape, d), sb_push_tensor(L, &t->shape)->data);
  return 1;
}

/* ---- Registration ---------------------------------------------------------------------------- */

static void add_reduction(lua_State *L, const char *name, const sb_reduction *r, lua_CFunction f) {
  lua_pushlightuserdata(L, (void *)(uintptr_t)r); /* the table is const */
  lua_pushcclosure(L, f, 1);
  lua_setfield(L, -2, name);
}

static const luaL_Reg methods[] = {{"cumsum", tensor_cumsum}, {NULL, NULL}};

void sb_tensor_reductions(lua_State *L) {
  for (const sb_reduction *r = sb_reductions; r->name; r++) add_reduction(L, r->name, r, reduce);
  add_reduction(L, "max", &sb_reduce_max, extreme);
  add_reduction(L, "min", &sb_reduce_min, extreme);
  add_reduction(L, "argmax", &sb_reduce_max, arg_extreme);
  add_reduction(L, "argmin", &sb_reduce_min, arg_extreme);
  luaL_setfuncs(L, methods, 0);
}
