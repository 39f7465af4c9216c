/* colormap.c: colour maps, each as control points or as the formula it was published with. */
#include "colormap.h"

#include <math.h>
#include <stddef.h>

static float clamp01(float v) {
  return v >= 1 ? 1 : v > 0 ? v : 0; /* NaN gives 0 */
}

/* Linear interpolation between n equally spaced colours 0xrrggbb. */
static void interpolate(const uint32_t *points, int n, float t, float rgb[3]) {
  int i = (int)(t * (float)(n - 1));
  if (i > n - 2) i = n - 2;
  float f = t * (float)(n - 1) - (float)i;
  for (int c = 0; c < 3; c++) {
    float a = (float)(points[i] >> (16 - 8 * c) & 255);
    float b = (float)(points[i + 1] >> (16 - 8 * c) & 255);
    rgb[c] = (a + (b - a) * f) / 255;
  }
}

#define INTERPOLATE(points, t, rgb) interpolate(points, sizeof points / sizeof *points, t, rgb)

static void grey(float t, float rgb[3]) {
  rgb[0] = rgb[1] = rgb[2] = t;
}

/* Black-body order: black, red, yellow, white. */
static void heat(float t, float rgb[3]) {
  for (int c = 0; c < 3; c++) rgb[c] = clamp01(3 * t - (float)c);
}

/* The rainbow of MATLAB's `jet`: three trapezoids, a quarter apart. */
static void jet(float t, float rgb[3]) {
  for (int c = 0; c < 3; c++) rgb[c] = clamp01(1.5f - fabsf(4 * t - (float)(3 - c)));
}

/* Mikhailov 2019, "Turbo, an improved rainbow colormap for visualization": a rainbow that is smooth
   in lightness. His polynomial of degree 5, in Horner form. */
static void turbo(float t, float rgb[3]) {
  static const float k[3][6] = {
      {0.13572138f, 4.61539260f, -42.66032258f, 132.13108234f, -152.94239396f, 59.28637943f},
      {0.09140261f, 2.19418839f, 4.84296658f, -14.18503333f, 4.27729857f, 2.82956604f},
      {0.10667330f, 12.64194608f, -60.58204836f, 110.36276771f, -89.90310912f, 27.34824973f}};
  for (int c = 0; c < 3; c++) {
    float v = 0;
    for (int i = 5; i >= 0; i--) v = v * t + k[c][i];
    rgb[c] = clamp01(v);
  }
}

/* Smith and van der Walt 2015 (CC0): even steps of lightness, readable by the colour-blind. Ten
   points of the published table. */
static void viridis(float t, float rgb[3]) {
  static const uint32_t points[] = {0x440154, 0x482878, 0x3e4989, 0x31688e, 0x26828e,
                                    0x1f9e89, 0x35b779, 0x6ece58, 0xb5de2b, 0xfde725};
  INTERPOLATE(points, t, rgb);
}

/* For signed values with zero at 0.5: blue below, white at, red above. The eleven classes of Brewer
   and Harrower's RdBu (ColorBrewer 2003), reversed, with the middle made pure white. */
static void diverging(float t, float rgb[3]) {
  static const uint32_t points[] = {0x053061, 0x2166ac, 0x4393c3, 0x92c5de, 0xd1e5f0, 0xffffff,
                                    0xfddbc7, 0xf4a582, 0xd6604d, 0xb2182b, 0x67001f};
  INTERPOLATE(points, t, rgb);
}

const sb_colormap sb_colormaps[] = {
    {"viridis", viridis}, {"turbo", turbo},         {"jet", jet}, {"heat", heat},
    {"grey", grey},       {"diverging", diverging}, {NULL, NULL}};

void sb_colormap_apply(const sb_colormap *map, const float *v, int64_t n, float *rgb) {
  for (int64_t i = 0; i < n; i++) {
    float colour[3];
    map->colour(clamp01(v[i]), colour);
    for (int c = 0; c < 3; c++) rgb[c * n + i] = colour[c];
  }
}
