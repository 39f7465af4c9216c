/* lrng.h: generators as Lua userdata, for the other bindings. */
#ifndef SB_LRNG_H
#define SB_LRNG_H

#include <lua.h>

#include "rng.h"

/* The generator at a stack index, or a Lua argument error. */
sb_rng *sb_check_rng(lua_State *L, int arg);

#endif
