/* shifts.c: convolution of any shape with weights packed once. The input is copied once, padded and
   cut into the phases of the stride; then every tap of a kernel is that copy at a fixed shift, and
   a register tile multiplies in place, without an im2col matrix. */
#include <string.h>

#include "conv/algorithm.h"
#include "conv/fast.h"
#include "conv/pack.h"
#include "conv/simd.h"
#include "threads.h"

/* An output position (oy, ox) has the number oy * pitch + ox in a band of rows of the copy, so that
   neighbouring positions, garbage at the ends of rows included, are neighbours in memory. */
enum {
  DEPTH_BLOCK = 256,
  GROUP_ROWS = 64,
  BAND_FLOATS = 1 << 18,   /* a thread's own copy of a band */
  SHARED_FLOATS = 1 << 20, /* a copy of whole planes, made and used by all threads */
  SLACK = 64               /* the last tile reads this far beyond */
};

typedef struct plan {
  const sb_conv *g;
  const sb_simd *simd;
  int64_t ins, outs, taps, depth;
  int64_t reach, pitch;       /* rows of the copy beyond the band; floats of its rows */
  int64_t band, bands;        /* output rows of a band; bands of an image */
  int64_t phase, channel;     /* floats of a phase and of a channel of the copy of a band */
  int64_t row_tiles, columns; /* of one image and group; column tiles of a band */
  bool shared;
} plan;

typedef struct run {
  plan p;
  const float *packed, *x;
  const sb_conv_finish *finish;
  float *y, *scratch;
  int64_t plane;  /* image * groups + group, when its copy is shared */
  int64_t block;  /* channels whose taps are multiplied at a time */
  int64_t *shift; /* of each of their taps within the copy */
} run;

static int64_t ceil_div(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

static int64_t clamp(int64_t x, int64_t low, int64_t high) {
  return x < low ? low : x > high ? high : x;
}

static void set_band(plan *p, int64_t rows) {
  p->band = rows;
  p->bands = ceil_div(p->g->oh, rows);
  p->phase = (rows + p->reach) * p->pitch;
  p->channel = p->phase * p->g->stride[0] * p->g->stride[1];
  p->columns = ceil_div((rows - 1) * p->pitch + p->g->ow, p->simd->columns);
}

static plan make_plan(const sb_conv *g) {
  plan p = {.g = g, .simd = sb_simd_best()};
  p.ins = g->c_in / g->groups, p.outs = g->c_out / g->groups;
  p.taps = (int64_t)g->kernel[0] * g->kernel[1];
  p.depth = p.ins * p.taps;
  p.reach = (int64_t)(g->kernel[0] - 1) * g->dilation[0] / g->stride[0];
  p.pitch = g->ow + (int64_t)(g->kernel[1] - 1) * g->dilation[1] / g->stride[1];
  p.row_tiles = ceil_div(p.outs, p.simd->rows);
  set_band(&p, g->oh);
  p.shared = p.ins * p.channel <= SHARED_FLOATS && g->n * g->groups < 8;
  if (!p.shared) {
    int64_t fit = BAND_FLOATS / (p.ins * p.pitch * g->stride[0] * g->stride[1]) - p.reach;
    set_band(&p, clamp(fit, g->oh < 4 ? g->oh : 4, g->oh));
  }
  return p;
}

static int64_t copy_size(const plan *p) {
  return p->ins * p->channel + SLACK;
}

/* Floats that hold the shifts of a block. */
static int64_t shifts_size(const plan *p) {
  return (DEPTH_BLOCK + p->taps) * (int64_t)(sizeof(int64_t) / sizeof(float));
}

static int64_t scratch_size(const sb_conv *g) {
  plan p = make_plan(g);
  return shifts_size(&p) + copy_size(&p) * (p.shared ? 1 : sb_get_threads());
}

/* ---- The copy ------------------------------------------------------------------------------- */

static int64_t tap_shift(const plan *p, int64_t tap) {
  const sb_conv *g = p->g;
  int64_t i = tap / g->kernel[1], j = tap % g->kernel[1];
  int64_t y = i * g->dilation[0], x = j * g->dilation[1];
  int64_t phase = y % g->stride[0] * g->stride[1] + x % g->stride[1];
  return phase * p->phase + y / g->stride[0] * p->pitch + x / g->stride[1];
}

/* A row of a phase: to[t] = row[t * stride + first], zero outside [0, w). */
static void copy_row(const float *row, int64_t w, int64_t first, int stride, int64_t n, float *to) {
  int64_t a = first < 0 ? (stride - 1 - first) / stride : 0;
  int64_t b = w > first ? (w - 1 - first) / stride + 1 : 0;
  b = clamp(b, 0, n), a = clamp(a, 0, b);
  memset(to, 0, (size_t)a * sizeof *to);
  const float *from = row + a * stride + first;
  if (stride == 1)
    memcpy(to + a, from, (size_t)(b - a) * sizeof *to);
  else if (stride == 2)
    for (int64_t t = 0; t < b - a; t++) to[a + t] = from[2 * t];
  else
    for (int64_t t = 0; t < b - a; t++) to[a + t] = from[t * stride];
  memset(to + b, 0, (size_t)(n - b) * sizeof *to);
}

/* Whether any tap looks at that phase of the stride. */
static bool phase_is_used(const sb_conv *g, int axis, int phase) {
  for (int k = 0; k < g->kernel[axis]; k++)
    if (k * g->dilation[axis] % g->stride[axis] == phase) return true;
  return false;
}

/* One channel of the band that begins with output row `oy`. */
static void copy_channel(const plan *p, const float *x, int64_t oy, float *to) {
  const sb_conv *g = p->g;
  for (int py = 0; py < g->stride[0]; py++)
    for (int px = 0; px < g->stride[1]; px++, to += p->phase) {
      if (!phase_is_used(g, 0, py) || !phase_is_used(g, 1, px)) continue;
      for (int64_t t = 0; t < p->band + p->reach; t++) {
        int64_t y = (oy + t) * g->stride[0] + py - g->pad[0];
        float *row = to + t * p->pitch;
        if (y < 0 || y >= g->h)
          memset(row, 0, (size_t)p->pitch * sizeof *row);
        else
          copy_row(x + y * g->w, g->w, px - g->pad[1], g->stride[1], p->pitch, row);
      }
    }
}

static const float *input_plane(const run *r, int64_t plane, int64_t channel) {
  return r->x + (plane * r->p.ins + channel) * r->p.g->h * r->p.g->w;
}

/* ---- Products ------------------------------------------------------------------------------- */

/* A piece of a column tile that lies in the image: `n` columns from `at` go to position `to` of y.
 */
typedef struct piece {
  int at, n;
  int64_t to;
} piece;

static int cut_pieces(const plan *p, int64_t first, int64_t rows, int64_t oy, piece *pieces) {
  const sb_conv *g = p->g;
  int count = 0, columns = p->simd->columns;
  int64_t row = first / p->pitch, x = first % p->pitch;
  for (int at = 0; at < columns && row < rows; row++, x = 0) {
    int64_t n = p->pitch - x < columns - at ? p->pitch - x : columns - at;
    int64_t valid = clamp(g->ow - x, 0, n);
    if (valid > 0) pieces[count++] = (piece){at, (int)valid, (oy + row) * g->ow + x};
    at += (int)n;
  }
  return count;
}

static void write_pieces(const plan *p, const sb_conv_finish *f, const float *tile, int rows,
                         const piece *pieces, int count, int64_t at, float *y) {
  int64_t positions = p->g->oh * p->g->ow;
  for (int r = 0; r < rows; r++, tile += p->simd->columns, at += positions)
    for (int k = 0; k < count; k++) {
      const float *from = tile + pieces[k].at;
      float *to = y + at + pieces[k].to;
      const float *mask = f->mask ? f->mask + at + pieces[k].to : NULL;
      if (mask)
        for (int i = 0; i < pieces[k].n; i++) to[i] = mask[i] > 0 ? from[i] : 0;
      else
        for (int i = 0; i < pieces[k].n; i++) to[i] = from[i];
    }
}

/* The sum over the whole depth of one register tile, a block of depth at a time. */
static void multiply_tile(const run *r, const float *packed, const float *copy, int width, int rows,
                          const sb_epilogue *finish, float *tile) {
  const plan *p = &r->p;
  for (int64_t c = 0; c < p->ins; c += r->block) {
    int64_t n = c + r->block < p->ins ? r->block : p->ins - c;
    sb_epilogue block = {finish->bias, finish->relu && c + n == p->ins, NULL};
    p->simd->shifted_tile(n * p->taps, packed + c * p->taps * p->simd->rows, copy + c * p->channel,
                          r->shift, tile, width, rows, c > 0, &block);
  }
}

/* Row tiles [first, last) at one column tile of the band that begins with output row oy. */
static void multiply_rows(const run *r, int64_t plane, int64_t first, int64_t last, int64_t column,
                          int64_t oy, const float *copy) {
  const plan *p = &r->p;
  int64_t group = plane % p->g->groups, left = p->g->oh - oy;
  int rows = p->simd->rows, columns = p->simd->columns;
  float tile[SB_SIMD_MAX_ROWS * SB_SIMD_MAX_COLUMNS] __attribute__((aligned(64))),
      bias[SB_SIMD_MAX_ROWS];
  piece pieces[SB_SIMD_MAX_COLUMNS];
  int count = cut_pieces(p, column * columns, left < p->band ? left : p->band, oy, pieces);
  if (count == 0) return;
  int used = pieces[count - 1].at + pieces[count - 1].n;
  int width = (int)ceil_div(used, p->simd->lanes);
  for (int64_t t = first; t < last; t++) {
    int64_t row = group * p->outs + t * rows;
    int valid = p->outs - t * rows < rows ? (int)(p->outs - t * rows) : rows;
    for (int i = 0; i < rows; i++)
      bias[i] = r->finish->bias && i < valid ? r->finish->bias[row + i] : 0;
    sb_epilogue finish = {bias, r->finish->relu, NULL};
    multiply_tile(r, r->packed + (group * p->row_tiles + t) * p->depth * rows,
                  copy + column * columns, width, valid, &finish, tile);
    write_pieces(p, r->finish, tile, valid, pieces, count,
                 (plane * p->outs + t * rows) * p->g->oh * p->g->ow, r->y);
  }
}

/* ---- The run -------------------------------------------------------------------------------- */

static void own_bands(void *context, int64_t first, int64_t last) {
  const run *r = context;
  const plan *p = &r->p;
  float *copy = r->scratch + sb_thread_index() * copy_size(p);
  for (int64_t item = first; item < last; item++) {
    int64_t plane = item / p->bands, oy = item % p->bands * p->band;
    for (int64_t c = 0; c < p->ins; c++)
      copy_channel(p, input_plane(r, plane, c), oy, copy + c * p->channel);
    for (int64_t column = 0; column < p->columns; column++)
      multiply_rows(r, plane, 0, p->row_tiles, column, oy, copy);
  }
}

static void copy_shared(void *context, int64_t first, int64_t last) {
  const run *r = context;
  for (int64_t c = first; c < last; c++)
    copy_channel(&r->p, input_plane(r, r->plane, c), 0, r->scratch + c * r->p.channel);
}

static void multiply_shared(void *context, int64_t first, int64_t last) {
  const run *r = context;
  const plan *p = &r->p;
  int64_t per_group = GROUP_ROWS / p->simd->rows;
  for (int64_t item = first; item < last; item++) {
    int64_t t0 = item / p->columns * per_group, t1 = t0 + per_group;
    multiply_rows(r, r->plane, t0, t1 < p->row_tiles ? t1 : p->row_tiles, item % p->columns, 0,
                  r->scratch);
  }
}

static void run_all(const sb_conv *g, const float *packed, const float *x,
                    const sb_conv_finish *finish, float *y, float *scratch) {
  run r = {.p = make_plan(g), .packed = packed, .x = x, .finish = finish, .y = y};
  int64_t planes = g->n * g->groups;
  r.shift = (int64_t *)scratch, r.scratch = scratch + shifts_size(&r.p);
  r.block = clamp(DEPTH_BLOCK / r.p.taps, 1, r.p.ins);
  for (int64_t k = 0; k < r.block * r.p.taps; k++)
    r.shift[k] = k / r.p.taps * r.p.channel + tap_shift(&r.p, k % r.p.taps);
  if (!r.p.shared) {
    sb_parallel(planes * r.p.bands, 1, own_bands, &r);
    return;
  }
  int64_t row_groups = ceil_div(r.p.row_tiles, GROUP_ROWS / r.p.simd->rows);
  for (r.plane = 0; r.plane < planes; r.plane++) {
    sb_parallel(r.p.ins, 8, copy_shared, &r);
    sb_parallel(row_groups * r.p.columns, 1, multiply_shared, &r);
  }
}

/* Two fused multiply-adds of a vector a cycle, plus the copy and the writing of garbage and
 * results. */
static double cost(const sb_conv *g) {
  plan p = make_plan(g);
  double columns = (double)p.bands * (double)p.columns * p.simd->columns;
  double rows = (double)p.row_tiles * p.simd->rows;
  double products = columns * (double)p.depth * rows / (2 * p.simd->lanes);
  double copies = (double)p.bands * (double)(p.ins * p.channel) / 4 + columns * rows / 4;
  return (products + copies) * (double)(g->n * g->groups);
}

const sb_conv_fast sb_conv_shifts = {
    .name = "shifts",
    .cost = cost,
    .packed_size = sb_packed_size,
    .scratch = scratch_size,
    .pack = sb_pack_weights,
    .run = run_all,
};
