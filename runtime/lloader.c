/* lloader.c: batches that threads fill ahead of the script. lualib/switchback/data/batches.lua says
   which, and checks options. */
#include <lauxlib.h>
#include <string.h>

#include "lmodules.h"
#include "loader.h"
#include "lpictures.h"
#include "ltensor.h"

#define LOADER "switchback.loader"

/* User values: 1 the pictures, 2 the jobs' tensors and lists of pictures by slot. */
typedef struct loader {
  sb_loader *threads; /* NULL when closed */
  sb_treatment treatment;
  int ahead;
  lua_Integer pushed, popped;
  sb_augmentation augment[];
} loader;

/* ---- Arguments ------------------------------------------------------------------------------- */

static lua_Number number_field(lua_State *L, int table, const char *key) {
  lua_getfield(L, table, key);
  lua_Number n = luaL_checknumber(L, -1);
  lua_pop(L, 1);
  return n;
}

static bool boolean_field(lua_State *L, int table, const char *key) {
  lua_getfield(L, table, key);
  bool b = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return b;
}

/* {kind, number...} at the top of the stack. */
static sb_augmentation check_augmentation(lua_State *L) {
  static const char *const kinds[] = {
      [SB_RANDOM_CROP] = "random_crop",
      [SB_RANDOM_RESIZED_CROP] = "random_resized_crop",
      [SB_HORIZONTAL_FLIP] = "horizontal_flip",
      [SB_COLOR_JITTER] = "color_jitter",
      [SB_ROTATION] = "rotation",
      [SB_RESIZE] = "resize",
      [SB_CENTER_CROP] = "center_crop",
      [SB_AUGMENT_KINDS] = NULL,
  };
  luaL_checktype(L, -1, LUA_TTABLE);
  sb_augmentation a = {0};
  lua_geti(L, -1, 1);
  a.kind = (sb_augment_kind)luaL_checkoption(L, -1, NULL, kinds);
  lua_pop(L, 1);
  for (int k = 0; k < SB_AUGMENT_NUMBERS; k++) {
    if (lua_geti(L, -1, k + 2) != LUA_TNIL) a.p[k] = luaL_checknumber(L, -1);
    lua_pop(L, 1);
  }
  return a;
}

static int list_length(lua_State *L, int arg) {
  enum { MOST = 1000 };
  luaL_checktype(L, arg, LUA_TTABLE);
  lua_Integer n = luaL_len(L, arg);
  luaL_argcheck(L, n <= MOST, arg, "has too many steps");
  return (int)n;
}

static void check_augmentations(lua_State *L, int arg, sb_augmentation *to) {
  for (int i = 0, n = list_length(L, arg); i < n; i++, lua_pop(L, 1)) {
    lua_geti(L, arg, i + 1);
    to[i] = check_augmentation(L);
  }
}

static void check_units(lua_State *L, int arg, sb_treatment *t) {
  static const char *const orders[] = {"RGB", "BGR", "grey", NULL};
  lua_getfield(L, arg, "order");
  t->order = (sb_channel_order)luaL_checkoption(L, -1, NULL, orders);
  lua_getfield(L, arg, "mean");
  lua_getfield(L, arg, "std");
  for (int k = 0; k < (t->order == SB_GREY ? 1 : 3); k++) {
    lua_geti(L, -2, k + 1);
    lua_geti(L, -2, k + 1);
    t->mean[k] = (float)luaL_checknumber(L, -2);
    t->std[k] = (float)luaL_checknumber(L, -1);
    lua_pop(L, 2);
  }
  lua_pop(L, 3);
  t->scale = (float)number_field(L, arg, "scale");
}

static sb_treatment check_treatment(lua_State *L, int arg) {
  sb_treatment t = {0};
  luaL_checktype(L, arg, LUA_TTABLE);
  t.channels = number_field(L, arg, "channels") == 1 ? 1 : 3;
  t.height = (int64_t)number_field(L, arg, "height");
  t.width = (int64_t)number_field(L, arg, "width");
  luaL_argcheck(L, t.height >= 1 && t.height <= 1 << 15 && t.width >= 1 && t.width <= 1 << 15, arg,
                "has sides that are not 1 to 32768");
  t.square = boolean_field(L, arg, "square");
  t.fit = boolean_field(L, arg, "fit");
  check_units(L, arg, &t);
  return t;
}

/* ---- Loaders --------------------------------------------------------------------------------- */

static loader *check_loader(lua_State *L) {
  loader *l = luaL_checkudata(L, 1, LOADER);
  luaL_argcheck(L, l->threads, 1, "the loader is closed");
  return l;
}

static int loader_close(lua_State *L) {
  loader *l = luaL_checkudata(L, 1, LOADER);
  if (l->threads) sb_loader_stop(l->threads);
  l->threads = NULL;
  return 0;
}

/* new(pictures, treatment, augmentations, threads, ahead) --> loader. treatment: a table of
   sb_treatment's fields (treatment.h), order as "RGB", "BGR" or "grey"; augmentations: a list of
   {kind, number...} (augment.h). */
static int loader_new(lua_State *L) {
  sb_pictures *pictures = sb_check_pictures(L, 1);
  sb_treatment t = check_treatment(L, 2);
  int steps = list_length(L, 3), threads = (int)luaL_checkinteger(L, 4);
  lua_Integer ahead = luaL_checkinteger(L, 5);
  luaL_argcheck(L, ahead >= 1 && ahead <= 1000, 5, "must be 1 to 1000 batches");
  loader *l = lua_newuserdatauv(L, sizeof *l + (size_t)steps * sizeof *l->augment, 2);
  *l = (loader){.treatment = t, .ahead = (int)ahead};
  luaL_setmetatable(L, LOADER);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  lua_createtable(L, 2 * (int)ahead, 0);
  lua_setiuservalue(L, -2, 2);
  check_augmentations(L, 3, l->augment);
  l->treatment.augment = l->augment, l->treatment.steps = steps;
  l->threads = sb_loader_start(pictures, &l->treatment, threads, l->ahead);
  return l->threads ? 1 : luaL_error(L, "not enough memory");
}

/* Pushes the 0-based numbers of the pictures list[first..first+n). */
static int64_t *push_index(lua_State *L, int list, lua_Integer first, int64_t n, int64_t count) {
  int64_t *index = lua_newuserdatauv(L, (size_t)n * sizeof *index, 0);
  for (int64_t i = 0; i < n; i++) {
    lua_geti(L, list, first + i);
    index[i] = luaL_checkinteger(L, -1) - 1;
    luaL_argcheck(L, index[i] >= 0 && index[i] < count, list, "has a picture that is not there");
    lua_pop(L, 1);
  }
  return index;
}

/* Keeps the value at the top of the stack for the job of this number; pops it. */
static void keep(lua_State *L, const loader *l, lua_Integer job, int what) {
  lua_getiuservalue(L, 1, 2);
  lua_insert(L, -2);
  lua_seti(L, -2, 1 + 2 * (job % l->ahead) + what);
  lua_pop(L, 1);
}

/* loader:push(list, first, n, seed, epoch): the batch of pictures list[first..first+n), 1-based;
   augmentations depend on seed, epoch and the place in the list. */
static int loader_push(lua_State *L) {
  loader *l = check_loader(L);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_Integer first = luaL_checkinteger(L, 3), n = luaL_checkinteger(L, 4);
  luaL_argcheck(L, n >= 1 && n <= 1 << 20, 4, "must be 1 to 2^20 pictures");
  luaL_argcheck(L, sb_loader_queued(l->threads) < l->ahead, 1, "the queue is full");
  sb_batch_job job = {.n = n, .first = first, .seed = (uint64_t)luaL_checkinteger(L, 5)};
  job.epoch = (uint64_t)luaL_checkinteger(L, 6);
  lua_getiuservalue(L, 1, 1);
  job.index = push_index(L, 2, first, n, sb_check_pictures(L, -1)->count);
  keep(L, l, l->pushed, 0);
  const sb_treatment *t = &l->treatment;
  sb_shape shape = sb_shape4(n, t->order == SB_GREY ? 1 : 3, t->height, t->width);
  job.out = sb_push_tensor(L, &shape)->data;
  keep(L, l, l->pushed, 1);
  sb_loader_push(l->threads, &job);
  l->pushed++;
  return 0;
}

/* loader:pop() --> (N,C,H,W), the oldest batch of the queue; or nil, message, place in the batch of
   the first picture that could not be read. */
static int loader_pop(lua_State *L) {
  loader *l = check_loader(L);
  luaL_argcheck(L, sb_loader_queued(l->threads) > 0, 1, "the queue is empty");
  sb_error e;
  int64_t at;
  bool fine = sb_loader_pop(l->threads, &at, &e);
  lua_getiuservalue(L, 1, 2);
  lua_geti(L, -1, 2 + 2 * (l->popped % l->ahead));
  lua_pushnil(L);
  keep(L, l, l->popped++, 1);
  if (fine) return 1;
  luaL_pushfail(L);
  lua_pushstring(L, e.text);
  lua_pushinteger(L, at + 1);
  return 3;
}

/* loader:queued() --> how many batches were pushed and not popped. */
static int loader_queued(lua_State *L) {
  lua_pushinteger(L, sb_loader_queued(check_loader(L)->threads));
  return 1;
}

/* ---- One picture ----------------------------------------------------------------------------- */

#define CANVAS "switchback.canvas"

static int canvas_gc(lua_State *L) {
  sb_canvas_free(luaL_checkudata(L, 1, CANVAS));
  return 0;
}

/* augment(picture (C,H,W), augmentations, seed) --> (C,h,w); or nil, message. */
static int augment(lua_State *L) {
  const sb_tensor *t = sb_check_tensor(L, 1);
  luaL_argcheck(L, t->shape.rank == 3 && sb_count(t) > 0, 1, "must be a picture (C,H,W)");
  int steps = list_length(L, 2);
  sb_augmentation *list = lua_newuserdatauv(L, (size_t)steps * sizeof *list, 0);
  check_augmentations(L, 2, list);
  sb_rng r;
  sb_rng_seed(&r, (uint64_t)luaL_checkinteger(L, 3));
  sb_canvas *c = lua_newuserdatauv(L, sizeof *c, 0);
  *c = (sb_canvas){0};
  luaL_setmetatable(L, CANVAS);
  sb_error e;
  const int64_t *d = t->shape.dim;
  bool fine = sb_canvas_begin(c, d[0], d[1], d[2], &e);
  if (fine) memcpy(c->picture.data, t->data, (size_t)sb_count(t) * sizeof *t->data);
  for (int i = 0; fine && i < steps; i++) fine = sb_augment(c, &list[i], &r, &e);
  if (!fine) return luaL_pushfail(L), lua_pushstring(L, e.text), 2;
  sb_tensor from = {sb_shape3(c->picture.n, c->picture.h, c->picture.w), c->picture.data};
  sb_copy(sb_push_tensor(L, &from.shape), &from);
  return 1;
}

/* ---- Registration ---------------------------------------------------------------------------- */

static const luaL_Reg methods[] = {{"push", loader_push},
                                   {"pop", loader_pop},
                                   {"queued", loader_queued},
                                   {"close", loader_close},
                                   {NULL, NULL}};
static const luaL_Reg metamethods[] = {
    {"__gc", loader_close}, {"__close", loader_close}, {NULL, NULL}};
static const luaL_Reg functions[] = {{"new", loader_new}, {"augment", augment}, {NULL, NULL}};

int sb_open_loader(lua_State *L) {
  luaL_newmetatable(L, CANVAS);
  lua_pushcfunction(L, canvas_gc);
  lua_setfield(L, -2, "__gc");
  luaL_newmetatable(L, LOADER);
  luaL_setfuncs(L, metamethods, 0);
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 2);
  luaL_newlib(L, functions);
  return 1;
}
