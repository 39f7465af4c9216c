/* ltensor.c: tensors in Lua: the memory behind them, the checks that bindings share, the metatable.
 */
#include "ltensor.h"

#include <lauxlib.h>
#include <malloc.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lmodules.h"
#include "ltensor_parts.h"

/* ---- Memory ---------------------------------------------------------------------------------- */

enum { HEAP_STEP = 64 << 20 }; /* bytes of address space that the heap grows by */

/* By default the C library returns large blocks to the system, and each new tensor pays for
   faulting its pages in again: longer than most operations on it take. Blocks above 32 MiB, which
   it would map one by one whatever the threshold, are no exception: an iteration of style transfer
   at 512 pixels has dozens and spent a fifth of its time on them. */
static void keep_freed_memory(void) {
#ifdef __GLIBC__
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, -1);
  mallopt(M_TOP_PAD, HEAP_STEP);
#endif
}

/* Pages of 2 MiB for all that the heap has grown by since the last call: weights that stream by
   miss the TLB less often (5 to 20 % of a convolution with many channels), and first use faults
   less. The heap's first step stays in small pages: a short run ends within it, and takes them from
   those that were just in use, while whole large ones may have to be got from a virtual machine's
   host (a first saliency in 210 ms instead of 100). */
static void ask_for_large_pages(void) {
#ifdef MADV_HUGEPAGE
  const uintptr_t page = 2 << 20;
  static _Atomic uintptr_t asked; /* up to here */
  uintptr_t end = (uintptr_t)sbrk(0), from = asked;
  if (from && end > from)
    madvise((void *)(from / page * page), end - from / page * page, MADV_HUGEPAGE);
  asked = end;
#endif
}

/* A buffer begins with this; the floats follow at the next multiple of 64 bytes. */
typedef struct head {
  uint64_t version; /* counts writes from Lua */
  uint64_t shared;  /* not 0 once a view looks into it */
} head;
enum { ALIGN = 64, ROOM = ALIGN + sizeof(head) };

/* A tensor userdata. Memory that is no buffer of ours (a mapped file) shares one head. */
typedef struct object {
  sb_tensor tensor;
  head *head;
} object;

static head foreign = {0, 1};

static float *floats_of(void *raw) {
  uintptr_t at = (uintptr_t)raw + sizeof(head);
  return (float *)((at + ALIGN - 1) / ALIGN * ALIGN);
}

/* Left alone, the collector waits until memory has doubled, which beside weights of half a gigabyte
   is late. So it runs whenever new buffers have come to GARBAGE bytes: that takes it a tenth of a
   millisecond, since the objects are few, and the system longer to find the bytes. A collection
   that finds little, as while a pass records its tapes, makes it wait for twice as many bytes the
   next time, up to a quarter of what is in use. */
enum { GARBAGE = 8 << 20 };

static lua_Integer registered(lua_State *L, const char *key) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, key);
  lua_Integer n = lua_tointeger(L, -1);
  lua_pop(L, 1);
  return n;
}

static void put_registered(lua_State *L, const char *key, lua_Integer n) {
  lua_pushinteger(L, n);
  lua_rawsetp(L, LUA_REGISTRYINDEX, key);
}

/* Collects; answers how many new bytes to wait for until the next time, after `waited` this time.
 */
static lua_Integer collect(lua_State *L, lua_Integer waited) {
  lua_Integer before = (lua_Integer)lua_gc(L, LUA_GCCOUNT) << 10;
  lua_gc(L, LUA_GCCOLLECT);
  lua_Integer used = (lua_Integer)lua_gc(L, LUA_GCCOUNT) << 10;
  if (before - used >= waited / 2 || used / 4 < GARBAGE) return GARBAGE;
  return 2 * waited < used / 4 ? 2 * waited : used / 4;
}

static void collect_in_time(lua_State *L, size_t bytes) {
  static const char fresh_key = 0, wait_key = 0;
  lua_Integer fresh = registered(L, &fresh_key) + (lua_Integer)bytes;
  lua_Integer wait = registered(L, &wait_key);
  if (fresh >= (wait ? wait : GARBAGE) && lua_gc(L, LUA_GCISRUNNING)) {
    put_registered(L, &wait_key, collect(L, wait ? wait : GARBAGE));
    fresh = (lua_Integer)bytes;
  }
  put_registered(L, &fresh_key, fresh);
}

float *sb_push_buffer(lua_State *L, int64_t n) {
  size_t bytes = (size_t)n * sizeof(float) + ROOM;
  collect_in_time(L, bytes);
  head *raw = lua_newuserdatauv(L, bytes, 0);
  ask_for_large_pages();
  *raw = (head){0};
  return floats_of(raw);
}

float *sb_buffer_floats(lua_State *L, int index, int64_t *n) {
  *n = (int64_t)((lua_rawlen(L, index) - ROOM) / sizeof(float));
  return floats_of(lua_touserdata(L, index));
}

/* Released buffers wait for reuse in the registry: { [floats] = { buffer... } }, lists of weak
   values, so that the collector may still have them. */
enum { SMALLEST_RELEASED = 1024 };
#define WEAK "switchback.weak"

static void push_pool(lua_State *L, int64_t n) {
  static const char key = 0;
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &key) != LUA_TTABLE) {
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &key);
  }
  if (lua_rawgeti(L, -1, n) != LUA_TTABLE) {
    lua_pop(L, 1);
    lua_newtable(L);
    luaL_setmetatable(L, WEAK);
    lua_pushvalue(L, -1);
    lua_rawseti(L, -3, n);
  }
  lua_remove(L, -2);
}

/* Pushes a released buffer of n floats, or pushes nothing and answers false. */
static bool push_released(lua_State *L, int64_t n) {
  if (n < SMALLEST_RELEASED) return false;
  push_pool(L, n);
  for (lua_Integer last = (lua_Integer)lua_rawlen(L, -1); last > 0; last--) {
    bool found = lua_rawgeti(L, -1, last) == LUA_TUSERDATA;
    lua_pushnil(L);
    lua_rawseti(L, -3, last);
    lua_remove(L, found ? -2 : -1);
    if (found) return true;
  }
  lua_pop(L, 1);
  return false;
}

static object *push_header(lua_State *L, const sb_shape *shape) {
  object *t = lua_newuserdatauv(L, sizeof *t, 1);
  *t = (object){{*shape, NULL}, &foreign};
  luaL_setmetatable(L, SB_TENSOR);
  return t;
}

sb_tensor *sb_push_tensor(lua_State *L, const sb_shape *shape) {
  char text[SB_SHAPE_TEXT];
  if (shape->rank < 0 || shape->rank > SB_MAX_RANK || !sb_shape_valid(shape))
    luaL_error(L, "tensor: invalid shape %s", sb_shape_text(shape, text));
  object *t = push_header(L, shape);
  int64_t n = sb_shape_count(shape);
  if (!push_released(L, n)) sb_push_buffer(L, n);
  t->tensor.data = sb_buffer_floats(L, -1, &n);
  t->head = lua_touserdata(L, -1);
  lua_setiuservalue(L, -2, 1);
  return &t->tensor;
}

sb_tensor *sb_push_view(lua_State *L, int anchor, const sb_shape *shape, float *data) {
  anchor = lua_absindex(L, anchor);
  const object *owner = (const object *)sb_to_tensor(L, anchor);
  object *t = push_header(L, shape);
  if (owner) {
    t->head = owner->head;
    t->head->shared = 1;
    lua_getiuservalue(L, anchor, 1);
  } else {
    lua_pushvalue(L, anchor);
  }
  lua_setiuservalue(L, -2, 1);
  t->tensor.data = data;
  return &t->tensor;
}

/* ---- Released memory ---------------------------------------------------------------------------
 */

void sb_release_tensor(lua_State *L, int index) {
  index = lua_absindex(L, index);
  object *t = (object *)sb_to_tensor(L, index);
  int64_t n = sb_count(&t->tensor);
  if (t->head->shared || n < SMALLEST_RELEASED) return;
  push_pool(L, n);
  lua_getiuservalue(L, index, 1);
  lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
  lua_pop(L, 1);
  lua_pushnil(L);
  lua_setiuservalue(L, index, 1);
  *t = (object){{{1, {0}}, NULL}, &foreign};
}

/* t:release() --> nothing: hands t's memory to the next tensor of its size, before the collector
   would; t becomes empty. Memory that a view or a tape looks into stays as it is. */
int sb_tensor_release(lua_State *L) {
  sb_check_tensor(L, 1);
  sb_release_tensor(L, 1);
  return 0;
}

sb_tensor *sb_to_tensor(lua_State *L, int index) {
  return luaL_testudata(L, index, SB_TENSOR);
}

sb_tensor *sb_check_tensor(lua_State *L, int arg) {
  return luaL_checkudata(L, arg, SB_TENSOR);
}

sb_tensor *sb_check_writable(lua_State *L, int arg) {
  sb_tensor *t = sb_check_tensor(L, arg);
  ((object *)t)->head->version++;
  return t;
}

void sb_share_tensor(const sb_tensor *t) {
  ((const object *)t)->head->shared = 1;
}

uint64_t sb_tensor_version(const sb_tensor *t) {
  return ((const object *)t)->head->version;
}

/* ---- Shapes ---------------------------------------------------------------------------------- */

static sb_shape shape_from_table(lua_State *L, int arg) {
  sb_shape s = {0};
  lua_Integer rank = luaL_len(L, arg);
  luaL_argcheck(L, rank <= SB_MAX_RANK, arg, "a tensor has at most 6 dimensions");
  for (; s.rank < rank; s.rank++) {
    int is_integer;
    lua_geti(L, arg, s.rank + 1);
    s.dim[s.rank] = lua_tointegerx(L, -1, &is_integer);
    luaL_argcheck(L, is_integer, arg, "dimensions must be integers");
    lua_pop(L, 1);
  }
  return s;
}

sb_shape sb_check_shape(lua_State *L, int arg) {
  if (lua_istable(L, arg)) return shape_from_table(L, arg);
  sb_shape s = {0};
  int top = lua_gettop(L);
  luaL_argcheck(L, top - arg + 1 <= SB_MAX_RANK, arg, "a tensor has at most 6 dimensions");
  for (int i = arg; i <= top; i++) s.dim[s.rank++] = luaL_checkinteger(L, i);
  return s;
}

void sb_push_shape(lua_State *L, const sb_shape *shape) {
  lua_createtable(L, shape->rank, 0);
  for (int i = 0; i < shape->rank; i++) {
    lua_pushinteger(L, shape->dim[i]);
    lua_seti(L, -2, i + 1);
  }
}

int sb_to_dim(lua_State *L, int arg, lua_Integer dim, int rank) {
  if (dim == 0 || dim > rank || dim < -rank)
    return luaL_argerror(L, arg,
                         lua_pushfstring(L, "no dimension %I, the tensor has %d", dim, rank));
  return (int)(dim < 0 ? dim + rank : dim - 1);
}

int sb_check_dim(lua_State *L, int arg, int rank) {
  return sb_to_dim(L, arg, luaL_checkinteger(L, arg), rank);
}

int sb_opt_dim(lua_State *L, int arg, int rank, int fallback) {
  return lua_isnoneornil(L, arg) ? fallback : sb_check_dim(L, arg, rank);
}

lua_Integer sb_pop_integer(lua_State *L, const char *name) {
  int is_integer;
  lua_Integer i = lua_tointegerx(L, -1, &is_integer);
  if (!is_integer) luaL_error(L, "%s: integers expected, got a %s", name, luaL_typename(L, -1));
  lua_pop(L, 1);
  return i;
}

int64_t sb_check_position(lua_State *L, const char *name, lua_Integer i, int64_t n) {
  if (i == 0 || i > n || i < -n)
    luaL_error(L, "%s: position %I is outside 1..%I", name, i, (lua_Integer)n);
  return i < 0 ? i + n : i - 1;
}

sb_shape sb_check_broadcast(lua_State *L, const char *name, const sb_shape *a, const sb_shape *b) {
  sb_shape out;
  char first[SB_SHAPE_TEXT], second[SB_SHAPE_TEXT];
  if (!sb_shape_broadcast(a, b, &out))
    luaL_error(L, "%s: shapes %s and %s do not broadcast", name, sb_shape_text(a, first),
               sb_shape_text(b, second));
  return out;
}

void sb_check_fits(lua_State *L, const char *name, const sb_shape *from, const sb_shape *to) {
  sb_shape out;
  char first[SB_SHAPE_TEXT], second[SB_SHAPE_TEXT];
  if (!sb_shape_broadcast(from, to, &out) || !sb_shape_equal(&out, to))
    luaL_error(L, "%s: shape %s does not broadcast to %s", name, sb_shape_text(from, first),
               sb_shape_text(to, second));
}

/* ---- Operands -------------------------------------------------------------------------------- */

void sb_check_operand(lua_State *L, int arg, sb_operand *o) {
  sb_tensor *t = sb_to_tensor(L, arg);
  if (t) {
    o->t = *t;
  } else if (lua_type(L, arg) == LUA_TNUMBER) {
    o->value = (float)lua_tonumber(L, arg);
    o->t = (sb_tensor){.shape = {.rank = 0}, .data = &o->value};
  } else {
    luaL_typeerror(L, arg, "tensor or number");
  }
}

void sb_separate(lua_State *L, sb_operand *o, const sb_tensor *z) {
  int64_t n = sb_count(&o->t), m = sb_count(z);
  bool apart = o->t.data + n <= z->data || z->data + m <= o->t.data;
  if (apart || (o->t.data == z->data && n == m)) return;
  sb_tensor *copy = sb_push_tensor(L, &o->t.shape);
  sb_copy(copy, &o->t);
  o->t = *copy;
}

/* ---- The metatable --------------------------------------------------------------------------- */

static int tensor_index(lua_State *L) {
  sb_check_tensor(L, 1);
  if (lua_type(L, 2) == LUA_TNUMBER || lua_istable(L, 2)) return sb_tensor_index(L);
  lua_pushvalue(L, 2);
  lua_rawget(L, lua_upvalueindex(1));
  return 1;
}

/* The operators that are methods under another name. */
static const char *const operators[][2] = {{"__add", "add"},   {"__sub", "sub"}, {"__mul", "mul"},
                                           {"__div", "div"},   {"__mod", "mod"}, {"__pow", "pow"},
                                           {"__idiv", "idiv"}, {"__unm", "neg"}};

static const luaL_Reg metamethods[] = {{"__newindex", sb_tensor_newindex},
                                       {"__tostring", sb_tensor_tostring},
                                       {"__len", sb_tensor_len},
                                       {"__pairs", sb_tensor_pairs},
                                       {"__eq", sb_tensor_eq},
                                       {NULL, NULL}};

static void push_methods(lua_State *L) {
  lua_newtable(L);
  sb_tensor_views(L);
  sb_tensor_math(L);
  sb_tensor_reductions(L);
  sb_tensor_orders(L);
  sb_tensor_arranging(L);
  sb_tensor_products(L);
}

/* Completes the metatable below the methods on top. */
static void set_metamethods(lua_State *L) {
  for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
    lua_getfield(L, -1, operators[i][1]);
    lua_setfield(L, -3, operators[i][0]);
  }
  lua_pushvalue(L, -1);
  lua_pushcclosure(L, tensor_index, 1);
  lua_setfield(L, -3, "__index");
  lua_pushvalue(L, -2);
  luaL_setfuncs(L, metamethods, 0);
  lua_pop(L, 1);
}

/* Leaves one table with every method and the constructors. */
int sb_open_tensor(lua_State *L) {
  keep_freed_memory();
  luaL_newmetatable(L, WEAK);
  lua_pushliteral(L, "v");
  lua_setfield(L, -2, "__mode");
  lua_pop(L, 1);
  luaL_newmetatable(L, SB_TENSOR);
  push_methods(L);
  set_metamethods(L);
  lua_newtable(L);
  lua_pushnil(L);
  while (lua_next(L, -3)) {
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    lua_settable(L, -4);
  }
  sb_tensor_new(L);
  return 1;
}
