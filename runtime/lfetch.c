/* lfetch.c: transfers and digests for Lua. */
#include <lauxlib.h>

#include "digest.h"
#include "lmodules.h"
#include "transfer.h"

static FILE *check_file(lua_State *L, int arg) {
  luaL_Stream *s = luaL_checkudata(L, arg, LUA_FILEHANDLE);
  luaL_argcheck(L, s->closef != NULL, arg, "the file is closed");
  return s->f;
}

/* Calls the Lua function at stack index 5. An error (Ctrl-C is one) stops the transfer, and stays
   on the stack until libcurl has cleaned up. */
static bool on_progress(void *context, int64_t done, int64_t total) {
  lua_State *L = context;
  lua_pushvalue(L, 5);
  lua_pushinteger(L, done);
  lua_pushinteger(L, total);
  return lua_pcall(L, 2, 0, 0) == LUA_OK;
}

/* get(url, file, from, limit, progress) --> true; or nil, message, end, HTTP status. Writes what
   the server sends from byte `from` on to an open file; progress(done, total) is called meanwhile,
   and what it raises is raised when the transfer has stopped. end: "cut", "refused", "whole" (the
   server cannot send a part) or "failed"; see transfer.h. */
static int fetch_get(lua_State *L) {
  static const char *const ends[] = {"done", "cut", "refused", "whole", "stopped", "failed"};
  sb_transfer t = {.url = luaL_checkstring(L, 1),
                   .to = check_file(L, 2),
                   .from = luaL_checkinteger(L, 3),
                   .limit = luaL_checkinteger(L, 4),
                   .progress = on_progress,
                   .context = L};
  luaL_checktype(L, 5, LUA_TFUNCTION);
  lua_settop(L, 5);
  luaL_checkstack(L, 8, NULL);
  long status;
  sb_error e;
  sb_transfer_end end = sb_transfer_run(&t, &status, &e);
  if (lua_gettop(L) > 5) return lua_error(L); /* of progress */
  if (end == SB_TRANSFER_DONE) return lua_pushboolean(L, 1), 1;
  luaL_pushfail(L);
  lua_pushstring(L, e.text);
  lua_pushstring(L, ends[end]);
  lua_pushinteger(L, status);
  return 4;
}

/* sha256(file) --> the digest of what is left to be read of a file, 64 hexadecimal digits; or nil,
   message. */
static int fetch_sha256(lua_State *L) {
  uint8_t digest[SB_SHA256_BYTES];
  sb_error e;
  if (!sb_sha256(check_file(L, 1), digest, &e)) {
    luaL_pushfail(L);
    lua_pushstring(L, e.text);
    return 2;
  }
  char text[2 * SB_SHA256_BYTES + 1];
  for (int i = 0; i < SB_SHA256_BYTES; i++) snprintf(text + 2 * i, 3, "%02x", digest[i]);
  lua_pushlstring(L, text, 2 * SB_SHA256_BYTES);
  return 1;
}

static const luaL_Reg functions[] = {{"get", fetch_get}, {"sha256", fetch_sha256}, {NULL, NULL}};

int sb_open_fetch(lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}
