/* draw.c: rectangles, pictures, blending. */
#include "draw.h"

#include <string.h>

static int64_t least(int64_t a, int64_t b) {
  return a < b ? a : b;
}
static int64_t most(int64_t a, int64_t b) {
  return a > b ? a : b;
}

sb_rectangle sb_clip(sb_rectangle r, int64_t h, int64_t w) {
  int64_t y = most(r.y, 0), x = most(r.x, 0);
  int64_t bottom = least(r.y + r.h, h), right = least(r.x + r.w, w);
  return (sb_rectangle){y, x, most(bottom - y, 0), most(right - x, 0)};
}

/* The start of plane c; a single plane stands for all. */
static float *plane(const sb_planes *p, int64_t c) {
  return p->data + (p->n == 1 ? 0 : c) * p->h * p->w;
}

void sb_draw_rectangle(const sb_planes *to, sb_rectangle r, sb_colour colour) {
  r = sb_clip(r, to->h, to->w);
  for (int64_t c = 0; c < to->n; c++)
    for (int64_t y = r.y; y < r.y + r.h; y++)
      for (int64_t x = r.x; x < r.x + r.w; x++) plane(to, c)[y * to->w + x] = colour.v[least(c, 2)];
}

void sb_draw_picture(const sb_planes *to, int64_t y, int64_t x, const sb_planes *from) {
  sb_rectangle r = sb_clip((sb_rectangle){y, x, from->h, from->w}, to->h, to->w);
  if (r.w == 0) return;
  for (int64_t c = 0; c < to->n; c++)
    for (int64_t i = r.y; i < r.y + r.h; i++)
      memcpy(plane(to, c) + i * to->w + r.x, plane(from, c) + (i - y) * from->w + r.x - x,
             (size_t)r.w * sizeof(float));
}

void sb_blend(const sb_planes *a, const sb_planes *b, const sb_planes *weight,
              const sb_planes *out) {
  for (int64_t c = 0; c < out->n; c++) {
    const float *pa = plane(a, c), *pb = plane(b, c), *pw = plane(weight, c);
    float *to = plane(out, c);
    for (int64_t i = 0; i < out->h * out->w; i++) to[i] = pa[i] + pw[i] * (pb[i] - pa[i]);
  }
}

void sb_luminance(const float *rgb, int64_t n, float *out) {
  for (int64_t i = 0; i < n; i++)
    out[i] = 0.299f * rgb[i] + 0.587f * rgb[n + i] + 0.114f * rgb[2 * n + i];
}
