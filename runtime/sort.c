#include "sort.h"

#include <string.h>

/* A key whose order as an unsigned number is the order of the floats. */
static uint32_t key_of(float value, bool descending) {
  uint32_t bits;
  value = value != value ? __builtin_nanf("") : value + 0.0f; /* one NaN, one zero */
  memcpy(&bits, &value, sizeof bits);
  bits ^= bits >> 31 ? UINT32_MAX : UINT32_C(1) << 31;
  return descending ? ~bits : bits;
}

/* One pass of a radix sort, which keeps the order of equal digits: by byte `shift / 8` of the key.
 */
static void sort_by_byte(const sb_sort_item *from, sb_sort_item *to, int64_t n, int shift) {
  int64_t start[257] = {0};
  for (int64_t i = 0; i < n; i++) start[(from[i].key >> shift & 255) + 1]++;
  for (int b = 0; b < 256; b++) start[b + 1] += start[b];
  for (int64_t i = 0; i < n; i++) to[start[from[i].key >> shift & 255]++] = from[i];
}

void sb_sort_lines(const float *x, sb_lines l, bool descending, int64_t keep, sb_sort_item *scratch,
                   float *values, float *positions) {
  sb_sort_item *items = scratch, *other = scratch + l.k;
  for (int64_t line = 0; line < l.outer * l.inner; line++) {
    int64_t o = line / l.inner, j = line % l.inner;
    const float *from = x + o * l.k * l.inner + j;
    for (int64_t i = 0; i < l.k; i++)
      items[i] = (sb_sort_item){key_of(from[i * l.inner], descending), (uint32_t)i};
    for (int shift = 0; shift < 32; shift += 16) {
      sort_by_byte(items, other, l.k, shift);
      sort_by_byte(other, items, l.k, shift + 8);
    }
    for (int64_t i = 0; i < keep; i++) {
      int64_t at = (o * keep + i) * l.inner + j;
      values[at] = from[items[i].position * l.inner];
      positions[at] = (float)items[i].position;
    }
  }
}
