/* lpictures.h: the pictures of data sets as Lua userdata, for the other bindings. */
#ifndef SB_LPICTURES_H
#define SB_LPICTURES_H

#include <lua.h>

#include "pictures.h"

/* The pictures at a stack index, or a Lua argument error. */
sb_pictures *sb_check_pictures(lua_State *L, int arg);

#endif
