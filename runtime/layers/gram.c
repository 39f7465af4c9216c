/* gram: inner products of channels, G = F F^T, where F is the (C, H*W) matrix of an image's maps
   (Gatys et al. 2016, eq. 3). Backward: dF = (dG + dG^T) F. */
#include "gemm.h"
#include "layer.h"
#include "threads.h"

typedef struct gram {
  bool normalise;
} gram;

static const sb_param params[] = {SB_PARAM(gram, normalise, SB_BOOL, "false", 0, "divide by H*W"),
                                  {NULL}};

/* Least positions that are worth a sum of their own, most sums, and floats that they may take. */
enum { SHARD_POSITIONS = 128, MAX_SHARDS = 8, SHARDS_FLOATS = 1 << 22 };

/* The positions of an image are cut into shards, whose products (the triangle left of the diagonal)
   are summed up in order. The cut depends on the shape alone, so the same bytes come out at any
   thread count. */
typedef struct job {
  const float *x;
  float *y, *sums;
  int64_t channels, positions, shards, length; /* of a shard */
  float scale;
} job;

static int64_t least(int64_t a, int64_t b) {
  return a < b ? a : b;
}

static job plan_job(const sb_shape *in) {
  job j = {.channels = in->dim[1], .positions = in->dim[2] * in->dim[3], .scale = 1};
  int64_t room = least(MAX_SHARDS, SHARDS_FLOATS / (j.channels * j.channels + 1));
  j.shards = least(room, j.positions / SHARD_POSITIONS);
  if (j.shards < 1) j.shards = 1;
  j.length = (j.positions + j.shards - 1) / j.shards;
  return j;
}

static bool shape(const void *config, const sb_shape *weights, const sb_shape *in, int n_in,
                  sb_plan *plan, sb_error *e) {
  char text[SB_SHAPE_TEXT];
  if (!sb_require_nchw("gram", &in[0], e)) return false;
  int64_t c = in[0].dim[1];
  sb_shape out = sb_shape3(in[0].dim[0], c, c);
  if (in[0].dim[2] * in[0].dim[3] > INT32_MAX || c > INT32_MAX || !sb_shape_valid(&out))
    return sb_fail(e, "gram: input %s is too large", sb_shape_text(&in[0], text));
  plan->n_out = 1;
  plan->out[0] = out;
  plan->forward_scratch = plan_job(&in[0]).shards * c * c;
  plan->backward_scratch = c * c;
  return true;
}

static void multiply_shards(void *context, int64_t first, int64_t last) {
  const job *j = context;
  for (int64_t i = first; i < last; i++) {
    int64_t from = i * j->length, n = least(j->length, j->positions - from);
    sb_syrk(j->channels, n, j->scale, j->x + from, j->positions,
            j->sums + i * j->channels * j->channels, j->channels);
  }
}

/* Adds up the shards of rows of G: what is right of the diagonal mirrors what is left of it. */
static void add_shards(void *context, int64_t first, int64_t last) {
  const job *j = context;
  int64_t n = j->channels;
  for (int64_t row = first; row < last; row++) {
    for (int64_t column = 0; column < n; column++) {
      int64_t at = row >= column ? row * n + column : column * n + row;
      double sum = 0;
      for (int64_t s = 0; s < j->shards; s++) sum += j->sums[s * n * n + at];
      j->y[row * n + column] = (float)sum;
    }
  }
}

static float scale_of(const sb_call *c, int64_t positions) {
  return ((const gram *)c->config)->normalise && positions > 0 ? 1 / (float)positions : 1;
}

static void forward(const sb_call *c) {
  job j = plan_job(&c->in[0].shape);
  j.sums = c->scratch;
  j.scale = scale_of(c, j.positions);
  for (int64_t n = 0; n < c->in[0].shape.dim[0]; n++) {
    j.x = c->in[0].data + n * j.channels * j.positions;
    j.y = c->out[0].data + n * j.channels * j.channels;
    sb_parallel(j.shards, 1, multiply_shards, &j);
    sb_parallel(j.channels, 16, add_shards, &j);
  }
}

/* s = scale (g + g^T) */
static void symmetric_sum(float *s, const float *g, int64_t n, float scale) {
  for (int64_t i = 0; i < n; i++)
    for (int64_t k = 0; k < n; k++) s[i * n + k] = scale * (g[i * n + k] + g[k * n + i]);
}

static void backward(const sb_call *c) {
  job j = plan_job(&c->in[0].shape);
  if (!c->dx[0].data) return;
  for (int64_t n = 0; n < c->in[0].shape.dim[0]; n++) {
    int64_t at = n * j.channels * j.positions;
    symmetric_sum(c->scratch, c->dy[0].data + n * j.channels * j.channels, j.channels,
                  scale_of(c, j.positions));
    sb_gemm_parallel(false, false, j.channels, j.positions, j.channels, 1, c->scratch, j.channels,
                     c->in[0].data + at, j.positions, 0, c->dx[0].data + at, j.positions);
  }
}

static bool window(const void *config, const sb_shape *weights, sb_window *w) {
  return false;
}

const sb_layer sb_layer_gram = {
    .name = "gram",
    .help = "G = F F^T, F the (C,H*W) maps of an image; x (N,C,H,W) --> (N,C,C)",
    .config_size = sizeof(gram),
    .params = params,
    .min_in = 1,
    .max_in = 1,
    .keeps = SB_KEEP_INPUT,
    .samples = "{ {}, input = {{2, 3, 4, 5}} }, { {normalise = true}, input = {{1, 70, 2, 3}} }",
    .shape = shape,
    .forward = forward,
    .backward = backward,
    .window = window,
};
