/* main.c: the host program. It makes the Lua state, puts the library in reach, and runs what
   lualib/switchback/command.lua makes of the arguments. */
#include <lauxlib.h>
#include <limits.h>
#include <lualib.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lcall.h"
#include "switchback.h"

static void print_error(lua_State *L) {
  const char *message = luaL_tolstring(L, -1, NULL);
  fflush(stdout);
  fprintf(stderr, "switchback: %s\n", message);
}

/* ---- Where the library is ------------------------------------------------------------------ */

/* In a source tree, and installed under a prefix. */
static const char *const layouts[] = {"lualib", "share/lua/5.4"};

static bool find_layout(const char *root, char *folder, size_t size) {
  for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
    char file[2 * PATH_MAX];
    snprintf(folder, size, "%s/%s", root, layouts[i]);
    snprintf(file, sizeof file, "%s/switchback/init.lua", folder);
    if (access(file, R_OK) == 0) return true;
  }
  return false;
}

/* $SWITCHBACK_HOME, or a folder up to three levels above the program: build/asan/switchback too
   belongs to the tree that holds build. */
static bool find_library(char *folder, size_t size) {
  const char *home = getenv("SWITCHBACK_HOME");
  if (home) return find_layout(home, folder, size);
  char root[PATH_MAX];
  ssize_t n = readlink("/proc/self/exe", root, sizeof root - 1);
  if (n < 0) return false;
  root[n] = '\0';
  for (int level = 0; level <= 3; level++) {
    char *slash = strrchr(root, '/');
    if (!slash) return false;
    *slash = '\0';
    if (find_layout(root, folder, size)) return true;
  }
  return false;
}

/* Without a library of its own the program still finds one that LUA_PATH names. */
static void set_path(lua_State *L) {
  char folder[PATH_MAX + 32];
  if (!find_library(folder, sizeof folder)) return;
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "path");
  lua_pushfstring(L, "%s/?.lua;%s/?/init.lua;%s", folder, folder, lua_tostring(L, -1));
  lua_setfield(L, -3, "path");
  lua_pop(L, 2);
}

/* ---- Running ------------------------------------------------------------------------------- */

/* Leaves the list of steps; each is a list of a function and its arguments. */
static void push_steps(lua_State *L, int argc, char **argv) {
  lua_getglobal(L, "require");
  lua_pushliteral(L, "switchback.command");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "steps");
  lua_createtable(L, argc, 1);
  for (int i = 0; i < argc; i++) lua_pushstring(L, argv[i]), lua_rawseti(L, -2, i);
  lua_call(L, 1, 1);
}

/* Called from C and not from Lua, so that a script's traceback ends with the script. */
static void run_step(lua_State *L, int step) {
  int length = (int)luaL_len(L, step);
  luaL_checkstack(L, length + 1, "too many arguments");
  for (int i = 1; i <= length; i++) lua_rawgeti(L, step, i);
  if (sb_call_interruptibly(L, length - 1, 0) != LUA_OK) lua_error(L);
}

static int run(lua_State *L) {
  int argc = (int)lua_tointeger(L, 1);
  char **argv = lua_touserdata(L, 2);
  luaL_openlibs(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, luaopen_switchback_core);
  lua_setfield(L, -2, "switchback.core");
  set_path(L);
  push_steps(L, argc, argv);
  int steps = lua_gettop(L);
  for (lua_Integer i = 1; lua_rawgeti(L, steps, i) != LUA_TNIL; i++) {
    run_step(L, steps + 1);
    lua_settop(L, steps);
  }
  return 0;
}

int main(int argc, char **argv) {
  lua_State *L = luaL_newstate();
  if (!L) return fputs("switchback: not enough memory\n", stderr), EXIT_FAILURE;
  lua_pushcfunction(L, run);
  lua_pushinteger(L, argc);
  lua_pushlightuserdata(L, argv);
  int status = lua_pcall(L, 2, 0, 0);
  if (status != LUA_OK) print_error(L);
  lua_close(L);
  return status == LUA_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
