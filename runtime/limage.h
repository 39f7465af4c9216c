/* limage.h: tensors as stacks of planes, for the bindings that treat pictures. */
#ifndef SB_LIMAGE_H
#define SB_LIMAGE_H

#include "draw.h"
#include "image.h"
#include "ltensor.h"

/* The tensor (..., H, W) at arg; raises, naming the function, unless it has rows and columns. */
sb_planes sb_check_planes(lua_State *L, int arg, const char *function);

/* Pushes a tensor like the one at arg, but with planes of h x w. */
sb_planes sb_push_planes(lua_State *L, int arg, int64_t h, int64_t w);

/* Pushes a userdata that frees what a decoder will put into it. */
sb_pixels *sb_push_pixels(lua_State *L);

#endif
