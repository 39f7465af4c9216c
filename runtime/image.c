/* image.c: decoding and encoding. The only file that decodes or writes with stb; png.c makes
   PNG files. */
#include "image.h"

#include <stdlib.h>
#include <string.h>

#include <stb_image.h>
#include <stb_image_write.h>

#include "png.h"

/* ---- Decoding -------------------------------------------------------------------------------- */

/* Binary PNM is samples and nothing else. stb_image reads it too, but takes every largest value for
   255 and 16-bit samples in the machine's byte order. */
static bool decode_pnm(const uint8_t *bytes, const sb_image_info *info, sb_pixels *out,
                       sb_error *e) {
  size_t count = (size_t)(info->height * info->width * info->channels);
  bool wide = info->maximum > 255;
  const uint8_t *from = bytes + info->offset;
  out->channels = info->channels;
  out->maximum = info->maximum;
  out->data = malloc(count * (wide ? 2 : 1));
  if (!out->data) return sb_fail(e, "out of memory");
  if (!wide)
    memcpy(out->data, from, count);
  else
    for (size_t i = 0; i < count; i++)
      ((uint16_t *)out->data)[i] = (uint16_t)(from[2 * i] << 8 | from[2 * i + 1]);
  return true;
}

static bool decode_stb(const uint8_t *bytes, size_t n, const sb_image_info *info, sb_pixels *out,
                       sb_error *e) {
  int w, h;
  bool wide = stbi_is_16_bit_from_memory(bytes, (int)n);
  out->maximum = wide ? 65535 : 255;
  out->data = wide ? (void *)stbi_load_16_from_memory(bytes, (int)n, &w, &h, &out->channels, 0)
                   : (void *)stbi_load_from_memory(bytes, (int)n, &w, &h, &out->channels, 0);
  if (!out->data) return sb_fail(e, "the file is damaged (%s)", stbi_failure_reason());
  if (h == info->height && w == info->width) return true;
  sb_pixels_free(out); /* the two readings of the header differ: trust neither */
  return sb_fail(e, "the file has a damaged header");
}

bool sb_pixels_decode(const uint8_t *bytes, size_t n, sb_pixels *out, sb_error *e) {
  sb_image_info info;
  *out = (sb_pixels){0};
  if (!sb_image_sniff(bytes, n, &info, e)) return false;
  out->height = info.height;
  out->width = info.width;
  out->ignore_alpha = info.ignore_alpha;
  return info.format == SB_PNM ? decode_pnm(bytes, &info, out, e)
                               : decode_stb(bytes, n, &info, out, e);
}

void sb_pixels_free(sb_pixels *pixels) {
  free(pixels->data);
  pixels->data = NULL;
}

static int colours(const sb_pixels *p) {
  return p->channels >= 3 ? 3 : 1;
}

sb_shape sb_pixels_shape(const sb_pixels *p) {
  return sb_shape3(colours(p), p->height, p->width);
}

static float sample(const sb_pixels *p, int64_t i) {
  return p->maximum > 255 ? ((const uint16_t *)p->data)[i] : ((const uint8_t *)p->data)[i];
}

/* The usual case, without a division a sample: bytes, nothing transparent. */
static void unpack_bytes(const sb_pixels *p, sb_tensor *out) {
  int64_t count = p->height * p->width;
  const uint8_t *from = p->data;
  float levels[256];
  for (int i = 0; i < 256; i++) levels[i] = (float)i / 255;
  for (int c = 0; c < colours(p); c++)
    for (int64_t i = 0; i < count; i++)
      out->data[c * count + i] = levels[from[i * p->channels + c]];
}

void sb_pixels_unpack(const sb_pixels *p, float background, sb_tensor *out) {
  int64_t count = p->height * p->width;
  if (p->maximum == 255 && (p->channels % 2 == 1 || p->ignore_alpha)) {
    unpack_bytes(p, out);
    return;
  }
  float scale = (float)p->maximum;
  bool alpha = p->channels % 2 == 0 && !p->ignore_alpha;
  for (int c = 0; c < colours(p); c++)
    for (int64_t i = 0; i < count; i++) {
      float v = sample(p, i * p->channels + c) / scale;
      if (v > 1) v = 1; /* PNM samples may be above their own maximum */
      if (alpha) {
        float a = sample(p, i * p->channels + p->channels - 1) / scale;
        v = a * v + (1 - a) * background;
      }
      out->data[c * count + i] = v;
    }
}

/* ---- Encoding -------------------------------------------------------------------------------- */

void sb_image_quantise(const sb_tensor *image, uint8_t *bytes) {
  int64_t channels = image->shape.dim[0], count = image->shape.dim[1] * image->shape.dim[2];
  for (int64_t c = 0; c < channels; c++)
    for (int64_t i = 0; i < count; i++) {
      float v = image->data[c * count + i]; /* every comparison with NaN is false: NaN gives 0 */
      bytes[i * channels + c] = (uint8_t)(v >= 1 ? 255 : v > 0 ? v * 255 + 0.5f : 0);
    }
}

void sb_bytes_free(sb_bytes *b) {
  free(b->data);
  *b = (sb_bytes){0};
}

/* stb's writer calls this with each piece of the file. */
static void append(void *context, void *data, int size) {
  sb_bytes *b = context;
  size_t need = b->n + (size_t)size;
  if (need > b->capacity) {
    size_t capacity = need * 2;
    char *grown = realloc(b->data, capacity);
    if (!grown) b->failed = true;
    if (!grown) return;
    b->data = grown;
    b->capacity = capacity;
  }
  memcpy(b->data + b->n, data, (size_t)size);
  b->n = need;
}

bool sb_encode_png(const uint8_t *pixels, int h, int w, int channels, sb_bytes *out, sb_error *e) {
  if ((int64_t)h * w * channels >= 1 << 30) return sb_fail(e, "%dx%d is too large for PNG", h, w);
  out->data = (char *)sb_png_write(pixels, h, w, channels, &out->n);
  return out->data || sb_fail(e, "out of memory");
}

bool sb_encode_jpeg(const uint8_t *pixels, int h, int w, int channels, int quality, sb_bytes *out,
                    sb_error *e) {
  if (h > 65535 || w > 65535) return sb_fail(e, "%dx%d is too large for JPEG", h, w);
  bool done = stbi_write_jpg_to_func(append, out, w, h, channels, pixels, quality);
  return (done && !out->failed) || sb_fail(e, "out of memory");
}
