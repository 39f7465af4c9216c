#include "treatment.h"

#include <string.h>

#include "draw.h"

/* ---- Channels -------------------------------------------------------------------------------- */

/* The picture as planes of 1 or 3 channels, whatever it was. */
static bool with_channels(sb_canvas *c, int channels, sb_error *e) {
  int64_t plane = c->picture.h * c->picture.w;
  sb_planes to, from = c->picture;
  if (from.n == channels) return true;
  if (channels == 1) {
    sb_luminance(from.data, plane, from.data);
    c->picture.n = 1;
    return true;
  }
  c->picture.n = 3; /* so that the next version gets room for as many */
  if (!sb_canvas_next(c, from.h, from.w, &to, e)) return false;
  for (int k = 0; k < 3; k++)
    memcpy(to.data + k * plane, from.data, (size_t)plane * sizeof *to.data);
  sb_canvas_turn(c, &to);
  return true;
}

bool sb_canvas_read(sb_canvas *c, const sb_pictures *p, int64_t i, int channels, sb_error *e) {
  sb_pixels pixels;
  if (!sb_pictures_read(p, i, &pixels, e)) return false;
  sb_shape shape = sb_pixels_shape(&pixels);
  bool fine = sb_canvas_begin(c, shape.dim[0], shape.dim[1], shape.dim[2], e);
  if (fine) sb_pixels_unpack(&pixels, 1, &(sb_tensor){shape, c->picture.data});
  sb_pixels_free(&pixels);
  return fine && with_channels(c, channels, e);
}

/* ---- Size ------------------------------------------------------------------------------------ */

static void round_to_levels(const sb_planes *p) {
  for (int64_t i = 0; i < p->n * p->h * p->w; i++)
    p->data[i] = (float)(int)(p->data[i] * 255 + 0.5f) / 255;
}

/* Across, then down, each time rounded to the levels of a file: as preprocess.lua prepares. */
static bool fit(sb_canvas *c, const sb_treatment *t, sb_error *e) {
  int64_t h = c->picture.h, w = c->picture.w, side = h < w ? h : w;
  int64_t part[4] = {0, 0, h, w};
  if (t->square) part[0] = (h - side) / 2, part[1] = (w - side) / 2, part[2] = part[3] = side;
  h = part[2], w = part[3];
  if (!sb_resize_part(c, part, h, t->width, e)) return false;
  if (w != t->width) round_to_levels(&c->picture);
  if (!sb_resize_part(c, (int64_t[]){0, 0, h, t->width}, t->height, t->width, e)) return false;
  if (h != t->height) round_to_levels(&c->picture);
  return true;
}

static bool sized(sb_canvas *c, const sb_treatment *t, sb_error *e) {
  const sb_planes *p = &c->picture;
  if (p->h == t->height && p->w == t->width) return true;
  if (t->fit) return fit(c, t, e);
  return sb_fail(e, "is %lldx%lld, the first one %lldx%lld: batches need a size", (long long)p->h,
                 (long long)p->w, (long long)t->height, (long long)t->width);
}

/* ---- Units ----------------------------------------------------------------------------------- */

bool sb_treat(sb_canvas *c, const sb_treatment *t, sb_rng *r, float *out, sb_error *e) {
  for (int i = 0; i < t->steps; i++)
    if (!sb_augment(c, &t->augment[i], r, e)) return false;
  int channels = t->order == SB_GREY ? 1 : 3;
  if (!sized(c, t, e) || !with_channels(c, channels, e)) return false;
  int64_t plane = t->height * t->width;
  for (int k = 0; k < channels; k++) {
    const float *from = c->picture.data + (t->order == SB_BGR ? 2 - k : k) * plane;
    float mean = t->mean[k], std = t->std[k];
    for (int64_t i = 0; i < plane; i++) out[k * plane + i] = (from[i] * t->scale - mean) / std;
  }
  return true;
}
