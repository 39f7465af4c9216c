/* lonnx_tensor.c: tensors of ONNX files as Lua values.

   The elements of a tensor are in one of three places: `raw_data` (little-endian bytes), a list for
   their type (`float_data`, ...; narrow types widened, 16-bit floats as bits in `int32_data`), or
   another file. Whatever the place, the bytes are first found and measured against the shape, and
   only then is memory for the value allocated. */
#include "lonnx_tensor.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dtype.h"
#include "ltensor.h"

typedef struct element_type {
  const char *name;
  int size;            /* bytes an element in raw_data; 0: values are not read */
  sb_dtype float_type; /* of floating-point types; SB_DTYPE_COUNT for the others */
  bool is_signed;
} element_type;

/* Indexed by TensorProto.DataType. */
static const element_type types[] = {
    {"undefined", 0, SB_DTYPE_COUNT},     {"float32", 4, SB_DTYPE_F32},
    {"uint8", 1, SB_DTYPE_COUNT, false},  {"int8", 1, SB_DTYPE_COUNT, true},
    {"uint16", 2, SB_DTYPE_COUNT, false}, {"int16", 2, SB_DTYPE_COUNT, true},
    {"int32", 4, SB_DTYPE_COUNT, true},   {"int64", 8, SB_DTYPE_COUNT, true},
    {"string", 0, SB_DTYPE_COUNT},        {"bool", 1, SB_DTYPE_COUNT, false},
    {"float16", 2, SB_DTYPE_F16},         {"float64", 8, SB_DTYPE_F64},
    {"uint32", 4, SB_DTYPE_COUNT, false}, {"uint64", 8, SB_DTYPE_COUNT, false},
    {"complex64", 0, SB_DTYPE_COUNT},     {"complex128", 0, SB_DTYPE_COUNT},
    {"bfloat16", 2, SB_DTYPE_BF16}};

static const element_type *find_type(int32_t type) {
  static const element_type unknown = {"unknown", 0, SB_DTYPE_COUNT};
  int n = sizeof types / sizeof types[0];
  return type >= 0 && type < n ? &types[type] : &unknown;
}

const char *sb_onnx_dtype(int32_t type) {
  return find_type(type)->name;
}

/* A tensor on its way to Lua. */
typedef struct source {
  const Sb__Onnx__Tensor *t;
  const char *path; /* of the file it is in */
  const element_type *type;
  sb_shape shape;
  int64_t count;
} source;

static int refuse(lua_State *L, const source *s, const char *reason) {
  const char *name = s->t->name ? s->t->name : "";
  return luaL_error(L, "%s: tensor '%s' %s", s->path, name, reason);
}

static void read_shape(lua_State *L, source *s) {
  if (s->t->n_dims > SB_MAX_RANK) refuse(L, s, "has more than 6 dimensions");
  s->shape.rank = (int)s->t->n_dims;
  for (int i = 0; i < s->shape.rank; i++) s->shape.dim[i] = s->t->dims[i];
  if (!sb_shape_valid(&s->shape)) refuse(L, s, "has an impossible shape");
  s->count = sb_shape_count(&s->shape);
}

/* ---- Elements to values ---------------------------------------------------------------------- */

/* Element i of `bytes`, sign-extended if its type is signed. */
static lua_Integer integer_at(const element_type *type, const uint8_t *bytes, int64_t i) {
  uint64_t bits = 0;
  memcpy(&bits, bytes + i * type->size, (size_t)type->size);
  int unused = 64 - 8 * type->size;
  return type->is_signed ? (int64_t)(bits << unused) >> unused : (int64_t)bits;
}

/* Pushes the value whose `count` elements lie packed in `bytes`. */
static void push_elements(lua_State *L, const source *s, const void *bytes) {
  if (s->type->float_type != SB_DTYPE_COUNT) {
    float *to = sb_push_tensor(L, &s->shape)->data;
    sb_dtype_convert(s->type->float_type, bytes, s->count, to);
    return;
  }
  if (s->count > INT_MAX) refuse(L, s, "has too many integers");
  lua_createtable(L, (int)s->count, 2);
  for (int64_t i = 0; i < s->count; i++) {
    lua_pushinteger(L, integer_at(s->type, bytes, i));
    lua_rawseti(L, -2, i + 1);
  }
}

/* As push_elements, for `n` elements at `from` that are stored `stride` bytes apart, the narrow
   types in wider ones (little-endian, so that the low bytes come first). */
static void push_list(lua_State *L, const source *s, const void *from, size_t n, size_t stride) {
  if ((int64_t)n != s->count) refuse(L, s, "has another number of elements than its shape");
  size_t size = (size_t)s->type->size;
  if (size == stride) {
    push_elements(L, s, from);
    return;
  }
  char *packed = lua_newuserdatauv(L, n * size + 1, 0);
  for (size_t i = 0; i < n; i++) memcpy(packed + i * size, (const char *)from + i * stride, size);
  push_elements(L, s, packed);
  lua_remove(L, -2);
}

static void push_typed(lua_State *L, const source *s) {
  const Sb__Onnx__Tensor *t = s->t;
  switch (t->data_type) {
  case 1: push_list(L, s, t->float_data, t->n_float_data, sizeof *t->float_data); break;
  case 7: push_list(L, s, t->int64_data, t->n_int64_data, sizeof *t->int64_data); break;
  case 11: push_list(L, s, t->double_data, t->n_double_data, sizeof *t->double_data); break;
  case 12:
  case 13: push_list(L, s, t->uint64_data, t->n_uint64_data, sizeof *t->uint64_data); break;
  default: push_list(L, s, t->int32_data, t->n_int32_data, sizeof *t->int32_data);
  }
}

/* ---- Data in another file -------------------------------------------------------------------- */

typedef struct location {
  const char *file;       /* relative to the model's folder */
  int64_t offset, length; /* length -1: as much as the shape needs */
} location;

static int64_t number_entry(lua_State *L, const source *s, const char *text) {
  char *end;
  errno = 0;
  long long n = strtoll(text, &end, 10);
  if (end == text || *end || errno || n < 0) refuse(L, s, "has a bad offset or length");
  return n;
}

static location read_location(lua_State *L, const source *s) {
  location at = {NULL, 0, -1};
  for (size_t i = 0; i < s->t->n_external_data; i++) {
    const Sb__Onnx__Entry *e = s->t->external_data[i];
    if (!e->key || !e->value) continue;
    if (strcmp(e->key, "location") == 0) at.file = e->value;
    if (strcmp(e->key, "offset") == 0) at.offset = number_entry(L, s, e->value);
    if (strcmp(e->key, "length") == 0) at.length = number_entry(L, s, e->value);
  }
  if (!at.file || !*at.file) refuse(L, s, "names no file for its external data");
  return at;
}

/* Whether a relative path stays below the folder it starts from. */
static bool stays_inside(const char *path) {
  if (*path == '/') return false;
  for (const char *p = path; p; p = strchr(p, '/')) {
    p += *p == '/';
    if (strncmp(p, "..", 2) == 0 && (p[2] == '/' || p[2] == 0)) return false;
  }
  return true;
}

/* Whether the file holds that many bytes there; NULL or the reason why not. */
static const char *check_region(const char *file, const location *at, int64_t bytes) {
  struct stat s;
  if (stat(file, &s) != 0) return strerror(errno);
  if (!S_ISREG(s.st_mode)) return "not a regular file";
  if (at->offset > s.st_size || bytes > s.st_size - at->offset) return "ends before the data";
  return NULL;
}

/* Reads n bytes at `offset`; NULL or the reason. */
static const char *read_region(int fd, int64_t offset, size_t n, char *to) {
  while (n > 0) {
    ssize_t got = pread(fd, to, n, offset);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return got ? strerror(errno) : "ends before the data";
    to += got, offset += got, n -= (size_t)got;
  }
  return NULL;
}

static void push_external(lua_State *L, const source *s) {
  location at = read_location(L, s);
  int64_t bytes = s->count * s->type->size;
  if (at.length >= 0 && at.length != bytes)
    refuse(L, s, "has a length that does not fit its shape");
  if (!stays_inside(at.file)) refuse(L, s, "names a file outside of the model's folder");
  const char *slash = strrchr(s->path, '/');
  lua_pushlstring(L, s->path, slash ? (size_t)(slash - s->path + 1) : 0);
  lua_pushstring(L, at.file);
  lua_concat(L, 2);
  const char *file = lua_tostring(L, -1);
  const char *trouble = check_region(file, &at, bytes);
  if (trouble) luaL_error(L, "%s: external data %s: %s", s->path, file, trouble);
  char *buffer = lua_newuserdatauv(L, (size_t)bytes + 1, 0);
  int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  trouble = fd < 0 ? strerror(errno) : read_region(fd, at.offset, (size_t)bytes, buffer);
  if (fd >= 0) close(fd);
  if (trouble) luaL_error(L, "%s: external data %s: %s", s->path, file, trouble);
  push_elements(L, s, buffer);
  lua_replace(L, -3);
  lua_pop(L, 1);
}

/* ---- The whole ------------------------------------------------------------------------------- */

static void push_values(lua_State *L, const source *s) {
  if (s->type->size == 0)
    lua_newtable(L);
  else if (s->t->data_location == 1)
    push_external(L, s);
  else if (!s->t->has_raw_data)
    push_typed(L, s);
  else if (s->t->raw_data.len != (size_t)(s->count * s->type->size))
    refuse(L, s, "has raw data of another length than its shape");
  else
    push_elements(L, s, s->t->raw_data.data);
}

void sb_push_onnx_tensor(lua_State *L, const Sb__Onnx__Tensor *t, const char *path) {
  luaL_checkstack(L, 8, "onnx tensor");
  source s = {t, path, find_type(t->data_type), {0}, 0};
  read_shape(L, &s);
  push_values(L, &s);
  if (!lua_istable(L, -1)) return;
  lua_pushstring(L, s.type->name);
  lua_setfield(L, -2, "dtype");
  sb_push_shape(L, &s.shape);
  lua_setfield(L, -2, "shape");
}
