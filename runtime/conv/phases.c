/* phases.c: the adjoint of a convolution in its input for any stride and padding. See phases.h. */
#include "conv/phases.h"

#include <string.h>

#include "clones.h"
#include "conv/fast.h"
#include "threads.h"

enum {
  DEPTH_BLOCK = 256,
  GROUP_ROWS = 64,
  SLACK = 64 /* the last tile reads this far beyond */
};

typedef struct run {
  sb_phases p;
  const float *packed, *dy;
  const sb_conv_finish *finish;
  float *dx;
  int64_t *shifts;       /* of the taps of a block of channels, by phase */
  float *copies, *tiles; /* scratch: all threads', or one after the other */
  int64_t plane;         /* image * groups + group, when its copy is shared */
} run;

static int64_t ceil_div(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

static int64_t smaller(int64_t a, int64_t b) {
  return a < b ? a : b;
}

/* ---- Scratch -------------------------------------------------------------------------------- */

/* Channels of dy whose taps are multiplied at a time. */
static int64_t block_of(const sb_phases *p, int64_t taps) {
  int64_t fit = taps ? DEPTH_BLOCK / taps : p->outs;
  return fit < 1 ? 1 : smaller(fit, p->outs);
}

static int64_t shifts_of_phase(const sb_phases *p) {
  return DEPTH_BLOCK + (int64_t)p->g->kernel[0] * p->g->kernel[1];
}

static int64_t shifts_size(const sb_phases *p) {
  int64_t phases = (int64_t)p->g->stride[0] * p->g->stride[1];
  return phases * shifts_of_phase(p) * (int64_t)(sizeof(int64_t) / sizeof(float));
}

static int64_t copy_size(const sb_phases *p) {
  return p->outs * p->channel + p->pitch + SLACK;
}

/* A register tile for each phase along x, and a row of dx as they give it. */
static int64_t tiles_size(const sb_phases *p) {
  return (p->simd->rows + 1) * p->simd->columns * (int64_t)p->g->stride[1];
}

static int64_t scratch_size(const sb_conv *g) {
  sb_phases p = sb_phases_plan(g);
  int64_t threads = sb_get_threads();
  return shifts_size(&p) + copy_size(&p) * (p.shared ? 1 : threads) + tiles_size(&p) * threads;
}

static int64_t *shifts_of(const run *r, int py, int px) {
  return r->shifts + (py * r->p.g->stride[1] + px) * shifts_of_phase(&r->p);
}

static void list_shifts(const sb_phases *p, int py, int px, int64_t *shifts) {
  int64_t block = block_of(p, sb_phases_taps(p, py, px));
  for (int64_t o = 0; o < block; o++)
    for (int64_t ty = 0; ty <= p->reach[0]; ty++)
      for (int64_t tx = 0; tx <= p->reach[1]; tx++)
        if (sb_phases_tap(p->g, 0, py, ty) >= 0 && sb_phases_tap(p->g, 1, px, tx) >= 0)
          *shifts++ = o * p->channel + (p->reach[0] - ty) * p->pitch + p->reach[1] - tx;
}

/* ---- The copy ------------------------------------------------------------------------------- */

/* One channel of the band of q that begins with row `q`. */
static void copy_channel(const sb_phases *p, const float *dy, int64_t q, float *to) {
  const sb_conv *g = p->g;
  int64_t x = p->first[1] - p->reach[1], y = p->first[0] - p->reach[0] + q;
  int64_t left = smaller(x < 0 ? -x : 0, p->pitch), end = smaller(g->ow - x, p->pitch);
  if (end < left) end = left;
  int64_t rows = p->band + p->reach[0];
  if (left == 0 && end == g->ow && end == p->pitch && y >= 0 && y + rows <= g->oh) {
    memcpy(to, dy + y * g->ow, (size_t)(rows * end) * sizeof *to);
    return;
  }
  for (int64_t row = 0; row < rows; row++, y++, to += p->pitch) {
    if (y < 0 || y >= g->oh) {
      memset(to, 0, (size_t)p->pitch * sizeof *to);
      continue;
    }
    memset(to, 0, (size_t)left * sizeof *to);
    memcpy(to + left, dy + y * g->ow + x + left, (size_t)(end - left) * sizeof *to);
    memset(to + end, 0, (size_t)(p->pitch - end) * sizeof *to);
  }
}

static const float *dy_plane(const run *r, int64_t plane, int64_t channel) {
  return r->dy + (plane * r->p.outs + channel) * r->p.g->oh * r->p.g->ow;
}

/* What lies behind the last channel: zeros of its last row, and what only garbage is made of. */
static void clear_end(const sb_phases *p, float *copy) {
  memset(copy + p->outs * p->channel, 0, (size_t)(p->pitch + SLACK) * sizeof *copy);
}

/* ---- Products ------------------------------------------------------------------------------- */

/* A column tile: q has the number q_y * pitch + q_x in its band, so that neighbours, garbage at the
   ends of rows included, are neighbours in memory. */
typedef struct place {
  int64_t plane, group;
  int64_t q, rows; /* first row of q of the band, and how many */
  int64_t first;   /* number of the first column */
  const float *copy;
  float *tiles, *line;
  int width; /* vectors that hold more than garbage */
} place;

/* Row tile t of a phase over the whole depth, a block at a time. */
static void multiply(const run *r, const place *at, int64_t t, int py, int px, float *tile) {
  const sb_phases *p = &r->p;
  int rows = p->simd->rows, valid = (int)smaller(rows, p->ins - t * rows);
  int64_t taps = sb_phases_taps(p, py, px), block = block_of(p, taps);
  const float *packed = r->packed + at->group * (sb_phases_packed_size(p) / p->g->groups) +
                        sb_phases_offset(p, py, px) + t * rows * p->outs * taps;
  float bias[SB_SIMD_MAX_ROWS] = {0};
  for (int i = 0; r->finish->bias && i < valid; i++)
    bias[i] = r->finish->bias[at->group * p->ins + t * rows + i];
  for (int64_t o = 0; o < p->outs; o += block) {
    int64_t n = smaller(block, p->outs - o);
    sb_epilogue finish = {bias, r->finish->relu && o + n == p->outs, NULL};
    p->simd->shifted_tile(n * taps, packed + o * taps * rows, at->copy + o * p->channel + at->first,
                          shifts_of(r, py, px), tile, at->width, valid, o > 0, &finish);
  }
}

/* to[k * stride + phase] = column k of that phase's tile row; those lie `step` apart. */
static inline void interleave(const float *tile, int64_t step, int stride, int64_t n, float *to) {
  if (stride == 2)
    for (int64_t k = 0; k < n; k++) to[2 * k] = tile[k], to[2 * k + 1] = tile[step + k];
  else
    for (int phase = 0; phase < stride; phase++)
      for (int64_t k = 0; k < n; k++) to[k * stride + phase] = tile[phase * step + k];
}

/* Writes n columns of all phases along x to a row of dx, from its column x on: straight, or by way
   of a line where some lie outside or are masked. */
static inline void write_line(const run *r, const float *tile, int64_t n, int64_t row, int64_t x,
                              float *line) {
  const sb_conv *g = r->p.g;
  int64_t step = (int64_t)r->p.simd->rows * r->p.simd->columns, at = row * g->w + x;
  int64_t start = x < 0 ? -x : 0, end = smaller(n * g->stride[1], g->w - x);
  bool straight = start == 0 && end == n * g->stride[1] && !r->finish->mask;
  interleave(tile, step, g->stride[1], n, straight ? r->dx + at : line);
  if (straight) return;
  for (int64_t i = start; i < end; i++)
    r->dx[at + i] = !r->finish->mask || r->finish->mask[at + i] > 0 ? line[i] : 0;
}

/* Puts row tile t of dx together from the tiles of all phases along x, in phase y. */
SB_CLONES static void write_rows(const run *r, const place *at, int64_t t, int py) {
  const sb_phases *p = &r->p;
  const sb_conv *g = p->g;
  int rows = p->simd->rows, columns = p->simd->columns;
  int64_t end = at->width * p->simd->lanes, c0 = t * rows, c1 = smaller(c0 + rows, p->ins), n;
  int64_t qy = at->first / p->pitch, qx = at->first % p->pitch;
  for (int64_t k = 0; k < end && qy < at->rows; k += n, qy++, qx = 0) {
    n = smaller(p->pitch - qx, end - k);
    int64_t valid = smaller(n, p->count[1] - qx);
    int64_t row = (p->first[0] + at->q + qy) * g->stride[0] + py - g->pad[0];
    int64_t x = (p->first[1] + qx) * g->stride[1] - g->pad[1];
    if (valid <= 0 || row < 0 || row >= g->h) continue;
    for (int64_t c = c0; c < c1; c++)
      write_line(r, at->tiles + (c - c0) * columns + k, valid,
                 (at->plane * p->ins + c) * g->h + row, x, at->line);
  }
}

/* The band's numbers are dealt evenly to column tiles of whole vectors: two of two vectors are
   faster than one of three and one of one. Answers false if there is no such tile. */
static bool set_columns(const sb_phases *p, int64_t column, place *at) {
  int lanes = p->simd->lanes;
  int64_t vectors = ceil_div((at->rows - 1) * p->pitch + p->count[1], lanes);
  int64_t tiles = ceil_div(vectors * lanes, p->simd->columns);
  int64_t first = column * vectors / tiles, last = (column + 1) * vectors / tiles;
  at->first = first * lanes, at->width = (int)(last - first);
  return column < tiles;
}

/* Row tiles [first, last) of all phases at one column tile. */
static void multiply_column(const run *r, int64_t plane, int64_t band, int64_t column,
                            const float *copy, int64_t first, int64_t last) {
  const sb_phases *p = &r->p;
  const int *stride = p->g->stride;
  int64_t tile = (int64_t)p->simd->rows * p->simd->columns;
  place at = {.plane = plane, .group = plane % p->g->groups, .q = band * p->band, .copy = copy};
  at.rows = smaller(p->band, p->count[0] - at.q);
  at.tiles = r->tiles + sb_thread_index() * tiles_size(p), at.line = at.tiles + stride[1] * tile;
  if (!set_columns(p, column, &at)) return;
  for (int py = 0; py < stride[0]; py++)
    for (int64_t t = first; t < last; t++) {
      for (int px = 0; px < stride[1]; px++) multiply(r, &at, t, py, px, at.tiles + px * tile);
      write_rows(r, &at, t, py);
    }
}

/* ---- The run -------------------------------------------------------------------------------- */

static void own_bands(void *context, int64_t first, int64_t last) {
  const run *r = context;
  const sb_phases *p = &r->p;
  float *copy = r->copies + sb_thread_index() * copy_size(p);
  clear_end(p, copy);
  for (int64_t item = first; item < last; item++) {
    int64_t plane = item / p->bands, band = item % p->bands;
    for (int64_t o = 0; o < p->outs; o++)
      copy_channel(p, dy_plane(r, plane, o), band * p->band, copy + o * p->channel);
    for (int64_t column = 0; column < p->columns; column++)
      multiply_column(r, plane, band, column, copy, 0, p->row_tiles);
  }
}

static void copy_shared(void *context, int64_t first, int64_t last) {
  const run *r = context;
  for (int64_t o = first; o < last; o++)
    copy_channel(&r->p, dy_plane(r, r->plane, o), 0, r->copies + o * r->p.channel);
}

static void multiply_shared(void *context, int64_t first, int64_t last) {
  const run *r = context;
  const sb_phases *p = &r->p;
  int64_t per_group = GROUP_ROWS / p->simd->rows;
  for (int64_t item = first; item < last; item++) {
    int64_t t0 = item / p->columns * per_group, t1 = smaller(t0 + per_group, p->row_tiles);
    multiply_column(r, r->plane, 0, item % p->columns, r->copies, t0, t1);
  }
}

static void run_all(const sb_conv *g, const float *packed, const float *dy,
                    const sb_conv_finish *finish, float *dx, float *scratch) {
  run r = {.p = sb_phases_plan(g), .packed = packed, .dy = dy, .finish = finish, .dx = dx};
  const sb_phases *p = &r.p;
  int64_t planes = g->n * g->groups;
  r.shifts = (int64_t *)scratch, r.copies = scratch + shifts_size(p);
  r.tiles = r.copies + copy_size(p) * (p->shared ? 1 : sb_get_threads());
  for (int py = 0; py < g->stride[0]; py++)
    for (int px = 0; px < g->stride[1]; px++) list_shifts(p, py, px, shifts_of(&r, py, px));
  if (!p->shared) {
    sb_parallel(planes * p->bands, 1, own_bands, &r);
    return;
  }
  int64_t row_groups = ceil_div(p->row_tiles, GROUP_ROWS / p->simd->rows);
  clear_end(p, r.copies);
  for (r.plane = 0; r.plane < planes; r.plane++) {
    sb_parallel(p->outs, 8, copy_shared, &r);
    sb_parallel(row_groups * p->columns, 1, multiply_shared, &r);
  }
}

static double cost(const sb_conv *g) {
  return sb_phases_cost(g);
}

static int64_t packed_size(const sb_conv *g) {
  sb_phases p = sb_phases_plan(g);
  return sb_phases_packed_size(&p);
}

static void pack(const sb_conv *g, const float *w, bool flip, float *packed) {
  sb_phases p = sb_phases_plan(g);
  sb_phases_pack(&p, w, packed);
}

const sb_conv_fast sb_conv_phases = {.name = "phases",
                                     .cost = cost,
                                     .packed_size = packed_size,
                                     .scratch = scratch_size,
                                     .pack = pack,
                                     .run = run_all,
                                     .transposed = true};
