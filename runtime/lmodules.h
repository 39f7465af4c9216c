/* lmodules.h: the bindings that lcore.c gathers into switchback.core. Each sb_open_NAME leaves its
   function table on the stack. */
#ifndef SB_LMODULES_H
#define SB_LMODULES_H

#include <lua.h>

int sb_open_tensor(lua_State *L);
int sb_open_half(lua_State *L);
int sb_open_rng(lua_State *L);
int sb_open_layer(lua_State *L);
int sb_open_conv(lua_State *L);
int sb_open_system(lua_State *L);
int sb_open_safetensors(lua_State *L);
int sb_open_onnx(lua_State *L);
int sb_open_caffe(lua_State *L);
int sb_open_fetch(lua_State *L);
int sb_open_bytes(lua_State *L);
int sb_open_files(lua_State *L);
int sb_open_image(lua_State *L);
int sb_open_draw(lua_State *L);
int sb_open_occlude(lua_State *L);
int sb_open_optim(lua_State *L);
int sb_open_criterion(lua_State *L);
int sb_open_texture(lua_State *L);
int sb_open_grabcut(lua_State *L);
int sb_open_embed(lua_State *L);
int sb_open_prompt(lua_State *L);
int sb_open_archive(lua_State *L);
int sb_open_pictures(lua_State *L);
int sb_open_loader(lua_State *L);
int sb_open_svm(lua_State *L);

#endif
