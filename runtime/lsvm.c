/* lsvm.c: linear classifiers of features for Lua. */
#include <lauxlib.h>

#include "kernel.h"
#include "lmodules.h"
#include "ltensor.h"
#include "svm.h"

/* The integers of a list, each in [1, most], less 1. */
static int64_t *push_list(lua_State *L, int arg, int64_t most, int64_t *n) {
  luaL_checktype(L, arg, LUA_TTABLE);
  *n = luaL_len(L, arg);
  int64_t *list = lua_newuserdatauv(L, (size_t)*n * sizeof *list, 0);
  for (int64_t i = 0; i < *n; i++) {
    lua_geti(L, arg, i + 1);
    list[i] = luaL_checkinteger(L, -1) - 1;
    lua_pop(L, 1);
    luaL_argcheck(L, list[i] >= 0 && list[i] < most, arg, "holds a number that is out of range");
  }
  return list;
}

static sb_tensor *check_matrix(lua_State *L, int arg) {
  sb_tensor *t = sb_check_tensor(L, arg);
  luaL_argcheck(L, t->shape.rank == 2 && t->shape.dim[0] <= 1 << 20 && t->shape.dim[1] <= 1 << 28,
                arg, "must be a matrix");
  return t;
}

static double *push_doubles(lua_State *L, int64_t n) {
  return lua_newuserdatauv(L, (size_t)n * sizeof(double), 0);
}

static void push_rounded(lua_State *L, const double *from, int64_t rows, int64_t columns) {
  sb_shape shape = sb_shape2(rows, columns);
  sb_tensor *t = sb_push_tensor(L, &shape);
  for (int64_t i = 0; i < rows * columns; i++) t->data[i] = (float)from[i];
}

/* coordinates(products (N,N), train, test) --> (n,n), (t,n): see kernel.h; train and test are lists
   of examples, from 1. Or nil, message. */
static int svm_coordinates(lua_State *L) {
  const sb_tensor *k = check_matrix(L, 1);
  int64_t N = k->shape.dim[0], n, t;
  luaL_argcheck(L, k->shape.dim[1] == N, 1, "must be square");
  int64_t *train = push_list(L, 2, N, &n), *test = push_list(L, 3, N, &t);
  luaL_argcheck(L, n > 0, 2, "is empty");
  double *a = push_doubles(L, n * n), *b = push_doubles(L, t * n), *mean = push_doubles(L, N);
  if (!sb_kernel_coordinates(k->data, N, train, n, test, t, a, b, mean)) {
    luaL_pushfail(L);
    lua_pushliteral(L, "the features hold what is no number");
    return 2;
  }
  push_rounded(L, a, n, n);
  push_rounded(L, b, t, n);
  return 2;
}

/* train(x (n,d), labels, classes, cost) --> weights (classes,d), bias (classes); see svm.h. Or nil,
   message. */
static int svm_train(lua_State *L) {
  const sb_tensor *x = check_matrix(L, 1);
  int64_t n = x->shape.dim[0], d = x->shape.dim[1], given;
  lua_Integer classes = luaL_checkinteger(L, 3);
  luaL_argcheck(L, classes >= 2 && classes <= 1 << 20, 3, "must be at least 2 classes");
  int64_t *labels = push_list(L, 2, classes, &given);
  luaL_argcheck(L, given == n && n > 0, 2, "must be a label for each row");
  double cost = luaL_checknumber(L, 4);
  luaL_argcheck(L, cost > 0, 4, "must be positive");
  int32_t *class = lua_newuserdatauv(L, (size_t)n * sizeof *class, 0);
  for (int64_t i = 0; i < n; i++) class[i] = (int32_t)labels[i];
  void *scratch = lua_newuserdatauv(L, sb_svm_scratch(x->data, n, d), 0);
  sb_shape shape = sb_shape2(classes, d), row = sb_shape1(classes);
  float *weights = sb_push_tensor(L, &shape)->data, *bias = sb_push_tensor(L, &row)->data;
  sb_error e;
  if (sb_svm_train(x->data, class, n, d, (int)classes, cost, weights, bias, scratch, &e)) return 2;
  luaL_pushfail(L);
  lua_pushstring(L, e.text);
  return 2;
}

static const luaL_Reg functions[] = {
    {"coordinates", svm_coordinates}, {"train", svm_train}, {NULL, NULL}};

int sb_open_svm(lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}
