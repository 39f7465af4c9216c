/* ldraw.c: drawing, colours and display normalisation for Lua; see lualib/switchback/image.lua. */
#include <lauxlib.h>
#include <string.h>

#include "colormap.h"
#include "limage.h"
#include "lmodules.h"
#include "stretch.h"
#include "text.h"

static sb_colour check_colour(lua_State *L, int arg) {
  sb_colour c;
  for (int i = 0; i < 3; i++) c.v[i] = (float)luaL_checknumber(L, arg + i);
  return c;
}

/* A position or size; far beyond any picture, so that sums cannot overflow. */
static int64_t check_pixels(lua_State *L, int arg) {
  const lua_Integer far = 1 << 30;
  lua_Integer n = luaL_checkinteger(L, arg);
  return n < -far ? -far : n > far ? far : n;
}

/* ---- Drawing: each changes the tensor given and returns it ----------------------------------- */

/* rectangle(t, y, x, h, w, r, g, b) --> t */
static int draw_rectangle(lua_State *L) {
  sb_planes to = sb_check_planes(L, 1, "image.rectangle");
  sb_rectangle r = {check_pixels(L, 2) - 1, check_pixels(L, 3) - 1, check_pixels(L, 4),
                    check_pixels(L, 5)};
  sb_draw_rectangle(&to, r, check_colour(L, 6));
  lua_settop(L, 1);
  return 1;
}

/* picture(t, y, x, from) --> t; from has as many channels as t, or one */
static int draw_picture(lua_State *L) {
  sb_planes to = sb_check_planes(L, 1, "image.paste"), from = sb_check_planes(L, 4, "image.paste");
  if (from.n != to.n && from.n != 1)
    return luaL_error(L, "image.paste: a picture of %I channels does not fit one of %I", from.n,
                      to.n);
  sb_draw_picture(&to, check_pixels(L, 2) - 1, check_pixels(L, 3) - 1, &from);
  lua_settop(L, 1);
  return 1;
}

static double check_scale(lua_State *L, int arg) {
  double scale = luaL_checknumber(L, arg);
  if (!(scale > 0 && scale <= 100))
    luaL_error(L, "image.text: scale must be above 0 and at most 100, got %f", scale);
  return scale;
}

/* text(t, y, x, string, scale, r, g, b) --> t */
static int draw_text(lua_State *L) {
  size_t n;
  sb_planes to = sb_check_planes(L, 1, "image.text");
  int64_t y = check_pixels(L, 2) - 1, x = check_pixels(L, 3) - 1;
  const char *text = luaL_checklstring(L, 4, &n);
  double scale = check_scale(L, 5);
  sb_draw_text(&to, y, x, text, n, scale, check_colour(L, 6));
  lua_settop(L, 1);
  return 1;
}

/* text_size(string, scale) --> height, width in pixels */
static int draw_text_size(lua_State *L) {
  size_t n;
  const char *text = luaL_checklstring(L, 1, &n);
  double scale = check_scale(L, 2);
  lua_pushinteger(L, sb_text_height(scale));
  lua_pushinteger(L, sb_text_width(text, n, scale));
  return 2;
}

/* ---- Colours --------------------------------------------------------------------------------- */

/* colormaps() --> list of names */
static int draw_colormaps(lua_State *L) {
  lua_newtable(L);
  for (int i = 0; sb_colormaps[i].name; i++) {
    lua_pushstring(L, sb_colormaps[i].name);
    lua_seti(L, -2, i + 1);
  }
  return 1;
}

/* colormap(map, name) --> (3,H,W) */
static int draw_colormap(lua_State *L) {
  sb_planes map = sb_check_planes(L, 1, "image.colormap");
  const char *name = luaL_checkstring(L, 2);
  if (map.n != 1)
    return luaL_error(L, "image.colormap: the map must have one channel, it has %I", map.n);
  const sb_colormap *m = sb_colormaps;
  while (m->name && strcmp(m->name, name) != 0) m++;
  if (!m->name) return luaL_error(L, "image.colormap: unknown colour map '%s'", name);
  sb_shape shape = sb_shape3(3, map.h, map.w);
  sb_colormap_apply(m, map.data, map.h * map.w, sb_push_tensor(L, &shape)->data);
  return 1;
}

/* luminance(t) --> (1,H,W) of (3,H,W) */
static int draw_luminance(lua_State *L) {
  sb_planes in = sb_check_planes(L, 1, "image.luminance");
  if (in.n != 3)
    return luaL_error(L, "image.luminance: the image must have 3 channels, it has %I", in.n);
  sb_shape shape = sb_shape3(1, in.h, in.w);
  sb_luminance(in.data, in.h * in.w, sb_push_tensor(L, &shape)->data);
  return 1;
}

/* blend(a, b, weight) --> (C,H,W): (1 - weight) a + weight b, each with 1 or C channels */
static int draw_blend(lua_State *L) {
  sb_planes p[3];
  int64_t channels = 1;
  for (int i = 0; i < 3; i++) {
    p[i] = sb_check_planes(L, i + 1, "image.blend");
    if (p[i].n > channels) channels = p[i].n;
    if (p[i].h != p[0].h || p[i].w != p[0].w)
      return luaL_error(L, "image.blend: sizes differ: %Ix%I and %Ix%I", p[0].h, p[0].w, p[i].h,
                        p[i].w);
  }
  for (int i = 0; i < 3; i++)
    if (p[i].n != channels && p[i].n != 1)
      return luaL_error(L, "image.blend: channels differ: %I and %I", p[i].n, channels);
  sb_shape shape = sb_shape3(channels, p[0].h, p[0].w);
  sb_planes out = sb_planes_of(sb_push_tensor(L, &shape));
  sb_blend(&p[0], &p[1], &p[2], &out);
  return 1;
}

/* ---- Display normalisation ------------------------------------------------------------------- */

enum { AUTOMATIC, MINMAX, SYMMETRIC };

static sb_range choose_range(int method, sb_range r) {
  bool signs = r.low < 0 && r.high > 0;
  return method == SYMMETRIC || (method == AUTOMATIC && signs) ? sb_range_symmetric(r) : r;
}

/* The elements that share one range: an image, or a channel of one. */
static int64_t group_size(const sb_tensor *t, bool per_channel) {
  return sb_shape_span(&t->shape, t->shape.rank - (per_channel || t->shape.rank < 3 ? 2 : 3),
                       t->shape.rank);
}

/* stretch(t, "auto" | "minmax" | "symmetric", share, per_channel) --> like t, in [0,1]. The range
   is that of the given share of the values, from the middle. */
static int draw_stretch(lua_State *L) {
  static const char *const methods[] = {"auto", "minmax", "symmetric", NULL};
  sb_check_planes(L, 1, "image.stretch");
  sb_tensor *t = sb_check_tensor(L, 1);
  int method = luaL_checkoption(L, 2, NULL, methods);
  double share = luaL_checknumber(L, 3);
  int64_t n = group_size(t, lua_toboolean(L, 4));
  float *scratch = share < 1 ? sb_push_buffer(L, n) : NULL;
  sb_tensor *out = sb_push_tensor(L, &t->shape);
  for (int64_t i = 0; i < sb_count(t); i += n) {
    sb_range r =
        scratch ? sb_range_between(t->data + i, n, share, scratch) : sb_range_of(t->data + i, n);
    sb_stretch(t->data + i, n, choose_range(method, r), out->data + i);
  }
  return 1;
}

static const luaL_Reg functions[] = {{"rectangle", draw_rectangle}, {"picture", draw_picture},
                                     {"text", draw_text},           {"text_size", draw_text_size},
                                     {"colormaps", draw_colormaps}, {"colormap", draw_colormap},
                                     {"luminance", draw_luminance}, {"blend", draw_blend},
                                     {"stretch", draw_stretch},     {NULL, NULL}};

int sb_open_draw(lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}
