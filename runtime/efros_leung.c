#include "efros_leung.h"

#include <math.h>
#include <string.h>

#include "template_match.h"

static int64_t width(const sb_growth *g) {
  return 2 * g->radius + 1;
}

static int64_t at_least(int64_t low, int64_t value) {
  return value < low ? low : value;
}

static int64_t at_most(int64_t high, int64_t value) {
  return value > high ? high : value;
}

/* ---- The order of filling ---------------------------------------------------------------------
 */

/* Known pixels at most r away from (y, x). */
static int32_t known_around(const sb_growth *g, int64_t y, int64_t x, int64_t r) {
  int64_t h = g->picture.h, w = g->picture.w;
  int32_t known = 0;
  for (int64_t i = at_least(0, y - r); i <= at_most(h - 1, y + r); i++)
    for (int64_t j = at_least(0, x - r); j <= at_most(w - 1, x + r); j++)
      known += g->from[i * w + j] != 0;
  return known;
}

static void shuffle(int32_t *list, int64_t n, sb_rng *rng) { /* Fisher & Yates */
  for (int64_t i = n - 1; i > 0; i--) {
    int64_t j = (int64_t)sb_rng_below(rng, (uint64_t)i + 1);
    int32_t swapped = list[i];
    list[i] = list[j], list[j] = swapped;
  }
}

/* By falling count; equals keep their order. */
static void merge_sort(int32_t *list, int32_t *spare, int64_t n, const int32_t *count) {
  for (int64_t run = 1; run < n; run *= 2) {
    for (int64_t first = 0; first < n; first += 2 * run) {
      int64_t middle = at_most(n, first + run), last = at_most(n, first + 2 * run);
      int64_t a = first, b = middle, to = first;
      while (a < middle || b < last) {
        bool left = b == last || (a < middle && count[list[a]] >= count[list[b]]);
        spare[to++] = list[left ? a++ : b++];
      }
    }
    memcpy(list, spare, (size_t)n * sizeof *list);
  }
}

int64_t sb_growth_frontier(const sb_growth *g, int32_t *list, int32_t *count) {
  int64_t h = g->picture.h, w = g->picture.w, n = 0;
  for (int64_t i = 0; i < h * w; i++) {
    if (g->from[i] != 0 || known_around(g, i / w, i % w, 1) == 0) continue;
    count[i] = known_around(g, i / w, i % w, g->radius);
    list[n++] = (int32_t)i;
  }
  shuffle(list, n, g->rng);
  merge_sort(list, count + h * w, n, count);
  return n;
}

/* ---- Filling ----------------------------------------------------------------------------------
 */

/* The scratch: a template of up to width^2 pixels, and the distances. */
typedef struct space {
  int32_t *dy, *dx;
  float *weight, *value, *distance;
} space;

int64_t sb_growth_scratch(const sb_growth *g) {
  int64_t pixels = width(g) * width(g);
  return pixels * (3 + g->sample.n) + g->sample.h * g->sample.w;
}

static space divide(const sb_growth *g, float *scratch) {
  int64_t pixels = width(g) * width(g);
  return (space){(int32_t *)scratch, (int32_t *)scratch + pixels, scratch + 2 * pixels,
                 scratch + 3 * pixels, scratch + (3 + g->sample.n) * pixels};
}

/* The known pixels of the window at (y, x), with weights that add up to 1 / channels. */
static sb_template known_window(const sb_growth *g, int64_t y, int64_t x, const space *s) {
  int64_t h = g->picture.h, w = g->picture.w, n = 0, r = g->radius, channels = g->sample.n;
  double sigma = (double)width(g) / 6.4, total = 0;
  for (int64_t i = at_least(-r, -y); i <= at_most(r, h - 1 - y); i++)
    for (int64_t j = at_least(-r, -x); j <= at_most(r, w - 1 - x); j++) {
      const float *pixel = g->picture.data + (y + i) * w + x + j;
      if (g->from[(y + i) * w + x + j] == 0) continue;
      s->dy[n] = (int32_t)i, s->dx[n] = (int32_t)j;
      s->weight[n] = (float)exp(-(double)(i * i + j * j) / (2 * sigma * sigma));
      total += (double)s->weight[n];
      for (int64_t c = 0; c < channels; c++) s->value[n * channels + c] = pixel[c * h * w];
      n++;
    }
  for (int64_t k = 0; k < n; k++) s->weight[k] /= (float)(total * (double)channels);
  return (sb_template){n, channels, s->dy, s->dx, s->weight, s->value};
}

/* Takes over the sample's pixel `source`. */
static void fill(const sb_growth *g, int64_t place, int64_t source) {
  int64_t from = g->sample.h * g->sample.w, to = g->picture.h * g->picture.w;
  for (int64_t c = 0; c < g->sample.n; c++)
    g->picture.data[c * to + place] = g->sample.data[c * from + source];
  g->from[place] = (float)(source + 1);
}

static bool fill_from_best(const sb_growth *g, int64_t place, const space *s) {
  sb_positions at = {g->radius, g->radius, g->sample.h - 2 * g->radius,
                     g->sample.w - 2 * g->radius};
  int64_t n = at.rows * g->sample.w;
  sb_template t = known_window(g, place / g->picture.w, place % g->picture.w, s);
  sb_match_template(&g->sample, &t, &at, s->distance);
  float least = sb_least(s->distance, n);
  if (!(least < g->limit)) return false;
  float within = least * (1 + g->tolerance);
  uint64_t count = (uint64_t)sb_count_within(s->distance, n, within);
  int64_t k = (int64_t)sb_rng_below(g->rng, count);
  int64_t found = sb_kth_within(s->distance, n, within, k);
  fill(g, place, at.top * g->sample.w + at.left + found);
  return true;
}

int64_t sb_grow(const sb_growth *g, const int32_t *list, int64_t n, float *scratch) {
  space s = divide(g, scratch);
  int64_t filled = 0;
  for (int64_t i = 0; i < n; i++)
    if (g->from[list[i]] == 0) filled += fill_from_best(g, list[i], &s);
  return filled;
}
