/* ltensor_buffers.h: the memory behind tensors: userdata that the collector counts byte for byte,
   and that a tensor which is done with its own can hand to the next of its size. */
#ifndef SB_LTENSOR_BUFFERS_H
#define SB_LTENSOR_BUFFERS_H

#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

/* A buffer begins with this; the floats follow at the next multiple of 64 bytes. */
typedef struct sb_buffer_head {
  uint64_t version; /* counts writes from Lua */
  uint64_t shared;  /* not 0 once a view looks into it */
} sb_buffer_head;

/* Has the C library keep what is freed. To be called once, before there are buffers. */
void sb_keep_freed_memory(void);

/* Pushes a raw 64-byte aligned buffer of n floats as a collectable userdata (scratch). */
float *sb_push_buffer(lua_State *L, int64_t n);
/* The floats of the buffer at a stack index, and how many it holds. */
float *sb_buffer_floats(lua_State *L, int index, int64_t *n);

enum { SB_SMALLEST_RELEASED = 1024 }; /* floats: smaller buffers are not worth keeping */

/* Pushes a released buffer of n floats, or pushes nothing and answers false. */
bool sb_push_released(lua_State *L, int64_t n);
/* Pops a buffer of n floats that nothing else uses, for the next who wants as many. */
void sb_put_released(lua_State *L, int64_t n);

#endif
