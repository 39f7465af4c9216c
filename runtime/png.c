#include "png.h"

#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>

#include "clones.h"

/* Pictures of maps are mostly noise, of which higher levels save little: level 6 makes files 3 %
   smaller and takes twice as long. */
enum { LEVEL = 2, SIGNATURE = 8, HEADER = 13, CHUNK = 12, FILTERS = 5 };

/* ---- Filters (section 9 of the standard) ----------------------------------------------------- */

static uint8_t paeth(int left, int up, int corner) {
  int p = left + up - corner, a = abs(p - left), b = abs(p - up), c = abs(p - corner);
  return (uint8_t)(a <= b && a <= c ? left : b <= c ? up : corner);
}

/* Row x of n bytes, `step` a pixel, below row `up`, by each of the filters: to + f * n. Before the
   first pixel of both rows lie `step` zeros. */
SB_CLONES static void filter_row(int n, int step, const uint8_t *restrict x,
                                 const uint8_t *restrict up, uint8_t *restrict to) {
  memcpy(to, x, (size_t)n);
  for (int i = 0; i < n; i++) to[n + i] = (uint8_t)(x[i] - x[i - step]);
  for (int i = 0; i < n; i++) to[2 * n + i] = (uint8_t)(x[i] - up[i]);
  for (int i = 0; i < n; i++) to[3 * n + i] = (uint8_t)(x[i] - (x[i - step] + up[i]) / 2);
  for (int i = 0; i < n; i++)
    to[4 * n + i] = (uint8_t)(x[i] - paeth(x[i - step], up[i], up[i - step]));
}

/* The sum of magnitudes, which is small where much will compress. */
SB_CLONES static int64_t weight(int n, const uint8_t *x) {
  int64_t sum = 0;
  for (int i = 0; i < n; i++) sum += x[i] < 128 ? x[i] : 256 - x[i];
  return sum;
}

/* All rows, each after the number of the filter that makes it lightest. `work` holds two rows with
   zeros before them, then a row for each filter. */
static void filter_all(const uint8_t *pixels, int height, int n, int step, uint8_t *work,
                       uint8_t *to) {
  uint8_t *up = work + step, *x = up + n + step, *filtered = x + n;
  memset(work, 0, (size_t)(2 * (n + step)));
  for (int y = 0; y < height; y++, to += n + 1) {
    int best = 0;
    int64_t least = INT64_MAX;
    memcpy(x, pixels + (size_t)y * (size_t)n, (size_t)n);
    filter_row(n, step, x, up, filtered);
    for (int f = 0; f < FILTERS; f++) {
      int64_t w = weight(n, filtered + (size_t)f * (size_t)n);
      if (w < least) least = w, best = f;
    }
    to[0] = (uint8_t)best;
    memcpy(to + 1, filtered + (size_t)best * (size_t)n, (size_t)n);
    memcpy(up, x, (size_t)n);
  }
}

/* ---- Chunks (section 5) ---------------------------------------------------------------------- */

static uint8_t *put_number(uint8_t *to, uint32_t n) {
  for (int i = 0; i < 4; i++) to[i] = (uint8_t)(n >> (24 - 8 * i));
  return to + 4;
}

/* Frames the n bytes that lie 8 behind `to`; answers where the next chunk begins. */
static uint8_t *end_chunk(uint8_t *to, const char *type, size_t n) {
  put_number(to, (uint32_t)n);
  memcpy(to + 4, type, 4);
  return put_number(to + 8 + n, libdeflate_crc32(0, to + 4, n + 4));
}

static uint8_t *put_header(uint8_t *to, int height, int width, int channels) {
  memcpy(to, "\x89PNG\r\n\x1a\n", SIGNATURE);
  uint8_t *data = put_number(put_number(to + SIGNATURE + 8, (uint32_t)width), (uint32_t)height);
  /* bit depth, colour type, and no choice of compression, filters or interlacing */
  memcpy(data, (uint8_t[]){8, channels == 1 ? 0 : 2, 0, 0, 0}, 5);
  return end_chunk(to + SIGNATURE, "IHDR", HEADER);
}

/* The file around the compressed rows; NULL without memory. */
static uint8_t *compress(struct libdeflate_compressor *c, const uint8_t *rows, size_t n, int height,
                         int width, int channels, size_t *size) {
  size_t bound = libdeflate_zlib_compress_bound(c, n);
  uint8_t *file = malloc(SIGNATURE + HEADER + 3 * CHUNK + bound);
  if (!file) return NULL;
  uint8_t *data = put_header(file, height, width, channels);
  size_t packed = libdeflate_zlib_compress(c, rows, n, data + 8, bound);
  uint8_t *end = end_chunk(end_chunk(data, "IDAT", packed), "IEND", 0);
  *size = (size_t)(end - file);
  return file;
}

uint8_t *sb_png_write(const uint8_t *pixels, int height, int width, int channels, size_t *size) {
  int n = width * channels;
  size_t total = (size_t)height * ((size_t)n + 1);
  uint8_t *rows = malloc(total);
  uint8_t *work = malloc((size_t)(2 * channels) + (size_t)(2 + FILTERS) * (size_t)n);
  struct libdeflate_compressor *c = libdeflate_alloc_compressor(LEVEL);
  uint8_t *file = NULL;
  if (rows && work && c) {
    filter_all(pixels, height, n, channels, work, rows);
    file = compress(c, rows, total, height, width, channels, size);
  }
  libdeflate_free_compressor(c);
  free(work);
  free(rows);
  return file;
}
