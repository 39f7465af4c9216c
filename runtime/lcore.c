/* lcore.c: switchback.core, the C half of the library, as one table of modules. */
#include <lauxlib.h>

#include "lmodules.h"
#include "switchback.h"

/* A line each, so that two additions do not touch. */
/* clang-format off */
static const luaL_Reg modules[] = {
    {"tensor", sb_open_tensor},
    {"rng", sb_open_rng},
    {"layer", sb_open_layer},
    {"conv", sb_open_conv},
    {"system", sb_open_system},
    {"safetensors", sb_open_safetensors},
    {"onnx", sb_open_onnx},
    {"caffe", sb_open_caffe},
    {"files", sb_open_files},
    {"image", sb_open_image},
    {"draw", sb_open_draw},
    {"occlude", sb_open_occlude},
    {"optim", sb_open_optim},
    {"texture", sb_open_texture},
    {"grabcut", sb_open_grabcut},
    {"prompt", sb_open_prompt},
    {"half", sb_open_half},
    {"archive", sb_open_archive},
    {"pictures", sb_open_pictures},
    {"criterion", sb_open_criterion},
    {"bytes", sb_open_bytes},
    {"fetch", sb_open_fetch},
    {"loader", sb_open_loader},
    {"embed", sb_open_embed},
    {"svm", sb_open_svm},
    {NULL, NULL},
};
/* clang-format on */

int luaopen_switchback_core(lua_State *L) {
  luaL_checkversion(L);
  lua_newtable(L);
  for (const luaL_Reg *m = modules; m->name; m++) {
    lua_pushcfunction(L, m->func); /* called, so that what it leaves below its table is dropped */
    lua_call(L, 0, 1);
    lua_setfield(L, -2, m->name);
  }
  return 1;
}
