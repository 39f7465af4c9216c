/* switchback.h: what the host program opens; nothing else. */
#ifndef SWITCHBACK_H
#define SWITCHBACK_H

#include <lua.h>

int luaopen_switchback_core(lua_State *L);

#endif
