/* winograd_plan.c: the cut of a Winograd convolution, its cost, and its weights. */
#include <math.h>
#include <string.h>

#include "conv/winograd.h"
#include "threads.h"

enum { CACHE_FLOATS = 300 * 1024, PAD = 16 };

static int64_t ceil_div(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

/* A few tiles that are left over join the last block: the weights, which a block reads whole, may
   be far away. */
static void set_blocks(sb_winograd *p) {
  int columns = p->simd->columns;
  int64_t fit = CACHE_FLOATS / (p->xis * p->depth * columns);
  int64_t most = ceil_div(p->tiles, columns);
  p->panels = fit < 1 ? 1 : fit > 4 ? 4 : fit;
  if (p->panels > most) p->panels = most;
  p->block = p->panels * columns;
  p->blocks = ceil_div(p->tiles, p->block);
  int64_t rest = p->tiles % p->block;
  if (p->blocks > 1 && rest > 0 && rest <= p->simd->few) p->blocks--, p->panels++;
}

sb_winograd sb_winograd_plan(const sb_conv *g, int m) {
  sb_winograd p = {.g = g, .simd = sb_simd_best(), .m = m, .side = m + 2, .xis = (m + 2) * (m + 2)};
  p.depth = g->c_in / g->groups, p.rows = g->c_out / g->groups;
  p.tiles_y = ceil_div(g->oh, m), p.tiles_x = ceil_div(g->ow, m);
  p.tiles = g->n * p.tiles_y * p.tiles_x;
  set_blocks(&p);
  p.row_tiles = ceil_div(p.rows, p.simd->rows);
  p.v_stride = p.panels * p.depth * p.simd->columns + PAD;
  p.m_stride = sb_winograd_group_tiles(&p) * p.simd->rows * p.panels * p.simd->columns + PAD;
  p.pitch = p.tiles_x * m + 2 * m;
  return p;
}

static bool fits(const sb_conv *g) {
  for (int i = 0; i < 4; i++)
    if (g->pad[i] > 2) return false;
  return g->kernel[0] == 3 && g->kernel[1] == 3 && g->stride[0] == 1 && g->stride[1] == 1 &&
         g->dilation[0] == 1 && g->dilation[1] == 1;
}

/* Products at two fused multiply-adds of a vector a cycle, or the packed weights read at 6 bytes a
   cycle if that takes longer; the transforms of a vector of tiles as they were measured. */
double sb_winograd_cost(const sb_conv *g, int m) {
  if (!fits(g)) return INFINITY;
  sb_winograd p = sb_winograd_plan(g, m);
  double vectors = (double)ceil_div(p.tiles, p.simd->lanes);
  double products = p.xis * vectors * (double)(p.row_tiles * p.simd->rows * p.depth) / 2;
  double reads = (double)sb_winograd_packed_size(&p) * (double)p.blocks * 4 / 6;
  double transforms = vectors * (double)(p.depth + p.rows) * (m == 4 ? 220 : 110);
  return ((products > reads ? products : reads) + transforms) * g->groups;
}

/* ---- Weights -----------------------------------------------------------------------------------
 */

int64_t sb_winograd_packed_size(const sb_winograd *p) {
  return p->xis * p->row_tiles * p->simd->rows * p->depth;
}

int64_t sb_winograd_offset(const sb_winograd *p, int xi, int64_t row_tile) {
  int64_t per_group = sb_winograd_group_tiles(p), group = row_tile / per_group;
  int64_t in_group = p->row_tiles - group * per_group;
  if (in_group > per_group) in_group = per_group;
  int64_t before = group * per_group * p->xis + xi * in_group + row_tile % per_group;
  return before * p->depth * p->simd->rows;
}

/* G of F(4,3) and F(2,3): Lavin & Gray 2016, section 4. */
static const double G4[6][3] = {{1. / 4, 0, 0},
                                {-1. / 6, -1. / 6, -1. / 6},
                                {-1. / 6, 1. / 6, -1. / 6},
                                {1. / 24, 1. / 12, 1. / 6},
                                {1. / 24, -1. / 12, 1. / 6},
                                {0, 0, 1}};
static const double G2[4][3] = {{1, 0, 0}, {.5, .5, .5}, {.5, -.5, .5}, {0, 0, 1}};

/* u = G f G^T, in double. */
static void transform_filter(int m, const float *f, bool flip, double *u) {
  const double(*G)[3] = m == 4 ? G4 : G2;
  double half[6][3] = {{0}};
  int side = m + 2;
  for (int i = 0; i < side; i++)
    for (int j = 0; j < 3; j++)
      for (int k = 0; k < 3; k++)
        half[i][j] += G[i][k] * (double)(flip ? f[8 - 3 * k - j] : f[3 * k + j]);
  for (int i = 0; i < side; i++)
    for (int j = 0; j < side; j++) {
      double sum = 0;
      for (int k = 0; k < 3; k++) sum += half[i][k] * G[j][k];
      u[i * side + j] = sum;
    }
}

typedef struct packing {
  const sb_winograd *p;
  const float *w;
  bool flip;
  float *packed;
} packing;

static void pack_row_tiles(void *context, int64_t first, int64_t last) {
  const packing *k = context;
  const sb_winograd *p = k->p;
  double u[36];
  int rows = p->simd->rows;
  for (int64_t row = first * rows; row < last * rows; row++)
    for (int64_t d = 0; d < p->depth; d++) {
      int64_t filter = k->flip ? d * p->rows + row : row * p->depth + d;
      memset(u, 0, sizeof u);
      if (row < p->rows) transform_filter(p->m, k->w + 9 * filter, k->flip, u);
      for (int xi = 0; xi < p->xis; xi++)
        k->packed[sb_winograd_offset(p, xi, row / rows) + d * rows + row % rows] = (float)u[xi];
    }
}

void sb_winograd_pack(const sb_winograd *p, const float *w, bool flip, float *packed) {
  packing k = {p, w, flip, packed};
  sb_parallel(p->row_tiles, 1, pack_row_tiles, &k);
}
