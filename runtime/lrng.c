/* lrng.c: sb.rng(seed), a random generator with its own state. */
#include "lrng.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <string.h>

#include "lmodules.h"

#define SB_RNG "switchback.rng"

sb_rng *sb_check_rng(lua_State *L, int arg) {
  return luaL_checkudata(L, arg, SB_RNG);
}

static sb_rng *push_rng(lua_State *L, uint64_t seed) {
  sb_rng *r = lua_newuserdatauv(L, sizeof *r, 0);
  memset(r, 0, sizeof *r); /* padding too, since state() shows every byte */
  sb_rng_seed(r, seed);
  luaL_setmetatable(L, SB_RNG);
  return r;
}

/* new(seed) --> generator; equal seeds (integers) give equal sequences on every machine. */
static int rng_new(lua_State *L) {
  push_rng(L, (uint64_t)luaL_checkinteger(L, 1));
  return 1;
}

/* rng:fork() --> a generator of its own, seeded by this one: parts of a program that draw from
   forks do not disturb each other. */
static int rng_fork(lua_State *L) {
  push_rng(L, sb_rng_next(sb_check_rng(L, 1)));
  return 1;
}

/* rng:uniform([low = 0, high = 1]) --> a number of [low, high). */
static int rng_uniform(lua_State *L) {
  sb_rng *r = sb_check_rng(L, 1);
  double low = luaL_optnumber(L, 2, 0), high = luaL_optnumber(L, 3, 1);
  lua_pushnumber(L, low + (high - low) * sb_rng_uniform(r));
  return 1;
}

/* rng:normal([mean = 0, deviation = 1]) --> a normally distributed number. */
static int rng_normal(lua_State *L) {
  sb_rng *r = sb_check_rng(L, 1);
  double mean = luaL_optnumber(L, 2, 0), deviation = luaL_optnumber(L, 3, 1);
  lua_pushnumber(L, mean + deviation * sb_rng_normal(r));
  return 1;
}

/* rng:integer(low, high) --> an integer of [low, high], each as likely; rng:integer(high): low
 * is 1. */
static int rng_integer(lua_State *L) {
  sb_rng *r = sb_check_rng(L, 1);
  bool one = lua_isnoneornil(L, 3);
  lua_Integer low = one ? 1 : luaL_checkinteger(L, 2), high = luaL_checkinteger(L, one ? 2 : 3);
  luaL_argcheck(L, low <= high, one ? 2 : 3, "the range is empty");
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

/* rng:shuffle(list) --> the list, its entries in random order. */
static int rng_shuffle(lua_State *L) {
  sb_rng *r = sb_check_rng(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  for (lua_Integer i = luaL_len(L, 2); i > 1; i--) {
    lua_Integer j = 1 + (lua_Integer)sb_rng_below(r, (uint64_t)i);
    lua_geti(L, 2, i);
    lua_geti(L, 2, j);
    lua_seti(L, 2, i);
    lua_seti(L, 2, j);
  }
  lua_settop(L, 2);
  return 1;
}

/* rng:state() --> a string; rng:restore(string) continues from it, on the same kind of machine. */
static int rng_state(lua_State *L) {
  lua_pushlstring(L, (const char *)sb_check_rng(L, 1), sizeof(sb_rng));
  return 1;
}

static int rng_restore(lua_State *L) {
  sb_rng *r = sb_check_rng(L, 1), saved;
  size_t size;
  const char *bytes = luaL_checklstring(L, 2, &size);
  luaL_argcheck(L, size == sizeof saved, 2, "not a generator's state");
  memcpy(&saved, bytes, sizeof saved);
  bool alive = saved.s[0] | saved.s[1] | saved.s[2] | saved.s[3];
  luaL_argcheck(L, alive && (saved.has_spare | 1) == 1, 2, "not a generator's state");
  *r = saved;
  return 0;
}

static const luaL_Reg methods[] = {{"uniform", rng_uniform},
                                   {"normal", rng_normal},
                                   {"integer", rng_integer},
                                   {"permutation", rng_permutation},
                                   {"shuffle", rng_shuffle},
                                   {"fork", rng_fork},
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
