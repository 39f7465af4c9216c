#include "layers/softmax_lines.h"

#include <math.h>

#include "layers/axis.h"
#include "threads.h"

bool sb_softmax_shape(const char *name, const sb_softmax *f, const sb_shape *in, sb_plan *plan,
                      sb_error *e) {
  int axis;
  plan->n_out = 1;
  plan->out[0] = *in;
  return sb_resolve_axis(name, f->axis, in, &axis, e);
}

typedef struct job {
  const sb_call *c;
  void (*work)(const sb_call *c, const sb_line_block *b);
  sb_lines lines;
  int64_t blocks; /* per outer position */
} job;

static void work_range(void *context, int64_t first, int64_t last) {
  const job *j = context;
  int64_t k = j->lines.k, inner = j->lines.inner;
  for (int64_t i = first; i < last; i++) {
    int64_t line = i % j->blocks * SB_BLOCK_LINES, left = inner - line;
    sb_line_block b = {i / j->blocks * k * inner + line, k, inner,
                       left < SB_BLOCK_LINES ? (int)left : SB_BLOCK_LINES};
    j->work(j->c, &b);
  }
}

void sb_for_line_blocks(const sb_call *c, void (*work)(const sb_call *c, const sb_line_block *b)) {
  const sb_softmax *f = c->config;
  const sb_shape *s = &c->in[0].shape;
  job j = {c, work, sb_lines_along(s, sb_axis_of(f->axis, s->rank)), 0};
  j.blocks = (j.lines.inner + SB_BLOCK_LINES - 1) / SB_BLOCK_LINES;
  int64_t lines = j.lines.inner < SB_BLOCK_LINES ? j.lines.inner : SB_BLOCK_LINES;
  sb_parallel(j.lines.outer * j.blocks, 1 + (1 << 13) / (j.lines.k * lines + 1), work_range, &j);
}

void sb_exponentials(const sb_line_block *b, const float *x, float *e, float *largest,
                     double *sum) {
  for (int j = 0; j < b->lines; j++) largest[j] = -INFINITY, sum[j] = 0;
  for (int64_t i = 0; i < b->k; i++)
    for (int j = 0; j < b->lines; j++) {
      float v = x[i * b->step + j];
      largest[j] = v > largest[j] ? v : largest[j];
    }
  for (int64_t i = 0; i < b->k; i++)
    for (int j = 0; j < b->lines; j++) {
      float v = expf(x[i * b->step + j] - largest[j]);
      e[i * b->step + j] = v;
      sum[j] += v;
    }
}

bool sb_softmax_window(const void *config, const sb_shape *weights, sb_window *w) {
  return ((const sb_softmax *)config)->axis == 1;
}
