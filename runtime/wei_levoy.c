#include "wei_levoy.h"

#include "threads.h"

/* ---- Neighbourhoods ---------------------------------------------------------------------------
 */

static int64_t most(int64_t a, int64_t b) {
  return a > b ? a : b;
}

static int64_t least(int64_t a, int64_t b) {
  return a < b ? a : b;
}

int64_t sb_neighbourhood_size(const sb_neighbourhood *n) {
  int64_t side = 2 * n->coarse_radius + 1;
  return n->fine.n * 2 * n->radius * (n->radius + 1) + n->coarse.n * side * side;
}

sb_inside sb_neighbourhood_inside(const sb_neighbourhood *n) {
  int64_t r = n->radius, q = n->coarse_radius;
  sb_inside in = {r, n->fine.h, r, n->fine.w - r};
  if (n->coarse.n > 0) {
    in.top = in.left = most(r, 2 * q);
    in.bottom = least(in.bottom, 2 * (n->coarse.h - q));
    in.right = least(in.right, 2 * (n->coarse.w - q));
  }
  in.bottom = most(in.top, in.bottom), in.right = most(in.left, in.right);
  return in;
}

static int64_t wrapped(int64_t i, int64_t n) {
  i %= n;
  return i < 0 ? i + n : i;
}

/* Appends rows y + top .. y + bottom of the columns within r of x, last row only up to `last`. */
static float *take(const sb_planes *p, int64_t y, int64_t x, int64_t top, int64_t bottom, int64_t r,
                   int64_t last, float *to) {
  bool inside = y + top >= 0 && y + bottom < p->h && x >= r && x + r < p->w;
  for (int64_t i = top; i <= bottom; i++) {
    int64_t end = i == bottom ? last : r;
    int64_t row = (inside ? y + i : wrapped(y + i, p->h)) * p->w;
    for (int64_t j = -r; j <= end; j++) {
      const float *pixel = p->data + row + (inside ? x + j : wrapped(x + j, p->w));
      for (int64_t c = 0; c < p->n; c++) *to++ = pixel[c * p->h * p->w];
    }
  }
  return to;
}

static void gather(const sb_neighbourhood *n, int64_t y, int64_t x, float *to) {
  int64_t q = n->coarse_radius;
  to = take(&n->fine, y, x, -n->radius, 0, n->radius, -1, to);
  if (n->coarse.n > 0) take(&n->coarse, y / 2, x / 2, -q, q, q, q, to);
}

typedef struct gathering {
  const sb_neighbourhood *n;
  sb_inside in;
  float *rows;
} gathering;

static void gather_lines(void *context, int64_t first, int64_t last) {
  const gathering *g = context;
  int64_t size = sb_neighbourhood_size(g->n), columns = g->in.right - g->in.left;
  for (int64_t i = first; i < last; i++)
    for (int64_t j = 0; j < columns; j++)
      gather(g->n, g->in.top + i, g->in.left + j, g->rows + (i * columns + j) * size);
}

void sb_gather_neighbourhoods(const sb_neighbourhood *n, float *rows) {
  gathering g = {n, sb_neighbourhood_inside(n), rows};
  sb_parallel(g.in.bottom - g.in.top, 1, gather_lines, &g);
}

/* ---- Synthesis --------------------------------------------------------------------------------
 */

int64_t sb_level_scratch(const sb_level *l) {
  int64_t blocks = SB_NEAREST_BLOCKS(l->tree->n) * (int64_t)sizeof(sb_neighbour);
  int64_t branches = l->tree->n_nodes * (int64_t)sizeof(sb_tsvq_branch);
  return most(blocks, branches) + l->tree->d * (int64_t)sizeof(float);
}

static sb_neighbour find(const sb_level *l, const float *v, void *scratch) {
  const sb_tsvq *t = l->tree;
  if (l->leaves == 0) return sb_nearest_row(t->rows, t->n, t->d, v, scratch);
  return sb_tsvq_nearest(t, v, l->leaves, scratch);
}

/* The picture's pixel takes over the sample's that is row `found` of the gathered ones. */
static void copy_pixel(const sb_level *l, const sb_inside *in, int64_t found, int64_t place) {
  const sb_planes *s = &l->sample.fine, *p = &l->picture.fine;
  int64_t columns = in->right - in->left;
  int64_t source = (in->top + found / columns) * s->w + in->left + found % columns;
  for (int64_t c = 0; c < p->n; c++)
    p->data[c * p->h * p->w + place] = s->data[c * s->h * s->w + source];
  l->from[place] = (float)(source + 1);
}

void sb_fill_level(const sb_level *l, int64_t first, int64_t last, void *scratch) {
  sb_inside in = sb_neighbourhood_inside(&l->sample);
  int64_t w = l->picture.fine.w;
  char *rest = (char *)scratch + sb_level_scratch(l) - l->tree->d * (int64_t)sizeof(float);
  float *v = (float *)rest;
  for (int64_t y = first; y < last; y++)
    for (int64_t x = 0; x < w; x++) {
      gather(&l->picture, y, x, v);
      copy_pixel(l, &in, find(l, v, scratch).row, y * w + x);
    }
}
