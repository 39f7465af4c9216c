/* col2im.c: the adjoint of a convolution in its input where that has few channels, so that a
   register tile would be mostly empty with a row a channel (phases.c). The rows are all (channel,
   tap) instead: w^T dy is the matrix that im2col's adjoint folds. It is folded tile by tile, into
   planes for each phase of the stride, in which the outputs of a tap are neighbours as they are in
   dy. */
#include <string.h>

#include "clones.h"
#include "conv/fast.h"
#include "conv/pack.h"
#include "conv/simd.h"
#include "threads.h"

enum {
  DEPTH_BLOCK = 256,
  BANDS = 8, /* of an image, if it has the rows */
  SLACK = 64 /* the last tile writes this far beyond */
};

/* With y + top = q sy + p, tap i = (t sy + p) / dilation of row oy of dy belongs to row q = oy + t
   of phase p. A row of dy takes `pitch` columns, so that what is shifted by t stays in its row. */
typedef struct plan {
  const sb_conv *g;
  const sb_simd *simd;
  sb_conv product; /* w^T dy as a 1x1 convolution */
  int64_t ins, outs, taps, rows, row_tiles;
  int64_t reach[2];     /* the largest t */
  int64_t phases[2];    /* that have a tap: of a stride beyond the kernel, only the first */
  int64_t band, bands;  /* rows of dy in a band */
  int64_t pitch, plane; /* floats of a row and of a plane of a band's sums */
  int64_t sums;         /* floats of a band's sums */
} plan;

typedef struct run {
  plan p;
  const float *packed, *dy;
  const sb_conv_finish *finish;
  float *dx, *sums, *private; /* of all bands; of each thread */
  int64_t *places;            /* of the product's rows within a band's sums */
  int64_t image;              /* image * groups + group */
} run;

static int64_t ceil_div(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

static int64_t smaller(int64_t a, int64_t b) {
  return a < b ? a : b;
}

static int64_t larger(int64_t a, int64_t b) {
  return a > b ? a : b;
}

static plan make_plan(const sb_conv *g) {
  plan p = {
      .g = g, .simd = sb_simd_best(), .ins = g->c_in / g->groups, .outs = g->c_out / g->groups};
  p.taps = (int64_t)g->kernel[0] * g->kernel[1], p.rows = p.ins * p.taps;
  p.row_tiles = ceil_div(p.rows, p.simd->rows);
  p.product = (sb_conv){
      .c_in = g->c_out, .c_out = p.rows * g->groups, .kernel = {1, 1}, .groups = g->groups};
  for (int axis = 0; axis < 2; axis++) {
    int64_t last = (int64_t)(g->kernel[axis] - 1) * g->dilation[axis];
    p.reach[axis] = last / g->stride[axis];
    p.phases[axis] = smaller(g->stride[axis], last + 1);
  }
  p.pitch = g->ow + p.reach[1];
  p.band = larger(ceil_div(g->oh, BANDS), larger(p.reach[0], 2 * p.simd->columns / p.pitch + 1));
  p.bands = ceil_div(g->oh, p.band);
  p.plane = (p.band + p.reach[0]) * p.pitch;
  p.sums = p.plane * p.ins * p.phases[0] * p.phases[1] + SLACK;
  return p;
}

/* A panel of dy and a register tile. */
static int64_t private_size(const plan *p) {
  return (p->outs + p->simd->rows) * p->simd->columns;
}

static int64_t places_size(const plan *p) {
  return ceil_div(p->rows, 16) * 16 * (int64_t)(sizeof(int64_t) / sizeof(float));
}

static int64_t scratch_size(const sb_conv *g) {
  plan p = make_plan(g);
  return places_size(&p) + p.bands * p.sums + sb_get_threads() * private_size(&p);
}

static float *own_scratch(const run *r) {
  return r->private + sb_thread_index() * private_size(&r->p);
}

/* ---- w^T dy, folded ------------------------------------------------------------------------- */

/* Columns [first, first + columns) of all channels of a band that begins at row oy, zeros between
   the rows and at the end. */
static void gather_panel(const run *r, int64_t oy, int64_t first, float *panel) {
  const plan *p = &r->p;
  const sb_conv *g = p->g;
  int64_t columns = p->simd->columns, n;
  memset(panel, 0, (size_t)(p->outs * columns) * sizeof *panel);
  int64_t y = oy + first / p->pitch, x = first % p->pitch;
  for (int64_t k = 0; k < columns && y < smaller(oy + p->band, g->oh); k += n, y++, x = 0) {
    n = smaller(p->pitch - x, columns - k);
    int64_t valid = smaller(n, g->ow - x);
    if (valid <= 0) continue;
    const float *from = r->dy + (r->image * p->outs * g->oh + y) * g->ow + x;
    for (int64_t o = 0; o < p->outs; o++, from += g->oh * g->ow)
      memcpy(panel + o * columns + k, from, (size_t)valid * sizeof *from);
  }
}

static void multiply(const run *r, int64_t t, const float *panel, int width, float *tile) {
  const plan *p = &r->p;
  const sb_epilogue none = {NULL};
  int rows = p->simd->rows, columns = p->simd->columns;
  int64_t group = r->image % p->g->groups;
  const float *packed = r->packed + (group * p->row_tiles + t) * p->outs * rows;
  for (int64_t o = 0; o < p->outs; o += DEPTH_BLOCK) {
    const float *b = panel + o * columns;
    p->simd->tile(smaller(DEPTH_BLOCK, p->outs - o), packed + o * rows, b, b, tile, columns, rows,
                  width * p->simd->lanes, o > 0, &none);
  }
}

/* Where the outputs of row (channel, i, j) of the product belong in a band's sums. */
static int64_t place_of(const plan *p, int64_t row) {
  const sb_conv *g = p->g;
  int64_t c = row / p->taps, i = row % p->taps / g->kernel[1], j = row % g->kernel[1];
  int64_t y = i * g->dilation[0], x = j * g->dilation[1];
  int64_t phase = (c * p->phases[0] + y % g->stride[0]) * p->phases[1] + x % g->stride[1];
  return phase * p->plane + y / g->stride[0] * p->pitch + x / g->stride[1];
}

/* Adds `count` rows of a tile to their places. */
SB_CLONES static void add_rows(const int64_t *places, int64_t count, int64_t n, const float *tile,
                               int64_t columns, float *sums) {
  for (int64_t row = 0; row < count; row++, tile += columns) {
    float *to = sums + places[row];
    for (int64_t k = 0; k < n; k++) to[k] += tile[k];
  }
}

static void fold_bands(void *context, int64_t first, int64_t last) {
  const run *r = context;
  const plan *p = &r->p;
  int rows = p->simd->rows, columns = p->simd->columns;
  float *panel = own_scratch(r), *tile = panel + p->outs * columns;
  for (int64_t band = first; band < last; band++) {
    float *sums = r->sums + band * p->sums;
    int64_t oy = band * p->band, height = smaller(p->band, p->g->oh - oy);
    int64_t numbers = (height - 1) * p->pitch + p->g->ow;
    memset(sums, 0, (size_t)p->sums * sizeof *sums);
    for (int64_t at = 0; at < numbers; at += columns) {
      int width = (int)ceil_div(smaller(columns, numbers - at), p->simd->lanes);
      gather_panel(r, oy, at, panel);
      for (int64_t t = 0; t < p->row_tiles; t++) {
        multiply(r, t, panel, width, tile);
        add_rows(r->places + t * rows, smaller(rows, p->rows - t * rows), width * p->simd->lanes,
                 tile, columns, sums + at);
      }
    }
  }
}

/* ---- dx ------------------------------------------------------------------------------------- */

/* Row q of a band's sums of channel c and phase {py, 0}; NULL if it has none. */
static float *sums_at(const run *r, int64_t band, int64_t c, int64_t q, int64_t py) {
  const plan *p = &r->p;
  int64_t row = q - band * p->band;
  if (band < 0 || band >= p->bands || row >= p->band + p->reach[0]) return NULL;
  return r->sums + band * p->sums + (c * p->phases[0] + py) * p->phases[1] * p->plane +
         row * p->pitch;
}

/* Row q, which has its sums from the band it lies in and, where taps reach over, from the one
   before; only one caller asks for it. */
static const float *whole_sums(const run *r, int64_t c, int64_t q, int64_t py) {
  const plan *p = &r->p;
  if (py >= p->phases[0]) return NULL;
  float *own = sums_at(r, q / p->band, c, q, py), *before = sums_at(r, q / p->band - 1, c, q, py);
  if (!own || !before) return own ? own : before;
  for (int64_t at = 0; at < p->phases[1] * p->plane; at += p->plane)
    for (int64_t k = 0; k < p->pitch; k++) own[at + k] += before[at + k];
  return own;
}

/* A row of dx from the sums of all phases along x. */
static void interleave(const plan *p, const float *sums, float bias, float *dx) {
  const sb_conv *g = p->g;
  int64_t stride = g->stride[1];
  for (int64_t x = 0; x < g->w; x++) dx[x] = bias;
  for (int64_t px = 0; sums && px < p->phases[1]; px++, sums += p->plane) {
    int64_t x = px - g->pad[1], first = x < 0 ? ceil_div(-x, stride) : 0;
    int64_t last = smaller(p->pitch, ceil_div(g->w - x, stride));
    for (int64_t k = first; k < last; k++) dx[k * stride + x] = bias + sums[k];
  }
}

static void finish_row(const sb_conv_finish *f, int64_t at, int64_t n, float *dx) {
  const float *mask = f->mask ? f->mask + at : NULL;
  if (f->relu)
    for (int64_t x = 0; x < n; x++) dx[at + x] = dx[at + x] < 0 ? 0 : dx[at + x];
  if (mask)
    for (int64_t x = 0; x < n; x++) dx[at + x] = mask[x] > 0 ? dx[at + x] : 0;
}

/* Rows of dx of all channels. */
SB_CLONES static void write_rows(void *context, int64_t first, int64_t last) {
  const run *r = context;
  const plan *p = &r->p;
  const sb_conv *g = p->g;
  for (int64_t item = first; item < last; item++) {
    int64_t c = item / g->h, y = item % g->h + g->pad[0];
    int64_t at = (r->image * p->ins * g->h + item) * g->w;
    float bias = r->finish->bias ? r->finish->bias[r->image % g->groups * p->ins + c] : 0;
    const float *sums = whole_sums(r, c, y / g->stride[0], y % g->stride[0]);
    interleave(p, sums, bias, r->dx + at);
    finish_row(r->finish, at, g->w, r->dx);
  }
}

/* ---- The way -------------------------------------------------------------------------------- */

static void run_all(const sb_conv *g, const float *packed, const float *dy,
                    const sb_conv_finish *finish, float *dx, float *scratch) {
  run r = {.p = make_plan(g), .packed = packed, .dy = dy, .finish = finish, .dx = dx};
  r.places = (int64_t *)scratch, r.sums = scratch + places_size(&r.p);
  for (int64_t row = 0; row < r.p.rows; row++) r.places[row] = place_of(&r.p, row);
  r.private = r.sums + r.p.bands * r.p.sums;
  for (r.image = 0; r.image < g->n * g->groups; r.image++) {
    sb_parallel(r.p.bands, 1, fold_bands, &r);
    sb_parallel(r.p.ins * g->h, 16, write_rows, &r);
  }
}

static int64_t packed_size(const sb_conv *g) {
  plan p = make_plan(g);
  return sb_packed_size(&p.product);
}

static void pack(const sb_conv *g, const float *w, bool flip, float *packed) {
  plan p = make_plan(g);
  sb_pack_weights(&p.product, w, true, packed);
}

/* Two fused multiply-adds of a vector a cycle, the folding, and the writing of results. */
static double cost(const sb_conv *g) {
  plan p = make_plan(g);
  double columns = (double)(p.bands * ceil_div(p.band * p.pitch, p.simd->lanes) * p.simd->lanes);
  double rows = (double)(p.row_tiles * p.simd->rows), lanes = p.simd->lanes;
  double products = columns * rows * ((double)p.outs / 2 + 3) / lanes;
  double results = (double)(p.ins * g->h * g->w) * 2;
  return (products + results) * (double)(g->n * g->groups);
}

const sb_conv_fast sb_conv_col2im = {.name = "col2im",
                                     .cost = cost,
                                     .packed_size = packed_size,
                                     .scratch = scratch_size,
                                     .pack = pack,
                                     .run = run_all,
                                     .transposed = true};
