/* lconv.c: each way to convolve by its name, for comparing and timing them. Layers call conv.h,
   which chooses. */
#include <lauxlib.h>
#include <math.h>
#include <string.h>

#include "conv/algorithm.h"
#include "conv/fast.h"
#include "conv/simd.h"
#include "lmodules.h"
#include "ltensor.h"

/* algorithms() --> { name, ... } of those that take weights as they are; "direct", summed in
   double, is last. */
static int conv_algorithms(lua_State *L) {
  lua_newtable(L);
  for (int i = 0; sb_conv_algorithms[i]; i++) {
    lua_pushstring(L, sb_conv_algorithms[i]->name);
    lua_seti(L, -2, i + 1);
  }
  return 1;
}

static const sb_conv_algorithm *check_algorithm(lua_State *L, int arg) {
  const char *name = luaL_checkstring(L, arg);
  for (int i = 0; sb_conv_algorithms[i]; i++)
    if (strcmp(sb_conv_algorithms[i]->name, name) == 0) return sb_conv_algorithms[i];
  luaL_error(L, "conv: unknown algorithm '%s'", name);
  return NULL;
}

/* Reads the n integers of table[key] (default: all `fallback`). */
static void read_integers(lua_State *L, int table, const char *key, int n, int fallback, int *out) {
  bool given = lua_getfield(L, table, key) == LUA_TTABLE;
  for (int i = 0; i < n; i++) {
    out[i] = fallback;
    if (!given) continue;
    lua_geti(L, -1, i + 1);
    out[i] = (int)luaL_checkinteger(L, -1);
    if (out[i] < fallback) luaL_error(L, "conv: %s must be at least %d", key, fallback);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

static const sb_tensor *check_nchw(lua_State *L, int arg) {
  const sb_tensor *t = sb_check_tensor(L, arg);
  luaL_argcheck(L, t->shape.rank == 4 && sb_count(t) > 0, arg, "must have rank 4 and not be empty");
  return t;
}

/* The geometry in the table at `arg`: kernel {h, w}, stride {1, 1}, pad {0, 0, 0, 0}, dilation
   {1, 1}, groups {1}. Only convolutions that make sense get past here. */
static sb_conv check_geometry(lua_State *L, int arg, const sb_shape *x, int64_t c_out) {
  sb_conv g = {.n = x->dim[0], .c_in = x->dim[1], .h = x->dim[2], .w = x->dim[3], .c_out = c_out};
  luaL_checktype(L, arg, LUA_TTABLE);
  read_integers(L, arg, "kernel", 2, 1, g.kernel);
  read_integers(L, arg, "stride", 2, 1, g.stride);
  read_integers(L, arg, "pad", 4, 0, g.pad);
  read_integers(L, arg, "dilation", 2, 1, g.dilation);
  read_integers(L, arg, "groups", 1, 1, &g.groups);
  g.oh = sb_conv_extent(&g, 0, g.h);
  g.ow = sb_conv_extent(&g, 1, g.w);
  if (g.c_in % g.groups || c_out % g.groups || g.oh < 1 || g.ow < 1)
    luaL_error(L, "conv: this geometry does not fit");
  return g;
}

static void check_shape(lua_State *L, const sb_tensor *t, sb_shape want) {
  char a[SB_SHAPE_TEXT], b[SB_SHAPE_TEXT];
  if (!sb_shape_equal(&t->shape, &want))
    luaL_error(L, "conv: expected a tensor %s, got %s", sb_shape_text(&want, a),
               sb_shape_text(&t->shape, b));
}

static sb_shape weight_shape(const sb_conv *g) {
  return sb_shape4(g->c_out, g->c_in / g->groups, g->kernel[0], g->kernel[1]);
}

/* forward(algorithm, x, w, bias or nil, geometry) --> y, or nil if the algorithm does not fit. */
static int conv_forward(lua_State *L) {
  const sb_conv_algorithm *a = check_algorithm(L, 1);
  const sb_tensor *x = check_nchw(L, 2), *w = check_nchw(L, 3);
  const sb_tensor *bias = lua_isnil(L, 4) ? NULL : sb_check_tensor(L, 4);
  sb_conv g = check_geometry(L, 5, &x->shape, w->shape.dim[0]);
  check_shape(L, w, weight_shape(&g));
  if (bias) check_shape(L, bias, sb_shape1(g.c_out));
  if (!a->forward || !a->fits(&g)) return lua_pushnil(L), 1;
  float *scratch = sb_push_buffer(L, a->forward_scratch(&g));
  sb_shape shape = sb_shape4(g.n, g.c_out, g.oh, g.ow);
  sb_tensor *y = sb_push_tensor(L, &shape);
  a->forward(&g, x->data, w->data, bias ? bias->data : NULL, y->data, scratch);
  return 1;
}

/* backward_input(algorithm, dy, w, x, geometry) --> dx or nil; of x only the shape matters. */
static int conv_backward_input(lua_State *L) {
  const sb_conv_algorithm *a = check_algorithm(L, 1);
  const sb_tensor *dy = check_nchw(L, 2), *w = check_nchw(L, 3), *x = check_nchw(L, 4);
  sb_conv g = check_geometry(L, 5, &x->shape, w->shape.dim[0]);
  check_shape(L, w, weight_shape(&g));
  check_shape(L, dy, sb_shape4(g.n, g.c_out, g.oh, g.ow));
  if (!a->backward_input || !a->fits(&g)) return lua_pushnil(L), 1;
  float *scratch = sb_push_buffer(L, a->backward_input_scratch(&g));
  sb_tensor *dx = sb_push_tensor(L, &x->shape);
  a->backward_input(&g, dy->data, w->data, dx->data, scratch);
  return 1;
}

/* backward_weights(algorithm, dy, x, geometry) --> dw or nil. */
static int conv_backward_weights(lua_State *L) {
  const sb_conv_algorithm *a = check_algorithm(L, 1);
  const sb_tensor *dy = check_nchw(L, 2), *x = check_nchw(L, 3);
  sb_conv g = check_geometry(L, 4, &x->shape, dy->shape.dim[1]);
  check_shape(L, dy, sb_shape4(g.n, g.c_out, g.oh, g.ow));
  if (!a->backward_weights || !a->fits(&g)) return lua_pushnil(L), 1;
  float *scratch = sb_push_buffer(L, a->backward_weights_scratch(&g));
  sb_shape shape = weight_shape(&g);
  sb_tensor *dw = sb_push_tensor(L, &shape);
  sb_fill(dw, 0);
  a->backward_weights(&g, dy->data, x->data, dw->data, scratch);
  return 1;
}

/* ---- The ways that pack their weights ---------------------------------------------------- */

/* simd() --> "avx512", "avx2" or "portable": the instructions that they are compiled for. */
static int conv_simd(lua_State *L) {
  lua_pushstring(L, sb_simd_best()->name);
  return 1;
}

/* fasts() --> { name, ... } of the ways that pack their weights first. */
static int conv_fasts(lua_State *L) {
  lua_newtable(L);
  for (int i = 0; sb_conv_fasts[i]; i++) {
    lua_pushstring(L, sb_conv_fasts[i]->name);
    lua_seti(L, -2, i + 1);
  }
  return 1;
}

static const sb_conv_fast *check_fast(lua_State *L, int arg) {
  const char *name = luaL_checkstring(L, arg);
  for (int i = 0; sb_conv_fasts[i]; i++)
    if (strcmp(sb_conv_fasts[i]->name, name) == 0) return sb_conv_fasts[i];
  luaL_error(L, "conv: unknown fast algorithm '%s'", name);
  return NULL;
}

/* The finish in the table at `arg`, if there is one: bias (channels of the result), relu, mask (of
   the result's shape). The table keeps the tensors alive. */
static sb_conv_finish check_finish(lua_State *L, int arg, const sb_shape *result) {
  sb_conv_finish f = {NULL};
  if (lua_isnoneornil(L, arg)) return f;
  luaL_checktype(L, arg, LUA_TTABLE);
  if (lua_getfield(L, arg, "bias") != LUA_TNIL) {
    const sb_tensor *bias = sb_check_tensor(L, -1);
    check_shape(L, bias, sb_shape1(result->dim[1]));
    f.bias = bias->data;
  }
  if (lua_getfield(L, arg, "mask") != LUA_TNIL) {
    const sb_tensor *mask = sb_check_tensor(L, -1);
    check_shape(L, mask, *result);
    f.mask = mask->data;
  }
  lua_getfield(L, arg, "relu");
  f.relu = lua_toboolean(L, -1);
  lua_pop(L, 3);
  return f;
}

/* Packs w, runs, and pushes the result of shape `shape`; nil if the way cannot go over g. */
static int run_fast(lua_State *L, const sb_conv_fast *fast, const sb_conv *g, const sb_tensor *w,
                    bool flip, const sb_tensor *from, const sb_shape *shape, int finish_arg) {
  sb_conv_finish finish = check_finish(L, finish_arg, shape);
  if (isinf(fast->cost(g))) return lua_pushnil(L), 1;
  float *packed = sb_push_buffer(L, fast->packed_size(g));
  float *scratch = sb_push_buffer(L, fast->scratch(g));
  sb_tensor *to = sb_push_tensor(L, shape);
  fast->pack(g, w->data, flip, packed);
  fast->run(g, packed, from->data, &finish, to->data, scratch);
  return 1;
}

/* fast_forward(way, x, w, geometry [, {bias =, relu =, mask =}]) --> y, finished, or nil. */
static int conv_fast_forward(lua_State *L) {
  const sb_conv_fast *fast = check_fast(L, 1);
  const sb_tensor *x = check_nchw(L, 2), *w = check_nchw(L, 3);
  sb_conv g = check_geometry(L, 4, &x->shape, w->shape.dim[0]);
  check_shape(L, w, weight_shape(&g));
  sb_shape shape = sb_shape4(g.n, g.c_out, g.oh, g.ow);
  if (fast->transposed) return lua_pushnil(L), 1;
  return run_fast(L, fast, &g, w, false, x, &shape, 5);
}

/* fast_backward_input(way, dy, w, x, geometry [, finish]) --> dx, finished, or nil; of x only the
   shape matters. */
static int conv_fast_backward_input(lua_State *L) {
  const sb_conv_fast *fast = check_fast(L, 1);
  const sb_tensor *dy = check_nchw(L, 2), *w = check_nchw(L, 3), *x = check_nchw(L, 4);
  sb_conv g = check_geometry(L, 5, &x->shape, w->shape.dim[0]), adjoint;
  check_shape(L, w, weight_shape(&g));
  check_shape(L, dy, sb_shape4(g.n, g.c_out, g.oh, g.ow));
  if (fast->transposed) return run_fast(L, fast, &g, w, true, dy, &x->shape, 6);
  if (!sb_conv_adjoint(&g, &adjoint)) return lua_pushnil(L), 1;
  return run_fast(L, fast, &adjoint, w, true, dy, &x->shape, 6);
}

static const luaL_Reg functions[] = {{"algorithms", conv_algorithms},
                                     {"simd", conv_simd},
                                     {"fasts", conv_fasts},
                                     {"fast_forward", conv_fast_forward},
                                     {"fast_backward_input", conv_fast_backward_input},
                                     {"forward", conv_forward},
                                     {"backward_input", conv_backward_input},
                                     {"backward_weights", conv_backward_weights},
                                     {NULL, NULL}};

int sb_open_conv(lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}
