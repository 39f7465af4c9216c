/* lpictures.c: where the pictures of a data set lie, for Lua. The bytes stay in Lua's own strings,
   which user value 1 keeps alive. */
#include "lpictures.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <string.h>
#include <unistd.h>

#include "limage.h"
#include "lmodules.h"

#define PICTURES "switchback.pictures"

sb_pictures *sb_check_pictures(lua_State *L, int arg) {
  return luaL_checkudata(L, arg, PICTURES);
}

/* Pushes `count` pictures, anchored by the value at `anchor`, that do not lie anywhere yet. */
static sb_pictures *push_pictures(lua_State *L, sb_picture_form form, int64_t count, int anchor) {
  sb_pictures *p = lua_newuserdatauv(L, sizeof *p + (size_t)count * sizeof *p->list, 1);
  *p = (sb_pictures){.form = form, .count = count, .fd = -1, .list = (sb_picture *)(p + 1)};
  memset(p->list, 0, (size_t)count * sizeof *p->list);
  lua_pushvalue(L, anchor);
  lua_setiuservalue(L, -2, 1);
  luaL_setmetatable(L, PICTURES);
  return p;
}

static int pictures_gc(lua_State *L) {
  sb_pictures *p = sb_check_pictures(L, 1);
  if (p->fd >= 0) close(p->fd);
  p->fd = -1;
  p->count = 0;
  return 0;
}

static int positive(lua_State *L, int arg) {
  lua_Integer n = luaL_checkinteger(L, arg);
  luaL_argcheck(L, n > 0 && n <= 1 << 15, arg, "must be 1 to 32768");
  return (int)n;
}

/* A list of strings, each a header and then records of `stride` bytes. */
typedef struct blocks {
  int64_t header, skip, stride;
} blocks;

static int64_t records(const blocks *b, size_t n) {
  return (int64_t)n < b->header ? 0 : ((int64_t)n - b->header) / b->stride;
}

static int64_t count_records(lua_State *L, const blocks *b) {
  int64_t count = 0;
  for (lua_Integer k = luaL_len(L, 1); k >= 1; k--, lua_pop(L, 1)) {
    size_t n;
    if (lua_geti(L, 1, k) != LUA_TSTRING) luaL_argerror(L, 1, "must be a list of strings");
    lua_tolstring(L, -1, &n);
    count += records(b, n);
  }
  return count;
}

static void place_records(lua_State *L, const blocks *b, sb_picture *to, int64_t size) {
  lua_Integer last = luaL_len(L, 1);
  for (lua_Integer k = 1; k <= last; k++, lua_pop(L, 1)) {
    lua_geti(L, 1, k);
    size_t n;
    const uint8_t *s = (const uint8_t *)lua_tolstring(L, -1, &n) + b->header + b->skip;
    for (int64_t i = 0; i < records(b, n); i++, s += b->stride) *to++ = (sb_picture){s, 0, size};
  }
}

/* raw(blocks, header, skip, stride, "planar" | "interleaved", c, h, w) --> pictures. blocks: a list
   of strings; after `header` bytes each holds records of `stride` bytes, whose pictures of c*h*w
   bytes start after `skip` ones; a part of a record at the end of a string does not count. */
static int pictures_raw(lua_State *L) {
  static const char *const forms[] = {"planar", "interleaved", NULL};
  luaL_checktype(L, 1, LUA_TTABLE);
  blocks b = {luaL_checkinteger(L, 2), luaL_checkinteger(L, 3), luaL_checkinteger(L, 4)};
  sb_picture_form form = (sb_picture_form)luaL_checkoption(L, 5, NULL, forms);
  int c = positive(L, 6), h = positive(L, 7), w = positive(L, 8);
  int64_t size = (int64_t)c * h * w;
  luaL_argcheck(L, c == 1 || c == 3, 6, "must be 1 or 3 channels");
  luaL_argcheck(L, b.header >= 0, 2, "must not be negative");
  luaL_argcheck(L, b.skip >= 0 && b.stride - b.skip >= size, 4, "is too short for a picture");
  sb_pictures *p = push_pictures(L, form, count_records(L, &b), 1);
  p->channels = c, p->height = h, p->width = w;
  place_records(L, &b, p->list, size);
  return 1;
}

/* Pictures of which each is one string of the list at 1: an image file or its path. */
static int from_strings(lua_State *L, sb_picture_form form) {
  luaL_checktype(L, 1, LUA_TTABLE);
  int64_t count = luaL_len(L, 1);
  sb_pictures *p = push_pictures(L, form, count, 1);
  for (int64_t i = 0; i < count; i++) {
    lua_geti(L, 1, i + 1);
    if (lua_type(L, -1) != LUA_TSTRING) luaL_argerror(L, 1, "must be a list of strings");
    size_t n;
    p->list[i].bytes = (const uint8_t *)lua_tolstring(L, -1, &n);
    p->list[i].size = (int64_t)n;
    lua_pop(L, 1);
  }
  return 1;
}

/* encoded(list of image files' bytes) --> pictures */
static int pictures_encoded(lua_State *L) {
  return from_strings(L, SB_ENCODED);
}

/* paths(list) --> pictures. Files are opened when they are read. */
static int pictures_paths(lua_State *L) {
  return from_strings(L, SB_PATH);
}

/* in_file(path, offsets, sizes) --> pictures; or nil, message. The file stays open. */
static int pictures_in_file(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  luaL_checktype(L, 3, LUA_TTABLE);
  int64_t count = luaL_len(L, 2);
  sb_pictures *p = push_pictures(L, SB_IN_FILE, count, 1);
  for (int64_t i = 0; i < count; i++) {
    lua_geti(L, 2, i + 1);
    lua_geti(L, 3, i + 1);
    p->list[i].offset = luaL_checkinteger(L, -2);
    p->list[i].size = luaL_checkinteger(L, -1);
    lua_pop(L, 2);
  }
  p->fd = open(path, O_RDONLY | O_CLOEXEC);
  return p->fd >= 0 ? 1 : luaL_fileresult(L, 0, path);
}

/* pictures:read(i) --> (1,H,W) or (3,H,W) in [0,1], over white; or nil, message. */
static int pictures_read(lua_State *L) {
  const sb_pictures *p = sb_check_pictures(L, 1);
  lua_Integer i = luaL_checkinteger(L, 2);
  luaL_argcheck(L, i >= 1 && i <= p->count, 2, "there is no such picture");
  sb_error e;
  sb_pixels pixels;
  sb_pixels *holder = sb_push_pixels(L);
  if (!sb_pictures_read(p, i - 1, &pixels, &e)) {
    luaL_pushfail(L);
    lua_pushstring(L, e.text);
    return 2;
  }
  *holder = pixels;
  sb_shape shape = sb_pixels_shape(holder);
  sb_pixels_unpack(holder, 1, sb_push_tensor(L, &shape));
  sb_pixels_free(holder);
  return 1;
}

static int pictures_count(lua_State *L) {
  lua_pushinteger(L, sb_check_pictures(L, 1)->count);
  return 1;
}

static const luaL_Reg methods[] = {
    {"read", pictures_read}, {"count", pictures_count}, {NULL, NULL}};
static const luaL_Reg functions[] = {{"raw", pictures_raw},
                                     {"encoded", pictures_encoded},
                                     {"paths", pictures_paths},
                                     {"in_file", pictures_in_file},
                                     {NULL, NULL}};

int sb_open_pictures(lua_State *L) {
  luaL_newmetatable(L, PICTURES);
  lua_pushcfunction(L, pictures_gc);
  lua_setfield(L, -2, "__gc");
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  luaL_newlib(L, functions);
  return 1;
}
