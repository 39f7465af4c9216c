#include "conv/panel.h"

#include <string.h>

#include "conv/algorithm.h"

/* Walks output positions [p0, p1) a piece of one output row at a time. */
typedef struct walk {
  int64_t oy, ox, left;
} walk;

/* The piece of the row at w: how many positions, of them [first, last) see inside the image's
   columns, and the input column that `first` sees. */
typedef struct piece {
  int64_t count, first, last, x;
} piece;

static inline piece piece_at(const sb_conv *g, const walk *w, sb_conv_range inside, int j) {
  piece p;
  int64_t end = w->ox + w->left < g->ow ? w->ox + w->left : g->ow;
  int64_t first = inside.first > w->ox ? inside.first : w->ox;
  int64_t last = inside.last < end ? inside.last : end;
  if (first > end) first = end;
  p.count = end - w->ox;
  p.first = first - w->ox;
  p.last = last > first ? last - w->ox : p.first;
  p.x = sb_conv_at(g, 1, first, j);
  return p;
}

static inline void step(walk *w, const piece *p) {
  w->left -= p->count;
  w->ox = 0, w->oy++;
}

static inline void copy_piece(const float *x, const piece *p, int64_t stride, float *to) {
  for (int64_t k = 0; k < p->first; k++) to[k] = 0;
  if (stride == 1 && p->last > p->first)
    memcpy(to + p->first, x + p->x, (size_t)(p->last - p->first) * sizeof *to);
  else
    for (int64_t k = p->first, at = p->x; k < p->last; k++, at += stride) to[k] = x[at];
  for (int64_t k = p->last; k < p->count; k++) to[k] = 0;
}

static void gather_tap(const sb_conv *g, const float *x, int i, int j, walk w, float *to) {
  sb_conv_range inside = sb_conv_inside(g, 1, j);
  while (w.left > 0) {
    piece p = piece_at(g, &w, inside, j);
    int64_t row = sb_conv_at(g, 0, w.oy, i);
    if (row < 0 || row >= g->h) p.first = p.last = p.count;
    copy_piece(x + (row < 0 ? 0 : row) * g->w, &p, g->stride[1], to);
    to += p.count;
    step(&w, &p);
  }
}

void sb_panel_gather(const sb_conv *g, const float *x, int64_t channels, int64_t p0, int64_t p1,
                     float *panel) {
  walk w = {p0 / g->ow, p0 % g->ow, p1 - p0};
  for (int64_t c = 0; c < channels; c++, x += g->h * g->w)
    for (int i = 0; i < g->kernel[0]; i++)
      for (int j = 0; j < g->kernel[1]; j++, panel += p1 - p0) gather_tap(g, x, i, j, w, panel);
}
