/* winograd.h: how F(m x m, 3 x 3) convolution (Lavin & Gray 2016) is cut up: what its parts share.
   m = 4 costs 4 times, m = 2 2.25 times fewer multiplications than the definition.

   F(4x4) interpolates at 0, +-1/sqrt(2), +-sqrt(2) and infinity instead of the usual 0, +-1, +-2
   and infinity, which more than halves its error (Barabasz et al. 2020 search for such points). For
   points +-p and +-q the rows of B^T are the coefficients of the product of all (x - point) divided
   by one of them, those of A^T the points' powers, those of G their powers over B^T's row there.

   Tiles are numbered through all images, row by row. A block of tiles is transformed to
   V[xi][panel][depth][columns], multiplied with U[group][xi][row tile][depth][rows] for a group of
   output channels at a time to M[xi][row][tile], and transformed back from there, all in cache. */
#ifndef SB_WINOGRAD_H
#define SB_WINOGRAD_H

#include "conv/conv.h"
#include "conv/simd.h"

typedef struct sb_winograd {
  const sb_conv *g;
  const sb_simd *simd;
  int m, side, xis;    /* outputs a tile side; m + 2; its square */
  int64_t depth, rows; /* input and output channels of a group of the convolution */
  int64_t tiles_y, tiles_x, tiles;
  int64_t block, blocks; /* tiles of a block, whole panels of `columns`; the last one may hold a
                            few more */
  int64_t panels;        /* that the largest block needs */
  int64_t row_tiles;     /* of the output channels */
  int64_t v_stride, m_stride; /* floats from one xi to the next */
  int64_t pitch;              /* of the padded copy of a channel's rows */
} sb_winograd;

sb_winograd sb_winograd_plan(const sb_conv *g, int m);

/* Row tiles of a full group of output channels: 64 channels, or less so that there are several
   groups for the threads. Weights are packed by group, so this may depend on nothing but their
   shape. */
static inline int64_t sb_winograd_group_tiles(const sb_winograd *p) {
  return (p->rows >= 512 ? 64 : p->rows >= 128 ? 32 : 16) / p->simd->rows;
}

/* Where the packed weights of a row tile begin, within those of a group of the convolution. */
int64_t sb_winograd_offset(const sb_winograd *p, int xi, int64_t row_tile);

/* Floats of packed weights of one group of the convolution. */
int64_t sb_winograd_packed_size(const sb_winograd *p);

void sb_winograd_pack(const sb_winograd *p, const float *w, bool flip, float *packed);

/* Where the transform of a tile goes: v[tile / columns * panel + channel * channel + tile %
   columns], and p->v_stride further on for each xi. */
typedef struct sb_winograd_place {
  int64_t panel, channel;
} sb_winograd_place;

/* V = B^T d B of tiles [start, end) of a channel of x, whole vectors of them (those that there are
   not are zero). rows: scratch of sb_winograd_rows(p, end - start) floats. */
void sb_winograd_inputs(const sb_winograd *p, const float *x, int64_t start, int64_t end,
                        int64_t channel, const sb_winograd_place *to, float *v, float *rows);
int64_t sb_winograd_rows(const sb_winograd *p, int64_t tiles);

/* G of F(4,3). */
extern const double sb_winograd_g4[6][3];

/* Whether the kernel is 3x3, stride 1, dilation 1, padding <= 2. */
bool sb_winograd_fits(const sb_conv *g);

/* Estimated cycles of one core; INFINITY unless the kernel is 3x3, stride 1, dilation 1, padding
 * <= 2. */
double sb_winograd_cost(const sb_conv *g, int m);

#endif
