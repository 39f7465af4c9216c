/* lfiles.c: what Lua's io library cannot tell about the file system. */
#include <dirent.h>
#include <errno.h>
#include <lauxlib.h>
#include <sys/stat.h>

#include "lmodules.h"

#define FOLDER "switchback.folder"

static int folder_gc(lua_State *L) {
  DIR **d = luaL_checkudata(L, 1, FOLDER);
  if (*d) closedir(*d);
  *d = NULL;
  return 0;
}

static DIR *open_folder(lua_State *L, const char *path) {
  DIR **d = lua_newuserdatauv(L, sizeof *d, 0);
  *d = NULL;
  luaL_setmetatable(L, FOLDER);
  return *d = opendir(path);
}

/* list(folder) --> list of the names in it (unsorted, without hidden ones); or nil, message. */
static int files_list(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  DIR *d = open_folder(L, path);
  if (!d) return luaL_fileresult(L, 0, path);
  lua_newtable(L);
  lua_Integer n = 0;
  for (struct dirent *entry; (entry = readdir(d));) {
    if (entry->d_name[0] == '.') continue;
    lua_pushstring(L, entry->d_name);
    lua_seti(L, -2, ++n);
  }
  lua_pushcfunction(L, folder_gc);
  lua_pushvalue(L, -3);
  lua_call(L, 1, 0); /* not left to the collector: scripts may list many folders */
  return 1;
}

/* kind(path) --> "file", "folder", or nil when there is nothing, or something else. */
static int files_kind(lua_State *L) {
  struct stat s;
  if (stat(luaL_checkstring(L, 1), &s) != 0) return luaL_pushfail(L), 1;
  if (S_ISREG(s.st_mode))
    lua_pushliteral(L, "file");
  else if (S_ISDIR(s.st_mode))
    lua_pushliteral(L, "folder");
  else
    luaL_pushfail(L);
  return 1;
}

/* make_folder(path) --> true, also when it is there already; or nil, message. */
static int files_make_folder(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  return luaL_fileresult(L, mkdir(path, 0777) == 0 || errno == EEXIST, path);
}

static const luaL_Reg metamethods[] = {{"__gc", folder_gc}, {"__close", folder_gc}, {NULL, NULL}};
static const luaL_Reg functions[] = {
    {"list", files_list}, {"kind", files_kind}, {"make_folder", files_make_folder}, {NULL, NULL}};

int sb_open_files(lua_State *L) {
  luaL_newmetatable(L, FOLDER);
  luaL_setfuncs(L, metamethods, 0);
  lua_pop(L, 1);
  luaL_newlib(L, functions);
  return 1;
}
