/* lsafetensors.c: what writes tensors to files. Reading is in formats/safetensors.lua, by lbytes.c.
 */
#include <lauxlib.h>

#include "lmodules.h"
#include "ltensor.h"

/* append(file, tensor) -> true, or nil, message, code: writes the tensor's bytes to a Lua file. */
static int safetensors_append(lua_State *L) {
  luaL_Stream *f = luaL_checkudata(L, 1, LUA_FILEHANDLE);
  sb_tensor *t = sb_check_tensor(L, 2);
  luaL_argcheck(L, f->closef != NULL, 1, "file is closed");
  size_t n = (size_t)sb_count(t);
  return luaL_fileresult(L, fwrite(t->data, sizeof(float), n, f->f) == n, NULL);
}

static const luaL_Reg functions[] = {{"append", safetensors_append}, {NULL, NULL}};

int sb_open_safetensors(lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}
