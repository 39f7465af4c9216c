/* irfft2: pictures from their spectra, by kissfft. */
#include <kiss_fftr.h>
#include <limits.h>

#include "layer.h"
#include "threads.h"

/* ---- Shapes ---------------------------------------------------------------------------------- */

/* The lengths of a plane: h rows of w values, from k columns of the half spectrum. */
typedef struct plane {
  int h, k, w;
} plane;

static plane lengths(const sb_shape *in) {
  return (plane){(int)in->dim[2], (int)in->dim[3], 2 * (int)in->dim[3] - 2};
}

static int64_t planes(const sb_shape *in) {
  return in->dim[0] * in->dim[1];
}

/* Other factors kissfft transforms slowly and with memory of its own, which may not be had. */
static bool is_fast(int64_t n) {
  return n >= 2 && n < INT_MAX / 4 && kiss_fft_next_fast_size((int)n) == n;
}

static int64_t aligned(size_t bytes) { /* in floats, to cache lines */
  return (int64_t)((bytes + 63) / 64 * 16);
}

static int64_t rows_plan_floats(const plane *p) {
  size_t bytes = 0;
  kiss_fftr_alloc(p->w, 0, NULL, &bytes);
  return aligned(bytes);
}

static int64_t columns_plan_floats(const plane *p) {
  size_t bytes = 0;
  kiss_fft_alloc(p->h, 0, NULL, &bytes);
  return aligned(bytes);
}

static int64_t line_floats(const plane *p) {
  return aligned((size_t)(p->h > p->k ? p->h : p->k) * sizeof(kiss_fft_cpx));
}

static int64_t plane_scratch(const plane *p) {
  return rows_plan_floats(p) + columns_plan_floats(p) + line_floats(p) +
         aligned((size_t)p->k * p->h * sizeof(kiss_fft_cpx));
}

static bool shape(const void *config, const sb_shape *weights, const sb_shape *in, int n_in,
                  sb_plan *plan, sb_error *e) {
  char text[SB_SHAPE_TEXT];
  sb_shape_text(&in[0], text);
  if (in[0].rank != 5 || in[0].dim[4] != 2)
    return sb_fail(e, "irfft2: input must be (N,C,H,W/2+1,2), got %s", text);
  int64_t h = in[0].dim[2], half = in[0].dim[3] - 1;
  if (!is_fast(h) || !is_fast(half))
    return sb_fail(e,
                   "irfft2: %s makes %lldx%lld; rows and half the columns must be at least 2 and "
                   "have no prime factors above 5",
                   text, (long long)h, (long long)(2 * half));
  plane p = lengths(&in[0]);
  plan->n_out = 1;
  plan->out[0] = sb_shape4(in[0].dim[0], in[0].dim[1], h, 2 * half);
  if (!sb_shape_valid(&plan->out[0])) return sb_fail(e, "irfft2: %s is too large", text);
  plan->forward_scratch = plan->backward_scratch = planes(&in[0]) * plane_scratch(&p);
  return true;
}

/* ---- Forward and backward -------------------------------------------------------------------- */

/* What transforms one plane, in its own part of the scratch. */
typedef struct work {
  kiss_fftr_cfg rows;
  kiss_fft_cfg columns;
  kiss_fft_cpx *line, *spectrum; /* (K), and (K,H): columns lie together */
} work;

static work start(const plane *p, float *scratch, bool inverse) {
  work s;
  size_t rows = (size_t)rows_plan_floats(p) * sizeof(float);
  size_t columns = (size_t)columns_plan_floats(p) * sizeof(float);
  s.rows = kiss_fftr_alloc(p->w, inverse, scratch, &rows);
  scratch += rows_plan_floats(p);
  s.columns = kiss_fft_alloc(p->h, inverse, scratch, &columns);
  scratch += columns_plan_floats(p);
  s.line = (kiss_fft_cpx *)scratch;
  s.spectrum = (kiss_fft_cpx *)(scratch + line_floats(p));
  return s;
}

static void forward_plane(const plane *p, const work *s, const kiss_fft_cpx *x, float *y) {
  float scale = 1.0f / ((float)p->h * (float)p->w);
  for (int k = 0; k < p->k; k++)
    kiss_fft_stride(s->columns, x + k, s->spectrum + (int64_t)k * p->h, p->k);
  for (int i = 0; i < p->h; i++, y += p->w) {
    for (int k = 0; k < p->k; k++) s->line[k] = s->spectrum[(int64_t)k * p->h + i];
    kiss_fftri(s->rows, s->line, y);
    for (int j = 0; j < p->w; j++) y[j] *= scale;
  }
}

static void forward_range(void *context, int64_t first, int64_t last) {
  const sb_call *c = context;
  plane p = lengths(&c->in[0].shape);
  int64_t in = 2 * (int64_t)p.h * p.k, out = (int64_t)p.h * p.w;
  for (int64_t i = first; i < last; i++) {
    work s = start(&p, c->scratch + i * plane_scratch(&p), true);
    const float *x = c->in[0].data + i * in;
    forward_plane(&p, &s, (const kiss_fft_cpx *)x, c->out[0].data + i * out);
  }
}

static void forward(const sb_call *c) {
  sb_parallel_call(c, planes(&c->in[0].shape), 1, forward_range);
}

/* The adjoint is the forward transform; a column between the first and the last stands for its
   mirror image too, and so counts twice. */
static void backward_plane(const plane *p, const work *s, const float *dy, kiss_fft_cpx *dx) {
  float scale = 1.0f / ((float)p->h * (float)p->w);
  for (int i = 0; i < p->h; i++) {
    kiss_fftr(s->rows, dy + (int64_t)i * p->w, s->line);
    for (int k = 0; k < p->k; k++) s->spectrum[(int64_t)k * p->h + i] = s->line[k];
  }
  for (int k = 0; k < p->k; k++) {
    float weight = k == 0 || k == p->k - 1 ? scale : 2 * scale;
    kiss_fft(s->columns, s->spectrum + (int64_t)k * p->h, s->line);
    for (int i = 0; i < p->h; i++) {
      dx[(int64_t)i * p->k + k].r = weight * s->line[i].r;
      dx[(int64_t)i * p->k + k].i = weight * s->line[i].i;
    }
  }
}

static void backward_range(void *context, int64_t first, int64_t last) {
  const sb_call *c = context;
  plane p = lengths(&c->in[0].shape);
  int64_t in = 2 * (int64_t)p.h * p.k, out = (int64_t)p.h * p.w;
  for (int64_t i = first; i < last; i++) {
    work s = start(&p, c->scratch + i * plane_scratch(&p), false);
    float *dx = c->dx[0].data + i * in;
    backward_plane(&p, &s, c->dy[0].data + i * out, (kiss_fft_cpx *)dx);
  }
}

static void backward(const sb_call *c) {
  if (c->dx[0].data) sb_parallel_call(c, planes(&c->in[0].shape), 1, backward_range);
}

static bool window(const void *config, const sb_shape *weights, sb_window *w) {
  return false;
}

const sb_layer sb_layer_irfft2 = {
    .name = "irfft2",
    .help = "y = the real inverse discrete Fourier transform of x, divided by H W, as numpy's "
            "irfft2; x is (N,C,H,W/2+1,2), last real and imaginary part, y (N,C,H,W)",
    .min_in = 1,
    .max_in = 1,
    .samples = "{ {}, input = {{2, 1, 4, 3, 2}} }, { {}, input = {{1, 2, 5, 7, 2}} },"
               "{ {}, input = {{1, 1, 2, 6, 2}} }, { {}, input = {{1, 1, 15, 4, 2}} }",
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .window = window,
};
