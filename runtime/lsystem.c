/* lsystem.c: the process-wide settings. */
#include <lauxlib.h>

#include "lmodules.h"
#include "suggest.h"
#include "threads.h"

/* threads([n]) --> n: sets (1 to 256) or asks the number of threads. Default: the cores. */
static int system_threads(lua_State *L) {
  if (!lua_isnoneornil(L, 1)) {
    lua_Integer n = luaL_checkinteger(L, 1);
    luaL_argcheck(L, n >= 1 && n <= 256, 1, "threads must be 1 to 256");
    sb_set_threads((int)n);
  }
  lua_pushinteger(L, sb_get_threads());
  return 1;
}

/* edit_distance(a, b) --> the number of slips between two names (suggest.h). */
static int system_edit_distance(lua_State *L) {
  lua_pushinteger(L, sb_edit_distance(luaL_checkstring(L, 1), luaL_checkstring(L, 2)));
  return 1;
}

static const luaL_Reg functions[] = {{"threads", system_threads},
                                     {"edit_distance", system_edit_distance},
                                     {NULL, NULL}};

int sb_open_system(lua_State *L) {
  luaL_newlib(L, functions);
  lua_pushliteral(L, SB_VERSION);
  lua_setfield(L, -2, "version");
  return 1;
}
