/* ltexture.c: switchback.core.texture, the pixel loops of lualib/switchback/quilt. Pictures are
   tensors (C,h,w); `from` (h,w) says where a pixel came from (efros_leung.h). */
#include <lauxlib.h>

#include "efros_freeman.h"
#include "efros_leung.h"
#include "lmodules.h"
#include "lrng.h"
#include "ltensor.h"
#include "threads.h"
#include "wei_levoy.h"

#define TSVQ "switchback.tsvq"

/* Flat indices of pixels are kept in floats. */
enum { MOST_PIXELS = 1 << 24 };

/* ---- Arguments ------------------------------------------------------------------------------- */

static sb_planes check_picture(lua_State *L, int arg) {
  const sb_tensor *t = sb_check_tensor(L, arg);
  luaL_argcheck(L, t->shape.rank == 3 && sb_count(t) > 0, arg, "must be (C,h,w) and not empty");
  sb_planes p = sb_planes_of(t);
  luaL_argcheck(L, p.h <= MOST_PIXELS && p.w <= MOST_PIXELS / p.h, arg,
                "has more than 2^24 pixels");
  return p;
}

/* The same, or none. */
static sb_planes opt_picture(lua_State *L, int arg) {
  return lua_isnoneornil(L, arg) ? (sb_planes){0} : check_picture(L, arg);
}

static void check_channels(lua_State *L, int arg, const sb_planes *p, const sb_planes *sample) {
  luaL_argcheck(L, p->n == sample->n, arg, "has other channels than the sample");
}

static float *check_from(lua_State *L, int arg, const sb_planes *picture) {
  const sb_tensor *t = sb_check_writable(L, arg);
  bool fits = t->shape.rank == 2 && t->shape.dim[0] == picture->h && t->shape.dim[1] == picture->w;
  luaL_argcheck(L, fits, arg, "must be (h,w) of the picture");
  return t->data;
}

static int64_t check_within(lua_State *L, int arg, int64_t low, int64_t high) {
  lua_Integer n = luaL_checkinteger(L, arg);
  luaL_argcheck(L, n >= low && n <= high, arg, "out of range");
  return n;
}

/* ---- Efros & Leung ----------------------------------------------------------------------------
 */

/* sample, picture, from, radius, rng: arguments 1 to 5. */
static sb_growth check_growth(lua_State *L) {
  sb_growth g = {.sample = check_picture(L, 1), .picture = check_picture(L, 2)};
  sb_check_writable(L, 2);
  check_channels(L, 2, &g.picture, &g.sample);
  g.from = check_from(L, 3, &g.picture);
  int64_t side = g.sample.h < g.sample.w ? g.sample.h : g.sample.w;
  g.radius = check_within(L, 4, 0, (side - 1) / 2);
  g.rng = sb_check_rng(L, 5);
  return g;
}

/* frontier(sample, picture, from, radius, rng) --> the pixels to fill next, in order, as a tensor
   (n) of flat indices from 1; nil when there are none. */
static int frontier(lua_State *L) {
  sb_growth g = check_growth(L);
  int64_t pixels = g.picture.h * g.picture.w;
  int32_t *list = (int32_t *)sb_push_buffer(L, 3 * pixels);
  int64_t n = sb_growth_frontier(&g, list, list + pixels);
  if (n == 0) return luaL_pushfail(L), 1;
  sb_shape shape = sb_shape1(n);
  float *to = sb_push_tensor(L, &shape)->data;
  for (int64_t i = 0; i < n; i++) to[i] = (float)(list[i] + 1);
  return 1;
}

/* grow(sample, picture, from, radius, rng, list, first, last, tolerance, limit) --> how many of the
   pixels first .. last of the list were filled. */
static int grow(lua_State *L) {
  sb_growth g = check_growth(L);
  const sb_tensor *list = sb_check_tensor(L, 6);
  int64_t first = check_within(L, 7, 1, sb_count(list));
  int64_t n = check_within(L, 8, first, sb_count(list)) - first + 1;
  g.tolerance = (float)luaL_checknumber(L, 9), g.limit = (float)luaL_checknumber(L, 10);
  luaL_argcheck(L, g.tolerance >= 0, 9, "must not be negative");
  int32_t *places = (int32_t *)sb_push_buffer(L, n);
  for (int64_t i = 0; i < n; i++) {
    float place = list->data[first - 1 + i];
    luaL_argcheck(L, place >= 1 && place <= (float)(g.picture.h * g.picture.w), 6,
                  "names a pixel outside the picture");
    places[i] = (int32_t)place - 1;
  }
  float *scratch = sb_push_buffer(L, sb_growth_scratch(&g));
  lua_pushinteger(L, sb_grow(&g, places, n, scratch));
  return 1;
}

/* ---- Trees of vectors --------------------------------------------------------------------------
 */

/* A buffer for n things of `size` bytes, kept alive by the userdata below it on the stack. */
static void *push_kept(lua_State *L, int owner, int slot, int64_t n, size_t size) {
  int64_t floats = (n * (int64_t)size + (int64_t)sizeof(float) - 1) / (int64_t)sizeof(float);
  void *memory = sb_push_buffer(L, floats);
  lua_setiuservalue(L, owner, slot);
  return memory;
}

/* tsvq(rows (n,d) [, leaf = 8]) --> tree; nodes of more than `leaf` rows are split. */
static int new_tsvq(lua_State *L) {
  const sb_tensor *rows = sb_check_tensor(L, 1);
  luaL_argcheck(L, rows->shape.rank == 2 && sb_count(rows) > 0, 1, "must be (n,d) and not empty");
  luaL_argcheck(L, rows->shape.dim[0] <= MOST_PIXELS, 1, "has more than 2^24 rows");
  lua_Integer leaf = luaL_optinteger(L, 2, 8);
  luaL_argcheck(L, leaf >= 1, 2, "must be at least 1");
  lua_settop(L, 1);
  int64_t n = rows->shape.dim[0], d = rows->shape.dim[1];
  sb_tsvq *t = lua_newuserdatauv(L, sizeof *t, 4);
  *t = (sb_tsvq){.rows = rows->data, .n = n, .d = d};
  luaL_setmetatable(L, TSVQ);
  sb_share_tensor(rows);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, 2, 1);
  t->order = push_kept(L, 2, 2, n, sizeof *t->order);
  t->nodes = push_kept(L, 2, 3, 2 * n, sizeof *t->nodes);
  int64_t floats = 4 * d * sb_get_threads();
  float *scratch = sb_push_buffer(L, floats + n);
  sb_tsvq_split(t, leaf, scratch, (int32_t *)(scratch + floats));
  lua_pop(L, 1);
  t->centroids = push_kept(L, 2, 4, t->n_nodes * d, sizeof *t->centroids);
  sb_tsvq_find_centroids(t);
  return 1;
}

static sb_tsvq *check_tree(lua_State *L, int arg) {
  sb_tsvq *t = luaL_checkudata(L, arg, TSVQ);
  luaL_argcheck(L, t->centroids, arg, "the tree was not finished");
  return t;
}

/* tree:nearest(v (d) [, leaves = 0]) --> row, squared distance. leaves: how many to visit; 0: the
   nearest of all rows. */
static int tsvq_nearest(lua_State *L) {
  const sb_tsvq *t = check_tree(L, 1);
  const sb_tensor *v = sb_check_tensor(L, 2);
  luaL_argcheck(L, sb_count(v) == t->d, 2, "is not of the length of the rows");
  lua_Integer leaves = luaL_optinteger(L, 3, 0);
  int64_t blocks = SB_NEAREST_BLOCKS(t->n) * (int64_t)(sizeof(sb_neighbour) / sizeof(float));
  int64_t branches = t->n_nodes * (int64_t)(sizeof(sb_tsvq_branch) / sizeof(float));
  void *scratch = sb_push_buffer(L, leaves > 0 ? branches : blocks);
  sb_neighbour found = leaves > 0 ? sb_tsvq_nearest(t, v->data, leaves, scratch)
                                  : sb_nearest_row(t->rows, t->n, t->d, v->data, scratch);
  lua_pushinteger(L, found.row + 1);
  lua_pushnumber(L, (lua_Number)found.distance);
  return 2;
}

/* tree:shape() --> number of rows, length of a row, number of nodes. */
static int tsvq_shape(lua_State *L) {
  const sb_tsvq *t = check_tree(L, 1);
  lua_pushinteger(L, t->n);
  lua_pushinteger(L, t->d);
  lua_pushinteger(L, t->n_nodes);
  return 3;
}

/* ---- Wei & Levoy -------------------------------------------------------------------------------
 */

static sb_neighbourhood check_neighbourhood(lua_State *L, int fine, int radii) {
  sb_neighbourhood n = {.fine = check_picture(L, fine), .coarse = opt_picture(L, fine + 1)};
  if (n.coarse.n > 0) check_channels(L, fine + 1, &n.coarse, &n.fine);
  n.radius = check_within(L, radii, 1, 64);
  n.coarse_radius = check_within(L, radii + 1, 0, 64);
  return n;
}

/* neighbourhoods(fine, coarse or nil, radius, coarse_radius) --> (n,d): a row for each pixel whose
   neighbourhood lies inside; raises if there is none. */
static int neighbourhoods(lua_State *L) {
  sb_neighbourhood n = check_neighbourhood(L, 1, 3);
  sb_inside in = sb_neighbourhood_inside(&n);
  if (in.bottom <= in.top || in.right <= in.left)
    return luaL_error(L, "a level of %I x %I has no neighbourhood of %I x %I",
                      (lua_Integer)n.fine.h, (lua_Integer)n.fine.w, (lua_Integer)(2 * n.radius + 1),
                      (lua_Integer)(2 * n.radius + 1));
  sb_shape shape =
      sb_shape2((in.bottom - in.top) * (in.right - in.left), sb_neighbourhood_size(&n));
  sb_gather_neighbourhoods(&n, sb_push_tensor(L, &shape)->data);
  return 1;
}

/* The level of fill_level's arguments. */
static sb_level check_level(lua_State *L) {
  sb_level l = {.sample = check_neighbourhood(L, 1, 7), .picture = check_neighbourhood(L, 3, 7)};
  sb_check_writable(L, 3);
  check_channels(L, 3, &l.picture.fine, &l.sample.fine);
  luaL_argcheck(L, (l.sample.coarse.n > 0) == (l.picture.coarse.n > 0), 4,
                "must be there if the sample's is");
  l.from = check_from(L, 5, &l.picture.fine);
  l.tree = check_tree(L, 6);
  l.leaves = check_within(L, 9, 0, INT64_MAX);
  sb_inside in = sb_neighbourhood_inside(&l.sample);
  bool fits = l.tree->n == (in.bottom - in.top) * (in.right - in.left) &&
              l.tree->d == sb_neighbourhood_size(&l.sample);
  luaL_argcheck(L, fits, 6, "is not of the sample's neighbourhoods");
  return l;
}

/* fill_level(sample, its coarse or nil, picture, its coarse or nil, from, tree, radius,
   coarse_radius, leaves, first, last) fills rows first .. last of the picture; see wei_levoy.h.
   leaves: how many of the tree a search visits; 0: exact search. */
static int fill_level(lua_State *L) {
  sb_level l = check_level(L);
  int64_t first = check_within(L, 10, 1, l.picture.fine.h);
  int64_t last = check_within(L, 11, first, l.picture.fine.h);
  void *scratch = sb_push_buffer(L, sb_level_scratch(&l) / (int64_t)sizeof(float));
  sb_fill_level(&l, first - 1, last, scratch);
  return 0;
}

/* ---- Efros & Freeman ---------------------------------------------------------------------------
 */

/* quilt_block(sample, picture, from, block, overlap, tolerance, rng, y, x) lays a block with its
   corner at row y, column x of the picture; see efros_freeman.h. */
static int quilt_block(lua_State *L) {
  sb_quilting q = {.sample = check_picture(L, 1), .picture = check_picture(L, 2)};
  sb_check_writable(L, 2);
  check_channels(L, 2, &q.picture, &q.sample);
  q.from = check_from(L, 3, &q.picture);
  q.block = check_within(L, 4, 1, q.sample.h < q.sample.w ? q.sample.h : q.sample.w);
  q.overlap = check_within(L, 5, 0, q.block - 1);
  q.tolerance = (float)luaL_checknumber(L, 6);
  luaL_argcheck(L, q.tolerance >= 0, 6, "must not be negative");
  q.rng = sb_check_rng(L, 7);
  int64_t y = check_within(L, 8, 1, q.picture.h), x = check_within(L, 9, 1, q.picture.w);
  sb_quilt_block(&q, y - 1, x - 1, sb_push_buffer(L, sb_quilting_scratch(&q)));
  return 0;
}

/* cheapest_path(cost (n,m)) --> (n): the column, from 1, of the cheapest way down in each row. */
static int cheapest_path(lua_State *L) {
  const sb_tensor *cost = sb_check_tensor(L, 1);
  luaL_argcheck(L, cost->shape.rank == 2 && sb_count(cost) > 0, 1, "must be (n,m) and not empty");
  int64_t n = cost->shape.dim[0], m = cost->shape.dim[1];
  float *total = sb_push_buffer(L, n * m);
  int32_t *path = (int32_t *)sb_push_buffer(L, n);
  sb_cheapest_path(cost->data, n, m, total, path);
  sb_shape shape = sb_shape1(n);
  float *to = sb_push_tensor(L, &shape)->data;
  for (int64_t i = 0; i < n; i++) to[i] = (float)(path[i] + 1);
  return 1;
}

/* ---- The module --------------------------------------------------------------------------------
 */

static const luaL_Reg tree_methods[] = {
    {"nearest", tsvq_nearest}, {"shape", tsvq_shape}, {NULL, NULL}};
static const luaL_Reg functions[] = {{"frontier", frontier},
                                     {"grow", grow},
                                     {"tsvq", new_tsvq},
                                     {"neighbourhoods", neighbourhoods},
                                     {"fill_level", fill_level},
                                     {"quilt_block", quilt_block},
                                     {"cheapest_path", cheapest_path},
                                     {NULL, NULL}};

int sb_open_texture(lua_State *L) {
  luaL_newmetatable(L, TSVQ);
  luaL_newlib(L, tree_methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  luaL_newlib(L, functions);
  return 1;
}
