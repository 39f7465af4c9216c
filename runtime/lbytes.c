/* lbytes.c: bytes that tensors may look into, such as files mapped in memory. Formats are read in
   Lua; what they say about where a tensor's elements lie is checked here. Positions count from 1,
   as string.unpack's do. */
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

#define BYTES "switchback.bytes"

/* The userdata: this, and after it the bytes unless they are mapped. */
typedef struct bytes {
  char *base;
  size_t size;
  bool mapped; /* to be unmapped by the collector */
} bytes;

static int bytes_gc(lua_State *L) {
  bytes *b = luaL_checkudata(L, 1, BYTES);
  if (b->mapped && b->base) munmap(b->base, b->size);
  b->base = NULL, b->size = 0;
  return 0;
}

/* Maps the file at `path`; NULL or the reason why it cannot be. Private and writable: tensors that
   look into the map may be changed in place, and the file stays as it is. */
static const char *map_file(bytes *b, const char *path) {
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* opening a FIFO must not wait */
  if (fd < 0) return strerror(errno);
  struct stat s;
  const char *trouble = NULL;
  if (fstat(fd, &s) != 0) {
    trouble = strerror(errno);
  } else if (!S_ISREG(s.st_mode)) {
    trouble = "not a regular file";
  } else if (s.st_size > 0) {
    void *base = mmap(NULL, (size_t)s.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    if (base == MAP_FAILED)
      trouble = strerror(errno);
    else
      b->base = base, b->size = (size_t)s.st_size;
  }
  close(fd);
  return trouble;
}

/* map(path) --> the bytes of that file, of which none is read yet; or nil, message. */
static int bytes_map(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  bytes *b = lua_newuserdatauv(L, sizeof *b, 0);
  *b = (bytes){.mapped = true};
  luaL_setmetatable(L, BYTES);
  const char *trouble = map_file(b, path);
  if (!trouble) return 1;
  luaL_pushfail(L);
  lua_pushfstring(L, "%s: %s", path, trouble);
  return 2;
}

enum { ALIGNMENT = 64 };

/* copy(string) --> the same bytes, where tensors may look into them. */
static int bytes_copy(lua_State *L) {
  size_t size;
  const char *from = luaL_checklstring(L, 1, &size);
  bytes *b = lua_newuserdatauv(L, sizeof *b + ALIGNMENT + size, 0);
  char *after = (char *)(b + 1);
  *b = (bytes){.base = after + (ALIGNMENT - (uintptr_t)after % ALIGNMENT), .size = size};
  memcpy(b->base, from, size);
  luaL_setmetatable(L, BYTES);
  return 1;
}

static int bytes_length(lua_State *L) {
  bytes *b = luaL_checkudata(L, 1, BYTES);
  lua_pushinteger(L, (lua_Integer)b->size);
  return 1;
}

/* b:sub(i, j) --> the bytes at positions i to j as a string; what is outside is left out. */
static int bytes_sub(lua_State *L) {
  bytes *b = luaL_checkudata(L, 1, BYTES);
  lua_Integer i = luaL_checkinteger(L, 2), j = luaL_checkinteger(L, 3);
  if (i < 1) i = 1;
  if (j > (lua_Integer)b->size) j = (lua_Integer)b->size;
  if (i > j)
    lua_pushliteral(L, "");
  else
    lua_pushlstring(L, b->base + i - 1, (size_t)(j - i + 1));
  return 1;
}

/* ---- Tensors --------------------------------------------------------------------------------- */

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

/* element_size(dtype) --> bytes of an element; nil if there is no such type. */
static int bytes_element_size(lua_State *L) {
  int type = find_dtype(luaL_checkstring(L, 1));
  if (type == SB_DTYPE_COUNT)
    luaL_pushfail(L);
  else
    lua_pushinteger(L, (lua_Integer)sb_dtype_size(type));
  return 1;
}

/* Row-major, without gaps. */
static sb_shape dense_strides(const sb_shape *shape) {
  sb_shape strides = {.rank = shape->rank};
  for (int d = 0; d < shape->rank; d++) strides.dim[d] = sb_shape_span(shape, d + 1, shape->rank);
  return strides;
}

static bool is_dense(const sb_shape *shape, const sb_shape *strides) {
  sb_shape dense = dense_strides(shape);
  for (int d = 0; d < shape->rank; d++)
    if (shape->dim[d] != 1 && strides->dim[d] != dense.dim[d]) return false;
  return true;
}

/* Elements from the first one to the last one that a tensor reaches; -1 if beyond `most`. Every
   stride is at most `most` and no larger sum than its double arises. */
static int64_t reach(const sb_shape *shape, const sb_shape *strides, int64_t most) {
  int64_t last = 0;
  for (int d = 0; d < shape->rank; d++) {
    int64_t steps = shape->dim[d] - 1, stride = strides->dim[d];
    if (steps < 0) return 0; /* no elements at all */
    if (steps == 0 || stride == 0) continue;
    if (stride < 0 || stride > most || steps > most / stride) return -1;
    last += steps * stride;
    if (last >= most) return -1;
  }
  return last < most ? last + 1 : -1;
}

/* Copies elements along dimensions [d, rank) from `from`, in row-major order; answers where the
   next goes. */
static float *gather(sb_dtype type, const char *from, const sb_shape *shape,
                     const sb_shape *strides, int d, float *to) {
  size_t size = sb_dtype_size(type);
  if (d == shape->rank) return sb_dtype_convert(type, from, 1, to), to + 1;
  if (d == shape->rank - 1 && strides->dim[d] == 1)
    return sb_dtype_convert(type, from, shape->dim[d], to), to + shape->dim[d];
  for (int64_t i = 0; i < shape->dim[d]; i++)
    to = gather(type, from + (size_t)(i * strides->dim[d]) * size, shape, strides, d + 1, to);
  return to;
}

static int refuse(lua_State *L, const char *what, const char *reason) {
  luaL_pushfail(L);
  lua_pushfstring(L, "%s%s", what, reason);
  return 2;
}

/* NULL, or what is wrong with a tensor of these strides over `elements` of storage. An honest one
   shows no element twice so often that it has more than its storage: that would claim memory which
   the file's size does not justify. */
static const char *check_layout(const sb_shape *shape, const sb_shape *strides, int64_t elements) {
  if (strides->rank != shape->rank) return "has not as many strides as dimensions";
  if (sb_shape_count(shape) > elements) return "has more elements than its storage";
  if (reach(shape, strides, elements) < 0) return "reaches beyond its storage";
  return NULL;
}

/* b:tensor(dtype, first, last, {shape} [, {strides}]) --> the tensor whose storage begins at
   position `first` and ends at `last`: a view of the bytes if it is F32, aligned and without gaps,
   else a converted copy; second result: whether it is a copy. Or nil, message. */
static int bytes_tensor(lua_State *L) {
  bytes *b = luaL_checkudata(L, 1, BYTES);
  const char *name = luaL_checkstring(L, 2);
  lua_Integer first = luaL_checkinteger(L, 3), last = luaL_checkinteger(L, 4);
  luaL_checktype(L, 5, LUA_TTABLE);
  sb_shape shape = sb_check_shape(L, 5);
  int type = find_dtype(name);
  if (type == SB_DTYPE_COUNT) return refuse(L, "unsupported element type ", name);
  if (!sb_shape_valid(&shape)) return refuse(L, "", "has an impossible shape");
  sb_shape strides = lua_isnoneornil(L, 6) ? dense_strides(&shape) : sb_check_shape(L, 6);
  if (first < 1 || last < first - 1 || (uint64_t)last > b->size)
    return refuse(L, "its data", " lies outside of the file");
  int64_t elements = (last - first + 1) / (int64_t)sb_dtype_size(type);
  const char *trouble = check_layout(&shape, &strides, elements);
  if (trouble) return refuse(L, "", trouble);
  char *at = b->base + first - 1;
  bool view = type == SB_DTYPE_F32 && (uintptr_t)at % sizeof(float) == 0 &&
              is_dense(&shape, &strides) && sb_shape_count(&shape) > 0;
  if (view)
    sb_push_view(L, 1, &shape, (float *)(void *)at);
  else if (sb_shape_count(&shape) == 0 || is_dense(&shape, &strides))
    sb_dtype_convert(type, at, sb_shape_count(&shape), sb_push_tensor(L, &shape)->data);
  else
    gather(type, at, &shape, &strides, 0, sb_push_tensor(L, &shape)->data);
  lua_pushboolean(L, !view);
  return 2;
}

void sb_forget_pages(lua_State *L, int index, int64_t first, int64_t last) {
  const sb_tensor *t = sb_to_tensor(L, index);
  lua_getiuservalue(L, index, 1);
  const bytes *b = luaL_testudata(L, -1, BYTES);
  lua_pop(L, 1);
  if (!b || !b->mapped || sb_tensor_version(t) > 0) return;
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  uintptr_t from = ((uintptr_t)(t->data + first) + page - 1) / page * page;
  uintptr_t to = (uintptr_t)(t->data + last) / page * page;
  if (to > from) madvise((void *)from, to - from, MADV_DONTNEED);
}

/* No __close, and the metatable is hidden: unmapping early would pull the bytes from under views.
 */
static const luaL_Reg metamethods[] = {
    {"__gc", bytes_gc}, {"__len", bytes_length}, {"__metatable", NULL}, {NULL, NULL}};
static const luaL_Reg methods[] = {{"sub", bytes_sub}, {"tensor", bytes_tensor}, {NULL, NULL}};
static const luaL_Reg functions[] = {
    {"map", bytes_map}, {"copy", bytes_copy}, {"element_size", bytes_element_size}, {NULL, NULL}};

int sb_open_bytes(lua_State *L) {
  luaL_newmetatable(L, BYTES);
  luaL_setfuncs(L, metamethods, 0);
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  luaL_newlib(L, functions);
  return 1;
}
