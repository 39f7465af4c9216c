/* ltensor.h: tensors as Lua userdata, for the other bindings.

   A tensor userdata is an sb_tensor header whose user value 1 anchors the memory it points into: a
   storage userdata that the collector counts byte for byte, or any other userdata (a mapped file).
   Whatever overwrites a tensor's elements from Lua counts up the version of its memory, so that
   what was derived from weights can be told to be out of date. */
#ifndef SB_LTENSOR_H
#define SB_LTENSOR_H

#include <lua.h>

#include "ltensor_buffers.h"
#include "tensor.h"

/* The metatables' names in the registry. */
#define SB_TENSOR "switchback.tensor"

/* The tensor at a stack index, or a Lua argument error. */
sb_tensor *sb_check_tensor(lua_State *L, int arg);
/* The same, for a function that overwrites elements. */
sb_tensor *sb_check_writable(lua_State *L, int arg);
/* How often the memory of this tensor userdata was written to. */
uint64_t sb_tensor_version(const sb_tensor *t);
/* Hands the memory of the tensor at a stack index to the next one of its size, unless it is shared;
   the tensor becomes empty. */
void sb_release_tensor(lua_State *L, int index);
/* Says that something else points into this userdata's memory, so that it is never handed on. */
void sb_share_tensor(const sb_tensor *t);
/* The tensor at a stack index, or NULL if it is something else. */
sb_tensor *sb_to_tensor(lua_State *L, int index);

/* Pushes a new tensor with its own storage. Contents are not cleared. Raises for an invalid shape.
 */
sb_tensor *sb_push_tensor(lua_State *L, const sb_shape *shape);
/* Pushes a tensor that looks into `data`, kept alive by the userdata or tensor at index `anchor`
   (of a tensor, its own anchor is taken, so that views of views do not chain). */
sb_tensor *sb_push_view(lua_State *L, int anchor, const sb_shape *shape, float *data);

/* If the tensor at a stack index looks into a mapped file, and no mapped memory was ever written
   to, elements [first, last) no longer count as this process's memory until they are read again. */
void sb_forget_pages(lua_State *L, int index, int64_t first, int64_t last);

/* A shape from Lua arguments arg..top (integers) or from one table of integers at arg. */
sb_shape sb_check_shape(lua_State *L, int arg);
/* Pushes {d1, d2, ...}. */
void sb_push_shape(lua_State *L, const sb_shape *shape);

#endif
