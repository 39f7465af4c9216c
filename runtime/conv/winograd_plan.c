/* winograd_plan.c: the cut of a Winograd convolution, its cost, and its weights. */
#include <math.h>
#include <string.h>

#include "clones.h"
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

bool sb_winograd_fits(const sb_conv *g) {
  for (int i = 0; i < 4; i++)
    if (g->pad[i] > 2) return false;
  return g->kernel[0] == 3 && g->kernel[1] == 3 && g->stride[0] == 1 && g->stride[1] == 1 &&
         g->dilation[0] == 1 && g->dilation[1] == 1;
}

/* Products at two fused multiply-adds of a vector a cycle, or the packed weights read at 6 bytes a
   cycle if that takes longer; the transforms of a vector of tiles as they were measured. */
double sb_winograd_cost(const sb_conv *g, int m) {
  if (!sb_winograd_fits(g)) return INFINITY;
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

#define ROOT 1.4142135623730951
const double sb_winograd_g4[6][3] = {{1, 0, 0},
                                     {-2. / 3, -ROOT / 3, -1. / 3},
                                     {-2. / 3, ROOT / 3, -1. / 3},
                                     {1. / 6, ROOT / 6, 1. / 3},
                                     {1. / 6, -ROOT / 6, 1. / 3},
                                     {0, 0, 1}};
/* G of F(2,3). */
static const double G2[4][3] = {{1, 0, 0}, {.5, .5, .5}, {.5, -.5, .5}, {0, 0, 1}};

/* u = G f G^T in double for a row tile's filters side by side, so that the compiler makes vectors
   of them. f and u have SB_SIMD_MAX_ROWS columns. */
SB_PART void transform_filters(int side, const double (*G)[3], const double (*f)[SB_SIMD_MAX_ROWS],
                               double (*u)[SB_SIMD_MAX_ROWS]) {
  enum { N = SB_SIMD_MAX_ROWS };
  double half[6][3][N];
  for (int i = 0; i < side; i++)
    for (int j = 0; j < 3; j++)
      for (int r = 0; r < N; r++)
        half[i][j][r] = G[i][0] * f[j][r] + G[i][1] * f[3 + j][r] + G[i][2] * f[6 + j][r];
  for (int i = 0; i < side; i++)
    for (int j = 0; j < side; j++)
      for (int r = 0; r < N; r++)
        u[i * side + j][r] =
            half[i][0][r] * G[j][0] + half[i][1][r] * G[j][1] + half[i][2][r] * G[j][2];
}

typedef struct packing {
  const sb_winograd *p;
  const float *w;
  bool flip;
  float *packed;
} packing;

/* The filters of a row tile at depth d, tap by tap; rows that there are not stay zero. */
static void gather_filters(const packing *k, int64_t tile, int64_t d,
                           double (*f)[SB_SIMD_MAX_ROWS]) {
  const sb_winograd *p = k->p;
  for (int r = 0; r < p->simd->rows; r++) {
    int64_t row = tile * p->simd->rows + r;
    if (row >= p->rows) break;
    const float *w = k->w + 9 * (k->flip ? d * p->rows + row : row * p->depth + d);
    for (int tap = 0; tap < 9; tap++) f[tap][r] = (double)w[k->flip ? 8 - tap : tap];
  }
}

/* Depths [first, last) of a row tile: a stretch of each xi at a time, so that few streams of memory
   are written to. */
enum { STRETCH = 16 };
SB_CLONES static void pack_stretch(const packing *k, int64_t tile, int64_t first, int64_t last) {
  const sb_winograd *p = k->p;
  double f[9][SB_SIMD_MAX_ROWS] = {{0}}, u[36][SB_SIMD_MAX_ROWS];
  float stretch[36][STRETCH][SB_SIMD_MAX_ROWS];
  int rows = p->simd->rows;
  for (int64_t d = first; d < last; d++) {
    gather_filters(k, tile, d, f);
    transform_filters(p->side, p->m == 4 ? sb_winograd_g4 : G2, f, u);
    for (int xi = 0; xi < p->xis; xi++)
      for (int r = 0; r < SB_SIMD_MAX_ROWS; r++) stretch[xi][d - first][r] = (float)u[xi][r];
  }
  for (int xi = 0; xi < p->xis; xi++) {
    float *to = k->packed + sb_winograd_offset(p, xi, tile) + first * rows;
    for (int64_t d = 0; d < last - first; d++)
      memcpy(to + d * rows, stretch[xi][d], (size_t)rows * sizeof *to);
  }
}

static void pack_row_tiles(void *context, int64_t first, int64_t last) {
  const packing *k = context;
  int64_t depth = k->p->depth;
  for (int64_t tile = first; tile < last; tile++)
    for (int64_t d = 0; d < depth; d += STRETCH)
      pack_stretch(k, tile, d, d + STRETCH < depth ? d + STRETCH : depth);
}

void sb_winograd_pack(const sb_winograd *p, const float *w, bool flip, float *packed) {
  packing k = {p, w, flip, packed};
  sb_parallel(p->row_tiles, 1, pack_row_tiles, &k);
}
