/* llayer.c: the one generic binding that serves every layer of layers.def. lrun.c runs them. */
#include "llayer.h"

#include <lauxlib.h>
#include <math.h>
#include <string.h>

#include "lhalf.h"
#include "lmodules.h"
#include "lparam.h"
#include "lrng.h"
#include "ltape.h"
#include "ltensor.h"

sb_layer_object *sb_check_layer(lua_State *L, int arg) {
  return luaL_checkudata(L, arg, SB_LAYER_TYPE);
}

static int raise(lua_State *L, const sb_error *e) {
  return luaL_error(L, "%s", e->text);
}

void sb_check_weight(lua_State *L, const sb_layer_object *self, int i, const sb_shape *given) {
  char want[SB_SHAPE_TEXT], got[SB_SHAPE_TEXT];
  const sb_shape *s = &self->weight_shapes[i];
  if (given && s->rank < 0)
    luaL_error(L, "%s: has no '%s' in this configuration, but a tensor %s was given",
               self->layer->name, self->layer->weights[i].name, sb_shape_text(given, got));
  if (given && !sb_shape_equal(given, s))
    luaL_error(L, "%s: '%s' must be %s, got %s", self->layer->name, self->layer->weights[i].name,
               sb_shape_text(s, want), sb_shape_text(given, got));
}

/* ---- Construction ------------------------------------------------------------------------------
 */

/* The shape of the weight at the top of the stack, or NULL if there is none. */
static const sb_shape *weight_shape(lua_State *L) {
  const sb_tensor *t = sb_to_tensor(L, -1);
  const sb_half *h = t ? NULL : sb_to_half(L, -1);
  return t ? &t->shape : h ? &h->shape : NULL;
}

static void given_shapes(lua_State *L, sb_layer_object *self) {
  for (int i = 0; i < self->n_weights; i++) {
    lua_getfield(L, 1, self->layer->weights[i].name);
    const sb_shape *s = weight_shape(L);
    self->weight_shapes[i] = s ? *s : (sb_shape){.rank = -1};
    lua_pop(L, 1);
  }
}

static void initialise(const sb_weight *w, sb_tensor *t, sb_rng *rng) {
  static const float constants[] = {
      [SB_INIT_ZERO] = 0, [SB_INIT_ONE] = 1, [SB_INIT_QUARTER] = 0.25f};
  if (w->init != SB_INIT_HE) {
    sb_fill(t, constants[w->init]);
    return;
  }
  double fan_in = (double)sb_shape_span(&t->shape, 1, t->shape.rank);
  double deviation = sqrt(2 / (fan_in < 1 ? 1 : fan_in)); /* He et al. 2015, eq. 10 */
  for (int64_t i = 0, n = sb_count(t); i < n; i++)
    t->data[i] = (float)(deviation * sb_rng_normal(rng));
}

/* Pushes the params table: the tensors given in the table at index 1, or initialised ones. */
static void push_params(lua_State *L, const sb_layer_object *self) {
  sb_rng fallback, *rng = &fallback;
  sb_rng_seed(&fallback, 0);
  if (lua_getfield(L, 1, "rng") != LUA_TNIL) rng = sb_check_rng(L, -1);
  lua_newtable(L);
  for (int i = 0; i < self->n_weights; i++) {
    const sb_weight *w = &self->layer->weights[i];
    lua_getfield(L, 1, w->name);
    sb_check_weight(L, self, i, weight_shape(L));
    if (!weight_shape(L) && self->weight_shapes[i].rank >= 0) {
      lua_pop(L, 1);
      initialise(w, sb_push_tensor(L, &self->weight_shapes[i]), rng);
    }
    if (weight_shape(L))
      lua_setfield(L, -2, w->name);
    else
      lua_pop(L, 1);
  }
  lua_remove(L, -2);
}

/* sb.layer.NAME{parameter = value, weight = tensor, ..., rng = generator} --> layer.
   Tensors are shared, not copied. Those not given are initialised: weights as He et al. 2015 from
   rng (default: seed 0), biases 0, scales 1. */
static int layer_new(lua_State *L) {
  const sb_layer *layer = lua_touserdata(L, lua_upvalueindex(1));
  sb_error e;
  if (lua_isnoneornil(L, 1)) lua_settop(L, 0), lua_newtable(L);
  luaL_checktype(L, 1, LUA_TTABLE);
  sb_layer_object *self = lua_newuserdatauv(L, sizeof *self + layer->config_size, 3);
  memset(self, 0, sizeof *self + layer->config_size);
  self->layer = layer;
  while (layer->weights && layer->weights[self->n_weights].name) self->n_weights++;
  luaL_setmetatable(L, SB_LAYER_TYPE);
  sb_read_config(L, 1, layer, self->config);
  given_shapes(L, self);
  if (layer->construct && !layer->construct(self->config, self->weight_shapes, &e)) raise(L, &e);
  push_params(L, self);
  lua_setiuservalue(L, -2, 1);
  return 1;
}

/* ---- Questions ------------------------------------------------------------------------------ */

void sb_layer_infer(lua_State *L, sb_shape *in, int *n_in, sb_plan *plan) {
  const sb_layer_object *self = sb_check_layer(L, 1);
  const sb_layer *l = self->layer;
  sb_error e;
  int n = *n_in = lua_gettop(L) - 1;
  if (n < l->min_in || n > l->max_in || n > SB_MAX_INPUTS)
    luaL_error(L, "%s: takes %d input(s), got %d shapes", l->name, l->min_in, n);
  for (int i = 0; i < n; i++) {
    luaL_checktype(L, 2 + i, LUA_TTABLE);
    in[i] = sb_check_shape(L, 2 + i);
  }
  *plan = (sb_plan){0};
  if (!l->shape(self->config, self->weight_shapes, in, n, plan, &e)) raise(L, &e);
  luaL_checkstack(L, plan->n_out + 8, NULL);
}

/* layer:infer({d...}...) --> {d...}...: the shape rule alone. */
static int layer_infer(lua_State *L) {
  sb_shape in[SB_MAX_INPUTS];
  sb_plan plan;
  int n_in;
  sb_layer_infer(L, in, &n_in, &plan);
  for (int i = 0; i < plan.n_out; i++) sb_push_shape(L, &plan.out[i]);
  return plan.n_out;
}

static void set_pair(lua_State *L, const char *name, const double v[2]) {
  lua_createtable(L, 2, 0);
  for (int i = 0; i < 2; i++) {
    lua_pushnumber(L, v[i]);
    lua_seti(L, -2, i + 1);
  }
  lua_setfield(L, -2, name);
}

/* layer:window() --> { extent = {h, w}, stride = {h, w}, pad = {top, left} }, or nil when an output
   sees its whole input. */
static int layer_window(lua_State *L) {
  sb_layer_object *self = sb_check_layer(L, 1);
  sb_window w = {{1, 1}, {1, 1}, {0, 0}};
  if (self->layer->window && !self->layer->window(self->config, self->weight_shapes, &w)) {
    lua_pushnil(L);
    return 1;
  }
  lua_newtable(L);
  set_pair(L, "extent", w.extent);
  set_pair(L, "stride", w.stride);
  set_pair(L, "pad", w.pad);
  return 1;
}

/* How often the layer's weights were written to, all told. */
static uint64_t weights_version(lua_State *L) {
  uint64_t sum = 0;
  lua_getiuservalue(L, 1, 1);
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
    const sb_tensor *t = sb_to_tensor(L, -1);
    if (t) sum += sb_tensor_version(t) + (uintptr_t)t->data;
  }
  lua_pop(L, 1);
  return sum;
}

static int layer_tostring(lua_State *L) {
  sb_layer_object *self = sb_check_layer(L, 1);
  sb_push_config_text(L, self->layer, self->config);
  return 1;
}

/* Fields: kind, params, grads, config, is_rectifier, finishes, is_alias, version; otherwise a
 * method (upvalue 1). */
static int layer_index(lua_State *L) {
  sb_layer_object *self = sb_check_layer(L, 1);
  const char *key = luaL_checkstring(L, 2);
  lua_pushvalue(L, 2);
  if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) return 1;
  if (strcmp(key, "params") == 0)
    lua_getiuservalue(L, 1, 1);
  else if (strcmp(key, "grads") == 0)
    lua_getiuservalue(L, 1, 2);
  else if (strcmp(key, "kind") == 0)
    lua_pushstring(L, self->layer->name);
  else if (strcmp(key, "config") == 0)
    sb_push_config(L, self->layer, self->config);
  else if (strcmp(key, "is_rectifier") == 0)
    lua_pushboolean(L, self->layer->is_rectifier);
  else if (strcmp(key, "finishes") == 0)
    lua_pushboolean(L, self->layer->finishes);
  else if (strcmp(key, "version") == 0)
    lua_pushinteger(L, (lua_Integer)weights_version(L));
  else if (strcmp(key, "is_alias") == 0)
    lua_pushboolean(L, self->layer->is_alias);
  else
    return luaL_error(L, "%s: a layer has no field '%s'", self->layer->name, key);
  return 1;
}

/* ---- The list of layers --------------------------------------------------------------------- */

/* list() --> { names in the order of layers.def }. */
static int list_layers(lua_State *L) {
  lua_newtable(L);
  for (int i = 0; sb_layers[i]; i++) {
    lua_pushstring(L, sb_layers[i]->name);
    lua_seti(L, -2, i + 1);
  }
  return 1;
}

static void push_weight_names(lua_State *L, const sb_layer *l) {
  lua_newtable(L);
  for (int i = 0; l->weights && l->weights[i].name; i++) {
    lua_createtable(L, 0, 3);
    lua_pushstring(L, l->weights[i].name);
    lua_setfield(L, -2, "name");
    lua_pushboolean(L, l->weights[i].is_buffer);
    lua_setfield(L, -2, "is_buffer");
    lua_pushboolean(L, l->weights[i].may_be_half);
    lua_setfield(L, -2, "may_be_half");
    lua_seti(L, -2, i + 1);
  }
}

static void push_param_list(lua_State *L, const sb_layer *l) {
  lua_newtable(L);
  for (int i = 0; l->params && l->params[i].name; i++) {
    lua_createtable(L, 0, 3);
    lua_pushstring(L, l->params[i].name);
    lua_setfield(L, -2, "name");
    lua_pushstring(L, l->params[i].fallback);
    lua_setfield(L, -2, "default");
    lua_pushstring(L, l->params[i].help);
    lua_setfield(L, -2, "help");
    lua_seti(L, -2, i + 1);
  }
}

/* about(name) --> { help =, params = {{name=, default=, help=}...}, weights =, samples = source }.
 */
static int about_layer(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  const sb_layer *l = sb_find_layer(name);
  if (!l) return luaL_error(L, "no layer is called '%s'", name);
  lua_createtable(L, 0, 4);
  lua_pushstring(L, l->help);
  lua_setfield(L, -2, "help");
  push_param_list(L, l);
  lua_setfield(L, -2, "params");
  push_weight_names(L, l);
  lua_setfield(L, -2, "weights");
  lua_pushstring(L, l->samples);
  lua_setfield(L, -2, "samples");
  return 1;
}

static const luaL_Reg layer_methods[] = {{"forward", sb_layer_forward},
                                         {"backward", sb_layer_backward},
                                         {"zero_grads", sb_layer_zero_grads},
                                         {"recall", sb_layer_recall},
                                         {"infer", layer_infer},
                                         {"plan", sb_layer_plan},
                                         {"window", layer_window},
                                         {NULL, NULL}};
static const luaL_Reg functions[] = {{"list", list_layers}, {"about", about_layer}, {NULL, NULL}};

int sb_open_layer(lua_State *L) {
  luaL_newmetatable(L, SB_LAYER_TYPE);
  luaL_newlib(L, layer_methods);
  lua_pushcclosure(L, layer_index, 1);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, layer_tostring);
  lua_setfield(L, -2, "__tostring");
  lua_pop(L, 1);
  sb_open_tape(L);
  luaL_newlib(L, functions);
  for (const sb_layer *const *l = sb_layers; *l; l++) {
    lua_pushlightuserdata(L, (void *)*l);
    lua_pushcclosure(L, layer_new, 1);
    lua_setfield(L, -2, (*l)->name);
  }
  return 1;
}
