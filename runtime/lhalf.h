/* lhalf.h: weights stored as halves (half.h), as Lua userdata. */
#ifndef SB_LHALF_H
#define SB_LHALF_H

#include <lua.h>

#include "shape.h"

/* The header; user value 1 anchors the memory. Nothing changes it once it is made. */
typedef struct sb_half {
  sb_shape shape;
  uint16_t *data;
} sb_half;

/* The halves at a stack index, or NULL if it is something else. */
sb_half *sb_to_half(lua_State *L, int index);

#endif
