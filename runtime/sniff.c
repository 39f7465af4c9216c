/* sniff.c: the headers of image files, and whether the files are whole. */
#include "sniff.h"

#include <string.h>

#include "jpeg.h"

enum { SMALL_IMAGE = 1 << 16 };
static const int64_t MAX_PIXELS = 1 << 28;

static uint32_t be32(const uint8_t *p) {
  return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}
static uint32_t le16(const uint8_t *p) {
  return (uint32_t)p[1] << 8 | p[0];
}
static uint32_t le32(const uint8_t *p) {
  return le16(p + 2) << 16 | le16(p);
}

static bool cut_short(const char *format, sb_error *e) {
  return sb_fail(e, "the %s file is cut short", format);
}

/* Compressed formats: `per_byte` is the most pixels that one byte of a file can stand for. */
static bool plausible(const sb_image_info *info, size_t n, int64_t per_byte, sb_error *e) {
  int64_t h = info->height, w = info->width;
  if (h < 1 || w < 1) return sb_fail(e, "the image has no pixels (%dx%d)", (int)h, (int)w);
  if (w > MAX_PIXELS / h)
    return sb_fail(e, "%lldx%lld pixels are more than the limit of %lld", (long long)h,
                   (long long)w, (long long)MAX_PIXELS);
  if (h * w > SMALL_IMAGE && (uint64_t)(h * w) / (uint64_t)per_byte > n)
    return sb_fail(e, "%zu bytes cannot hold the %lldx%lld pixels that the header claims", n,
                   (long long)h, (long long)w);
  return true;
}

/* ---- PNG (ISO/IEC 15948) --------------------------------------------------------------------- */

/* CRC-32 with the reflected polynomial 0xedb88320, four bits at a time. */
static uint32_t crc32_of(const uint8_t *p, size_t n) {
  uint32_t table[16], crc = 0xffffffff;
  for (uint32_t i = 0; i < 16; i++) {
    table[i] = i;
    for (int k = 0; k < 4; k++) table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0xedb88320 : 0);
  }
  for (size_t i = 0; i < n; i++) {
    crc = crc >> 4 ^ table[(crc ^ p[i]) & 15];
    crc = crc >> 4 ^ table[(crc ^ p[i] >> 4) & 15];
  }
  return ~crc;
}

/* Checks every chunk up to IEND; stb_image checks neither lengths nor checksums. */
static bool png_chunks(const uint8_t *p, size_t n, sb_error *e) {
  for (size_t at = 8; n - at >= 12;) {
    size_t length = be32(p + at);
    if (length > n - at - 12) break;
    if (be32(p + at + 8 + length) != crc32_of(p + at + 4, length + 4))
      return sb_fail(e, "the PNG file is damaged (checksum of chunk at byte %zu)", at);
    if (memcmp(p + at + 4, "IEND", 4) == 0) return true;
    at += 12 + length;
  }
  return cut_short("PNG", e);
}

static bool sniff_png(const uint8_t *p, size_t n, sb_image_info *info, sb_error *e) {
  enum { DEFLATE_RATIO = 1032 }; /* the most that deflate can do: 258 bytes in two bits */
  static const int samples[] = {1, 0, 3, 1, 2, 0, 4};
  if (n < 33) return cut_short("PNG", e);
  if (memcmp(p + 12, "IHDR", 4) != 0 || p[25] > 6)
    return sb_fail(e, "the PNG file has a damaged header");
  info->width = be32(p + 16);
  info->height = be32(p + 20);
  int bytes_per_pixel = samples[p[25]] * p[24] / 8;
  if (bytes_per_pixel < 1) bytes_per_pixel = 1;
  return plausible(info, n, DEFLATE_RATIO / bytes_per_pixel, e) && png_chunks(p, n, e);
}

/* ---- JPEG ------------------------------------------------------------------------------------ */

static bool sniff_jpeg(const uint8_t *p, size_t n, sb_image_info *info, sb_error *e) {
  enum { PIXELS_PER_BYTE = 512 }; /* one bit a block of 8x8 */
  return sb_jpeg_check(p, n, &info->height, &info->width, e) &&
         plausible(info, n, PIXELS_PER_BYTE, e);
}

/* ---- GIF ------------------------------------------------------------------------------------- */

/* The bytes of a colour table whose presence and size a flags byte tells. */
static size_t gif_table(uint8_t flags) {
  return flags & 0x80 ? (size_t)6 << (flags & 7) : 0;
}

/* Where the sub-blocks that start at `at` end, or 0. */
static size_t gif_skip_blocks(const uint8_t *p, size_t n, size_t at) {
  while (at < n && p[at]) at += 1 + (size_t)p[at];
  return at < n ? at + 1 : 0;
}

static bool sniff_gif(const uint8_t *p, size_t n, sb_image_info *info, sb_error *e) {
  enum { PIXELS_PER_BYTE = 1500 }; /* LZW: 4096 codes of 12 bits spell 1 + 2 + ... pixels */
  if (n < 13) return cut_short("GIF", e);
  info->width = le16(p + 6);
  info->height = le16(p + 8);
  if (!plausible(info, n, PIXELS_PER_BYTE, e)) return false;
  size_t at = 13 + gif_table(p[10]);
  while (at && at + 10 < n && p[at] == 0x21) at = gif_skip_blocks(p, n, at + 2); /* extensions */
  if (at == 0 || at + 10 >= n) return cut_short("GIF", e);
  if (p[at] != 0x2c) return sb_fail(e, "the GIF file is damaged (no picture in it)");
  at += 10 + gif_table(p[at + 9]) + 1;
  return gif_skip_blocks(p, n, at) ? true : cut_short("GIF", e);
}

/* ---- BMP ------------------------------------------------------------------------------------- */

static bool sniff_bmp(const uint8_t *p, size_t n, sb_image_info *info, sb_error *e) {
  if (n < 30) return cut_short("BMP", e);
  bool old = le32(p + 14) == 12;
  int64_t height = old ? (int64_t)le16(p + 20) : (int32_t)le32(p + 22);
  info->width = old ? (int64_t)le16(p + 18) : (int32_t)le32(p + 18);
  info->height = height < 0 ? -height : height;
  if (!plausible(info, n, 8, e)) return false;
  uint64_t bits = le16(p + (old ? 24 : 28)) * (uint64_t)info->width;
  uint64_t all = (bits + 31) / 32 * 4 * (uint64_t)(info->height - 1) + (bits + 7) / 8;
  return le32(p + 10) + all <= n ? true : cut_short("BMP", e);
}

/* ---- PNM (binary) ---------------------------------------------------------------------------- */

static bool is_space(uint8_t c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Reads a decimal after white space and comments; -1 when there is none. */
static int64_t pnm_number(const uint8_t *p, size_t n, size_t *at) {
  while (*at < n && (is_space(p[*at]) || p[*at] == '#'))
    if (p[(*at)++] == '#')
      while (*at < n && p[*at] != '\n') (*at)++;
  int64_t value = *at < n && p[*at] >= '0' && p[*at] <= '9' ? 0 : -1;
  for (; *at < n && p[*at] >= '0' && p[*at] <= '9' && value < MAX_PIXELS; (*at)++)
    value = value * 10 + (p[*at] - '0');
  return value;
}

static bool sniff_pnm(const uint8_t *p, size_t n, sb_image_info *info, sb_error *e) {
  size_t at = 2;
  info->channels = p[1] == '6' ? 3 : 1;
  info->width = pnm_number(p, n, &at);
  info->height = pnm_number(p, n, &at);
  int64_t maximum = pnm_number(p, n, &at);
  if (maximum < 1 || maximum > 65535)
    return sb_fail(e, "the PNM file has a damaged header (largest value %d)", (int)maximum);
  info->maximum = (int)maximum;
  info->offset = at + 1;
  if (!plausible(info, n, 1, e)) return false;
  size_t all = (size_t)(info->height * info->width * info->channels * (maximum > 255 ? 2 : 1));
  return info->offset + all <= n ? true : cut_short("PNM", e);
}

/* ---- TGA ------------------------------------------------------------------------------------- */

/* Whether run-length packets of `size`-byte pixels from `at` on make up `pixels`. */
static bool tga_runs_complete(const uint8_t *p, size_t n, size_t at, size_t size, int64_t pixels) {
  while (pixels > 0 && at < n) {
    int64_t count = (p[at] & 127) + 1;
    at += 1 + size * (p[at] & 128 ? 1 : (size_t)count);
    pixels -= count;
  }
  return pixels <= 0 && at <= n;
}

/* TGA has no signature: a header counts as one when every field of it makes sense. */
static bool is_tga(const uint8_t *p, size_t n) {
  if (n < 18) return false;
  int indexed = p[1], type = p[2], bits = p[16];
  if (indexed > 1 || (type & ~8) < 1 || (type & ~8) > 3 || indexed != ((type & 7) == 1))
    return false;
  if (indexed) return (bits == 8 || bits == 16) && p[7] >= 8 && p[7] <= 32;
  return bits == 8 || bits == 15 || bits == 16 || bits == 24 || bits == 32;
}

static bool sniff_tga(const uint8_t *p, size_t n, sb_image_info *info, sb_error *e) {
  bool indexed = p[1] == 1;
  size_t size = (p[16] + 7u) / 8, at = 18 + (size_t)p[0];
  info->width = le16(p + 12);
  info->height = le16(p + 14);
  info->ignore_alpha = !indexed && p[16] == 32 && (p[17] & 15) == 0;
  if (!plausible(info, n, 128, e)) return false;
  if (indexed) at += le16(p + 3) + le16(p + 5) * ((p[7] + 7u) / 8);
  int64_t pixels = info->height * info->width;
  bool whole =
      p[2] & 8 ? tga_runs_complete(p, n, at, size, pixels) : at + size * (size_t)pixels <= n;
  return whole ? true : cut_short("TGA", e);
}

/* ---- All ------------------------------------------------------------------------------------- */

bool sb_image_sniff(const uint8_t *p, size_t n, sb_image_info *info, sb_error *e) {
  static const struct {
    const char *magic;
    size_t length;
    sb_image_format format;
    bool (*sniff)(const uint8_t *, size_t, sb_image_info *, sb_error *);
  } formats[] = {
      {"\x89PNG\r\n\x1a\n", 8, SB_PNG, sniff_png},
      {"\xff\xd8\xff", 3, SB_JPEG, sniff_jpeg},
      {"GIF87a", 6, SB_GIF, sniff_gif},
      {"GIF89a", 6, SB_GIF, sniff_gif},
      {"BM", 2, SB_BMP, sniff_bmp},
      {"P5", 2, SB_PNM, sniff_pnm},
      {"P6", 2, SB_PNM, sniff_pnm},
  };
  *info = (sb_image_info){0};
  if (n == 0) return sb_fail(e, "the file is empty");
  if (n > INT32_MAX) return sb_fail(e, "the file is larger than 2 GB");
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
    if (n >= formats[i].length && memcmp(p, formats[i].magic, formats[i].length) == 0) {
      info->format = formats[i].format;
      return formats[i].sniff(p, n, info, e);
    }
  info->format = SB_TGA;
  if (is_tga(p, n)) return sniff_tga(p, n, info, e);
  return sb_fail(e, "not a PNG, JPEG, GIF, BMP, TGA or binary PNM image");
}
