/* winograd_gradient.c: the gradient of 3x3 weights at stride 1 by the adjoint of F(4x4, 3x3) (Lavin
   & Gray 2016). From y = A^T [(G w G^T) . (B^T x B)] A a tile follows

     dw = G^T [sum over tiles of (A dy A^T) . (B^T x B)] G,

   so that for each of the 36 places xi one product D V^T sums over the tiles, at a quarter of the
   definition's multiplications. D[xi][out][tile] and V[xi][in][tile] are made for a block of tiles
   at a time. */
#include <string.h>

#include "clones.h"
#include "conv/algorithm.h"
#include "conv/winograd.h"
#include "gemm.h"
#include "threads.h"

enum { XIS = 36, M = 4, BLOCK_FLOATS = 1 << 22, PAD = 16, GRAIN = 4 };

typedef struct plan {
  sb_winograd w;
  int64_t ins, outs;  /* of a group */
  int64_t block;      /* tiles of a block, whole vectors */
  int64_t rows;       /* scratch of a thread */
  int64_t vs, ds, ms; /* floats from one xi to the next of V, D and the sums */
} plan;

typedef struct job {
  plan p;
  const float *dy, *x; /* of the first image, from the group's first channel on */
  float *dw, *v, *d, *m, *rows;
  int64_t first, last; /* tiles of the present block */
} job;

static int64_t whole_vectors(const plan *p, int64_t tiles) {
  int lanes = p->w.simd->lanes;
  return (tiles + lanes - 1) / lanes * lanes;
}

static plan make_plan(const sb_conv *g) {
  plan p = {.w = sb_winograd_plan(g, M), .ins = g->c_in / g->groups, .outs = g->c_out / g->groups};
  int64_t fit = BLOCK_FLOATS / (XIS * (p.ins + p.outs)), most = whole_vectors(&p, p.w.tiles);
  p.block = whole_vectors(&p, fit < 256 ? 256 : fit);
  if (p.block > most) p.block = most;
  p.vs = p.ins * p.block + PAD, p.ds = p.outs * p.block + PAD, p.ms = p.ins * p.outs;
  p.rows = sb_winograd_rows(&p.w, p.block);
  p.w.v_stride = p.vs;
  return p;
}

static int64_t scratch_size(const sb_conv *g) {
  plan p = make_plan(g);
  return XIS * (p.vs + p.ds + p.ms) + sb_get_threads() * p.rows;
}

/* ---- D = A dy A^T ---- */

/* The run of tiles in a row of the grid that begins at `tile`, at most `count`, to the rows of
   `tiles`, a vector of tiles side by side; what lies outside dy stays as it is. */
static int64_t gather_run(const job *t, int64_t channel, int64_t tile, int64_t count,
                          float *tiles) {
  const sb_winograd *w = &t->p.w;
  const sb_conv *g = w->g;
  int64_t tx = tile % w->tiles_x, ty = tile / w->tiles_x % w->tiles_y;
  int64_t image = tile / w->tiles_x / w->tiles_y, run = w->tiles_x - tx;
  if (run > count) run = count;
  int64_t width = (tx + run) * M > g->ow ? g->ow - tx * M : run * M;
  const float *dy = t->dy + ((image * g->c_out + channel) * g->oh + ty * M) * g->ow + tx * M;
  for (int i = 0; i < M && ty * M + i < g->oh; i++, dy += g->ow)
    memcpy(tiles + i * M * w->simd->lanes, dy, (size_t)width * sizeof *dy);
  return run;
}

static void spread_lanes(const job *t, int64_t channel, int64_t tile, float *d) {
  const sb_winograd *w = &t->p.w;
  int lanes = w->simd->lanes;
  float tiles[M * M * 16];
  memset(tiles, 0, sizeof tiles);
  for (int64_t done = 0; done < lanes && tile + done < t->last;) {
    int64_t left = t->last - tile - done;
    done += gather_run(t, channel, tile + done, left < lanes - done ? left : lanes - done,
                       tiles + done * M);
  }
  w->simd->spread4(tiles, M * lanes, d, t->p.ds);
}

/* ---- A block ---- */

/* Items [0, ins) make V, the others D. */
static void transform_channels(void *context, int64_t first, int64_t last) {
  const job *t = context;
  const plan *p = &t->p;
  sb_winograd_place to = {p->w.simd->columns, p->block};
  for (int64_t c = first; c < last; c++)
    if (c < p->ins)
      sb_winograd_inputs(&p->w, t->x, t->first, t->last, c, &to, t->v,
                         t->rows + sb_thread_index() * p->rows);
    else
      for (int64_t tile = t->first; tile < t->last; tile += p->w.simd->lanes)
        spread_lanes(t, c - p->ins, tile, t->d + (c - p->ins) * p->block + tile - t->first);
}

static void multiply_places(void *context, int64_t first, int64_t last) {
  const job *t = context;
  const plan *p = &t->p;
  for (int64_t xi = first; xi < last; xi++)
    sb_gemm(false, true, p->outs, p->ins, t->last - t->first, 1, t->d + xi * p->ds, p->block,
            t->v + xi * p->vs, p->block, t->first > 0, t->m + xi * p->ms, p->ins);
}

/* ---- dw += G^T sums G ---- */

/* For `n` <= PART input channels of one output channel; the sums of a place are `stride` apart. */
enum { PART = 32 };
SB_CLONES static void add_filters(int64_t n, const float *m, int64_t stride, float *dw) {
  const double(*G)[3] = sb_winograd_g4;
  float half[6][3][PART], whole[3][3][PART];
  for (int i = 0; i < 6; i++)
    for (int b = 0; b < 3; b++)
      for (int64_t c = 0; c < n; c++) {
        double sum = 0;
        for (int j = 0; j < 6; j++) sum += G[j][b] * (double)m[(i * 6 + j) * stride + c];
        half[i][b][c] = (float)sum;
      }
  for (int a = 0; a < 3; a++)
    for (int b = 0; b < 3; b++)
      for (int64_t c = 0; c < n; c++) {
        double sum = 0;
        for (int i = 0; i < 6; i++) sum += G[i][a] * (double)half[i][b][c];
        whole[a][b][c] = (float)sum;
      }
  for (int64_t c = 0; c < n; c++)
    for (int k = 0; k < 9; k++) dw[c * 9 + k] += whole[k / 3][k % 3][c];
}

static void add_channels(void *context, int64_t first, int64_t last) {
  const job *t = context;
  const plan *p = &t->p;
  for (int64_t o = first; o < last; o++)
    for (int64_t c = 0; c < p->ins; c += PART)
      add_filters(p->ins - c < PART ? p->ins - c : PART, t->m + o * p->ins + c, p->ms,
                  t->dw + (o * p->ins + c) * 9);
}

static void sum_group(job *t) {
  const plan *p = &t->p;
  for (t->first = 0; t->first < p->w.tiles; t->first += p->block) {
    t->last = t->first + p->block < p->w.tiles ? t->first + p->block : p->w.tiles;
    sb_parallel(p->ins + p->outs, GRAIN, transform_channels, t);
    sb_parallel(XIS, 1, multiply_places, t);
  }
  sb_parallel(p->outs, GRAIN, add_channels, t);
}

static void backward_weights(const sb_conv *g, const float *dy, const float *x, float *dw,
                             float *scratch) {
  job t = {.p = make_plan(g), .v = scratch};
  const plan *p = &t.p;
  t.d = t.v + XIS * p->vs, t.m = t.d + XIS * p->ds, t.rows = t.m + XIS * p->ms;
  for (int64_t group = 0; group < g->groups; group++) {
    t.dy = dy + group * p->outs * g->oh * g->ow, t.x = x + group * p->ins * g->h * g->w;
    t.dw = dw + group * p->outs * p->ins * 9;
    sum_group(&t);
  }
}

/* Where the channels are few the transforms, and where the tiles are few the sums' own transform,
   take longer than what is saved. */
bool sb_conv_winograd_gradient_pays(const sb_conv *g) {
  if (!sb_winograd_fits(g)) return false;
  int64_t ins = g->c_in / g->groups, outs = g->c_out / g->groups;
  sb_winograd w = sb_winograd_plan(g, M);
  bool wasteful = w.tiles * M * M * 2 > g->n * g->oh * g->ow * 3;
  return ins >= 16 && outs >= 16 && w.tiles >= 64 && !wasteful;
}

const sb_conv_algorithm sb_conv_winograd_gradient = {
    .name = "winograd gradient",
    .fits = sb_winograd_fits,
    .backward_weights_scratch = scratch_size,
    .backward_weights = backward_weights,
};
