/* lembed.c: switchback.core.embed: nearest neighbours, principal components, t-SNE, for
   lualib/switchback/neighbors.lua, pca.lua and tsne.lua. Points are the rows of a tensor (N,D). */
#include <lauxlib.h>
#include <math.h>

#include "gemm.h"
#include "knn.h"
#include "lmodules.h"
#include "ltensor.h"
#include "pca.h"
#include "tsne.h"

#define AFFINITIES "switchback.affinities"

enum { MOST_POINTS = 1 << 24, MOST_VALUES = 1 << 30 }; /* positions must be exact floats */
static const float LARGEST = 1e15F;                    /* squares of distances stay finite */

/* Collectable memory of that many bytes, 64-byte aligned. */
static void *push_bytes(lua_State *L, size_t bytes) {
  return sb_push_buffer(L, (int64_t)((bytes + sizeof(float) - 1) / sizeof(float)));
}

/* The finite points at `arg`, at least `least` of them. */
static const sb_tensor *check_points(lua_State *L, int arg, int64_t least) {
  const sb_tensor *t = sb_check_tensor(L, arg);
  char text[SB_SHAPE_TEXT];
  if (t->shape.rank != 2 || t->shape.dim[0] < least || t->shape.dim[1] < 1)
    luaL_error(L, "points must be (N,D), at least %d of them, got %s", (int)least,
               sb_shape_text(&t->shape, text));
  luaL_argcheck(L, t->shape.dim[0] < MOST_POINTS && t->shape.dim[1] < INT32_MAX, arg,
                "too many points, or too many dimensions");
  for (int64_t i = 0; i < sb_count(t); i++)
    luaL_argcheck(L, fabsf(t->data[i]) < LARGEST, arg,
                  "holds a value that is not finite, or not below 1e15");
  return t;
}

static int64_t check_count(lua_State *L, int arg, int64_t most) {
  lua_Integer k = luaL_checkinteger(L, arg);
  if (k < 1 || k > most) luaL_error(L, "expected 1 to %d neighbours, got %d", (int)most, (int)k);
  return k;
}

/* The tensor (rows,columns) at `arg`. */
static const sb_tensor *check_matrix(lua_State *L, int arg, int64_t rows, int64_t columns) {
  const sb_tensor *t = sb_check_tensor(L, arg);
  sb_shape shape = sb_shape2(rows, columns);
  char got[SB_SHAPE_TEXT], want[SB_SHAPE_TEXT];
  if (!sb_shape_equal(&t->shape, &shape))
    luaL_error(L, "argument %d is %s, expected %s", arg, sb_shape_text(&t->shape, got),
               sb_shape_text(&shape, want));
  return t;
}

/* ---- Neighbours --------------------------------------------------------------------------------
 */

static sb_tensor *push_matrix(lua_State *L, int64_t rows, int64_t columns) {
  sb_shape shape = sb_shape2(rows, columns);
  return sb_push_tensor(L, &shape);
}

static void push_positions(lua_State *L, const int32_t *position, int64_t rows, int64_t columns,
                           int base) {
  float *to = push_matrix(L, rows, columns)->data;
  for (int64_t i = 0; i < rows * columns; i++) to[i] = (float)(position[i] + base);
}

/* The positions in the tensor (n,k) at `arg`, 1 to n and none its own row's, as integers from 0 in
   pushed memory. */
static int32_t *push_indices(lua_State *L, int arg, int64_t n, int64_t *k) {
  const sb_tensor *t = sb_check_tensor(L, arg);
  bool fits = t->shape.rank == 2 && t->shape.dim[0] == n && t->shape.dim[1] > 0;
  luaL_argcheck(L, fits, arg, "must have a row for each point");
  *k = t->shape.dim[1];
  int32_t *index = push_bytes(L, (size_t)(n * *k) * sizeof *index);
  for (int64_t i = 0; i < n * *k; i++) {
    float v = t->data[i];
    bool there = v >= 1 && v <= (float)n && v == floorf(v) && (int64_t)v - 1 != i / *k;
    luaL_argcheck(L, there, arg, "holds a position that is no other point's");
    index[i] = (int32_t)v - 1;
  }
  return index;
}

/* neighbors(points (N,D), queries (M,D) or nil, k) --> positions (M,k) of the nearest points, from
   1, squares of their distances (M,k). Without queries: of each point, the other points. */
static int neighbors(lua_State *L) {
  bool same = lua_isnoneornil(L, 2);
  const sb_tensor *points = check_points(L, 1, 1);
  const sb_tensor *queries = same ? points : check_points(L, 2, 1);
  if (queries->shape.dim[1] != points->shape.dim[1])
    return luaL_error(L, "queries have %d dimensions, points have %d", (int)queries->shape.dim[1],
                      (int)points->shape.dim[1]);
  sb_knn s = {points->data,
              queries->data,
              points->shape.dim[0],
              queries->shape.dim[0],
              points->shape.dim[1],
              0,
              same};
  s.k = check_count(L, 3, s.n - same);
  luaL_argcheck(L, s.m * s.k < MOST_VALUES, 3, "too many neighbours");
  int32_t *index = push_bytes(L, (size_t)(s.m * s.k) * sizeof *index);
  void *scratch = push_bytes(L, sb_knn_scratch(&s));
  sb_tensor *distance = push_matrix(L, s.m, s.k);
  sb_knn_search(&s, index, distance->data, scratch);
  push_positions(L, index, s.m, s.k, 1);
  lua_insert(L, -2);
  return 2;
}

/* ranks(points (N,D), positions (N,k)) --> (N,k): as which neighbour, from 1, point i has the point
   that is named. */
static int ranks(lua_State *L) {
  const sb_tensor *points = check_points(L, 1, 2);
  sb_knn s = {.points = points->data, .n = points->shape.dim[0], .d = points->shape.dim[1]};
  int32_t *index = push_indices(L, 2, s.n, &s.k);
  int32_t *rank = push_bytes(L, (size_t)(s.n * s.k) * sizeof *rank);
  sb_knn_ranks(&s, index, rank, push_bytes(L, sb_knn_rank_scratch(s.n)));
  push_positions(L, rank, s.n, s.k, 0);
  return 1;
}

/* ---- Principal components ----------------------------------------------------------------------
 */

/* pca(points (N,D), k) --> scores (N,k), components (k,D), variances (k), mean (D); see pca.h. */
static int pca(lua_State *L) {
  const sb_tensor *x = check_points(L, 1, 2);
  int64_t n = x->shape.dim[0], d = x->shape.dim[1], k = luaL_checkinteger(L, 2);
  if (k < 1 || k > n || k > d)
    return luaL_error(L, "%d points of %d dimensions have no %d principal components", (int)n,
                      (int)d, (int)k);
  sb_shape of_variance = sb_shape1(k), of_mean = sb_shape1(d);
  sb_pca p = {.x = x->data, .n = n, .d = d, .k = k};
  p.score = push_matrix(L, n, k)->data;
  p.component = push_matrix(L, k, d)->data;
  p.variance = sb_push_tensor(L, &of_variance)->data;
  p.mean = sb_push_tensor(L, &of_mean)->data;
  sb_error e;
  if (!sb_pca_run(&p, push_bytes(L, sb_pca_scratch(&p)), &e)) return luaL_error(L, "%s", e.text);
  lua_pop(L, 1);
  return 4;
}

/* eigen(a (n,n), k) --> the k largest eigenvalues of a symmetric matrix, ascending (k), and their
   eigenvectors, rows of length 1 (k,n). The left lower triangle is read. */
static int eigen(lua_State *L) {
  const sb_tensor *a = check_points(L, 1, 1);
  int64_t n = a->shape.dim[0], k = luaL_checkinteger(L, 2);
  check_matrix(L, 1, n, n);
  luaL_argcheck(L, k >= 1 && k <= n, 2, "must be 1 to n");
  double *copy = push_bytes(L, (size_t)(n * n + n + k * n) * sizeof *copy);
  double *values = copy + n * n, *vectors = values + n;
  for (int64_t i = 0; i < n * n; i++) copy[i] = a->data[i];
  if (!sb_eigen(n, k, copy, values, vectors, push_bytes(L, sb_eigen_scratch(n))))
    return luaL_error(L, "LAPACK's dsyevr found no eigenvectors");
  sb_shape of_values = sb_shape1(k);
  float *to = sb_push_tensor(L, &of_values)->data, *rows = push_matrix(L, k, n)->data;
  for (int64_t i = 0; i < k; i++) to[i] = (float)values[i];
  for (int64_t i = 0; i < k * n; i++) rows[i] = (float)vectors[i];
  return 2;
}

/* ---- t-SNE
 * --------------------------------------------------------------------------------------- */

/* affinities(positions (N,k), squares of distances (N,k), perplexity) --> the joint probabilities,
   for `gradient`. The positions in a row differ. */
static int affinities(lua_State *L) {
  const sb_tensor *positions = sb_check_tensor(L, 1);
  int64_t n = positions->shape.rank == 2 ? positions->shape.dim[0] : 0, k;
  luaL_argcheck(L, n > 1 && n < MOST_POINTS, 1, "must be (N,k)");
  int32_t *index = push_indices(L, 1, n, &k);
  const sb_tensor *distance = check_matrix(L, 2, n, k);
  double perplexity = luaL_checknumber(L, 3);
  luaL_argcheck(L, perplexity >= 1 && perplexity <= (double)k, 3, "must be 1 to k");
  luaL_argcheck(L, n * k < MOST_VALUES, 1, "too many neighbours");
  for (int64_t i = 0; i < n * k; i++)
    luaL_argcheck(L, distance->data[i] >= 0 && isfinite(distance->data[i]), 2,
                  "holds what is no square of a distance");
  float *p = push_bytes(L, (size_t)(n * k) * sizeof *p);
  void *scratch = push_bytes(L, sb_affinities_scratch(n, k));
  size_t size = sb_affinities_size(n, k);
  sb_affinities *a = lua_newuserdatauv(L, sizeof *a + size, 0);
  sb_tsne_conditional(distance->data, n, k, perplexity, p);
  *a = sb_affinities_build(p, index, n, k, a + 1, scratch);
  luaL_setmetatable(L, AFFINITIES);
  return 1;
}

/* joint(affinities) --> the matrix (N,N), for tests and small N. */
static int joint(lua_State *L) {
  const sb_affinities *a = luaL_checkudata(L, 1, AFFINITIES);
  sb_tensor *t = push_matrix(L, a->n, a->n);
  sb_fill(t, 0);
  for (int64_t i = 0; i < a->n; i++)
    for (int64_t e = a->start[i]; e < a->start[i + 1]; e++)
      t->data[i * a->n + a->column[e]] = a->value[e];
  return 1;
}

/* gradient(affinities, map (N,2), theta, exaggeration [, divergence = false]) --> (N,2), and if
   asked for the Kullback-Leibler divergence; see tsne.h. */
static int gradient(lua_State *L) {
  const sb_affinities *a = luaL_checkudata(L, 1, AFFINITIES);
  const sb_tensor *y = check_points(L, 2, 2);
  check_matrix(L, 2, a->n, 2);
  double theta = luaL_checknumber(L, 3), exaggeration = luaL_checknumber(L, 4), divergence = 0;
  luaL_argcheck(L, theta >= 0 && theta <= 1, 3, "must be 0 to 1");
  bool wanted = lua_toboolean(L, 5);
  void *scratch = push_bytes(L, sb_tsne_scratch(a->n));
  sb_tensor *g = push_matrix(L, a->n, 2);
  sb_tsne_gradient(a, y->data, theta, exaggeration, g->data, wanted ? &divergence : NULL, scratch);
  if (!wanted) return 1;
  lua_pushnumber(L, divergence);
  return 2;
}

/* step(map, gradient, velocity, gains, rate, momentum) changes map, velocity and gains (N,2). */
static int step(lua_State *L) {
  sb_tensor *y = sb_check_writable(L, 1);
  int64_t n = y->shape.rank == 2 ? y->shape.dim[0] : 0;
  const sb_tensor *g = check_matrix(L, 2, n, 2);
  sb_tensor *velocity = sb_check_writable(L, 3), *gain = sb_check_writable(L, 4);
  check_matrix(L, 1, n, 2), check_matrix(L, 3, n, 2), check_matrix(L, 4, n, 2);
  sb_tsne_step(y->data, g->data, velocity->data, gain->data, 2 * n, luaL_checknumber(L, 5),
               luaL_checknumber(L, 6));
  return 0;
}

static const luaL_Reg functions[] = {{"neighbors", neighbors},
                                     {"ranks", ranks},
                                     {"pca", pca},
                                     {"eigen", eigen},
                                     {"affinities", affinities},
                                     {"joint", joint},
                                     {"gradient", gradient},
                                     {"step", step},
                                     {NULL, NULL}};

int sb_open_embed(lua_State *L) {
  luaL_newmetatable(L, AFFINITIES);
  lua_pop(L, 1);
  luaL_newlib(L, functions);
  return 1;
}
