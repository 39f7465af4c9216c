/* phases_plan.c: the cut of an adjoint by phases, its cost, and its weights. */
#include <math.h>
#include <stddef.h>

#include "conv/phases.h"
#include "threads.h"

enum {
  BAND_FLOATS = 1 << 16,  /* a thread's own copy of a band */
  SHARED_FLOATS = 1 << 18 /* a copy of whole planes, made and used by all threads */
};

static int64_t ceil_div(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

static int64_t clamp(int64_t x, int64_t low, int64_t high) {
  return x < low ? low : x > high ? high : x;
}

int sb_phases_tap(const sb_conv *g, int axis, int phase, int64_t t) {
  int64_t at = t * g->stride[axis] + phase, tap = at / g->dilation[axis];
  return at % g->dilation[axis] == 0 && tap < g->kernel[axis] ? (int)tap : -1;
}

static void plan_axis(sb_phases *p, int axis, int64_t extent) {
  const sb_conv *g = p->g;
  int stride = g->stride[axis], before = 0;
  p->first[axis] = g->pad[axis] / stride;
  p->count[axis] = (extent - 1 + g->pad[axis]) / stride + 1 - p->first[axis];
  p->reach[axis] = (int64_t)(g->kernel[axis] - 1) * g->dilation[axis] / stride;
  for (int phase = 0; phase < stride; phase++) {
    p->before[axis][phase] = before;
    for (int64_t t = 0; t <= p->reach[axis]; t++)
      p->taps[axis][phase] += sb_phases_tap(g, axis, phase, t) >= 0;
    before += p->taps[axis][phase];
  }
}

/* Columns first - reach .. first + count - 1 of dy, of which those that lie outside are zero. The
   zeros at the end of a row serve the next row as well. */
static int64_t pitch_of(const sb_phases *p) {
  int64_t start = p->first[1] - p->reach[1], width = p->count[1] + p->reach[1];
  int64_t left = start < 0 ? -start : 0, right = start + width - p->g->ow;
  if (right < 0) right = 0;
  return width - (left < right ? left : right);
}

static void set_band(sb_phases *p, int64_t rows) {
  p->band = rows;
  p->bands = ceil_div(p->count[0], rows);
  p->channel = (rows + p->reach[0]) * p->pitch;
  p->columns = ceil_div((rows - 1) * p->pitch + p->count[1], p->simd->columns);
}

sb_phases sb_phases_plan(const sb_conv *g) {
  sb_phases p = {.g = g, .simd = sb_simd_best()};
  p.ins = g->c_in / g->groups, p.outs = g->c_out / g->groups;
  p.row_tiles = ceil_div(p.ins, p.simd->rows);
  plan_axis(&p, 0, g->h), plan_axis(&p, 1, g->w);
  p.pitch = pitch_of(&p);
  set_band(&p, p.count[0]);
  p.shared = p.outs * p.channel <= SHARED_FLOATS && g->n * g->groups < 8;
  if (!p.shared) {
    int64_t fit = BAND_FLOATS / (p.outs * p.pitch) - p.reach[0];
    set_band(&p, clamp(fit, p.count[0] < 4 ? p.count[0] : 4, p.count[0]));
  }
  return p;
}

/* Two fused multiply-adds of a vector a cycle, half a row tile being the least; the copy; the
   results, which are put together from the phases. */
double sb_phases_cost(const sb_conv *g) {
  if (g->stride[0] > SB_PHASES_STRIDE || g->stride[1] > SB_PHASES_STRIDE) return INFINITY;
  sb_phases p = sb_phases_plan(g);
  double columns = (double)p.bands * (double)p.columns * p.simd->columns;
  double rows = (double)ceil_div(p.ins, p.simd->rows / 2) * (p.simd->rows / 2);
  double depth = (double)p.outs * g->kernel[0] * g->kernel[1];
  double copies = (double)p.bands * (double)(p.outs * p.channel) / 4;
  double results = (double)(p.ins * g->h * g->w) / 2;
  return (columns * rows * depth / (2 * p.simd->lanes) + copies + results) *
         (double)(g->n * g->groups);
}

/* ---- Weights: [group][phase][row tile][channel of dy, tap][rows] ---------------------------- */

int64_t sb_phases_offset(const sb_phases *p, int py, int px) {
  int64_t taps =
      (int64_t)p->before[0][py] * p->g->kernel[1] + (int64_t)p->taps[0][py] * p->before[1][px];
  return taps * p->outs * p->row_tiles * p->simd->rows;
}

static int64_t group_size(const sb_phases *p) {
  return p->row_tiles * p->simd->rows * p->outs * p->g->kernel[0] * p->g->kernel[1];
}

int64_t sb_phases_packed_size(const sb_phases *p) {
  return p->g->groups * group_size(p);
}

typedef struct packing {
  const sb_phases *p;
  const float *w;
  float *packed;
} packing;

/* Channel c of dx in a phase; w is that of the group's first filter, or NULL for a row of zeros. */
static void pack_row(const sb_phases *p, const float *w, int py, int px, float *to) {
  const sb_conv *g = p->g;
  int64_t step = sb_phases_taps(p, py, px) * p->simd->rows;
  int64_t filter = p->ins * g->kernel[0] * g->kernel[1];
  for (int64_t ty = 0; ty <= p->reach[0]; ty++)
    for (int64_t tx = 0; tx <= p->reach[1]; tx++) {
      int i = sb_phases_tap(g, 0, py, ty), j = sb_phases_tap(g, 1, px, tx);
      if (i < 0 || j < 0) continue;
      for (int64_t o = 0; o < p->outs; o++)
        to[o * step] = w ? w[o * filter + i * g->kernel[1] + j] : 0;
      to += p->simd->rows;
    }
}

/* An item is a row tile of all phases of a group. */
static void pack_tiles(void *context, int64_t first, int64_t last) {
  const packing *k = context;
  const sb_phases *p = k->p;
  int rows = p->simd->rows;
  int64_t taps = (int64_t)p->g->kernel[0] * p->g->kernel[1];
  for (int64_t item = first; item < last; item++) {
    int64_t group = item / p->row_tiles, t = item % p->row_tiles;
    const float *w = k->w + (group * p->outs * p->ins + t * rows) * taps;
    float *packed = k->packed + group * group_size(p);
    for (int py = 0; py < p->g->stride[0]; py++)
      for (int px = 0; px < p->g->stride[1]; px++) {
        int64_t size = rows * p->outs * sb_phases_taps(p, py, px);
        float *to = packed + sb_phases_offset(p, py, px) + t * size;
        for (int r = 0; r < rows; r++)
          pack_row(p, t * rows + r < p->ins ? w + r * taps : NULL, py, px, to + r);
      }
  }
}

void sb_phases_pack(const sb_phases *p, const float *w, float *packed) {
  packing k = {p, w, packed};
  sb_parallel(p->g->groups * p->row_tiles, 1, pack_tiles, &k);
}
