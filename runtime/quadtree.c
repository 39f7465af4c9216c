#include "quadtree.h"

#include <math.h>
#include <string.h>

enum { BITS = 31 }; /* of a coordinate: squares are halved so often */

typedef struct sb_quadkey {
  uint64_t bits; /* of both coordinates, alternating: equal in the first 2 l bits are points of the
                    same square after l halvings (Morton 1966) */
  int32_t point;
} sb_quadkey;

typedef struct square {
  double x, y, side;
} square;

static uint64_t spread(uint64_t v) {
  v = (v | v << 16) & 0x0000FFFF0000FFFF;
  v = (v | v << 8) & 0x00FF00FF00FF00FF;
  v = (v | v << 4) & 0x0F0F0F0F0F0F0F0F;
  v = (v | v << 2) & 0x3333333333333333;
  return (v | v << 1) & 0x5555555555555555;
}

/* The smallest square around all points. */
static square bounds(const float *points, int32_t n) {
  double low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};
  for (int64_t i = 0; i < 2 * (int64_t)n; i++) {
    low[i % 2] = fmin(low[i % 2], points[i]);
    high[i % 2] = fmax(high[i % 2], points[i]);
  }
  return (square){low[0], low[1], fmax(high[0] - low[0], high[1] - low[1])};
}

static uint64_t cell(double position, double side) {
  const double most = ((int64_t)1 << BITS) - 1;
  return side > 0 ? (uint64_t)fmin(position / side * (most + 1), most) : 0;
}

/* Sorts by bits, a byte at a time; `other` has room for as many. BITS * 2 takes 8 bytes, an even
   number, so the result ends where it began. */
static void sort_keys(sb_quadkey *key, sb_quadkey *other, int32_t n) {
  for (int shift = 0; shift < 64; shift += 8) {
    int32_t start[257] = {0};
    for (int32_t i = 0; i < n; i++) start[(key[i].bits >> shift & 255) + 1]++;
    for (int b = 0; b < 256; b++) start[b + 1] += start[b];
    for (int32_t i = 0; i < n; i++) other[start[key[i].bits >> shift & 255]++] = key[i];
    sb_quadkey *swap = key;
    key = other, other = swap;
  }
}

/* How often the smallest square that holds all of the sorted keys [first, last) is halved to
   separate them: the bit pair in which they first differ, from the right; -1 if they do not. */
static int level_of(const sb_quadkey *key, int32_t first, int32_t last) {
  uint64_t difference = key[first].bits ^ key[last - 1].bits;
  return difference ? (63 - __builtin_clzll(difference)) / 2 : -1;
}

/* Adds the node of points [first, last) and those inside; answers the sums of their positions. */
static void add_node(sb_quadtree *t, int32_t first, int32_t last, double side, double sum[2]) {
  int32_t at = t->nodes++;
  int level = level_of(t->key, first, last);
  sum[0] = sum[1] = 0;
  for (int32_t i = first; level < 0 && i < last; i++) {
    sum[0] += t->points[2 * t->order[i]];
    sum[1] += t->points[2 * t->order[i] + 1];
  }
  for (int32_t from = first, to; level >= 0 && from < last; from = to) {
    double part[2];
    for (to = from + 1; to < last; to++)
      if ((t->key[to].bits ^ t->key[from].bits) >> 2 * level) break;
    add_node(t, from, to, side, part);
    sum[0] += part[0], sum[1] += part[1];
  }
  double width = last - first > 1 ? ldexp(side, level + 1 - BITS) : 0;
  t->node[at] = (sb_quadnode){(float)(sum[0] / (last - first)),
                              (float)(sum[1] / (last - first)),
                              (float)width,
                              first,
                              last,
                              t->nodes};
}

size_t sb_quadtree_scratch(int32_t n) {
  return (size_t)n * (2 * sizeof(sb_quadkey) + 2 * sizeof(sb_quadnode) + sizeof(int32_t));
}

void sb_quadtree_build(sb_quadtree *t, const float *points, int32_t n, void *scratch) {
  square s = bounds(points, n);
  *t = (sb_quadtree){.points = points, .n = n, .key = scratch};
  t->node = (sb_quadnode *)(t->key + 2 * (size_t)n);
  t->order = (int32_t *)(t->node + 2 * (size_t)n);
  for (int32_t i = 0; i < n; i++) {
    uint64_t x = cell(points[2 * i] - s.x, s.side), y = cell(points[2 * i + 1] - s.y, s.side);
    t->key[i] = (sb_quadkey){spread(x) | spread(y) << 1, i};
  }
  sort_keys(t->key, t->key + n, n);
  for (int32_t i = 0; i < n; i++) t->order[i] = t->key[i].point;
  double sum[2];
  add_node(t, 0, n, s.side, sum);
}
