/* lsafetensors.c: safetensors files as memory mappings. The header is JSON and is read in Lua
   (formats/safetensors.lua); what it says about bytes is checked here, against the file's size. */
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dtype.h"
#include "lmodules.h"
#include "ltensor.h"

#define MAPPING "switchback.mapping"

enum { LENGTH_BYTES = 8 }; /* the header's length, before the header */

typedef struct mapping {
  char *base;    /* NULL when closed */
  size_t size;   /* bytes of the file */
  size_t header; /* bytes of the header */
} mapping;

static int mapping_gc(lua_State *L) {
  mapping *m = luaL_checkudata(L, 1, MAPPING);
  if (m->base) munmap(m->base, m->size);
  m->base = NULL;
  return 0;
}

static int refuse(lua_State *L, const char *path, const char *reason) {
  luaL_pushfail(L);
  lua_pushfstring(L, "%s: %s", path, reason);
  return 2;
}

/* Maps the file at `path`; NULL or the reason why it cannot be. Private and writable: tensors that
   look into the map may be changed in place, and the file stays as it is. */
static const char *map_file(mapping *m, const char *path) {
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* opening a FIFO must not wait */
  if (fd < 0) return strerror(errno);
  struct stat s;
  const char *trouble = NULL;
  if (fstat(fd, &s) != 0) {
    trouble = strerror(errno);
  } else if (!S_ISREG(s.st_mode)) {
    trouble = "not a regular file";
  } else if (s.st_size < LENGTH_BYTES) {
    trouble = "too short for a safetensors file";
  } else {
    void *base = mmap(NULL, (size_t)s.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    if (base == MAP_FAILED)
      trouble = strerror(errno);
    else
      m->base = base, m->size = (size_t)s.st_size;
  }
  close(fd);
  return trouble;
}

/* open(path) -> mapping, header text; or nil, message. */
static int safetensors_open(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  mapping *m = lua_newuserdatauv(L, sizeof *m, 0);
  *m = (mapping){0};
  luaL_setmetatable(L, MAPPING);
  const char *trouble = map_file(m, path);
  if (trouble) return refuse(L, path, trouble);
  uint64_t length;
  memcpy(&length, m->base, sizeof length);
  if (length > m->size - LENGTH_BYTES)
    return refuse(L, path, "not a safetensors file, or cut short: the header ends past its end");
  m->header = (size_t)length;
  lua_pushlstring(L, m->base + LENGTH_BYTES, m->header);
  return 2;
}

static const char *const dtype_names[] = {
    [SB_DTYPE_F32] = "F32",   [SB_DTYPE_F64] = "F64", [SB_DTYPE_F16] = "F16",
    [SB_DTYPE_BF16] = "BF16", [SB_DTYPE_I64] = "I64", [SB_DTYPE_I32] = "I32",
    [SB_DTYPE_I16] = "I16",   [SB_DTYPE_I8] = "I8",   [SB_DTYPE_U8] = "U8",
    [SB_DTYPE_BOOL] = "BOOL", [SB_DTYPE_COUNT] = NULL};

static int find_dtype(const char *name) {
  int type = 0;
  while (dtype_names[type] && strcmp(dtype_names[type], name) != 0) type++;
  return type;
}

/* tensor(mapping, dtype, first, last, {shape}) -> the tensor of bytes [first, last) of the data
   section: a view of the file for aligned F32, else a converted copy; or nil, message. */
static int safetensors_tensor(lua_State *L) {
  mapping *m = luaL_checkudata(L, 1, MAPPING);
  luaL_argcheck(L, m->base != NULL, 1, "mapping is closed");
  const char *name = luaL_checkstring(L, 2);
  int type = find_dtype(name);
  lua_Integer first = luaL_checkinteger(L, 3), last = luaL_checkinteger(L, 4);
  sb_shape shape = sb_check_shape(L, 5);
  if (type == SB_DTYPE_COUNT) return refuse(L, name, "unsupported element type");
  size_t data = LENGTH_BYTES + m->header;
  if (first < 0 || last < first || (uint64_t)last > m->size - data)
    return refuse(L, "data", "outside of the file");
  if (!sb_shape_valid(&shape) ||
      sb_shape_count(&shape) * (int64_t)sb_dtype_size(type) != last - first)
    return refuse(L, "data", "its length does not fit the shape");
  char *bytes = m->base + data + first;
  if (type == SB_DTYPE_F32 && (uintptr_t)bytes % sizeof(float) == 0)
    sb_push_view(L, 1, &shape, (float *)(void *)bytes);
  else
    sb_dtype_convert(type, bytes, sb_shape_count(&shape), sb_push_tensor(L, &shape)->data);
  return 1;
}

void sb_forget_pages(lua_State *L, int index, int64_t first, int64_t last) {
  const sb_tensor *t = sb_to_tensor(L, index);
  lua_getiuservalue(L, index, 1);
  bool mapped = luaL_testudata(L, -1, MAPPING) != NULL;
  lua_pop(L, 1);
  if (!mapped || sb_tensor_version(t) > 0) return;
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  uintptr_t from = ((uintptr_t)(t->data + first) + page - 1) / page * page;
  uintptr_t to = (uintptr_t)(t->data + last) / page * page;
  if (to > from) madvise((void *)from, to - from, MADV_DONTNEED);
}

/* append(file, tensor) -> true, or nil, message, code: writes the tensor's bytes to a Lua file. */
static int safetensors_append(lua_State *L) {
  luaL_Stream *f = luaL_checkudata(L, 1, LUA_FILEHANDLE);
  sb_tensor *t = sb_check_tensor(L, 2);
  luaL_argcheck(L, f->closef != NULL, 1, "file is closed");
  size_t n = (size_t)sb_count(t);
  return luaL_fileresult(L, fwrite(t->data, sizeof(float), n, f->f) == n, NULL);
}

/* No __close, and the metatable is hidden: unmapping early would pull the bytes from under views.
 */
static const luaL_Reg metamethods[] = {{"__gc", mapping_gc}, {"__metatable", NULL}, {NULL, NULL}};
static const luaL_Reg functions[] = {{"open", safetensors_open},
                                     {"tensor", safetensors_tensor},
                                     {"append", safetensors_append},
                                     {NULL, NULL}};

int sb_open_safetensors(lua_State *L) {
  luaL_newmetatable(L, MAPPING);
  luaL_setfuncs(L, metamethods, 0);
  lua_pop(L, 1);
  luaL_newlib(L, functions);
  return 1;
}
