/* larchive.c: the members of archives for Lua, one after the other. */
#include <lauxlib.h>

#include "archives.h"
#include "lmodules.h"

#define ARCHIVE "switchback.archive"

static int fail(lua_State *L, const sb_error *e) {
  luaL_pushfail(L);
  lua_pushstring(L, e->text);
  return 2;
}

static sb_archive *check_open(lua_State *L) {
  sb_archive *a = luaL_checkudata(L, 1, ARCHIVE);
  luaL_argcheck(L, a->handle, 1, "the archive is closed");
  return a;
}

/* open(path, "tar" | "zip" | "gzip") --> archive; or nil, message. */
static int archive_open(lua_State *L) {
  static const char *const formats[] = {"tar", "zip", "gzip", NULL};
  const char *path = luaL_checkstring(L, 1);
  sb_archive_format format = (sb_archive_format)luaL_checkoption(L, 2, NULL, formats);
  sb_archive *a = lua_newuserdatauv(L, sizeof *a, 0);
  *a = (sb_archive){0};
  luaL_setmetatable(L, ARCHIVE);
  sb_error e;
  return sb_archive_open(a, path, format, &e) ? 1 : fail(L, &e);
}

/* archive:next() --> name, "file" | "folder" | "link" | "other", bytes (nil: not known), offset in
   the archive's file (nil: compressed); false at the end; or nil, message. Names are as the archive
   has them: absolute ones and those with .. too. */
static int archive_next(lua_State *L) {
  static const char *const kinds[] = {"file", "folder", "link", "other"};
  sb_archive *a = check_open(L);
  sb_member m;
  sb_error e;
  sb_archive_step step = sb_archive_next(a, &m, &e);
  if (step == SB_ARCHIVE_FAILED) return fail(L, &e);
  if (step == SB_ARCHIVE_END) return lua_pushboolean(L, 0), 1;
  lua_pushstring(L, m.name);
  lua_pushstring(L, kinds[m.kind]);
  m.size >= 0 ? lua_pushinteger(L, m.size) : luaL_pushfail(L);
  m.offset >= 0 ? lua_pushinteger(L, m.offset) : luaL_pushfail(L);
  return 4;
}

/* archive:read(limit) --> the member's bytes, a string; or nil, message. Refuses more than `limit`
   bytes, and grows with what is read, whatever size the archive claims. */
static int archive_read(lua_State *L) {
  sb_archive *a = check_open(L);
  lua_Integer limit = luaL_checkinteger(L, 2), total = 0;
  sb_error e;
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  for (int64_t n; (n = sb_archive_read(a, luaL_prepbuffsize(&b, 1 << 16), 1 << 16, &e)) != 0;) {
    if (n > 0 && (total += n) > limit) n = -1, sb_fail(&e, "larger than %lld bytes", limit);
    if (n < 0) return fail(L, &e);
    luaL_addsize(&b, (size_t)n);
  }
  luaL_pushresult(&b);
  return 1;
}

/* archive:check() --> true if the member can be read to its end and its checksum, where there is
   one, holds; or nil, message. Nothing is kept. */
static int archive_check(lua_State *L) {
  sb_archive *a = check_open(L);
  char block[1 << 14];
  sb_error e;
  int64_t n;
  while ((n = sb_archive_read(a, block, sizeof block, &e)) > 0) {
  }
  return n < 0 ? fail(L, &e) : (lua_pushboolean(L, 1), 1);
}

static int archive_close(lua_State *L) {
  sb_archive_close(luaL_checkudata(L, 1, ARCHIVE));
  return 0;
}

static const luaL_Reg methods[] = {{"next", archive_next},
                                   {"read", archive_read},
                                   {"check", archive_check},
                                   {"close", archive_close},
                                   {NULL, NULL}};
static const luaL_Reg metamethods[] = {
    {"__gc", archive_close}, {"__close", archive_close}, {NULL, NULL}};
static const luaL_Reg functions[] = {{"open", archive_open}, {NULL, NULL}};

int sb_open_archive(lua_State *L) {
  luaL_newmetatable(L, ARCHIVE);
  luaL_setfuncs(L, metamethods, 0);
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  luaL_newlib(L, functions);
  return 1;
}
