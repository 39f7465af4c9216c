/* lsafetensors.c: what writes tensors to files. Reading is in formats/safetensors.lua, by lbytes.c.
 */
#include <lauxlib.h>

#include "lhalf.h"
#include "lmodules.h"
#include "ltensor.h"

/* append(file, tensor or halves) -> true, or nil, message, code: writes the bytes to a Lua file. */
static int safetensors_append(lua_State *L) {
  luaL_Stream *f = luaL_checkudata(L, 1, LUA_FILEHANDLE);
  const sb_half *h = sb_to_half(L, 2);
  const sb_tensor *t = h ? NULL : sb_check_tensor(L, 2);
  luaL_argcheck(L, f->closef != NULL, 1, "file is closed");
  size_t n = (size_t)(h ? sb_shape_count(&h->shape) : sb_count(t));
  size_t written =
      h ? fwrite(h->data, sizeof *h->data, n, f->f) : fwrite(t->data, sizeof(float), n, f->f);
  return luaL_fileresult(L, written == n, NULL);
}

static const luaL_Reg functions[] = {{"append", safetensors_append}, {NULL, NULL}};

int sb_open_safetensors(lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}
