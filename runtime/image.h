/* image.h: files of pixels to tensors and back, by stb_image and stb_image_write.

   An image is a tensor (C,H,W), C = 1 (grey) or 3 (red, green, blue), values 0 to 1. */
#ifndef SB_IMAGE_H
#define SB_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "sniff.h"
#include "tensor.h"

/* Decoded samples, interleaved, as the decoder allocated them. */
typedef struct sb_pixels {
  void *data; /* uint8_t or uint16_t; release with sb_pixels_free */
  int64_t height, width;
  int channels; /* 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha */
  int maximum;  /* the sample value that means 1.0; samples are 16 bits wide when above 255 */
  bool ignore_alpha;
} sb_pixels;

/* Decodes a file's bytes; on failure nothing is left to free. */
bool sb_pixels_decode(const uint8_t *bytes, size_t n, sb_pixels *pixels, sb_error *e);
void sb_pixels_free(sb_pixels *pixels); /* may be called again */

/* The tensor that sb_pixels_unpack fills: (1,H,W) or (3,H,W). */
sb_shape sb_pixels_shape(const sb_pixels *pixels);
/* Fills the tensor; what is transparent shows a background of that grey level. */
void sb_pixels_unpack(const sb_pixels *pixels, float background, sb_tensor *out);

/* (C,H,W) to interleaved bytes: clamped to [0,1], rounded to nearest; NaN becomes 0. */
void sb_image_quantise(const sb_tensor *image, uint8_t *bytes);

/* A growing string of bytes. */
typedef struct sb_bytes {
  char *data;
  size_t n, capacity;
  bool failed; /* memory ran out: the content is not whole */
} sb_bytes;

void sb_bytes_free(sb_bytes *bytes); /* may be called again */

/* Interleaved bytes to a file's bytes. */
bool sb_encode_png(const uint8_t *pixels, int h, int w, int channels, sb_bytes *out, sb_error *e);
bool sb_encode_jpeg(const uint8_t *pixels, int h, int w, int channels, int quality, sb_bytes *out,
                    sb_error *e);

#endif
