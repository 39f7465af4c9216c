/* panels.c: 1x1 convolution with stride 1 and no padding: one matrix product an image and group,
   with weights packed once and x copied, a panel of columns at a time, in the order that the
   register tile reads. */
#include <math.h>
#include <string.h>

#include "conv/fast.h"
#include "conv/pack.h"
#include "conv/simd.h"
#include "threads.h"

/* The product of one image and group is w (outs x depth) times x (depth x positions). Columns are
   cut into panels of the register tile's width, rows into groups; a panel's depth is cut into
   blocks that stay in the first-level cache beside a row tile of w. */
enum { DEPTH_BLOCK = 256, GROUP_ROWS = 64, SHARED_FLOATS = 1 << 20 };

typedef struct plan {
  const sb_conv *g;
  const sb_simd *simd;
  int64_t ins, outs, depth, positions;
  int64_t panels, row_tiles, groups; /* of one image and group of channels */
} plan;

typedef struct run {
  plan p;
  const float *packed, *x;
  const sb_conv_finish *finish;
  float *y, *scratch;
  int64_t from, to; /* the channels [from, to) of x that are multiplied: others are zero */
  int64_t plane;    /* image * groups + group, when its panels are shared */
} run;

static int64_t ceil_div(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

static plan make_plan(const sb_conv *g) {
  plan p = {.g = g, .simd = sb_simd_best()};
  p.ins = g->c_in / g->groups, p.outs = g->c_out / g->groups;
  p.depth = p.ins;
  p.positions = g->oh * g->ow;
  p.panels = ceil_div(p.positions, p.simd->columns);
  p.row_tiles = ceil_div(p.outs, p.simd->rows);
  p.groups = ceil_div(p.row_tiles * p.simd->rows, GROUP_ROWS);
  return p;
}

/* Rows [d0, d1) of a panel; x is the first plane of the image and group. */
static void gather_panel(const plan *p, const float *x, int64_t panel, int64_t d0, int64_t d1,
                         float *to) {
  int columns = p->simd->columns;
  int64_t p0 = panel * columns, n = p->positions - p0 < columns ? p->positions - p0 : columns;
  if (n < columns) memset(to, 0, (size_t)((d1 - d0) * columns) * sizeof *to);
  for (int64_t d = d0; d < d1; d++, to += columns)
    memcpy(to, x + d * p->positions + p0, (size_t)n * sizeof *to);
}

/* ---- Products ------------------------------------------------------------------------------- */

static const float *plane_of(const run *r, int64_t plane) {
  return r->x + plane * r->p.ins * r->p.g->h * r->p.g->w;
}

/* y of row tiles [first, last) at one panel, adding depth block [d0, d1). */
static void multiply_rows(const run *r, int64_t plane, int64_t panel, int64_t first, int64_t last,
                          int64_t d0, int64_t d1, const float *columns_at) {
  const plan *p = &r->p;
  int rows = p->simd->rows, columns = p->simd->columns;
  int64_t group = plane % p->g->groups, p0 = panel * columns, left = p->positions - p0;
  const float *packed = r->packed + group * p->row_tiles * p->depth * rows;
  const sb_conv_finish *f = r->finish;
  for (int64_t t = first; t < last; t++) {
    int64_t row = t * rows, over = p->outs - row;
    int64_t at = (plane * p->outs + row) * p->positions + p0;
    bool finished = d1 == r->to;
    sb_epilogue finish = {f->bias ? f->bias + group * p->outs + row : NULL, f->relu && finished,
                          f->mask && finished ? f->mask + at : NULL};
    p->simd->tile(d1 - d0, packed + (t * p->depth + d0) * rows, columns_at, columns_at, r->y + at,
                  p->positions, over < rows ? (int)over : rows,
                  left < columns ? (int)left : columns, d0 > r->from, &finish);
  }
}

/* Many panels: each is gathered and multiplied with all rows by one thread. */
static void own_panels(void *context, int64_t first, int64_t last) {
  const run *r = context;
  const plan *p = &r->p;
  float *panel = r->scratch + (int64_t)sb_thread_index() * DEPTH_BLOCK * p->simd->columns;
  for (int64_t item = first; item < last; item++)
    for (int64_t d0 = r->from; d0 < r->to; d0 += DEPTH_BLOCK) {
      int64_t d1 = d0 + DEPTH_BLOCK < r->to ? d0 + DEPTH_BLOCK : r->to;
      gather_panel(p, plane_of(r, item / p->panels), item % p->panels, d0, d1, panel);
      multiply_rows(r, item / p->panels, item % p->panels, 0, p->row_tiles, d0, d1, panel);
    }
}

/* Few panels: all of a plane are gathered first, then threads share out panels and groups of rows.
 */
static void gather_shared(void *context, int64_t first, int64_t last) {
  const run *r = context;
  const plan *p = &r->p;
  int64_t size = p->depth * p->simd->columns, blocks = ceil_div(r->to - r->from, DEPTH_BLOCK);
  for (int64_t item = first; item < last; item++) {
    int64_t panel = item / blocks, d0 = r->from + item % blocks * DEPTH_BLOCK;
    int64_t d1 = d0 + DEPTH_BLOCK < r->to ? d0 + DEPTH_BLOCK : r->to;
    gather_panel(p, plane_of(r, r->plane), panel, d0, d1,
                 r->scratch + panel * size + d0 * p->simd->columns);
  }
}

static void multiply_shared(void *context, int64_t first, int64_t last) {
  const run *r = context;
  const plan *p = &r->p;
  int64_t per_group = GROUP_ROWS / p->simd->rows, size = p->depth * p->simd->columns;
  for (int64_t item = first; item < last; item++) {
    int64_t panel = item % p->panels, t0 = item / p->panels * per_group;
    int64_t t1 = t0 + per_group < p->row_tiles ? t0 + per_group : p->row_tiles;
    for (int64_t d0 = r->from; d0 < r->to; d0 += DEPTH_BLOCK) {
      int64_t d1 = d0 + DEPTH_BLOCK < r->to ? d0 + DEPTH_BLOCK : r->to;
      multiply_rows(r, r->plane, panel, t0, t1, d0, d1,
                    r->scratch + panel * size + d0 * p->simd->columns);
    }
  }
}

/* Depends on the shape alone. Each number is computed alike either way. */
static bool shares_panels(const plan *p) {
  return p->g->n * p->g->groups * p->panels < 24 &&
         p->panels * p->depth * p->simd->columns < SHARED_FLOATS;
}

static int64_t scratch_size(const sb_conv *g) {
  plan p = make_plan(g);
  if (shares_panels(&p)) return p.panels * p.depth * p.simd->columns;
  return (int64_t)sb_get_threads() * DEPTH_BLOCK * p.simd->columns;
}

/* ---- Zero channels ---- */

static bool is_zero(const run *r, int64_t channel) {
  const plan *p = &r->p;
  int64_t planes = p->g->n * p->g->groups;
  for (int64_t plane = 0; plane < planes; plane++) {
    const float *x = plane_of(r, plane) + channel * p->positions;
    for (int64_t i = 0; i < p->positions; i++)
      if (x[i] != 0) return false;
  }
  return true;
}

/* The gradient of one class of a convolutional classifier is zero in all other channels: those
   before the first and after the last that is not are left out. */
static void find_channels(run *r) {
  r->from = 0, r->to = r->p.depth;
  while (r->to > 1 && is_zero(r, r->to - 1)) r->to--;
  while (r->from < r->to - 1 && is_zero(r, r->from)) r->from++;
}

static void run_all(const sb_conv *g, const float *packed, const float *x,
                    const sb_conv_finish *finish, float *y, float *scratch) {
  run r = {
      .p = make_plan(g), .packed = packed, .x = x, .finish = finish, .y = y, .scratch = scratch};
  int64_t planes = g->n * g->groups;
  find_channels(&r);
  if (!shares_panels(&r.p)) {
    sb_parallel(planes * r.p.panels, 1, own_panels, &r);
    return;
  }
  for (r.plane = 0; r.plane < planes; r.plane++) {
    sb_parallel(r.p.panels * ceil_div(r.to - r.from, DEPTH_BLOCK), 1, gather_shared, &r);
    sb_parallel(r.p.panels * r.p.groups, 1, multiply_shared, &r);
  }
}

static bool fits(const sb_conv *g) {
  return g->kernel[0] == 1 && g->kernel[1] == 1 && g->stride[0] == 1 && g->stride[1] == 1 &&
         g->oh == g->h && g->ow == g->w && g->pad[0] == 0 && g->pad[1] == 0;
}

/* Two fused multiply-adds of a vector a cycle, plus the panels: a cycle for eight floats gathered.
 */
static double cost(const sb_conv *g) {
  if (!fits(g)) return INFINITY;
  plan p = make_plan(g);
  double columns = (double)p.panels * p.simd->columns * (double)(g->n * g->groups);
  double rows = (double)p.row_tiles * p.simd->rows;
  return columns * (double)p.depth * (rows / (2 * p.simd->lanes) + 0.125);
}

const sb_conv_fast sb_conv_panels = {
    .name = "panels",
    .cost = cost,
    .packed_size = sb_packed_size,
    .scratch = scratch_size,
    .pack = sb_pack_weights,
    .run = run_all,
};
