/* lcriterion.c: switchback.core.criterion, what scores are worth. */
#include <lauxlib.h>

#include "criterion.h"
#include "lmodules.h"
#include "ltensor.h"

static int32_t class_of(lua_State *L, const char *name, double value, int64_t row, int64_t k) {
  if (!(value >= 1 && value <= (double)k && value == (double)(int32_t)value))
    luaL_error(L, "%s: label %I is %f, not a class from 1 to %I", name, (LUAI_UACINT)(row + 1),
               value, (LUAI_UACINT)k);
  return (int32_t)value - 1;
}

static double list_entry(lua_State *L, const char *name, int64_t row) {
  int is_number;
  lua_geti(L, 2, row + 1);
  double value = lua_tonumberx(L, -1, &is_number);
  if (!is_number)
    luaL_error(L, "%s: label %I is a %s, not a class", name, (LUAI_UACINT)(row + 1),
               luaL_typename(L, -1));
  lua_pop(L, 1);
  return value;
}

/* Scores (N,k) at argument 1, and at 2 their N classes, counted from 1, as a list or a tensor.
   Pushes the buffer of the labels. */
static sb_scores check_scores(lua_State *L, const char *name) {
  const sb_tensor *x = sb_check_tensor(L, 1), *t = sb_to_tensor(L, 2);
  if (!t) luaL_checktype(L, 2, LUA_TTABLE);
  int64_t n = t ? sb_count(t) : (int64_t)luaL_len(L, 2);
  sb_scores s = {.rows = x->shape.dim[0], .k = x->shape.dim[1], .x = x->data};
  luaL_argcheck(L, x->shape.rank == 2 && s.rows > 0 && s.k > 0, 1, "scores must be (N, classes)");
  if (n != s.rows)
    luaL_error(L, "%s: %I rows of scores, but %I labels", name, (LUAI_UACINT)s.rows,
               (LUAI_UACINT)n);
  int32_t *labels = (int32_t *)sb_push_buffer(L, n);
  for (int64_t i = 0; i < n; i++)
    labels[i] = class_of(L, name, t ? (double)t->data[i] : list_entry(L, name, i), i, s.k);
  s.labels = labels;
  return s;
}

/* cross_entropy(scores (N,k), labels, smoothing [, gradient = true]) --> loss, its gradient to the
   scores (nil if not wanted); see criterion.h. */
static int cross_entropy(lua_State *L) {
  double smoothing = luaL_checknumber(L, 3);
  bool wanted = lua_isnoneornil(L, 4) || lua_toboolean(L, 4);
  sb_scores s = check_scores(L, "cross_entropy");
  sb_tensor *dx = wanted ? sb_push_tensor(L, &sb_check_tensor(L, 1)->shape) : NULL;
  lua_pushnumber(L, sb_cross_entropy(&s, smoothing, dx ? dx->data : NULL));
  if (dx)
    lua_insert(L, -2);
  else
    lua_pushnil(L);
  return 2;
}

/* ranks(scores (N,k), labels) --> (N): 1 where the label's class scores highest; see criterion.h.
 */
static int ranks(lua_State *L) {
  sb_scores s = check_scores(L, "ranks");
  sb_shape shape = sb_shape1(s.rows);
  sb_label_ranks(&s, sb_push_tensor(L, &shape)->data);
  return 1;
}

static const luaL_Reg functions[] = {
    {"cross_entropy", cross_entropy}, {"ranks", ranks}, {NULL, NULL}};

int sb_open_criterion(lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}
