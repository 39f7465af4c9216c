/* lparam.h: a layer's configuration between its C struct and a Lua table, driven by the parameter
   table in the layer's file. */
#ifndef SB_LPARAM_H
#define SB_LPARAM_H

#include <lua.h>

#include "layer.h"

/* Fills config from the table at index `table`: defaults, types, minima, unknown keys (raising
   "maxpool: unknown parameter 'kernal'; did you mean 'kernel'?"). Weight names and "rng" are
   accepted as keys and left to the caller. */
void sb_read_config(lua_State *L, int table, const sb_layer *layer, void *config);

/* Pushes { parameter = value }, as the constructor would take it. */
void sb_push_config(lua_State *L, const sb_layer *layer, const void *config);

/* Pushes "maxpool{kernel={2,2}, stride={2,2}}": parameters that differ from their default. */
void sb_push_config_text(lua_State *L, const sb_layer *layer, const void *config);

#endif
