/* limage.c: images for Lua: files' bytes to tensors and back, and planes of other sizes and places.
   What has options is wrapped by lualib/switchback/image.lua. */
#include <lauxlib.h>

#include "image.h"
#include "limage.h"
#include "lmodules.h"
#include "resize.h"
#include "warp.h"

#define PIXELS "switchback.pixels"
#define BYTES "switchback.bytes"

/* ---- Arguments ------------------------------------------------------------------------------- */

sb_planes sb_check_planes(lua_State *L, int arg, const char *function) {
  sb_tensor *t = sb_check_tensor(L, arg);
  char text[SB_SHAPE_TEXT];
  if (t->shape.rank < 2 || sb_count(t) == 0)
    luaL_error(L, "%s: image must be (H,W), (C,H,W) or (N,C,H,W) and not empty, got %s", function,
               sb_shape_text(&t->shape, text));
  return sb_planes_of(t);
}

sb_planes sb_push_planes(lua_State *L, int arg, int64_t h, int64_t w) {
  sb_shape shape = sb_check_tensor(L, arg)->shape;
  shape.dim[shape.rank - 2] = h;
  shape.dim[shape.rank - 1] = w;
  return sb_planes_of(sb_push_tensor(L, &shape));
}

/* A side of a picture in pixels. */
static int64_t check_side(lua_State *L, int arg, const char *function) {
  enum { LARGEST = 1 << 24 };
  lua_Integer n = luaL_checkinteger(L, arg);
  if (n < 1 || n > LARGEST)
    luaL_error(L, "%s: sides must be 1 to %d pixels, got %I", function, LARGEST, n);
  return n;
}

/* ---- Files ----------------------------------------------------------------------------------- */

static int pixels_gc(lua_State *L) {
  sb_pixels_free(luaL_checkudata(L, 1, PIXELS));
  return 0;
}

sb_pixels *sb_push_pixels(lua_State *L) {
  sb_pixels *p = lua_newuserdatauv(L, sizeof *p, 0);
  *p = (sb_pixels){0};
  luaL_setmetatable(L, PIXELS);
  return p;
}

static int bytes_gc(lua_State *L) {
  sb_bytes_free(luaL_checkudata(L, 1, BYTES));
  return 0;
}

static int fail(lua_State *L, const sb_error *e) {
  luaL_pushfail(L);
  lua_pushstring(L, e->text);
  return 2;
}

/* decode(bytes, background) --> (1,H,W) or (3,H,W) in [0,1]; or nil, message. */
static int image_decode(lua_State *L) {
  size_t n;
  const char *bytes = luaL_checklstring(L, 1, &n);
  float background = (float)luaL_checknumber(L, 2);
  sb_error e;
  sb_pixels *p = sb_push_pixels(L);
  if (!sb_pixels_decode((const uint8_t *)bytes, n, p, &e)) return fail(L, &e);
  sb_shape shape = sb_pixels_shape(p);
  sb_pixels_unpack(p, background, sb_push_tensor(L, &shape));
  sb_pixels_free(p);
  return 1;
}

/* samples(bytes) --> string of the decoded samples, (H,W,C) of a byte each; C, H, W; or nil,
 * message. */
static int image_samples(lua_State *L) {
  size_t n;
  const char *bytes = luaL_checklstring(L, 1, &n);
  sb_error e;
  sb_pixels *p = sb_push_pixels(L);
  if (!sb_pixels_decode((const uint8_t *)bytes, n, p, &e)) return fail(L, &e);
  if (p->maximum > 255) return sb_fail(&e, "has samples of 16 bits"), fail(L, &e);
  lua_pushlstring(L, p->data, (size_t)(p->height * p->width * p->channels));
  lua_pushinteger(L, p->channels);
  lua_pushinteger(L, p->height);
  lua_pushinteger(L, p->width);
  sb_pixels_free(p);
  return 4;
}

/* An image to encode: (C,H,W) with 1 or 3 channels; (H,W) is grey, a leading 1 is dropped. */
static sb_tensor check_picture(lua_State *L, int arg) {
  sb_planes p = sb_check_planes(L, arg, "image.encode");
  sb_tensor *t = sb_check_tensor(L, arg);
  char text[SB_SHAPE_TEXT];
  bool single = t->shape.rank <= 3 || sb_shape_span(&t->shape, 0, t->shape.rank - 3) == 1;
  if (!single || (p.n != 1 && p.n != 3))
    luaL_error(L, "image.encode: expected one image of 1 or 3 channels, got %s",
               sb_shape_text(&t->shape, text));
  return (sb_tensor){sb_shape3(p.n, p.h, p.w), p.data};
}

/* encode(image, "png" | "jpeg", quality) --> string; or nil, message. */
static int image_encode(lua_State *L) {
  static const char *const formats[] = {"png", "jpeg", NULL};
  sb_tensor image = check_picture(L, 1);
  int format = luaL_checkoption(L, 2, NULL, formats);
  int quality = (int)luaL_checkinteger(L, 3);
  int h = (int)image.shape.dim[1], w = (int)image.shape.dim[2], c = (int)image.shape.dim[0];
  sb_error e;
  sb_bytes *out = lua_newuserdatauv(L, sizeof *out, 0);
  *out = (sb_bytes){0};
  luaL_setmetatable(L, BYTES);
  uint8_t *pixels = (uint8_t *)sb_push_buffer(L, sb_count(&image) / (int64_t)sizeof(float) + 1);
  sb_image_quantise(&image, pixels);
  bool done = format == 0 ? sb_encode_png(pixels, h, w, c, out, &e)
                          : sb_encode_jpeg(pixels, h, w, c, quality, out, &e);
  if (!done) return fail(L, &e);
  lua_pushlstring(L, out->data, out->n);
  sb_bytes_free(out);
  return 1;
}

/* ---- Sizes and places ------------------------------------------------------------------------ */

static sb_filter check_filter(lua_State *L, int arg) {
  static const char *const names[] = {"auto", "nearest", "area", "bilinear", "bicubic", NULL};
  static const sb_filter filters[] = {SB_AUTO, SB_NEAREST, SB_AREA, SB_BILINEAR, SB_BICUBIC};
  return filters[luaL_checkoption(L, arg, NULL, names)];
}

/* extent(t) --> height, width */
static int image_extent(lua_State *L) {
  sb_planes t = sb_check_planes(L, 1, "image");
  lua_pushinteger(L, t.h);
  lua_pushinteger(L, t.w);
  return 2;
}

/* resize(t, h, w, filter) --> (..., h, w) */
static int image_resize(lua_State *L) {
  sb_planes in = sb_check_planes(L, 1, "image.resize");
  int64_t h = check_side(L, 2, "image.resize"), w = check_side(L, 3, "image.resize");
  sb_filter filter = check_filter(L, 4);
  sb_planes out = sb_push_planes(L, 1, h, w);
  float *scratch = sb_push_buffer(L, sb_resize_scratch(&in, h, w, filter));
  sb_resize(&in, &out, filter, scratch);
  lua_pop(L, 1);
  return 1;
}

/* crop(t, y, x, h, w) --> (..., h, w), a copy; (y, x) is the 1-based position of its corner. */
static int image_crop(lua_State *L) {
  sb_planes in = sb_check_planes(L, 1, "image.crop");
  lua_Integer y = luaL_checkinteger(L, 2), x = luaL_checkinteger(L, 3);
  int64_t h = check_side(L, 4, "image.crop"), w = check_side(L, 5, "image.crop");
  if (y < 1 || x < 1 || y > in.h - h + 1 || x > in.w - w + 1)
    return luaL_error(L, "image.crop: %Ix%I pixels at (%I, %I) are not inside of %Ix%I", h, w, y, x,
                      in.h, in.w);
  sb_planes out = sb_push_planes(L, 1, h, w);
  for (int64_t c = 0; c < in.n; c++) {
    sb_planes from = {1, in.h, in.w, in.data + c * in.h * in.w};
    sb_planes to = {1, h, w, out.data + c * h * w};
    sb_draw_picture(&to, 1 - y, 1 - x, &from);
  }
  return 1;
}

/* flip(t, "horizontal" | "vertical") --> like t */
static int image_flip(lua_State *L) {
  static const char *const axes[] = {"horizontal", "vertical", NULL};
  sb_planes in = sb_check_planes(L, 1, "image.flip");
  bool vertical = luaL_checkoption(L, 2, "horizontal", axes) == 1;
  sb_planes out = sb_push_planes(L, 1, in.h, in.w);
  sb_flip(&in, &out, vertical);
  return 1;
}

/* affine(t, yy, yx, xy, xx, dy, dx, fill, h, w) --> (..., h, w); see warp.h */
static int image_affine(lua_State *L) {
  sb_planes in = sb_check_planes(L, 1, "image.affine");
  sb_affine map = {luaL_checknumber(L, 2), luaL_checknumber(L, 3), luaL_checknumber(L, 4),
                   luaL_checknumber(L, 5), luaL_checknumber(L, 6), luaL_checknumber(L, 7)};
  float fill = (float)luaL_checknumber(L, 8);
  int64_t h = check_side(L, 9, "image.affine"), w = check_side(L, 10, "image.affine");
  sb_planes out = sb_push_planes(L, 1, h, w);
  sb_warp(&in, &out, &map, fill);
  return 1;
}

static const luaL_Reg functions[] = {
    {"decode", image_decode}, {"samples", image_samples}, {"encode", image_encode},
    {"extent", image_extent}, {"resize", image_resize},   {"crop", image_crop},
    {"flip", image_flip},     {"affine", image_affine},   {NULL, NULL}};

static void new_holder(lua_State *L, const char *name, lua_CFunction gc) {
  luaL_newmetatable(L, name);
  lua_pushcfunction(L, gc);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);
}

int sb_open_image(lua_State *L) {
  new_holder(L, PIXELS, pixels_gc);
  new_holder(L, BYTES, bytes_gc);
  luaL_newlib(L, functions);
  return 1;
}
