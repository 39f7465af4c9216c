/* sniff.h: what an image file is, before anything is decoded.

   Decoders allocate what a header claims and read zeros past the end, so this looks first: the
   format, the size, whether the file is whole, and whether its length can justify its pixels. */
#ifndef SB_SNIFF_H
#define SB_SNIFF_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"

typedef enum sb_image_format {
  SB_PNG,
  SB_JPEG,
  SB_GIF,
  SB_BMP,
  SB_PNM,
  SB_TGA,
} sb_image_format;

typedef struct sb_image_info {
  sb_image_format format;
  int64_t height, width;
  bool ignore_alpha; /* the file has a fourth byte per pixel that means nothing */
  /* PNM only, which we decode ourselves: */
  int channels, maximum;
  size_t offset; /* of the first sample */
} sb_image_info;

/* Fills info; fails when the bytes are no image of these formats, are cut short (or, for PNG, fail
   a checksum), or claim more pixels than that many bytes could hold in that format. */
bool sb_image_sniff(const uint8_t *bytes, size_t n, sb_image_info *info, sb_error *e);

#endif
