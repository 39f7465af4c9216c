/* jpeg.c: the segments of JPEG files. */
#include "jpeg.h"

enum { MAX_SCANS = 500 };
enum { SOF0 = 0xc0, SOF2 = 0xc2, DHT = 0xc4, RST0 = 0xd0, RST7 = 0xd7, EOI = 0xd9, SOS = 0xda };
enum { DQT = 0xdb };

/* Bit i of a mask: table or component i is there. */
typedef struct jpeg {
  int64_t height, width;
  int components; /* 0 before the frame header */
  bool progressive;
  uint8_t id[4], quantiser[4];
  unsigned quantisers, dc_tables, ac_tables;
  unsigned started; /* components whose first scan was there */
  int scans;
} jpeg;

static int be16(const uint8_t *p) {
  return p[0] << 8 | p[1];
}

static bool damaged(const char *what, sb_error *e) {
  return sb_fail(e, "the JPEG file is damaged (%s)", what);
}

static bool read_quantisers(jpeg *j, const uint8_t *p, size_t n, sb_error *e) {
  while (n > 0) {
    size_t size = p[0] >> 4 ? 129 : 65;
    if (size > n || p[0] >> 4 > 1 || (p[0] & 15) > 3) return damaged("quantisation table", e);
    j->quantisers |= 1u << (p[0] & 15);
    p += size, n -= size;
  }
  return true;
}

/* A table of 256 codes is legal, but the decoder's index 255 means something else. */
static bool read_huffman(jpeg *j, const uint8_t *p, size_t n, sb_error *e) {
  while (n > 0) {
    size_t codes = 0;
    if (n < 17 || p[0] >> 4 > 1 || (p[0] & 15) > 3) return damaged("Huffman table", e);
    for (int i = 1; i <= 16; i++) codes += p[i];
    if (codes > 255 || 17 + codes > n) return damaged("Huffman table", e);
    *(p[0] >> 4 ? &j->ac_tables : &j->dc_tables) |= 1u << (p[0] & 15);
    p += 17 + codes, n -= 17 + codes;
  }
  return true;
}

static bool read_frame(jpeg *j, int marker, const uint8_t *p, size_t n, sb_error *e) {
  if (j->components) return damaged("two frame headers", e);
  if (n < 6 || p[5] < 1 || p[5] > 4 || n != 6 + 3 * (size_t)p[5]) return damaged("frame header", e);
  j->height = be16(p + 1);
  j->width = be16(p + 3);
  j->progressive = marker == SOF2;
  j->components = p[5];
  for (int i = 0; i < j->components; i++) {
    j->id[i] = p[6 + 3 * i];
    j->quantiser[i] = p[8 + 3 * i];
  }
  return true;
}

/* What a scan codes: coefficients from `first` on; `refines` bits of coefficients known already. */
typedef struct scan {
  int first;
  bool refines;
} scan;

static bool has_tables(const jpeg *j, int component, int tables, scan s) {
  bool needs_dc = s.first == 0, needs_ac = s.first > 0 || !j->progressive;
  int quantiser = j->quantiser[component];
  return quantiser <= 3 && j->quantisers >> quantiser & 1 &&
         (!needs_dc || j->dc_tables >> (tables >> 4) & 1) &&
         (!needs_ac || j->ac_tables >> (tables & 15) & 1);
}

/* A component of a scan, with its pair of table numbers. The first scan of each must be the one
   that sets all of its coefficients. */
static bool read_scan_component(jpeg *j, uint8_t id, int tables, scan s, sb_error *e) {
  int i = 0;
  while (i < j->components && j->id[i] != id) i++;
  if (i == j->components) return damaged("scan of an unknown component", e);
  if (!has_tables(j, i, tables, s)) return damaged("scan without its tables", e);
  if (s.first == 0 && !s.refines) j->started |= 1u << i;
  return j->started >> i & 1 ? true : damaged("scans out of order", e);
}

static bool read_scan(jpeg *j, const uint8_t *p, size_t n, sb_error *e) {
  size_t count = n > 0 ? p[0] : 0;
  if (count < 1 || count > 4 || n != 4 + 2 * count) return damaged("scan header", e);
  if (++j->scans > MAX_SCANS) return sb_fail(e, "the JPEG file has over %d scans", MAX_SCANS);
  scan s = {.first = p[1 + 2 * count], .refines = p[3 + 2 * count] >> 4 != 0};
  for (size_t i = 0; i < count; i++)
    if (!read_scan_component(j, p[1 + 2 * i], p[2 + 2 * i], s, e)) return false;
  return true;
}

static bool read_segment(jpeg *j, int marker, const uint8_t *p, size_t n, sb_error *e) {
  if (marker == DQT) return read_quantisers(j, p, n, e);
  if (marker == DHT) return read_huffman(j, p, n, e);
  if (marker >= SOF0 && marker <= SOF2) return read_frame(j, marker, p, n, e);
  if (marker == SOS) return read_scan(j, p, n, e);
  return true;
}

/* The marker at or after *at, which moves behind it; 0 at the end. Skips compressed data, in which
   0xff is followed by 0 or a restart marker. */
static int next_marker(const uint8_t *p, size_t n, size_t *at) {
  for (; *at + 1 < n; ++*at) {
    int marker = p[*at + 1];
    if (p[*at] != 0xff || marker == 0 || marker == 0xff || (marker >= RST0 && marker <= RST7))
      continue;
    *at += 2;
    return marker;
  }
  return 0;
}

bool sb_jpeg_check(const uint8_t *p, size_t n, int64_t *height, int64_t *width, sb_error *e) {
  jpeg j = {0};
  size_t at = 2;
  for (int marker; (marker = next_marker(p, n, &at)) != EOI;) {
    if (marker == 0 || n - at < 2 || (size_t)be16(p + at) > n - at)
      return sb_fail(e, "the JPEG file is cut short");
    size_t length = (size_t)be16(p + at);
    if (length < 2) return damaged("segment length", e);
    if (!read_segment(&j, marker, p + at + 2, length - 2, e)) return false;
    at += length;
  }
  if (j.components == 0 || j.started != (1u << j.components) - 1)
    return damaged("components without data", e);
  *height = j.height;
  *width = j.width;
  return true;
}
