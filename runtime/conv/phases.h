/* phases.h: how the adjoint of a convolution in its input is cut up for any stride and padding.

   With y + top = q sy + p, row y of dx is the sum, over the taps i that have i dy = t sy + p, of
   row q - t of dy times w[.., i, ..]; columns likewise. So each phase p = {p_y, p_x} of the stride
   is a correlation of dy at stride 1 with the taps of that phase: a product of matrices whose rows
   are the channels of dx. One padded copy of dy serves all phases, each tap at a shift of its own.
 */
#ifndef SB_PHASES_H
#define SB_PHASES_H

#include <stdbool.h>

#include "conv/conv.h"
#include "conv/simd.h"

enum { SB_PHASES_STRIDE = 32 }; /* at most */

typedef struct sb_phases {
  const sb_conv *g;
  const sb_simd *simd;
  int64_t ins, outs;               /* channels of dx and of dy in a group of the convolution */
  int64_t row_tiles;               /* of a product */
  int64_t first[2], count[2];      /* the q that dx has */
  int64_t reach[2];                /* the largest t */
  int taps[2][SB_PHASES_STRIDE];   /* of each phase along an axis */
  int before[2][SB_PHASES_STRIDE]; /* of the phases before it */
  int64_t pitch;                   /* floats of a row of the copy */
  int64_t band, bands;             /* rows of q in a band; bands of an image */
  int64_t channel, columns;        /* floats of a channel of a band's copy; its column tiles */
  bool shared;                     /* one copy for all threads, or one each */
} sb_phases;

sb_phases sb_phases_plan(const sb_conv *g);

/* The tap i with i * dilation = t * stride + phase, or -1. */
int sb_phases_tap(const sb_conv *g, int axis, int phase, int64_t t);

static inline int64_t sb_phases_taps(const sb_phases *p, int py, int px) {
  return (int64_t)p->taps[0][py] * p->taps[1][px];
}

/* Where the packed weights of a phase begin, within those of a group of the convolution. */
int64_t sb_phases_offset(const sb_phases *p, int py, int px);

int64_t sb_phases_packed_size(const sb_phases *p);
void sb_phases_pack(const sb_phases *p, const float *w, float *packed);

/* Estimated cycles of one core; INFINITY for strides above SB_PHASES_STRIDE. */
double sb_phases_cost(const sb_conv *g);

#endif
