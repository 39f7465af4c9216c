/* lprepared.c: the cache of prepared weights: user value 3 of a layer, { [2 * kind + backward] =
   buffer }, made for the `seen` states of the weights' memory. */
#include "lprepared.h"

#include <lauxlib.h>

#include "ltensor.h"

static bool scarce;

void sb_set_scarce(bool on) {
  scarce = on;
}

bool sb_is_scarce(void) {
  return scarce;
}

/* Pushes the cache, emptied if weights have changed since it was filled. */
static void push_cache(lua_State *L, sb_layer_object *self, const sb_call *call,
                       const uint64_t *versions) {
  bool current = lua_getiuservalue(L, 1, 3) == LUA_TTABLE;
  for (int i = 0; i < self->n_weights; i++)
    current = current && self->seen[i].data == call->weights[i].data &&
              self->seen[i].version == versions[i];
  if (current) return;
  lua_pop(L, 1);
  lua_newtable(L);
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, 1, 3);
  for (int i = 0; i < self->n_weights; i++)
    self->seen[i] = (sb_seen){call->weights[i].data, versions[i]};
}

/* Weights in a mapped file are not needed in memory once they are prepared. */
static void forget_weights(lua_State *L, const sb_layer_object *self) {
  lua_getiuservalue(L, 1, 1);
  for (int i = 0; i < self->n_weights; i++) {
    lua_getfield(L, -1, self->layer->weights[i].name);
    const sb_tensor *t = sb_to_tensor(L, -1);
    if (t) sb_forget_pages(L, lua_gettop(L), 0, sb_count(t));
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

/* Drops from the cache on top of the stack what was prepared for the other direction. */
static void drop_other(lua_State *L, bool backward) {
  for (lua_pushnil(L); lua_next(L, -2);) {
    lua_pop(L, 1);
    if (lua_tointeger(L, -1) % 2 == backward) continue;
    lua_pushvalue(L, -1);
    lua_pushnil(L);
    lua_rawset(L, -4);
  }
}

const float *sb_prepared(lua_State *L, sb_layer_object *self, const sb_call *call,
                         const uint64_t *versions, bool backward) {
  const sb_layer *l = self->layer;
  int kind = 0;
  int64_t size = l->prepared_size ? l->prepared_size(call, backward, &kind) : 0;
  float *prepared;
  if (size == 0) return NULL;
  push_cache(L, self, call, versions);
  if (lua_rawgeti(L, -1, 2 * kind + backward) == LUA_TUSERDATA) {
    prepared = sb_buffer_floats(L, -1, &size);
  } else {
    lua_pop(L, 1);
    if (scarce) drop_other(L, backward);
    prepared = sb_push_buffer(L, size);
    l->prepare(call, backward, prepared);
    forget_weights(L, self);
    lua_pushvalue(L, -1);
    lua_rawseti(L, -3, 2 * kind + backward);
  }
  lua_pop(L, 2);
  return prepared;
}
