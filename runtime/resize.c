/* resize.c: separable resampling. */
#include "resize.h"

#include <math.h>
#include <string.h>

#include "threads.h"

/* The taps of an axis: target i is the sum over k < count[i] of weight[i*width+k] * source
   first[i]+k. Lives in scratch. */
typedef struct taps {
  int64_t n, width;
  int32_t *first, *count;
  float *weight;
} taps;

static double triangle(double x) {
  return fmax(0, 1 - fabs(x));
}

static double keys(double x) { /* a = -1/2 */
  x = fabs(x);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
}

static sb_filter choose(sb_filter filter, int64_t from, int64_t to) {
  if (from == to) return SB_NEAREST; /* every filter is the identity here, this one exactly */
  if (filter != SB_AUTO) return filter;
  return to < from ? SB_AREA : SB_BICUBIC;
}

/* Half the width of the filter in source pixels. */
static double support(sb_filter filter, double scale) {
  static const double radius[] = {[SB_AREA] = 0.5, [SB_BILINEAR] = 1, [SB_BICUBIC] = 2};
  return filter == SB_AREA ? radius[filter] * scale : radius[filter] * fmax(scale, 1);
}

static int64_t tap_width(sb_filter filter, int64_t from, int64_t to) {
  if (filter == SB_NEAREST) return 1;
  int64_t width = (int64_t)ceil(2 * support(filter, (double)from / (double)to)) + 2;
  return width < from ? width : from;
}

/* The weight of source pixel k for a target whose centre is at `centre`. */
static double weight(sb_filter filter, double scale, double centre, int64_t k) {
  double x = (double)k + 0.5 - centre, stretch = fmax(scale, 1);
  if (filter == SB_BILINEAR) return triangle(x / stretch);
  if (filter == SB_BICUBIC) return keys(x / stretch);
  double low = fmax(x - 0.5, -scale / 2), high = fmin(x + 0.5, scale / 2); /* overlap */
  return fmax(0, high - low);
}

static void nearest_taps(taps *t, int64_t from) {
  for (int64_t i = 0; i < t->n; i++) {
    t->first[i] = (int32_t)((2 * i + 1) * from / (2 * t->n));
    t->count[i] = 1;
    t->weight[i] = 1;
  }
}

static void filter_taps(taps *t, sb_filter filter, int64_t from) {
  double scale = (double)from / (double)t->n, radius = support(filter, scale);
  for (int64_t i = 0; i < t->n; i++) {
    double centre = ((double)i + 0.5) * scale, sum = 0;
    float *w = t->weight + i * t->width;
    int64_t first = (int64_t)fmax(0, floor(centre - radius));
    int64_t last = (int64_t)fmin((double)from, ceil(centre + radius)); /* exclusive */
    for (int64_t k = first; k < last; k++) sum += weight(filter, scale, centre, k);
    for (int64_t k = first; k < last; k++)
      w[k - first] = (float)(weight(filter, scale, centre, k) / sum);
    t->first[i] = (int32_t)first, t->count[i] = (int32_t)(last - first);
  }
}

static int64_t taps_size(sb_filter filter, int64_t from, int64_t to) {
  return to * (2 + tap_width(choose(filter, from, to), from, to));
}

/* Builds the taps of an axis at the start of scratch. */
static taps make_taps(sb_filter filter, int64_t from, int64_t to, float *scratch) {
  filter = choose(filter, from, to);
  taps t = {to, tap_width(filter, from, to), (int32_t *)scratch, (int32_t *)scratch + to,
            scratch + 2 * to};
  if (filter == SB_NEAREST)
    nearest_taps(&t, from);
  else
    filter_taps(&t, filter, from);
  return t;
}

typedef struct job {
  sb_planes in, middle, out; /* middle is in.h x out.w */
  taps x, y;
} job;

/* Rows of all planes: middle[r][j] from in[r]. */
static void resize_rows(void *context, int64_t first, int64_t last) {
  const job *j = context;
  for (int64_t r = first; r < last; r++) {
    const float *from = j->in.data + r * j->in.w;
    float *to = j->middle.data + r * j->middle.w;
    for (int64_t i = 0; i < j->x.n; i++) {
      const float *w = j->x.weight + i * j->x.width, *p = from + j->x.first[i];
      float sum = 0;
      for (int32_t k = 0; k < j->x.count[i]; k++) sum += w[k] * p[k];
      to[i] = sum;
    }
  }
}

/* Rows of all planes: out[r] as a weighted sum of rows of middle. */
static void resize_columns(void *context, int64_t first, int64_t last) {
  const job *j = context;
  for (int64_t r = first; r < last; r++) {
    int64_t plane = r / j->out.h, i = r % j->out.h, width = j->out.w;
    const float *from = j->middle.data + (plane * j->middle.h + j->y.first[i]) * width;
    const float *w = j->y.weight + i * j->y.width;
    float *to = j->out.data + r * width;
    memset(to, 0, (size_t)width * sizeof *to);
    for (int32_t k = 0; k < j->y.count[i]; k++)
      for (int64_t x = 0; x < width; x++) to[x] += w[k] * from[k * width + x];
  }
}

int64_t sb_resize_scratch(const sb_planes *in, int64_t h, int64_t w, sb_filter filter) {
  return taps_size(filter, in->w, w) + taps_size(filter, in->h, h) + in->n * in->h * w;
}

void sb_resize(const sb_planes *in, const sb_planes *out, sb_filter filter, float *scratch) {
  job j = {.in = *in, .out = *out};
  j.x = make_taps(filter, in->w, out->w, scratch);
  scratch += taps_size(filter, in->w, out->w);
  j.y = make_taps(filter, in->h, out->h, scratch);
  scratch += taps_size(filter, in->h, out->h);
  j.middle = (sb_planes){in->n, in->h, out->w, scratch};
  sb_parallel(in->n * in->h, 16, resize_rows, &j);
  sb_parallel(out->n * out->h, 16, resize_columns, &j);
}
