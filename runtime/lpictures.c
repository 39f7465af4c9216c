/* lpictures.c: where the pictures of a data set lie, for Lua. The bytes stay in Lua's own strings,
   which user values keep alive. */
#include "lpictures.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "limage.h"
#include "lmodules.h"
#include "survey.h"

#define PICTURES "switchback.pictures"

sb_pictures *sb_check_pictures(lua_State *L, int arg) {
  return luaL_checkudata(L, arg, PICTURES);
}

/* Pushes `count` pictures that do not lie anywhere yet, anchored by the arguments, which hold the
   bytes and names. */
static sb_pictures *push_pictures(lua_State *L, sb_picture_form form, int64_t count) {
  int arguments = lua_gettop(L);
  sb_pictures *p = lua_newuserdatauv(L, sizeof *p + (size_t)count * sizeof *p->list, arguments);
  *p = (sb_pictures){.form = form, .count = count, .fd = -1, .list = (sb_picture *)(p + 1)};
  memset(p->list, 0, (size_t)count * sizeof *p->list);
  luaL_setmetatable(L, PICTURES);
  for (int i = 1; i <= arguments; i++) {
    lua_pushvalue(L, i);
    lua_setiuservalue(L, -2, i);
  }
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
    for (int64_t i = 0; i < records(b, n); i++, s += b->stride)
      *to++ = (sb_picture){.bytes = s, .size = size};
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
  sb_pictures *p = push_pictures(L, form, count_records(L, &b));
  p->channels = c, p->height = h, p->width = w;
  place_records(L, &b, p->list, size);
  return 1;
}

/* ---- Image files ----------------------------------------------------------------------------- */

static int64_t number_in(lua_State *L, int list, int64_t i) {
  lua_geti(L, list, i + 1);
  lua_Integer n = luaL_checkinteger(L, -1);
  lua_pop(L, 1);
  return n;
}

/* Names, one for each picture, from a string in which each ends with a zero byte. */
static void place_names(lua_State *L, sb_pictures *p, int arg) {
  size_t n;
  const char *name = luaL_checklstring(L, arg, &n), *end = name + n;
  for (int64_t i = 0; i < p->count; i++, name += strlen(name) + 1) {
    luaL_argcheck(L, name < end, arg, "has too few names");
    p->list[i].name = name;
  }
}

/* encoded(bytes, sizes, names) --> pictures: image files one after the other in a string, of these
   sizes. names: a string in which each name ends with a zero byte. */
static int pictures_encoded(lua_State *L) {
  size_t left;
  const uint8_t *bytes = (const uint8_t *)luaL_checklstring(L, 1, &left);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 3);
  sb_pictures *p = push_pictures(L, SB_ENCODED, luaL_len(L, 2));
  for (int64_t i = 0; i < p->count; i++) {
    int64_t size = number_in(L, 2, i);
    luaL_argcheck(L, size >= 0 && size <= (int64_t)left, 2, "has too large sizes");
    p->list[i] = (sb_picture){.bytes = bytes, .size = size};
    bytes += size, left -= (size_t)size;
  }
  place_names(L, p, 3);
  return 1;
}

/* in_folder(folder, count, names) --> pictures: the files of these names, opened when they are
   read. */
static int pictures_in_folder(lua_State *L) {
  const char *folder = luaL_checkstring(L, 1);
  lua_Integer count = luaL_checkinteger(L, 2);
  lua_settop(L, 3);
  luaL_argcheck(L, count >= 0 && count <= (lua_Integer)luaL_len(L, 3), 2, "is not their number");
  sb_pictures *p = push_pictures(L, SB_IN_FOLDER, count);
  p->folder = folder;
  place_names(L, p, 3);
  return 1;
}

/* in_file(path, offsets, sizes, names) --> pictures: image files within that file, which stays
   open; or nil, message. */
static int pictures_in_file(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  luaL_checktype(L, 3, LUA_TTABLE);
  lua_settop(L, 4);
  sb_pictures *p = push_pictures(L, SB_IN_FILE, luaL_len(L, 2));
  for (int64_t i = 0; i < p->count; i++)
    p->list[i] = (sb_picture){.offset = number_in(L, 2, i), .size = number_in(L, 3, i)};
  place_names(L, p, 4);
  p->fd = open(path, O_RDONLY | O_CLOEXEC);
  return p->fd >= 0 ? 1 : luaL_fileresult(L, 0, path);
}

/* ---- Looking at them ------------------------------------------------------------------------- */

static int64_t check_index(lua_State *L, const sb_pictures *p, int arg) {
  lua_Integer i = luaL_checkinteger(L, arg);
  luaL_argcheck(L, i >= 1 && i <= p->count, arg, "there is no such picture");
  return i - 1;
}

/* pictures:name(i) --> string, or nil. */
static int pictures_name(lua_State *L) {
  const sb_pictures *p = sb_check_pictures(L, 1);
  lua_pushstring(L, p->list[check_index(L, p, 2)].name); /* NULL pushes nil */
  return 1;
}

/* pictures:read(i) --> (1,H,W) or (3,H,W) in [0,1], over white; or nil, message. */
static int pictures_read(lua_State *L) {
  const sb_pictures *p = sb_check_pictures(L, 1);
  int64_t i = check_index(L, p, 2);
  sb_error e;
  sb_pixels pixels;
  sb_pixels *holder = sb_push_pixels(L);
  if (!sb_pictures_read(p, i, &pixels, &e)) {
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

/* ---- All at once ----------------------------------------------------------------------------- */

/* Pushes the survey of the pictures of a list at 2 (1-based). */
static sb_survey *push_survey(lua_State *L, const sb_pictures *p, int channels, int64_t *n) {
  luaL_checktype(L, 2, LUA_TTABLE);
  *n = luaL_len(L, 2);
  int64_t *index = lua_newuserdatauv(L, (size_t)*n * sizeof *index, 0);
  for (int64_t i = 0; i < *n; i++) {
    index[i] = number_in(L, 2, i) - 1;
    luaL_argcheck(L, index[i] >= 0 && index[i] < p->count, 2, "has a picture that is not there");
  }
  sb_survey *survey = lua_newuserdatauv(L, (size_t)*n * sizeof *survey, 0);
  sb_survey_pictures(p, index, *n, channels, survey);
  return survey;
}

/* pictures:damaged(list) --> list of the places in `list` of pictures that cannot be decoded. */
static int pictures_damaged(lua_State *L) {
  int64_t n;
  sb_survey *survey = push_survey(L, sb_check_pictures(L, 1), 1, &n);
  lua_newtable(L);
  for (int64_t i = 0, k = 0; i < n; i++)
    if (survey[i].damaged) {
      lua_pushinteger(L, i + 1);
      lua_seti(L, -2, ++k);
    }
  return 1;
}

static void push_moments(lua_State *L, const sb_survey *total, int channels) {
  lua_newtable(L);
  lua_newtable(L);
  for (int c = 0; c < channels; c++) {
    double mean = total->sum[c] / total->pixels;
    double variance = total->squares[c] / total->pixels - mean * mean;
    lua_pushnumber(L, mean);
    lua_seti(L, -3, c + 1);
    lua_pushnumber(L, sqrt(variance > 0 ? variance : 0));
    lua_seti(L, -2, c + 1);
  }
}

/* pictures:moments(list, channels) --> mean, standard deviation: lists, over all pixels; or nil,
   nil, the place in `list` of a picture that cannot be decoded. */
static int pictures_moments(lua_State *L) {
  int channels = luaL_checkinteger(L, 3) == 1 ? 1 : 3;
  int64_t n;
  sb_survey total = {0}, *survey = push_survey(L, sb_check_pictures(L, 1), channels, &n);
  luaL_argcheck(L, n > 0, 2, "is empty");
  for (int64_t i = 0; i < n; i++) { /* in this order, whoever counted */
    if (survey[i].damaged) return lua_pushnil(L), lua_pushnil(L), lua_pushinteger(L, i + 1), 3;
    total.pixels += survey[i].pixels;
    for (int c = 0; c < channels; c++) {
      total.sum[c] += survey[i].sum[c];
      total.squares[c] += survey[i].squares[c];
    }
  }
  push_moments(L, &total, channels);
  return 2;
}

static int pictures_count(lua_State *L) {
  lua_pushinteger(L, sb_check_pictures(L, 1)->count);
  return 1;
}

static const luaL_Reg methods[] = {{"read", pictures_read},       {"name", pictures_name},
                                   {"damaged", pictures_damaged}, {"moments", pictures_moments},
                                   {"count", pictures_count},     {NULL, NULL}};
static const luaL_Reg functions[] = {{"raw", pictures_raw},
                                     {"encoded", pictures_encoded},
                                     {"in_folder", pictures_in_folder},
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
