/* png.h: writing PNG (ISO/IEC 15948), 8 bits a sample, compressed by libdeflate. */
#ifndef SB_PNG_H
#define SB_PNG_H

#include <stddef.h>
#include <stdint.h>

/* A file of `height` rows of `width` pixels of `channels` bytes: 1 (grey) or 3 (RGB). The caller
   frees it; its size goes to *size. NULL if memory does not suffice. Same pixels, same bytes. */
uint8_t *sb_png_write(const uint8_t *pixels, int height, int width, int channels, size_t *size);

#endif
