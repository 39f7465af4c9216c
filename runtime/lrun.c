/* lrun.c: running a layer: gather and validate, allocate, then let it compute. */
#include <lauxlib.h>
#include <math.h>
#include <string.h>

#include "lhalf.h"
#include "llayer.h"
#include "lprepared.h"
#include "lrng.h"
#include "ltape.h"
#include "ltensor.h"

/* Everything one forward or backward call needs, gathered before the layer computes. */
typedef struct run {
  sb_layer_object *self;
  sb_plan plan;
  sb_call call;
  sb_tensor in[SB_MAX_INPUTS], out[SB_MAX_OUTPUTS], tape[SB_MAX_TAPE];
  sb_tensor dy[SB_MAX_OUTPUTS], dx[SB_MAX_INPUTS];
  sb_tensor weights[SB_MAX_WEIGHTS], grads[SB_MAX_WEIGHTS];
  const uint16_t *halves[SB_MAX_WEIGHTS];
  uint64_t versions[SB_MAX_WEIGHTS];
} run;

/* ---- Gathering a run ------------------------------------------------------------------------ */

/* Weight i from the value on top of the stack. */
static void gather_weight(lua_State *L, run *r, int i) {
  const sb_layer *l = r->self->layer;
  const sb_tensor *t = sb_to_tensor(L, -1);
  const sb_half *h = t ? NULL : sb_to_half(L, -1);
  if (!t && !h && r->self->weight_shapes[i].rank >= 0)
    luaL_error(L, "%s: params.%s must be a tensor, got %s", l->name, l->weights[i].name,
               luaL_typename(L, -1));
  if (h && !l->weights[i].may_be_half)
    luaL_error(L, "%s: params.%s cannot be halves", l->name, l->weights[i].name);
  if (t || h) sb_check_weight(L, r->self, i, t ? &t->shape : &h->shape);
  r->weights[i] = t ? *t : h ? (sb_tensor){h->shape, NULL} : (sb_tensor){{.rank = -1}, NULL};
  r->halves[i] = h ? h->data : NULL;
  r->versions[i] = t ? sb_tensor_version(t) : 0;
}

static void gather_weights(lua_State *L, run *r) {
  lua_getiuservalue(L, 1, 1);
  for (int i = 0; i < r->self->n_weights; i++) {
    lua_getfield(L, -1, r->self->layer->weights[i].name);
    gather_weight(L, r, i);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

/* How many of the arguments from `first` on are inputs; the rest is at most one options table. */
static int count_inputs(lua_State *L, const sb_layer *l, int first) {
  int n = 0;
  while (sb_to_tensor(L, first + n)) n++;
  int rest = lua_gettop(L) - (first + n - 1);
  if (rest > 1 || (rest == 1 && !lua_istable(L, first + n)))
    luaL_error(L, "%s: argument %d must be a tensor, got %s", l->name, first + n - 1,
               luaL_typename(L, first + n));
  if (n < l->min_in || n > l->max_in)
    luaL_error(L,
               l->min_in == l->max_in ? "%s: takes %d input(s), got %d"
                                      : "%s: takes at least %d inputs, got %d",
               l->name, l->min_in, n);
  if (n > SB_MAX_INPUTS) luaL_error(L, "%s: too many inputs: %d", l->name, n);
  return n;
}

static bool option(lua_State *L, int table, const char *name, bool fallback) {
  if (!lua_istable(L, table)) return fallback;
  bool value = lua_getfield(L, table, name) == LUA_TNIL ? fallback : lua_toboolean(L, -1);
  lua_pop(L, 1);
  return value;
}

/* Replaces the index input on the stack by a checked 0-based copy. */
static void convert_indices(lua_State *L, const run *r, int arg) {
  const sb_tensor *given = sb_to_tensor(L, arg);
  sb_tensor *t = sb_push_tensor(L, &given->shape);
  for (int64_t i = 0, n = sb_count(given); i < n; i++) {
    float v = given->data[i] - 1;
    if (!(v >= -1 && v < (float)r->plan.index_limit) || v != floorf(v))
      luaL_error(L, "%s: index %f is not an integer from 0 to %I", r->self->layer->name,
                 (double)given->data[i], (LUAI_UACINT)r->plan.index_limit);
    t->data[i] = v;
  }
  lua_replace(L, arg);
}

static void validate_shapes(lua_State *L, run *r, int n_in) {
  sb_error e;
  sb_shape shapes[SB_MAX_INPUTS];
  for (int i = 0; i < n_in; i++) shapes[i] = r->in[i].shape;
  r->plan = (sb_plan){0};
  if (!r->self->layer->shape(r->self->config, r->self->weight_shapes, shapes, n_in, &r->plan, &e))
    luaL_error(L, "%s", e.text);
}

/* The scratch buffer is kept in the registry and grows, so that a steady state allocates nothing.
 */
static float *scratch(lua_State *L, int64_t floats) {
  static const char key = 0;
  int64_t room = 0;
  float *buffer = NULL;
  if (floats == 0) return NULL;
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &key) == LUA_TUSERDATA)
    buffer = sb_buffer_floats(L, -1, &room);
  lua_pop(L, 1);
  if (room >= floats) return buffer;
  buffer = sb_push_buffer(L, floats);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &key);
  return buffer;
}

/* ---- Forward -------------------------------------------------------------------------------- */

/* Pushes the outputs; returns the stack index of the first. */
static int push_outputs(lua_State *L, run *r) {
  int first = lua_gettop(L) + 1;
  luaL_checkstack(L, r->plan.n_out + 8, NULL);
  for (int i = 0; i < r->plan.n_out; i++)
    r->out[i] = r->self->layer->is_alias ? *sb_push_view(L, 2, &r->plan.out[i], r->in[0].data)
                                         : *sb_push_tensor(L, &r->plan.out[i]);
  return first;
}

static void gather_inputs(lua_State *L, run *r, int n_in) {
  for (int i = 0; i < n_in; i++) r->in[i] = *sb_to_tensor(L, 2 + i);
  validate_shapes(L, r, n_in);
  int index_input = r->self->layer->index_input;
  if (index_input && index_input <= n_in) {
    convert_indices(L, r, 1 + index_input);
    r->in[index_input - 1] = *sb_to_tensor(L, 1 + index_input);
  }
}

static void gather_forward_options(lua_State *L, run *r, int options, sb_rng *fallback) {
  r->call.training = option(L, options, "training", false);
  sb_rng_seed(fallback, 0);
  r->call.rng = fallback;
  if (!lua_istable(L, options)) return;
  /* The generator stays reachable through the options table while the layer computes. */
  if (lua_getfield(L, options, "rng") != LUA_TNIL) r->call.rng = sb_check_rng(L, -1);
  lua_pop(L, 1);
}

static void point_call(run *r, int n_in, int n_out) {
  r->call.config = r->self->config;
  r->call.weights = r->weights, r->call.grads = r->grads, r->call.halves = r->halves;
  r->call.n_in = n_in, r->call.n_out = n_out;
  r->call.in = r->in, r->call.out = r->out, r->call.tape = r->tape;
  r->call.dy = r->dy, r->call.dx = r->dx;
}

/* Reads options.relu and, for a result of `shape`, options.mask. */
static void gather_finish(lua_State *L, run *r, int options, const sb_shape *shape) {
  char want[SB_SHAPE_TEXT], got[SB_SHAPE_TEXT];
  const sb_layer *l = r->self->layer;
  r->call.relu = option(L, options, "relu", false);
  if (!lua_istable(L, options)) return;
  if (lua_getfield(L, options, "mask") != LUA_TNIL) {
    const sb_tensor *mask = sb_check_tensor(L, -1);
    if (!sb_shape_equal(&mask->shape, shape))
      luaL_error(L, "%s: the mask is %s, the result %s", l->name, sb_shape_text(&mask->shape, got),
                 sb_shape_text(shape, want));
    r->call.mask = mask->data;
  }
  lua_pop(L, 1); /* the options keep it alive */
  if ((r->call.relu || r->call.mask) && !l->finishes)
    luaL_error(L, "%s: cannot apply relu or mask to its result", l->name);
}

/* A run in training form has written to the running statistics: what was derived from them is out
   of date. */
static void touch_buffers(lua_State *L, const run *r) {
  lua_getiuservalue(L, 1, 1);
  for (int i = 0; i < r->self->n_weights; i++) {
    if (!r->self->layer->weights[i].is_buffer) continue;
    lua_getfield(L, -1, r->self->layer->weights[i].name);
    if (sb_to_tensor(L, -1)) sb_check_writable(L, lua_gettop(L));
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

/* layer:forward(x... [, options]) --> y..., tape
   options: training = false (batch statistics, dropout), rng = generator (for dropout; default seed
   0), tape = true (false: none is answered), weights = true (false: the tape need not serve weight
   gradients, so it holds less); for layers that finish: relu = false (true: y = max(y, 0)) and
   mask = tensor (y becomes 0 where it is not positive). */
int sb_layer_forward(lua_State *L) {
  run r = {.self = sb_check_layer(L, 1)};
  sb_rng fallback;
  int n_in = count_inputs(L, r.self->layer, 2), options = 2 + n_in;
  gather_weights(L, &r);
  gather_inputs(L, &r, n_in);
  gather_forward_options(L, &r, options, &fallback);
  gather_finish(L, &r, options, &r.plan.out[0]);
  bool want_tape = option(L, options, "tape", true);
  bool keep_inputs = want_tape && r.self->n_weights > 0 && option(L, options, "weights", true);
  r.call.recorded = want_tape && !option(L, options, "weights", true);
  point_call(&r, n_in, r.plan.n_out);
  int first = push_outputs(L, &r);
  if (want_tape)
    sb_push_tape(L, r.self->layer, &r.plan, &(sb_recording){r.in, r.out, r.tape, n_in, 2, first},
                 keep_inputs, r.call.training);
  r.call.prepared = sb_prepared(L, r.self, &r.call, r.versions, false);
  r.call.scratch = scratch(L, r.plan.forward_scratch);
  if (!r.self->layer->is_alias) r.self->layer->forward(&r.call);
  if (r.call.training) touch_buffers(L, &r);
  return r.plan.n_out + want_tape;
}

/* layer:recall(y) --> the tape of a run that gave y, for layers whose backward reads nothing else.
 */
int sb_layer_recall(lua_State *L) {
  run r = {.self = sb_check_layer(L, 1)};
  const sb_layer *l = r.self->layer;
  const sb_tensor *y = sb_check_tensor(L, 2);
  if (l->keeps != SB_KEEP_OUTPUT || l->tape_names || l->shape != sb_shape_same)
    return luaL_error(L, "%s: cannot be recalled from its output", l->name);
  r.plan.n_out = 1;
  r.in[0] = r.out[0] = *y;
  sb_push_tape(L, l, &r.plan, &(sb_recording){r.in, r.out, r.tape, 1, 2, 2}, false, false);
  return 1;
}

/* ---- Backward ------------------------------------------------------------------------------- */

static void gather_dy(lua_State *L, run *r, const sb_tape *t) {
  char want[SB_SHAPE_TEXT], got[SB_SHAPE_TEXT];
  for (int i = 0; i < t->n_out; i++) {
    const sb_shape *s = &t->t[t->n_in + i].shape;
    const sb_tensor *dy = sb_to_tensor(L, 3 + i);
    if (!dy)
      luaL_error(L, "%s: gradient %d must be a tensor, got %s", t->layer->name, i + 1,
                 luaL_typename(L, 3 + i));
    if (!sb_shape_equal(&dy->shape, s))
      luaL_error(L, "%s: gradient %d is %s, the output was %s", t->layer->name, i + 1,
                 sb_shape_text(&dy->shape, got), sb_shape_text(s, want));
    r->dy[i] = *dy;
  }
}

/* Pushes dx for every input; an input that holds indices has none, and none has if not wanted. */
static void push_dx(lua_State *L, run *r, const sb_tape *t, bool wanted) {
  const sb_layer *l = t->layer;
  luaL_checkstack(L, t->n_in + 8, NULL);
  for (int i = 0; i < t->n_in; i++) {
    r->dx[i] = (sb_tensor){t->t[i].shape, NULL};
    if (!wanted || i + 1 == l->index_input)
      lua_pushnil(L);
    else if (l->is_alias)
      sb_push_view(L, 3, &t->t[i].shape, r->dy[0].data);
    else
      r->dx[i] = *sb_push_tensor(L, &t->t[i].shape);
  }
}

/* layer:zero_grads(): weight gradients become zero tensors; buffers have none. */
int sb_layer_zero_grads(lua_State *L) {
  sb_layer_object *self = sb_check_layer(L, 1);
  lua_newtable(L);
  for (int i = 0; i < self->n_weights; i++) {
    if (self->layer->weights[i].is_buffer || self->weight_shapes[i].rank < 0) continue;
    sb_fill(sb_push_tensor(L, &self->weight_shapes[i]), 0);
    lua_setfield(L, -2, self->layer->weights[i].name);
  }
  lua_setiuservalue(L, 1, 2);
  return 0;
}

static void gather_grads(lua_State *L, run *r, const sb_tape *t) {
  if (!t->has_inputs && r->self->n_weights > 0)
    luaL_error(L, "%s: this tape was recorded without weight gradients in mind (weights = false)",
               t->layer->name);
  if (lua_getiuservalue(L, 1, 2) != LUA_TTABLE) {
    lua_pushcfunction(L, sb_layer_zero_grads);
    lua_pushvalue(L, 1);
    lua_call(L, 1, 0);
    lua_pop(L, 1);
    lua_getiuservalue(L, 1, 2);
  }
  for (int i = 0; i < r->self->n_weights; i++) {
    lua_getfield(L, -1, t->layer->weights[i].name);
    const sb_tensor *g = sb_to_tensor(L, -1);
    if (g) {
      if (r->halves[i])
        luaL_error(L, "%s: '%s' is stored as halves, so it has no gradient; use a tensor",
                   t->layer->name, t->layer->weights[i].name);
      sb_check_weight(L, r->self, i, &g->shape);
      r->grads[i] = *g;
    }
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

/* The index of options.NAME among the words, 0 if absent. */
static int rule_option(lua_State *L, int options, const char *name, const char *const *words) {
  if (!lua_istable(L, options)) return 0;
  lua_getfield(L, options, name);
  const char *given = lua_tostring(L, -1);
  lua_pop(L, 1); /* the string stays in the table */
  if (!given) return 0;
  for (int i = 0; words[i]; i++)
    if (strcmp(given, words[i]) == 0) return i;
  return luaL_error(L, "backward: unknown %s rule '%s' (known: %s, %s%s%s)", name, given, words[0],
                    words[1], words[2] ? ", " : "", words[2] ? words[2] : "");
}

static sb_rules gather_rules(lua_State *L, int options) {
  static const char *const rectifier[] = {"gradient", "guided", "deconv", NULL};
  static const char *const lrn[] = {"true", "identity", NULL};
  static const char *const overlap[] = {"sum", "overwrite", NULL};
  return (sb_rules){(sb_rectifier_rule)rule_option(L, options, "rectifier", rectifier),
                    rule_option(L, options, "lrn", lrn) == 1,
                    rule_option(L, options, "overlap", overlap) == 1};
}

/* layer:backward(tape, dy... [, options]) --> dx... (nil for an index input)
   options: weights = false (true: adds to layer.grads), inputs = true (false: no dx, nil for each),
   and the rules of the walk:
   rectifier = "gradient" | "guided" | "deconv", lrn = "true" | "identity",
   overlap = "sum" | "overwrite" (design, section 4); for layers that finish: relu and mask as of
   forward, applied to dx. */
int sb_layer_backward(lua_State *L) {
  run r = {.self = sb_check_layer(L, 1)};
  const sb_tape *t = sb_check_tape(L, 2, r.self->layer);
  int options = 3 + t->n_out;
  gather_dy(L, &r, t);
  gather_weights(L, &r);
  memcpy(r.in, t->t, (size_t)t->n_in * sizeof *r.in);
  memcpy(r.out, t->t + t->n_in, (size_t)t->n_out * sizeof *r.out);
  memcpy(r.tape, t->t + t->n_in + t->n_out, (size_t)t->n_tape * sizeof *r.tape);
  validate_shapes(L, &r, t->n_in);
  if (option(L, options, "weights", false)) gather_grads(L, &r, t);
  r.call.rules = gather_rules(L, options);
  gather_finish(L, &r, options, &r.in[0].shape);
  r.call.training = t->training;
  point_call(&r, t->n_in, t->n_out);
  bool inputs = option(L, options, "inputs", true);
  push_dx(L, &r, t, inputs);
  if (inputs) r.call.prepared = sb_prepared(L, r.self, &r.call, r.versions, true);
  r.call.scratch = scratch(L, r.plan.backward_scratch);
  if (!t->layer->is_alias) t->layer->backward(&r.call);
  return t->n_in;
}
