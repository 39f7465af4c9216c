/* main.c: the host program. */
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>

#include "switchback.h"

int main(int argc, char **argv) {
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, luaopen_switchback_core);
  lua_setfield(L, -2, "switchback.core");
  lua_pop(L, 1);
  if (luaL_dostring(L, "package.path = 'lualib/?.lua;lualib/?/init.lua;' .. package.path"))
    return 1;
  lua_createtable(L, argc, 0);
  for (int i = 0; i < argc; i++) lua_pushstring(L, argv[i]), lua_rawseti(L, -2, i - 1);
  lua_setglobal(L, "arg");
  int failed = argc > 1 && luaL_dofile(L, argv[1]);
  if (failed) fprintf(stderr, "%s\n", lua_tostring(L, -1));
  lua_close(L);
  return failed;
}
