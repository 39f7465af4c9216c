#include "jitter.h"

#include <math.h>

static float clamp(float v) {
  return v < 0 ? 0 : v > 1 ? 1 : v;
}

/* Rec. 601, with torchvision's digits. */
static float luminance(float r, float g, float b) {
  return 0.2989f * r + 0.587f * g + 0.114f * b;
}

void sb_brightness(const sb_planes *p, float factor) {
  for (int64_t i = 0; i < p->n * p->h * p->w; i++) p->data[i] = clamp(p->data[i] * factor);
}

static double mean_luminance(const sb_planes *p) {
  int64_t plane = p->h * p->w;
  const float *r = p->data, *g = r + plane, *b = g + plane;
  double sum = 0;
  for (int64_t i = 0; i < plane; i++)
    sum += (double)(p->n == 3 ? luminance(r[i], g[i], b[i]) : r[i]);
  return sum / (double)plane;
}

void sb_contrast(const sb_planes *p, float factor) {
  float rest = (float)mean_luminance(p) * (1 - factor);
  for (int64_t i = 0; i < p->n * p->h * p->w; i++) p->data[i] = clamp(p->data[i] * factor + rest);
}

void sb_saturation(const sb_planes *p, float factor) {
  if (p->n != 3) return;
  int64_t plane = p->h * p->w;
  float *r = p->data, *g = r + plane, *b = g + plane;
  for (int64_t i = 0; i < plane; i++) {
    float rest = luminance(r[i], g[i], b[i]) * (1 - factor);
    r[i] = clamp(r[i] * factor + rest);
    g[i] = clamp(g[i] * factor + rest);
    b[i] = clamp(b[i] * factor + rest);
  }
}

/* Channel k (5 red, 3 green, 1 blue) of hue h in [0,6), value v, chroma c:
   v - c max(0, min(q, 4 - q, 1)) with q = (k + h) mod 6 (Smith 1978, without cases). */
static float from_hue(float k, float h, float v, float c) {
  float q = k + h;
  q = q >= 6 ? q - 6 : q;
  return v - c * fmaxf(0, fminf(fminf(q, 4 - q), 1));
}

void sb_hue(const sb_planes *p, float turn) {
  if (p->n != 3) return;
  int64_t plane = p->h * p->w;
  float *red = p->data, *green = red + plane, *blue = green + plane;
  float add = 6 * (turn - floorf(turn));
  for (int64_t i = 0; i < plane; i++) {
    float r = red[i], g = green[i], b = blue[i];
    float v = fmaxf(r, fmaxf(g, b)), c = v - fminf(r, fminf(g, b));
    float scale = c > 0 ? 1 / c : 0;
    float h = v == r ? (g - b) * scale : v == g ? 2 + (b - r) * scale : 4 + (r - g) * scale;
    h += add;
    h = h < 0 ? h + 6 : h >= 6 ? h - 6 : h;
    red[i] = from_hue(5, h, v, c);
    green[i] = from_hue(3, h, v, c);
    blue[i] = from_hue(1, h, v, c);
  }
}
