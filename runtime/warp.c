/* warp.c: bilinear lookup under an affine map. */
#include "warp.h"

#include <math.h>
#include <string.h>

#include "threads.h"

typedef struct job {
  sb_planes in, out;
  sb_affine map;
  float fill;
} job;

static float pixel(const sb_planes *p, const float *plane, int64_t y, int64_t x, float fill) {
  return y >= 0 && y < p->h && x >= 0 && x < p->w ? plane[y * p->w + x] : fill;
}

static float lookup(const sb_planes *p, const float *plane, double y, double x, float fill) {
  if (!(y > -1 && y < (double)p->h && x > -1 && x < (double)p->w)) return fill;
  int64_t y0 = (int64_t)floor(y), x0 = (int64_t)floor(x);
  float fy = (float)(y - (double)y0), fx = (float)(x - (double)x0);
  float top = pixel(p, plane, y0, x0, fill), bottom = pixel(p, plane, y0 + 1, x0, fill);
  top += fx * (pixel(p, plane, y0, x0 + 1, fill) - top);
  bottom += fx * (pixel(p, plane, y0 + 1, x0 + 1, fill) - bottom);
  return top + fy * (bottom - top);
}

static void warp_rows(void *context, int64_t first, int64_t last) {
  const job *j = context;
  const sb_affine *m = &j->map;
  double cy = ((double)j->in.h - 1) / 2, cx = ((double)j->in.w - 1) / 2;
  for (int64_t r = first; r < last; r++) {
    const float *plane = j->in.data + r / j->out.h * j->in.h * j->in.w;
    double y = (double)(r % j->out.h) - ((double)j->out.h - 1) / 2;
    for (int64_t i = 0; i < j->out.w; i++) {
      double x = (double)i - ((double)j->out.w - 1) / 2;
      j->out.data[r * j->out.w + i] = lookup(&j->in, plane, m->yy * y + m->yx * x + m->dy + cy,
                                             m->xy * y + m->xx * x + m->dx + cx, j->fill);
    }
  }
}

void sb_warp(const sb_planes *in, const sb_planes *out, const sb_affine *map, float fill) {
  job j = {*in, *out, *map, fill};
  sb_parallel(out->n * out->h, 16, warp_rows, &j);
}

void sb_flip(const sb_planes *in, const sb_planes *out, bool vertical) {
  int64_t h = in->h, w = in->w;
  for (int64_t r = 0; r < in->n * h; r++) {
    const float *from = in->data + r * w;
    float *to = out->data + r * w;
    if (vertical)
      memcpy(out->data + (r - r % h + h - 1 - r % h) * w, from, (size_t)w * sizeof *to);
    else
      for (int64_t i = 0; i < w; i++) to[i] = from[w - 1 - i];
  }
}
