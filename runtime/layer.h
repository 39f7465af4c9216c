/* layer.h: the contract of a layer.

   A layer is one C file that defines one sb_layer and is named once in layers.def. Its life has
   three steps, in this order: construct and shape VALIDATE (the only steps that may fail, and they
   explain the failure with both values in words); the generic binding (llayer.c) then ALLOCATES
   outputs, tape and scratch as Lua-owned memory; forward and backward COMPUTE and cannot fail.
   Nothing here knows Lua. Nothing is ever stored on the layer by a run: see the tape. */
#ifndef SB_LAYER_H
#define SB_LAYER_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "rng.h"
#include "tensor.h"

enum {
  SB_MAX_WEIGHTS = 6,
  SB_MAX_INPUTS = 64,
  SB_MAX_OUTPUTS = 64,
  SB_MAX_TAPE = 3,
  SB_MAX_LIST = 64
};

/* ---- Parameters -------------------------------------------------------------------------- */

/* Lists of up to SB_MAX_LIST numbers; n is 0 when the list is not given. */
typedef struct sb_ints {
  int n;
  int64_t v[SB_MAX_LIST];
} sb_ints;
typedef struct sb_floats {
  int n;
  double v[SB_MAX_LIST];
} sb_floats;

typedef enum sb_param_type {            /* the C type of the field, and what Lua may give for it */
                             SB_INT,    /* int: an integer */
                             SB_FLOAT,  /* double: a number */
                             SB_BOOL,   /* bool */
                             SB_CHOICE, /* int: one of the strings of `choices`, as its index */
                             SB_PAIR,   /* int[2]: k or {h, w} */
                             SB_PADS,   /* int[4]: k, {h, w} or {top, left, bottom, right} */
                             SB_INTS,   /* sb_ints: {a, b, ...} or a single integer */
                             SB_FLOATS, /* sb_floats */
                             SB_AXIS,   /* int: a dimension, 1-based in Lua, 0-based here; negative:
                                           from the end */
                             SB_AXES,   /* sb_ints of such dimensions */
} sb_param_type;

/* One parameter. The default is Lua source for the value ("1", "true", "'max'", "{}"); NULL makes
   the parameter required. Numbers (each entry of pairs and lists too) below `minimum` are refused.
 */
typedef struct sb_param {
  const char *name;
  sb_param_type type;
  size_t offset;
  const char *fallback;
  double minimum;
  const char *const *choices; /* NULL-ended; SB_CHOICE only */
  const char *help;           /* one line: meaning and unit */
} sb_param;

#define SB_PARAM(config, field, type, fallback, minimum, help)                                     \
  { #field, type, offsetof(config, field), fallback, minimum, NULL, help }
#define SB_PARAM_CHOICE(config, field, fallback, choices, help)                                    \
  { #field, SB_CHOICE, offsetof(config, field), fallback, 0, choices, help }
#define SB_ANY (-INFINITY) /* no minimum */

/* ---- Weights ----------------------------------------------------------------------------- */

typedef enum sb_init {
  SB_INIT_ZERO,
  SB_INIT_ONE,
  SB_INIT_QUARTER,
  SB_INIT_HE /* He et al. 2015 */
} sb_init;

typedef struct sb_weight {
  const char *name;
  sb_init init;     /* when the constructor is not given the tensor */
  bool is_buffer;   /* running statistics: saved with the layer, no gradient */
  bool may_be_half; /* the layer can take it as halves (half.h), for runs without its gradient */
} sb_weight;

/* ---- A run ------------------------------------------------------------------------------- */

/* How a backward walk passes a node (design, section 4). All zero is the true gradient. */
typedef enum sb_rectifier_rule { SB_GRADIENT, SB_GUIDED, SB_DECONV } sb_rectifier_rule;
typedef struct sb_rules {
  sb_rectifier_rule rectifier; /* what the ReLU family passes back */
  bool lrn_identity;           /* LRN passes the gradient unchanged */
  bool overlap_overwrite;      /* overlapping pooling windows overwrite instead of adding */
} sb_rules;

/* What shape() answers: everything the binding must allocate. */
typedef struct sb_plan {
  int n_out;
  sb_shape out[SB_MAX_OUTPUTS];
  sb_shape tape[SB_MAX_TAPE]; /* as many as the layer has tape_names */
  int64_t index_limit;        /* entries of the index input must be below this */
  int64_t forward_scratch;    /* floats, 64-byte aligned, not cleared */
  int64_t backward_scratch;
  int64_t products; /* multiply-adds of a forward run; 0 where they do not matter */
} sb_plan;

/* One forward or backward run. Arrays have n_in or n_out entries, or one entry a weight / tape
   name. A tensor that is absent (optional weight, unwanted or not kept) has data == NULL; in
   backward the shapes of in and out are always there, their data only if `keeps` asks for it. */
typedef struct sb_call {
  const void *config;
  sb_tensor *weights;
  const uint16_t *const *halves; /* a weight each: its halves if it is stored so; then no data */
  int n_in, n_out;
  const sb_tensor *in;
  sb_tensor *out;  /* forward writes it */
  sb_tensor *tape; /* forward records here (those without data are not wanted), backward reads */
  float *scratch;
  const float *prepared; /* weights as prepare() left them, if the layer has one */
  bool training;         /* batch statistics, dropout active */
  bool recorded;         /* forward: for a walk back to the input; equal outputs must stay equal */
  sb_rng *rng;           /* forward; never NULL while training */
  /* What a layer that `finishes` does to its result (forward: y, backward: dx) before it is
     written: negative values become 0, then all where mask (of that shape) is not positive. */
  bool relu;
  const float *mask;
  /* backward only */
  const sb_tensor *dy; /* n_out gradients, all present */
  sb_tensor *dx;       /* n_in; backward OVERWRITES those with data */
  sb_tensor *grads;    /* a weight each; backward ADDS to those with data */
  sb_rules rules;
} sb_call;

/* ---- The layer --------------------------------------------------------------------------- */

enum { SB_KEEP_INPUT = 1, SB_KEEP_OUTPUT = 2 };

/* The window through which an output position sees its input, per axis {y, x}: for receptive
   fields. extent is (kernel - 1) * dilation + 1; stride may be a fraction for upsampling. */
typedef struct sb_window {
  double extent[2], stride[2], pad[2];
} sb_window;

typedef struct sb_layer {
  const char *name;
  const char *help;         /* formula and shapes, one or two lines */
  size_t config_size;       /* of the struct the params describe; 0 when there are none */
  const sb_param *params;   /* ended by a NULL name; may be NULL */
  const sb_weight *weights; /* ended by a NULL name; may be NULL */
  int min_in, max_in;       /* accepted numbers of inputs */
  unsigned keeps;           /* SB_KEEP_*: what backward TO THE INPUT reads; inputs are always kept
                               when weight gradients may be asked for */
  const char *const *tape_names; /* what forward records, NULL-ended; may be NULL */
  bool tape_is_index; /* the first tape tensor holds indices: 0-based here, 1-based in Lua */
  int index_input;    /* 1-based number of an input that holds such indices (0: none). The binding
                         has checked them: integers from -1 ("nowhere") to plan.index_limit - 1 */
  bool is_rectifier;  /* of the ReLU family: obeys rules.rectifier */
  bool finishes;      /* obeys relu and mask of the call */
  bool is_alias;      /* y is x in another shape: the binding makes a view, and
                         forward and backward are NULL */

  /* Sample configurations, as the inside of a Lua table: a list of { config, input = {shape, ...} }
     that the contract test gradient-checks, allocation-sweeps and shape-fuzzes. Optional fields:
     training = true (check in training form), positive = true (inputs in [0.5, 1.5]),
     distinct = true (inputs are a shuffled grid, so that no two are nearly tied),
     index = {n} (an index input: distinct integers 1..n). */
  const char *samples;

  /* Checks the config and completes it from weight shapes that were given (rank -1: not given);
     leaves in `weights` the shapes that the layer needs (rank -1: it has no such weight).
     NULL: nothing to check. */
  bool (*construct)(void *config, sb_shape *weights, sb_error *e);
  /* The shape rule. `plan` arrives zeroed; `training` as for the run to come. */
  bool (*shape)(const void *config, const sb_shape *weights, const sb_shape *in, int n_in,
                sb_plan *plan, sb_error *e);
  void (*forward)(const sb_call *c);
  void (*backward)(const sb_call *c);
  /* Weights rearranged once for speed, kept until they change. prepared_size answers the floats
     wanted for a run over these shapes (0: none), and in `kind` (>= 0) which arrangement it is.
     Both read config, weights and the shapes of in and out only. NULL: the layer uses its weights
     as they are. */
  int64_t (*prepared_size)(const sb_call *c, bool backward, int *kind);
  void (*prepare)(const sb_call *c, bool backward, float *prepared);
  /* Fills the window; false: an output sees the whole input. NULL: pointwise in space. */
  bool (*window)(const void *config, const sb_shape *weights, sb_window *w);
} sb_layer;

/* All layers, in the order of layers.def, ended by NULL. */
extern const sb_layer *const sb_layers[];

/* The layer of that name, or NULL. */
const sb_layer *sb_find_layer(const char *name);

/* ---- Helper for forward and backward ------------------------------------------------------- */

/* sb_parallel (threads.h) with a copy of the call as the context of `work`. */
void sb_parallel_call(const sb_call *c, int64_t n, int64_t grain,
                      void (*work)(void *context, int64_t first, int64_t last));

/* ---- Helpers for shape rules --------------------------------------------------------------- */

/* A shape rule for layers whose single output has the shape of their first input. */
bool sb_shape_same(const void *config, const sb_shape *weights, const sb_shape *in, int n_in,
                   sb_plan *plan, sb_error *e);

/* Fails with "NAME: input must be (N,C,H,W), got 3x4" unless s has rank 4. */
bool sb_require_nchw(const char *name, const sb_shape *s, sb_error *e);

#endif
