/* pad: x with a border, or with part of its border cut off (negative pads). */
#include <string.h>

#include "layer.h"
#include "threads.h"

enum { CONSTANT, REFLECT, EDGE, WRAP };
static const char *const modes[] = {"constant", "reflect", "edge", "wrap", NULL};

typedef struct pad {
  sb_ints pads;
  int mode;
  double value;
} pad;

static const sb_param params[] = {
    SB_PARAM(pad, pads, SB_INTS, NULL, SB_ANY,
             "p, {h, w}, or {before..., after...} of as many last dimensions: {top, left, bottom, "
             "right}; negative: cut off"),
    SB_PARAM_CHOICE(pad, mode, "'constant'", modes,
                    "reflect: mirrored at the edge pixel; edge: the edge repeated; wrap: periodic"),
    SB_PARAM(pad, value, SB_FLOAT, "0", SB_ANY, "what constant puts into the border"),
    {NULL}};

static bool construct(void *config, sb_shape *weights, sb_error *e) {
  const sb_ints *p = &((const pad *)config)->pads;
  if (p->n == 0 || (p->n != 1 && p->n % 2) || p->n > 2 * SB_MAX_RANK)
    return sb_fail(e, "pad: pads takes 1, 2, 4, ... or %d values, got %d", 2 * SB_MAX_RANK, p->n);
  for (int i = 0; i < p->n; i++)
    if (p->v[i] > INT32_MAX || p->v[i] < -INT32_MAX)
      return sb_fail(e, "pad: a border of %lld is too large", (long long)p->v[i]);
  return true;
}

/* ---- Geometry -------------------------------------------------------------------------------- */

/* What is added before and after each dimension of x. */
typedef struct border {
  int64_t before[SB_MAX_RANK], after[SB_MAX_RANK];
} border;

/* False if x has fewer dimensions than pads names. */
static bool find_border(const sb_ints *p, int rank, border *b) {
  int k = p->n == 1 ? (rank < 2 ? rank : 2) : p->n / 2; /* last dimensions with a border */
  bool symmetric = p->n == 1 || (p->n == 2 && rank > 1);
  if (p->n == 2 && rank > 1) k = 2;
  *b = (border){{0}, {0}};
  if (k < 1 || k > rank) return false;
  for (int i = 0; i < k; i++) {
    b->before[rank - k + i] = p->v[symmetric ? i % p->n : i];
    b->after[rank - k + i] = p->v[symmetric ? i % p->n : k + i];
  }
  return true;
}

/* The widest border that dimension extent n can fill. */
static int64_t widest(int mode, int64_t n) {
  if (mode == CONSTANT) return INT64_MAX;
  return mode == REFLECT ? n - 1 : n > 0 ? INT64_MAX : 0;
}

static bool shape(const void *config, const sb_shape *weights, const sb_shape *in, int n_in,
                  sb_plan *plan, sb_error *e) {
  const pad *f = config;
  char text[SB_SHAPE_TEXT];
  border b;
  sb_shape_text(&in[0], text);
  if (!find_border(&f->pads, in[0].rank, &b))
    return sb_fail(e, "pad: %d pads are too many for the input %s", f->pads.n, text);
  plan->n_out = 1;
  plan->out[0] = in[0];
  for (int d = 0; d < in[0].rank; d++) {
    int64_t most = b.before[d] > b.after[d] ? b.before[d] : b.after[d];
    plan->out[0].dim[d] += b.before[d] + b.after[d];
    if (plan->out[0].dim[d] < 0)
      return sb_fail(e, "pad: pads %d and %d cut off more than axis %d of the input %s has",
                     (int)b.before[d], (int)b.after[d], d + 1, text);
    if (most > 0 && most > widest(f->mode, in[0].dim[d]))
      return sb_fail(e, "pad: axis %d of the input %s is too short for a border of %d, mode %s",
                     d + 1, text, (int)most, modes[f->mode]);
  }
  return true;
}

/* The position of x, of extent n, that position i (negative or beyond n in the border) shows; -1:
   the constant. */
static int64_t source(int mode, int64_t i, int64_t n) {
  if (i >= 0 && i < n) return i;
  switch (mode) {
  case REFLECT: return i < 0 ? -i : 2 * (n - 1) - i;
  case EDGE: return i < 0 ? 0 : n - 1;
  case WRAP: return (i % n + n) % n;
  default: return -1;
  }
}

/* Rows (all dimensions but the last) of y and where they come from. */
typedef struct job {
  const sb_call *c;
  int mode, rank;
  float value;
  border b;
  const int64_t *in, *out; /* extents */
  int64_t first, end;      /* columns of y that lie in x */
  int64_t group;           /* rows of y between which no row of x is shared with other groups */
  int64_t group_in;        /* elements of x that they show */
} job;

static job start(const sb_call *c) {
  const pad *f = c->config;
  const sb_shape *in = &c->in[0].shape, *out = &c->out[0].shape;
  job j = {.c = c, .mode = f->mode, .rank = in->rank, .value = (float)f->value};
  find_border(&f->pads, in->rank, &j.b);
  int last = in->rank - 1, d = 0;
  int64_t before = j.b.before[last], width = out->dim[last];
  j.in = in->dim, j.out = out->dim;
  j.first = before < 0 ? 0 : before > width ? width : before;
  j.end = before + in->dim[last] < width ? before + in->dim[last] : width;
  if (j.end < j.first) j.end = j.first;
  while (d < last && j.b.before[d] == 0 && j.b.after[d] == 0) d++;
  j.group = sb_shape_span(out, d, last);
  j.group_in = sb_shape_span(in, d, in->rank);
  return j;
}

/* Where row r of y begins in x, or -1 if it is all constant. */
static int64_t source_row(const job *j, int64_t r) {
  int64_t offset = 0, stride = j->in[j->rank - 1];
  for (int d = j->rank - 2; d >= 0; d--) {
    int64_t i = source(j->mode, r % j->out[d] - j->b.before[d], j->in[d]);
    if (i < 0) return -1;
    offset += i * stride;
    stride *= j->in[d];
    r /= j->out[d];
  }
  return offset;
}

/* ---- Forward and backward -------------------------------------------------------------------- */

static float pixel(const job *j, const float *x, int64_t column) {
  int last = j->rank - 1;
  int64_t i = source(j->mode, column - j->b.before[last], j->in[last]);
  return i < 0 ? j->value : x[i];
}

static void forward_rows(void *context, int64_t first, int64_t end) {
  const job *j = context;
  int64_t width = j->out[j->rank - 1], before = j->b.before[j->rank - 1];
  for (int64_t r = first; r < end; r++) {
    int64_t row = source_row(j, r), i = 0;
    float *y = j->c->out[0].data + r * width;
    if (row < 0) {
      for (; i < width; i++) y[i] = j->value;
      continue;
    }
    const float *x = j->c->in[0].data + row;
    for (; i < j->first; i++) y[i] = pixel(j, x, i);
    for (; i < j->end; i++) y[i] = x[i - before];
    for (; i < width; i++) y[i] = pixel(j, x, i);
  }
}

static void forward(const sb_call *c) {
  job j = start(c);
  if (sb_count(&c->out[0]) == 0) return;
  int64_t width = j.out[j.rank - 1];
  sb_parallel(sb_count(&c->out[0]) / width, 1 + (1 << 15) / width, forward_rows, &j);
}

static void add_pixel(const job *j, float *dx, int64_t column, float dy) {
  int last = j->rank - 1;
  int64_t i = source(j->mode, column - j->b.before[last], j->in[last]);
  if (i >= 0) dx[i] += dy;
}

static void backward_groups(void *context, int64_t first, int64_t end) {
  const job *j = context;
  int64_t width = j->out[j->rank - 1], before = j->b.before[j->rank - 1];
  float *all = j->c->dx[0].data;
  memset(all + first * j->group_in, 0, (size_t)((end - first) * j->group_in) * sizeof *all);
  for (int64_t r = first * j->group; r < end * j->group; r++) {
    int64_t row = source_row(j, r), i = 0;
    const float *dy = j->c->dy[0].data + r * width;
    if (row < 0) continue;
    float *dx = all + row;
    for (; i < j->first; i++) add_pixel(j, dx, i, dy[i]);
    for (; i < j->end; i++) dx[i - before] += dy[i];
    for (; i < width; i++) add_pixel(j, dx, i, dy[i]);
  }
}

static void backward(const sb_call *c) {
  job j = start(c);
  int64_t n = sb_count(&c->in[0]);
  if (c->dx[0].data && n > 0)
    sb_parallel(n / j.group_in, 1 + (1 << 15) / j.group_in, backward_groups, &j);
}

/* The border of the last two dimensions. */
static bool window(const void *config, const sb_shape *weights, sb_window *w) {
  border b;
  if (!find_border(&((const pad *)config)->pads, 4, &b)) return true;
  for (int axis = 0; axis < 2; axis++) w->pad[axis] = (double)b.before[2 + axis];
  return true;
}

const sb_layer sb_layer_pad = {
    .name = "pad",
    .help = "y = x with a border before and after its last dimensions; negative pads cut off",
    .config_size = sizeof(pad),
    .params = params,
    .min_in = 1,
    .max_in = 1,
    .samples = "{ {pads = 1}, input = {{2, 3, 4}} },"
               "{ {pads = {2, 1, 0, 3}, mode = 'reflect'}, input = {{1, 2, 4, 5}} },"
               "{ {pads = {2, 1}, mode = 'edge'}, input = {{2, 2, 3}} },"
               "{ {pads = {-1, 2, 1, -2}, value = 0.5}, input = {{2, 3, 4}} },"
               "{ {pads = {1, 0, 2, 0, 1, 3}, mode = 'wrap'}, input = {{2, 3, 4}} },"
               "{ {pads = {1, 2}}, input = {{3}} }",
    .construct = construct,
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .window = window,
};
