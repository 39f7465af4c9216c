/* fail_alloc.c: a test's allocator that fails on demand, as a Lua module.
   run(n, f) --> triggered, ok, result or message: calls f with the n-th growing allocation from
   now, and all after it, failing; triggered tells whether that many were asked for. */
#include <lauxlib.h>

typedef struct failing {
  lua_Alloc real;
  void *context;
  lua_Integer left; /* growing allocations until they fail */
} failing;

static void *allocate(void *ud, void *block, size_t old_size, size_t new_size) {
  failing *f = ud;
  int grows = new_size > 0 && (block == NULL || new_size > old_size);
  if (grows && f->left > 0) f->left--;
  if (grows && f->left == 0) return NULL;
  return f->real(f->context, block, old_size, new_size);
}

static int run(lua_State *L) {
  failing f = {.left = luaL_checkinteger(L, 1)};
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_settop(L, 2);
  luaL_checkstack(L, 8, NULL);
  f.real = lua_getallocf(L, &f.context);
  lua_setallocf(L, allocate, &f);
  int status = lua_pcall(L, 0, 1, 0);
  lua_setallocf(L, f.real, f.context);
  lua_pushboolean(L, f.left == 0);
  lua_insert(L, 2);
  lua_pushboolean(L, status == LUA_OK);
  lua_insert(L, 3);
  return 3;
}

int luaopen_fail_alloc(lua_State *L);
int luaopen_fail_alloc(lua_State *L) {
  lua_newtable(L);
  lua_pushcfunction(L, run);
  lua_setfield(L, -2, "run");
  return 1;
}
