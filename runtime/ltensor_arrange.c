/* ltensor_arrange.c: permuting, joining, padding, repeating and picking parts of tensors. All give
   new tensors. */
#include <lauxlib.h>

#include "arrange.h"
#include "ltensor_parts.h"

/* ---- Order of dimensions --------------------------------------------------------------------- */

static int push_permuted(lua_State *L, const sb_tensor *t, const int *order) {
  sb_shape shape = {.rank = t->shape.rank};
  for (int d = 0; d < shape.rank; d++) shape.dim[d] = t->shape.dim[order[d]];
  sb_permute(sb_push_tensor(L, &shape), t, order);
  return 1;
}

/* t:permute(d1, d2, ...) --> a copy whose dimension i is dimension di of t. */
static int tensor_permute(lua_State *L) {
  sb_tensor *t = sb_check_tensor(L, 1);
  sb_shape asked = sb_check_shape(L, 2);
  int order[SB_MAX_RANK];
  unsigned seen = 0;
  char text[SB_SHAPE_TEXT];
  for (int i = 0; i < asked.rank; i++) {
    order[i] = sb_to_dim(L, 2, asked.dim[i], t->shape.rank);
    seen |= 1u << order[i];
  }
  if (asked.rank != t->shape.rank || seen != (1u << t->shape.rank) - 1)
    return luaL_error(L, "permute: name each dimension of shape %s once",
                      sb_shape_text(&t->shape, text));
  return push_permuted(L, t, order);
}

/* t:transpose([d1 = second last, d2 = last]) --> a copy with the two dimensions exchanged. */
static int tensor_transpose(lua_State *L) {
  sb_tensor *t = sb_check_tensor(L, 1);
  int rank = t->shape.rank, order[SB_MAX_RANK];
  if (rank < 2) return luaL_error(L, "transpose: a tensor of %d dimensions", rank);
  int a = sb_opt_dim(L, 2, rank, rank - 2), b = sb_opt_dim(L, 3, rank, rank - 1);
  for (int d = 0; d < rank; d++) order[d] = d == a ? b : d == b ? a : d;
  return push_permuted(L, t, order);
}

/* t:flip(dim, ...) --> a copy with those dimensions reversed. */
static int tensor_flip(lua_State *L) {
  sb_tensor *t = sb_check_tensor(L, 1);
  sb_shape dims = sb_check_shape(L, 2);
  bool flipped[SB_MAX_RANK] = {false};
  for (int i = 0; i < dims.rank; i++) flipped[sb_to_dim(L, 2, dims.dim[i], t->shape.rank)] = true;
  sb_reverse(sb_push_tensor(L, &t->shape), t, flipped);
  return 1;
}

/* ---- Joining --------------------------------------------------------------------------------- */

/* Entry i of the list of tensors at argument 1. The list keeps it alive. */
static sb_tensor *list_entry(lua_State *L, const char *name, lua_Integer i) {
  lua_rawgeti(L, 1, i);
  sb_tensor *t = sb_to_tensor(L, -1);
  if (!t) luaL_error(L, "%s: entry %I is a %s, not a tensor", name, i, luaL_typename(L, -1));
  lua_pop(L, 1);
  return t;
}

static lua_Integer check_list(lua_State *L, const char *name) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_Integer n = (lua_Integer)lua_rawlen(L, 1);
  if (n == 0) luaL_error(L, "%s: the list is empty", name);
  return n;
}

/* cat({t1, t2, ...} [, dim = 1]) --> the tensors behind each other along dim. */
static int tensor_cat(lua_State *L) {
  lua_Integer n = check_list(L, "cat");
  sb_shape shape = list_entry(L, "cat", 1)->shape;
  int d = sb_opt_dim(L, 2, shape.rank, 0);
  char first[SB_SHAPE_TEXT], other[SB_SHAPE_TEXT];
  if (shape.rank == 0) return luaL_error(L, "cat: scalars have no dimension; use stack");
  for (lua_Integer i = 2; i <= n; i++) {
    sb_shape s = list_entry(L, "cat", i)->shape, same = s;
    if (d < s.rank) same.dim[d] = shape.dim[d];
    if (!sb_shape_equal(&same, &shape))
      return luaL_error(L, "cat: shapes %s and %s differ outside dimension %d",
                        sb_shape_text(&list_entry(L, "cat", 1)->shape, first),
                        sb_shape_text(&s, other), d + 1);
    shape.dim[d] += s.dim[d];
  }
  sb_tensor *out = sb_push_tensor(L, &shape);
  int64_t at[SB_MAX_RANK] = {0};
  for (lua_Integer i = 1; i <= n; i++) {
    sb_tensor *t = list_entry(L, "cat", i);
    sb_place(out, at, t);
    at[d] += t->shape.dim[d];
  }
  return 1;
}

/* stack({t1, t2, ...} [, dim = 1]) --> the tensors, of one shape, along a new dimension dim. */
static int tensor_stack(lua_State *L) {
  lua_Integer n = check_list(L, "stack");
  sb_shape one = list_entry(L, "stack", 1)->shape, shape = {.rank = one.rank + 1};
  char first[SB_SHAPE_TEXT], other[SB_SHAPE_TEXT];
  luaL_argcheck(L, one.rank < SB_MAX_RANK, 1, "a tensor has at most 6 dimensions");
  int d = sb_opt_dim(L, 2, shape.rank, 0);
  for (int e = 0; e < shape.rank; e++) shape.dim[e] = e == d ? 1 : one.dim[e < d ? e : e - 1];
  sb_shape slice = shape;
  shape.dim[d] = n;
  for (lua_Integer i = 2; i <= n; i++)
    if (!sb_shape_equal(&list_entry(L, "stack", i)->shape, &one))
      return luaL_error(L, "stack: shapes %s and %s differ", sb_shape_text(&one, first),
                        sb_shape_text(&list_entry(L, "stack", i)->shape, other));
  sb_tensor *out = sb_push_tensor(L, &shape);
  int64_t at[SB_MAX_RANK] = {0};
  for (; at[d] < n; at[d]++) {
    sb_tensor t = {slice, list_entry(L, "stack", at[d] + 1)->data};
    sb_place(out, at, &t);
  }
  return 1;
}

/* ---- Padding and repeating ------------------------------------------------------------------- */

/* Pops a number of elements. */
static int64_t pop_pad(lua_State *L) {
  lua_Integer n = sb_pop_integer(L, "pad");
  if (n < 0 || n > INT32_MAX) luaL_error(L, "pad: %I elements", n);
  return n;
}

/* Pops a pad, n or {before, after}, into pad[0] and pad[1]. */
static void pop_pads(lua_State *L, int64_t pad[2]) {
  if (lua_istable(L, -1)) {
    for (int i = 0; i < 2; i++) {
      lua_geti(L, -1, i + 1);
      pad[i] = pop_pad(L);
    }
    lua_pop(L, 1);
  } else {
    pad[0] = pad[1] = pop_pad(L);
  }
}

/* t:pad({p1, p2, ...} [, value = 0]) --> t with a border: entry p, a number of elements or {before,
   after}, belongs to a dimension; the last entry to the last dimension. */
static int tensor_pad(lua_State *L) {
  sb_tensor *t = sb_check_tensor(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  float value = (float)luaL_optnumber(L, 3, 0);
  lua_Integer n = luaL_len(L, 2);
  if (n > t->shape.rank)
    return luaL_error(L, "pad: %I pads for a tensor of %d dimensions", n, t->shape.rank);
  sb_shape shape = t->shape;
  int64_t first[SB_MAX_RANK] = {0};
  for (int i = 1, d = shape.rank - (int)n; d < shape.rank; i++, d++) {
    int64_t pad[2];
    lua_geti(L, 2, i);
    pop_pads(L, pad);
    first[d] = pad[0];
    shape.dim[d] += pad[0] + pad[1];
  }
  sb_tensor *out = sb_push_tensor(L, &shape);
  sb_fill(out, value);
  sb_place(out, first, t);
  return 1;
}

/* t:expand(shape...) --> a copy broadcast to that shape. */
static int tensor_expand(lua_State *L) {
  sb_tensor *t = sb_check_tensor(L, 1);
  sb_shape shape = sb_check_shape(L, 2);
  sb_check_fits(L, "expand", &t->shape, &shape);
  sb_expand(sb_push_tensor(L, &shape), t);
  return 1;
}

/* Writes s with extents of 1 in front, up to `rank`. */
static sb_shape lengthen(const sb_shape *s, int rank) {
  sb_shape out = {.rank = rank};
  for (int d = 0; d < rank; d++) out.dim[d] = d < rank - s->rank ? 1 : s->dim[d - (rank - s->rank)];
  return out;
}

/* t:tile(n1, n2, ...) --> t repeated ni times along dimension i; the last count belongs to the last
   dimension, and dimensions without a count are not repeated. */
static int tensor_tile(lua_State *L) {
  sb_tensor *t = sb_check_tensor(L, 1);
  sb_shape counts = sb_check_shape(L, 2);
  int rank = counts.rank > t->shape.rank ? counts.rank : t->shape.rank;
  char text[SB_SHAPE_TEXT];
  if (!sb_shape_valid(&counts))
    return luaL_error(L, "tile: cannot repeat %s times", sb_shape_text(&counts, text));
  counts = lengthen(&counts, rank);
  sb_tensor from = {lengthen(&t->shape, rank), t->data};
  sb_shape shape = from.shape;
  for (int d = 0; d < rank; d++) {
    int64_t limit = INT64_C(1) << 40;
    shape.dim[d] = counts.dim[d] && shape.dim[d] > limit / counts.dim[d]
                       ? limit
                       : shape.dim[d] * counts.dim[d];
  }
  sb_tile(sb_push_tensor(L, &shape), &from);
  return 1;
}

/* ---- Picking --------------------------------------------------------------------------------- */

/* t:take({i1, i2, ...} or a vector [, dim = 1]) --> positions i1, i2, ... of dimension dim. */
static int tensor_take(lua_State *L) {
  sb_tensor *t = sb_check_tensor(L, 1), *list = sb_to_tensor(L, 2);
  if (!list) luaL_checktype(L, 2, LUA_TTABLE);
  if (t->shape.rank == 0) return luaL_error(L, "take: a scalar has no positions");
  int d = sb_opt_dim(L, 3, t->shape.rank, 0);
  int64_t n = list ? sb_count(list) : luaL_len(L, 2);
  sb_shape shape = t->shape, indices = sb_shape1(n);
  shape.dim[d] = n;
  luaL_argcheck(L, sb_shape_valid(&indices), 2, "too many positions");
  sb_tensor *out = sb_push_tensor(L, &shape);
  int64_t *which = (int64_t *)sb_push_buffer(L, 2 * n);
  for (int64_t i = 0; i < n; i++) {
    if (list)
      lua_pushnumber(L, list->data[i]);
    else
      lua_geti(L, 2, i + 1);
    which[i] = sb_check_position(L, "take", sb_pop_integer(L, "take"), t->shape.dim[d]);
  }
  sb_take(out->data, t->data, sb_lines_along(&t->shape, d), which, n);
  lua_pop(L, 1);
  return 1;
}

static const luaL_Reg methods[] = {{"permute", tensor_permute}, {"transpose", tensor_transpose},
                                   {"flip", tensor_flip},       {"cat", tensor_cat},
                                   {"stack", tensor_stack},     {"pad", tensor_pad},
                                   {"expand", tensor_expand},   {"tile", tensor_tile},
                                   {"take", tensor_take},       {NULL, NULL}};

void sb_tensor_arranging(lua_State *L) {
  luaL_setfuncs(L, methods, 0);
}
