/* lplan.c: what a run of a layer over given shapes would take, without running it. */
#include <lauxlib.h>

#include "llayer.h"
#include "ltensor.h"

enum { FLOAT = sizeof(float) };

static void set_integer(lua_State *L, const char *name, int64_t value) {
  lua_pushinteger(L, value);
  lua_setfield(L, -2, name);
}

static void set_boolean(lua_State *L, const char *name, bool value) {
  lua_pushboolean(L, value);
  lua_setfield(L, -2, name);
}

/* Adds a field with the list of shapes. */
static void set_shapes(lua_State *L, const char *name, const sb_shape *shapes, int n) {
  lua_createtable(L, n, 0);
  for (int i = 0; i < n; i++) {
    sb_push_shape(L, &shapes[i]);
    lua_seti(L, -2, i + 1);
  }
  lua_setfield(L, -2, name);
}

/* A call that has shapes but no data: what prepared_size may read. */
typedef struct shapes_only {
  sb_call call;
  sb_tensor in[SB_MAX_INPUTS], out[SB_MAX_OUTPUTS], weights[SB_MAX_WEIGHTS];
} shapes_only;

static void fill_call(shapes_only *s, const sb_layer_object *self, const sb_shape *in, int n_in,
                      const sb_plan *plan) {
  for (int i = 0; i < n_in; i++) s->in[i].shape = in[i];
  for (int i = 0; i < plan->n_out; i++) s->out[i].shape = plan->out[i];
  for (int i = 0; i < self->n_weights; i++) s->weights[i].shape = self->weight_shapes[i];
  s->call.config = self->config;
  s->call.weights = s->weights;
  s->call.n_in = n_in, s->call.n_out = plan->n_out;
  s->call.in = s->in, s->call.out = s->out;
}

/* Adds a field { scratch =, packed = bytes, arrangement = which of them } for one direction. */
static void set_direction(lua_State *L, const char *name, const sb_layer *l, const sb_call *call,
                          bool backward, int64_t scratch) {
  int kind = 0;
  int64_t packed = l->prepared_size ? l->prepared_size(call, backward, &kind) : 0;
  lua_createtable(L, 0, 3);
  set_integer(L, "scratch", scratch * FLOAT);
  set_integer(L, "packed", packed * FLOAT);
  set_integer(L, "arrangement", 2 * kind + backward);
  lua_setfield(L, -2, name);
}

/* layer:plan({d...}...) --> what a run over inputs of these shapes allocates, in bytes, at the
   present number of threads and precision: { outputs = {shapes}, tape = {shapes of what it
   records}, keeps_inputs =, keeps_outputs = whether a tape for the gradient of the inputs holds
   them, products = multiply-adds of a forward run (0 where they are not what matters), forward =,
   backward = { scratch =, packed = of the weights arranged for it, arrangement = an integer that
   tells these apart } }. Raises as infer does. */
int sb_layer_plan(lua_State *L) {
  const sb_layer_object *self = sb_check_layer(L, 1);
  const sb_layer *l = self->layer;
  sb_shape in[SB_MAX_INPUTS];
  sb_plan plan;
  shapes_only s = {.call = {0}};
  int n_in, n_tape = 0;
  sb_layer_infer(L, in, &n_in, &plan);
  fill_call(&s, self, in, n_in, &plan);
  while (l->tape_names && l->tape_names[n_tape]) n_tape++;
  lua_createtable(L, 0, 8);
  set_shapes(L, "outputs", plan.out, plan.n_out);
  set_shapes(L, "tape", plan.tape, n_tape);
  set_boolean(L, "keeps_inputs", l->keeps & SB_KEEP_INPUT);
  set_boolean(L, "keeps_outputs", l->keeps & SB_KEEP_OUTPUT);
  set_integer(L, "products", plan.products);
  set_direction(L, "forward", l, &s.call, false, plan.forward_scratch);
  set_direction(L, "backward", l, &s.call, true, plan.backward_scratch);
  return 1;
}
