/* lsystem.c: the process: its threads, its terminal, its clock, Ctrl-C. */
#include <lauxlib.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "conv/conv.h"
#include "lcall.h"
#include "lmodules.h"
#include "lprepared.h"
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

/* precision(["exact" | "fast"]) --> the mode in force; SWITCHBACK_PRECISION in the environment is
   the one to begin with. exact: convolutions are summed in double (transposed ones with a stride in
   float32), each layer is within 1e-6 of the true result. fast, the default: 3x3 convolutions go by
   Winograd's algorithm, within 1e-5, and in evaluation batch normalisation is folded into the
   convolution before it.

   Of a whole classifier, against float64 (relative L2; tests/test_reference_networks.lua), logits
   are within 2e-6 (exact) and 1e-5 (fast), the gradient to the input within 1e-5 (exact) and 5e-3
   (fast). It is further off, 6e-3 at most as far as seen, where pooling switches or signs are tied
   within rounding and fall the other way. */
static int system_precision(lua_State *L) {
  static const char *const modes[] = {"fast", "exact", NULL};
  if (!lua_isnoneornil(L, 1)) sb_conv_set_exact(luaL_checkoption(L, 1, NULL, modes) == 1);
  lua_pushstring(L, modes[sb_conv_is_exact()]);
  return 1;
}

/* memory(["ample" | "scarce"]) --> the mode in force, at first ample. scarce: a convolution keeps
   its weights arranged for one direction only, and arranges them anew when a run turns back and
   when the next one goes forward. Saliency of VGG-16 then needs 207 MiB less, for the time of
   arranging 2 x 224 MiB. Results are the same, bit for bit. */
static int system_memory(lua_State *L) {
  static const char *const modes[] = {"ample", "scarce", NULL};
  if (!lua_isnoneornil(L, 1)) sb_set_scarce(luaL_checkoption(L, 1, NULL, modes) == 1);
  lua_pushstring(L, modes[sb_is_scarce()]);
  return 1;
}

/* edit_distance(a, b) --> the number of slips between two names (suggest.h). */
static int system_edit_distance(lua_State *L) {
  lua_pushinteger(L, sb_edit_distance(luaL_checkstring(L, 1), luaL_checkstring(L, 2)));
  return 1;
}

/* columns(file) --> the width of the terminal that the file writes to, or nil if it is not one. */
static int system_columns(lua_State *L) {
  luaL_Stream *file = luaL_checkudata(L, 1, LUA_FILEHANDLE);
  luaL_argcheck(L, file->closef, 1, "the file is closed");
  struct winsize window = {0};
  if (ioctl(fileno(file->f), TIOCGWINSZ, &window) != 0) return luaL_pushfail(L), 1;
  lua_pushinteger(L, window.ws_col > 0 ? window.ws_col : 80);
  return 1;
}

/* clock() --> seconds since some fixed moment; never goes back. */
static int system_clock(lua_State *L) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  lua_pushnumber(L, (lua_Number)now.tv_sec + 1e-9 * (lua_Number)now.tv_nsec);
  return 1;
}

/* call(f, ...) --> true, results or false, message with traceback. Ctrl-C stops it (lcall.h). */
static int system_call(lua_State *L) {
  luaL_checkany(L, 1);
  int status = sb_call_interruptibly(L, lua_gettop(L) - 1, LUA_MULTRET);
  lua_pushboolean(L, status == LUA_OK);
  lua_insert(L, 1);
  return lua_gettop(L);
}

static const luaL_Reg functions[] = {{"threads", system_threads},
                                     {"edit_distance", system_edit_distance},
                                     {"columns", system_columns},
                                     {"clock", system_clock},
                                     {"call", system_call},
                                     {"precision", system_precision},
                                     {"memory", system_memory},
                                     {"uninterrupted", sb_uninterrupted},
                                     {NULL, NULL}};

int sb_open_system(lua_State *L) {
  luaL_newlib(L, functions);
  lua_pushliteral(L, SB_VERSION);
  lua_setfield(L, -2, "version");
  return 1;
}
