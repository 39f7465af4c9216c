/* ltensor_buffers.c: where tensors get their memory from. */
#include "ltensor_buffers.h"

#include <lauxlib.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- The heap ----------------------------------------------------------------------------------
 */

enum { HEAP_STEP = 64 << 20 }; /* bytes of address space that the heap grows by */

/* By default the C library returns large blocks to the system, and each new tensor pays for
   faulting its pages in again: longer than most operations on it take. Blocks above 32 MiB, which
   it would map one by one whatever the threshold, are no exception: an iteration of style transfer
   at 512 pixels has dozens and spent a fifth of its time on them. */
void sb_keep_freed_memory(void) {
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

/* ---- Buffers ----------------------------------------------------------------------------------
 */

enum { ALIGN = 64, ROOM = ALIGN + sizeof(sb_buffer_head) };

static float *floats_of(void *raw) {
  uintptr_t at = (uintptr_t)raw + sizeof(sb_buffer_head);
  return (float *)((at + ALIGN - 1) / ALIGN * ALIGN);
}

/* Left alone, the collector waits until memory has doubled, which beside weights of half a gigabyte
   is late. So it runs whenever new buffers have come to GARBAGE bytes, which the system would take
   longer to find than it does to collect. A collection that finds little, as while a pass records
   its tapes, makes it wait for twice as many bytes from then on, up to a half of what is in use or
   MOST_GARBAGE, or, with large networks, a sixteenth of it: about once a pass, for after a pass the
   objects have left the caches, and a collection takes a quarter of a millisecond. EARLY
   collections do not count: a short run is better off with few pages. */
enum { GARBAGE = 8 << 20, MOST_GARBAGE = 20 << 20, EARLY = 16 };

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
  static const char early_key = 0;
  lua_Integer early = registered(L, &early_key);
  lua_Integer before = (lua_Integer)lua_gc(L, LUA_GCCOUNT) << 10;
  lua_gc(L, LUA_GCCOLLECT);
  lua_Integer used = (lua_Integer)lua_gc(L, LUA_GCCOUNT) << 10;
  if (early < EARLY) {
    put_registered(L, &early_key, early + 1);
    return GARBAGE;
  }
  lua_Integer most = used / 2 < MOST_GARBAGE ? used / 2 : MOST_GARBAGE;
  if (most < used / 16) most = used / 16;
  if (before - used < waited / 2) waited *= 2;
  return waited < GARBAGE ? GARBAGE : waited < most ? waited : most;
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
  sb_buffer_head *raw = lua_newuserdatauv(L, bytes, 0);
  ask_for_large_pages();
  *raw = (sb_buffer_head){0};
  return floats_of(raw);
}

float *sb_buffer_floats(lua_State *L, int index, int64_t *n) {
  *n = (int64_t)((lua_rawlen(L, index) - ROOM) / sizeof(float));
  return floats_of(lua_touserdata(L, index));
}

/* ---- Released buffers ------------------------------------------------------------------------ */

/* Released buffers wait for reuse in the registry: { [floats] = { buffer... } }, lists of weak
   values, so that the collector may still have them. */
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
    if (luaL_newmetatable(L, WEAK)) {
      lua_pushliteral(L, "v");
      lua_setfield(L, -2, "__mode");
    }
    lua_setmetatable(L, -2);
    lua_pushvalue(L, -1);
    lua_rawseti(L, -3, n);
  }
  lua_remove(L, -2);
}

bool sb_push_released(lua_State *L, int64_t n) {
  if (n < SB_SMALLEST_RELEASED) return false;
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

void sb_put_released(lua_State *L, int64_t n) {
  push_pool(L, n);
  lua_insert(L, -2);
  lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
  lua_pop(L, 1);
}
