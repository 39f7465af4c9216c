/* dropout: in training each value is zeroed with probability p and the others are divided by 1 - p,
   so that evaluation is the identity (Srivastava et al. 2014, section 10). */
#include "layer.h"

typedef struct dropout {
  double p;
} dropout;

static const sb_param params[] = {
    SB_PARAM(dropout, p, SB_FLOAT, "0.5", 0, "probability of zeroing, at least 0, below 1"),
    {NULL}};
static const char *const tape_names[] = {"mask", NULL};

static bool construct(void *config, sb_shape *w, sb_error *e) {
  const dropout *f = config;
  if (f->p < 1) return true;
  return sb_fail(e, "dropout: p must be below 1, got %g", f->p);
}

static bool shape(const void *config, const sb_shape *weights, const sb_shape *in, int n_in,
                  sb_plan *plan, sb_error *e) {
  plan->n_out = 1;
  plan->out[0] = plan->tape[0] = in[0];
  return true;
}

/* The mask holds the factors: 0 or 1/(1-p), 1 in evaluation. */
static void forward(const sb_call *c) {
  double p = c->training ? ((const dropout *)c->config)->p : 0;
  float *mask = c->tape[0].data, keep = (float)(1 / (1 - p));
  for (int64_t i = 0, n = sb_count(&c->in[0]); i < n; i++) {
    float factor = p > 0 && sb_rng_uniform(c->rng) < p ? 0 : keep;
    c->out[0].data[i] = c->in[0].data[i] * factor;
    if (mask) mask[i] = factor;
  }
}

static void backward(const sb_call *c) {
  float *dx = c->dx[0].data;
  for (int64_t i = 0, n = sb_count(&c->dy[0]); dx && i < n; i++)
    dx[i] = c->dy[0].data[i] * c->tape[0].data[i];
}

const sb_layer sb_layer_dropout = {
    .name = "dropout",
    .help = "training: y = x * mask / (1 - p), mask 0 with probability p; evaluation: y = x",
    .config_size = sizeof(dropout),
    .params = params,
    .min_in = 1,
    .max_in = 1,
    .tape_names = tape_names,
    .samples = "{ {}, input = {{3, 4}} }, { {p = 0.3}, input = {{2, 3, 4}}, training = true }",
    .construct = construct,
    .shape = shape,
    .forward = forward,
    .backward = backward,
};
