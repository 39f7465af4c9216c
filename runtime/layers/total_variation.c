/* total_variation: how much neighbours differ. With the differences dx = x[i,j+1] - x[i,j] and
   dy = x[i+1,j] - x[i,j], summed over an image's planes,
     isotropic    sum over pixels with both neighbours of (dx^2 + dy^2)^(beta/2)
                  (Mahendran & Vedaldi 2015, section 3)
     anisotropic  sum of |dx|^beta over all rows + sum of |dy|^beta over all columns
   Where beta < 2 makes the gradient at equal neighbours undefined, it is taken as 0. */
#include "layer.h"
#include "threads.h"

enum { ISOTROPIC, ANISOTROPIC };
enum { BAND = 32 }; /* rows of an item */

typedef struct variation {
  double beta;
  int form;
} variation;

static const char *const forms[] = {"isotropic", "anisotropic", NULL};
static const sb_param params[] = {
    SB_PARAM(variation, beta, SB_FLOAT, "2", 1, "exponent"),
    SB_PARAM_CHOICE(variation, form, "'isotropic'", forms, "whether dx and dy go together"),
    {NULL}};

static int64_t bands_of(const sb_shape *in) {
  return (in->dim[2] + BAND - 1) / BAND;
}

static bool shape(const void *config, const sb_shape *weights, const sb_shape *in, int n_in,
                  sb_plan *plan, sb_error *e) {
  if (!sb_require_nchw("total_variation", &in[0], e)) return false;
  int64_t items = in[0].dim[0] * in[0].dim[1] * bands_of(&in[0]);
  plan->n_out = 1;
  plan->out[0] = sb_shape1(in[0].dim[0]);
  plan->forward_scratch = 2 * items; /* a double each */
  plan->backward_scratch = 3 * items * in[0].dim[3];
  return true;
}

/* ---- One term ---------------------------------------------------------------------------------
 */

/* s^(p/2) for s >= 0 */
static inline float power(float s, double p) {
  if (p == 2) return s;
  if (p == 1) return sqrtf(s);
  return powf(s, (float)(p / 2));
}

/* d/ds of it, times 2 */
static inline float slope(float s, double p) {
  if (p == 2) return 2;
  if (s == 0) return 0;
  return (float)p * powf(s, (float)(p / 2 - 1));
}

typedef struct rows {
  const float *x;
  int64_t width, below; /* distance to the pixel below; 0 in the last row */
  const variation *v;
} rows;

/* dx and dy at column k, 0 beyond the edge. In the isotropic form, what lacks one has none. */
static inline void differences(const rows *r, int64_t k, float *dx, float *dy) {
  bool right = k + 1 < r->width, down = r->below > 0, both = r->v->form == ISOTROPIC;
  *dx = right && (down || !both) ? r->x[k + 1] - r->x[k] : 0;
  *dy = down && (right || !both) ? r->x[k + r->below] - r->x[k] : 0;
}

static double row_value(const rows *r) {
  double sum = 0;
  for (int64_t k = 0; k < r->width; k++) {
    float dx, dy;
    differences(r, k, &dx, &dy);
    if (r->v->form == ISOTROPIC)
      sum += power(dx * dx + dy * dy, r->v->beta);
    else
      sum += power(dx * dx, r->v->beta) + power(dy * dy, r->v->beta);
  }
  return sum;
}

/* The derivatives by dx and dy of a row's terms. */
static void row_slopes(const rows *r, float *gx, float *gy) {
  for (int64_t k = 0; k < r->width; k++) {
    float dx, dy, a, b;
    differences(r, k, &dx, &dy);
    if (r->v->form == ISOTROPIC) {
      a = b = slope(dx * dx + dy * dy, r->v->beta);
    } else {
      a = slope(dx * dx, r->v->beta), b = slope(dy * dy, r->v->beta);
    }
    gx[k] = a * dx, gy[k] = b * dy;
  }
}

static rows row_at(const sb_call *c, int64_t plane, int64_t y) {
  int64_t h = c->in[0].shape.dim[2], w = c->in[0].shape.dim[3];
  return (rows){c->in[0].data + (plane * h + y) * w, w, y + 1 < h ? w : 0, c->config};
}

/* ---- Items: bands of rows of a plane ------------------------------------------------------------
 */

static void locate(const sb_call *c, int64_t item, int64_t *plane, int64_t *first, int64_t *last) {
  int64_t bands = bands_of(&c->in[0].shape), h = c->in[0].shape.dim[2];
  *plane = item / bands;
  *first = item % bands * BAND;
  *last = *first + BAND < h ? *first + BAND : h;
}

static void sum_bands(void *context, int64_t first, int64_t last) {
  const sb_call *c = context;
  for (int64_t i = first; i < last; i++) {
    int64_t plane, from, to;
    double sum = 0;
    locate(c, i, &plane, &from, &to);
    for (int64_t y = from; y < to; y++) {
      rows r = row_at(c, plane, y);
      sum += row_value(&r);
    }
    ((double *)c->scratch)[i] = sum;
  }
}

static void forward(const sb_call *c) {
  const sb_shape *in = &c->in[0].shape;
  int64_t of_image = in->dim[1] * bands_of(in);
  sb_parallel_call(c, in->dim[0] * of_image, 1, sum_bands);
  for (int64_t n = 0; n < in->dim[0]; n++) {
    double sum = 0;
    for (int64_t i = 0; i < of_image; i++) sum += ((double *)c->scratch)[n * of_image + i];
    c->out[0].data[n] = (float)sum;
  }
}

/* A pixel's value is in its own differences, in its left neighbour's dx and in the upper one's dy.
 */
static void write_row(float *to, const float *gx, const float *gy, const float *above, int64_t w,
                      float weight) {
  for (int64_t k = 0; k < w; k++)
    to[k] = weight * ((k > 0 ? gx[k - 1] : 0) - gx[k] - gy[k] + above[k]);
}

static void spread_bands(void *context, int64_t first, int64_t last) {
  const sb_call *c = context;
  const sb_shape *in = &c->in[0].shape;
  int64_t h = in->dim[2], w = in->dim[3];
  for (int64_t i = first; i < last; i++) {
    float *gx = c->scratch + 3 * i * w, *gy = gx + w, *above = gy + w;
    int64_t plane, from, to;
    locate(c, i, &plane, &from, &to);
    float weight = c->dy[0].data[plane / in->dim[1]];
    for (int64_t y = from - 1; y < to; y++) {
      rows r = row_at(c, plane, y);
      for (int64_t k = 0; k < w && y < 0; k++) gy[k] = 0;
      if (y >= 0) row_slopes(&r, gx, gy);
      if (y >= from) write_row(c->dx[0].data + (plane * h + y) * w, gx, gy, above, w, weight);
      float *swap = gy;
      gy = above, above = swap;
    }
  }
}

static void backward(const sb_call *c) {
  const sb_shape *in = &c->in[0].shape;
  if (c->dx[0].data) sb_parallel_call(c, in->dim[0] * in->dim[1] * bands_of(in), 1, spread_bands);
}

static bool window(const void *config, const sb_shape *weights, sb_window *w) {
  return false;
}

const sb_layer sb_layer_total_variation = {
    .name = "total_variation",
    .help = "y = sum (dx^2 + dy^2)^(beta/2) over neighbours; x (N,C,H,W) --> (N)",
    .config_size = sizeof(variation),
    .params = params,
    .min_in = 1,
    .max_in = 1,
    .keeps = SB_KEEP_INPUT,
    .samples = "{ {}, input = {{2, 3, 4, 5}} }, { {beta = 3}, input = {{1, 1, 35, 2}} },"
               "{ {beta = 1.5, form = 'anisotropic'}, input = {{2, 2, 3, 4}}, distinct = true },"
               "{ {beta = 1, form = 'anisotropic'}, input = {{1, 2, 34, 3}}, distinct = true },"
               "{ {beta = 1}, input = {{1, 2, 3, 4}}, distinct = true }",
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .window = window,
};
