#include "augment.h"

#include <math.h>
#include <string.h>

#include "jitter.h"
#include "resize.h"
#include "warp.h"

static double between(sb_rng *r, double low, double high) {
  return low + (high - low) * sb_rng_uniform(r);
}

/* ---- Places ---------------------------------------------------------------------------------- */

/* The source of position i of a line of n; -1 where the fill shows. */
static int64_t source(int64_t i, int64_t n, bool mirror) {
  if (i >= 0 && i < n) return i;
  if (!mirror) return -1;
  return i < 0 ? -i : 2 * n - 2 - i;
}

static void crop_row(const float *from, int64_t from_w, float *to, int64_t x, int64_t w,
                     float fill) {
  int64_t inside_from = x < 0 ? -x : 0, inside_to = from_w - x < w ? from_w - x : w;
  if (inside_from == 0 && inside_to == w) {
    memcpy(to, from + x, (size_t)w * sizeof *to);
    return;
  }
  for (int64_t i = 0; i < w; i++) {
    int64_t k = source(x + i, from_w, fill < 0);
    to[i] = k < 0 ? fill : from[k];
  }
}

/* The part of h x w at (y, x), which may lie partly outside: there `fill` shows, or, when that is
   negative, the picture mirrored at its outermost pixels. */
static bool crop(sb_canvas *c, int64_t y, int64_t x, int64_t h, int64_t w, float fill,
                 sb_error *e) {
  sb_planes from = c->picture, to;
  if (y == 0 && x == 0 && h == from.h && w == from.w) return true;
  if (!sb_canvas_next(c, h, w, &to, e)) return false;
  for (int64_t r = 0; r < to.n * h; r++) {
    int64_t row = source(y + r % h, from.h, fill < 0);
    float *out = to.data + r * w;
    if (row >= 0)
      crop_row(from.data + (r / h * from.h + row) * from.w, from.w, out, x, w, fill);
    else
      for (int64_t i = 0; i < w; i++) out[i] = fill;
  }
  sb_canvas_turn(c, &to);
  return true;
}

static bool too_small(const sb_planes *p, const char *what, int64_t h, int64_t w, sb_error *e) {
  return sb_fail(e, "%s: %lldx%lld does not fit into the picture of %lldx%lld", what, (long long)h,
                 (long long)w, (long long)p->h, (long long)p->w);
}

static bool random_crop(sb_canvas *c, const double *p, sb_rng *r, sb_error *e) {
  int64_t h = (int64_t)p[0], w = (int64_t)p[1], pad = (int64_t)p[2];
  int64_t spare_h = c->picture.h + 2 * pad - h, spare_w = c->picture.w + 2 * pad - w;
  if (spare_h < 0 || spare_w < 0) return too_small(&c->picture, "random_crop", h, w, e);
  if (p[3] < 0 && (pad >= c->picture.h || pad >= c->picture.w))
    return too_small(&c->picture, "random_crop: mirrored padding", pad, pad, e);
  int64_t y = (int64_t)sb_rng_below(r, (uint64_t)spare_h + 1) - pad;
  int64_t x = (int64_t)sb_rng_below(r, (uint64_t)spare_w + 1) - pad;
  return crop(c, y, x, h, w, (float)p[3], e);
}

static bool center_crop(sb_canvas *c, const double *p, sb_rng *r, sb_error *e) {
  int64_t h = (int64_t)p[0], w = (int64_t)p[1];
  if (h > c->picture.h || w > c->picture.w) return too_small(&c->picture, "center_crop", h, w, e);
  return crop(c, (c->picture.h - h) / 2, (c->picture.w - w) / 2, h, w, 0, e);
}

/* ---- Sizes ----------------------------------------------------------------------------------- */

bool sb_resize_part(sb_canvas *c, const int64_t part[4], int64_t to_h, int64_t to_w, sb_error *e) {
  sb_planes to;
  if (!crop(c, part[0], part[1], part[2], part[3], 0, e)) return false;
  if (c->picture.h == to_h && c->picture.w == to_w) return true;
  int64_t n = sb_resize_scratch(&c->picture, to_h, to_w, SB_BILINEAR);
  float *scratch = sb_canvas_scratch(c, n, e);
  if (!scratch || !sb_canvas_next(c, to_h, to_w, &to, e)) return false;
  sb_resize(&c->picture, &to, SB_BILINEAR, scratch);
  sb_canvas_turn(c, &to);
  return true;
}

static bool resize(sb_canvas *c, const double *p, sb_rng *r, sb_error *e) {
  int64_t h = c->picture.h, w = c->picture.w, to_h = (int64_t)p[0], to_w = (int64_t)p[1];
  if (to_w == 0) {
    double scale = p[0] / (double)(h < w ? h : w);
    to_h = (int64_t)fmax(1, round((double)h * scale));
    to_w = (int64_t)fmax(1, round((double)w * scale));
  }
  return sb_resize_part(c, (int64_t[]){0, 0, h, w}, to_h, to_w, e);
}

/* The central part whose proportions lie in the range, for pictures where no random one fits. */
static void central_part(const sb_planes *p, double narrow, double broad, int64_t part[4]) {
  double ratio = (double)p->w / (double)p->h;
  part[2] = ratio < narrow ? (int64_t)fmax(1, round((double)p->w / narrow)) : p->h;
  part[3] = ratio > broad ? (int64_t)fmax(1, round((double)p->h * broad)) : p->w;
  if (part[2] > p->h) part[2] = p->h;
  if (part[3] > p->w) part[3] = p->w;
  part[0] = (p->h - part[2]) / 2;
  part[1] = (p->w - part[3]) / 2;
}

/* Szegedy et al. 2015, as torchvision.transforms.RandomResizedCrop tries it. */
static bool random_resized_crop(sb_canvas *c, const double *p, sb_rng *r, sb_error *e) {
  enum { TRIES = 10 };
  const sb_planes *now = &c->picture;
  int64_t part[4];
  central_part(now, p[4], p[5], part);
  for (int i = 0; i < TRIES; i++) {
    double area = (double)(now->h * now->w) * between(r, p[2], p[3]);
    double ratio = exp(between(r, log(p[4]), log(p[5])));
    int64_t w = (int64_t)round(sqrt(area * ratio)), h = (int64_t)round(sqrt(area / ratio));
    if (w < 1 || h < 1 || w > now->w || h > now->h) continue;
    part[0] = (int64_t)sb_rng_below(r, (uint64_t)(now->h - h + 1));
    part[1] = (int64_t)sb_rng_below(r, (uint64_t)(now->w - w + 1));
    part[2] = h, part[3] = w;
    break;
  }
  return sb_resize_part(c, part, (int64_t)p[0], (int64_t)p[1], e);
}

/* ---- Directions ------------------------------------------------------------------------------ */

static bool horizontal_flip(sb_canvas *c, const double *p, sb_rng *r, sb_error *e) {
  if (sb_rng_uniform(r) >= p[0]) return true;
  int64_t w = c->picture.w;
  for (int64_t row = 0; row < c->picture.n * c->picture.h; row++) {
    float *left = c->picture.data + row * w, *right = left + w - 1;
    for (; left < right; left++, right--) {
      float v = *left;
      *left = *right, *right = v;
    }
  }
  return true;
}

static bool rotation(sb_canvas *c, const double *p, sb_rng *r, sb_error *e) {
  double angle = between(r, -p[0], p[0]) * 3.141592653589793 / 180;
  sb_affine map = {cos(angle), sin(angle), -sin(angle), cos(angle), 0, 0};
  sb_planes to;
  if (!sb_canvas_next(c, c->picture.h, c->picture.w, &to, e)) return false;
  sb_warp(&c->picture, &to, &map, (float)p[1]);
  sb_canvas_turn(c, &to);
  return true;
}

/* ---- Colours --------------------------------------------------------------------------------- */

static void jitter_one(const sb_planes *p, int what, double amount, sb_rng *r) {
  double draw = sb_rng_uniform(r), least = amount < 1 ? 1 - amount : 0;
  float factor = (float)(least + (1 + amount - least) * draw);
  if (amount == 0) return;
  if (what == 0) sb_brightness(p, factor);
  if (what == 1) sb_contrast(p, factor);
  if (what == 2) sb_saturation(p, factor);
  if (what == 3) sb_hue(p, (float)(amount * (2 * draw - 1)));
}

/* The four in random order, as in torchvision. */
static bool color_jitter(sb_canvas *c, const double *p, sb_rng *r, sb_error *e) {
  int order[4] = {0, 1, 2, 3};
  for (int i = 3; i > 0; i--) {
    int j = (int)sb_rng_below(r, (uint64_t)i + 1), k = order[i];
    order[i] = order[j], order[j] = k;
  }
  for (int i = 0; i < 4; i++) jitter_one(&c->picture, order[i], p[order[i]], r);
  return true;
}

bool sb_augment(sb_canvas *c, const sb_augmentation *a, sb_rng *r, sb_error *e) {
  static bool (*const kinds[])(sb_canvas *, const double *, sb_rng *,
                               sb_error *) = {[SB_RANDOM_CROP] = random_crop,
                                              [SB_RANDOM_RESIZED_CROP] = random_resized_crop,
                                              [SB_HORIZONTAL_FLIP] = horizontal_flip,
                                              [SB_COLOR_JITTER] = color_jitter,
                                              [SB_ROTATION] = rotation,
                                              [SB_RESIZE] = resize,
                                              [SB_CENTER_CROP] = center_crop};
  return kinds[a->kind](c, a->p, r, e);
}
