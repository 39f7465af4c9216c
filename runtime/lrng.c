/* lrng.c: sb.rng(seed), a random generator with its own state. */
#include "lrng.h"

#include <lauxlib.h>

#include "lmodules.h"

#define SB_RNG "switchback.rng"

sb_rng *sb_check_rng(lua_State *L, int arg) {
  return luaL_checkudata(L, arg, SB_RNG);
}

/* new(seed) --> generator; equal seeds (integers) give equal sequences on every machine. */
static int rng_new(lua_State *L) {
  lua_Integer seed = luaL_checkinteger(L, 1);
  sb_rng *r = lua_newuserdatauv(L, sizeof *r, 0);
  sb_rng_seed(r, (uint64_t)seed);
  luaL_setmetatable(L, SB_RNG);
  return 1;
}

static int rng_uniform(lua_State *L) {
  lua_pushnumber(L, sb_rng_uniform(sb_check_rng(L, 1)));
  return 1;
}

static int rng_normal(lua_State *L) {
  lua_pushnumber(L, sb_rng_normal(sb_check_rng(L, 1)));
  return 1;
}

/* rng:integer(low, high) --> an integer of [low, high], each as likely. */
static int rng_integer(lua_State *L) {
  sb_rng *r = sb_check_rng(L, 1);
  lua_Integer low = luaL_checkinteger(L, 2), high = luaL_checkinteger(L, 3);
  luaL_argcheck(L, low <= high, 3, "the range is empty");
  uint64_t span = (uint64_t)high - (uint64_t)low + 1;
  lua_pushinteger(L,
                  (lua_Integer)((uint64_t)low + (span ? sb_rng_below(r, span) : sb_rng_next(r))));
  return 1;
}

/* rng:permutation(n) --> {1..n} in random order (Fisher & Yates). */
static int rng_permutation(lua_State *L) {
  sb_rng *r = sb_check_rng(L, 1);
  lua_Integer n = luaL_checkinteger(L, 2);
  luaL_argcheck(L, n >= 0 && n < 1 << 30, 2, "out of range");
  lua_createtable(L, (int)n, 0);
  for (lua_Integer i = 1; i <= n; i++) {
    lua_Integer j = 1 + (lua_Integer)sb_rng_below(r, (uint64_t)i);
    if (j < i) {
      lua_geti(L, -1, j);
      lua_seti(L, -2, i);
    }
    lua_pushinteger(L, i);
    lua_seti(L, -2, j);
  }
  return 1;
}

/* rng:state() --> a string; rng:restore(string) continues from it. */
static int rng_state(lua_State *L) {
  lua_pushlstring(L, (const char *)sb_check_rng(L, 1), sizeof(sb_rng));
  return 1;
}

static int rng_restore(lua_State *L) {
  sb_rng *r = sb_check_rng(L, 1);
  size_t size;
  const char *bytes = luaL_checklstring(L, 2, &size);
  luaL_argcheck(L, size == sizeof *r, 2, "not a generator's state");
  *r = *(const sb_rng *)bytes;
  return 0;
}

static const luaL_Reg methods[] = {{"uniform", rng_uniform},
                                   {"normal", rng_normal},
                                   {"integer", rng_integer},
                                   {"permutation", rng_permutation},
                                   {"state", rng_state},
                                   {"restore", rng_restore},
                                   {NULL, NULL}};
static const luaL_Reg functions[] = {{"new", rng_new}, {NULL, NULL}};

int sb_open_rng(lua_State *L) {
  luaL_newmetatable(L, SB_RNG);
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  luaL_newlib(L, functions);
  return 1;
}
