/* ltape.c: tapes in Lua. */
#include "ltape.h"

#include <lauxlib.h>
#include <string.h>

#include "ltensor.h"

#define SB_TAPE_TYPE "switchback.tape"

static int count_names(const char *const *names) {
  int n = 0;
  while (names && names[n]) n++;
  return n;
}

static sb_tape *new_tape(lua_State *L, const sb_layer *layer, int n_in, int n_out) {
  int n_tape = count_names(layer->tape_names);
  size_t n = (size_t)(n_in + n_out + n_tape);
  sb_tape *t = lua_newuserdatauv(L, sizeof *t + n * sizeof(sb_tensor), 1);
  memset(t, 0, sizeof *t + n * sizeof(sb_tensor));
  t->layer = layer;
  t->n_in = n_in, t->n_out = n_out, t->n_tape = n_tape;
  luaL_setmetatable(L, SB_TAPE_TYPE);
  return t;
}

/* Records a tensor on the tape; the userdata at `index` keeps it alive (0: only the shape). */
static void record(lua_State *L, sb_tape *t, int slot, const sb_tensor *what, int index) {
  t->t[slot] = (sb_tensor){what->shape, index ? what->data : NULL};
  if (!index) return;
  sb_share_tensor(sb_to_tensor(L, index));
  lua_pushvalue(L, index);
  lua_seti(L, -2, slot + 1);
}

void sb_push_tape(lua_State *L, const sb_layer *layer, const sb_plan *plan, const sb_recording *r,
                  bool keep_inputs, bool training) {
  sb_tape *t = new_tape(L, layer, r->n_in, plan->n_out);
  int first = r->n_in + t->n_out;
  t->training = training;
  t->has_inputs = keep_inputs || (layer->keeps & SB_KEEP_INPUT);
  lua_newtable(L);
  for (int i = 0; i < r->n_in; i++) record(L, t, i, &r->in[i], t->has_inputs ? r->first_in + i : 0);
  for (int i = 0; i < t->n_out; i++)
    record(L, t, r->n_in + i, &r->out[i], layer->keeps & SB_KEEP_OUTPUT ? r->first_out + i : 0);
  for (int i = 0; i < t->n_tape; i++) {
    t->t[first + i] = r->recorded[i] = *sb_push_tensor(L, &plan->tape[i]);
    lua_seti(L, -2, first + i + 1);
  }
  lua_setiuservalue(L, -2, 1);
}

sb_tape *sb_check_tape(lua_State *L, int arg, const sb_layer *l) {
  sb_tape *t = luaL_checkudata(L, arg, SB_TAPE_TYPE);
  if (t->layer != l)
    luaL_error(L, "%s: the tape was recorded by a %s layer", l->name, t->layer->name);
  return t;
}

/* ---- The tape in Lua ------------------------------------------------------------------------ */

/* tape.switches and friends: what the layer recorded; indices become 1-based (0: nowhere). */
static int tape_index(lua_State *L) {
  sb_tape *t = luaL_checkudata(L, 1, SB_TAPE_TYPE);
  const char *key = luaL_checkstring(L, 2);
  for (int i = 0; i < t->n_tape; i++) {
    if (strcmp(key, t->layer->tape_names[i]) != 0) continue;
    const sb_tensor *from = &t->t[t->n_in + t->n_out + i];
    sb_tensor *copy = sb_push_tensor(L, &from->shape);
    float base = i == 0 && t->layer->tape_is_index ? 1 : 0;
    for (int64_t k = 0, n = sb_count(from); k < n; k++) copy->data[k] = from->data[k] + base;
    return 1;
  }
  return luaL_error(L, "%s: the tape holds no '%s'", t->layer->name, key);
}

void sb_open_tape(lua_State *L) {
  luaL_newmetatable(L, SB_TAPE_TYPE);
  lua_pushcfunction(L, tape_index);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}
