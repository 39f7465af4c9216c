/* llayer.h: what the parts of the layer binding share: llayer.c makes layers and answers questions
   about them, lrun.c runs them, lplan.c tells what a run would take. */
#ifndef SB_LLAYER_H
#define SB_LLAYER_H

#include <lua.h>

#include "layer.h"

#define SB_LAYER_TYPE "switchback.layer"

/* The memory of a weight and its version when something was last prepared from it. */
typedef struct sb_seen {
  const float *data;
  uint64_t version;
} sb_seen;

/* A layer userdata. User value 1: params { name = tensor }; 2: grads, likewise, or nil; 3: what was
   prepared from the weights (lprepared.h). */
typedef struct sb_layer_object {
  const sb_layer *layer;
  int n_weights;
  sb_shape weight_shapes[SB_MAX_WEIGHTS];
  sb_seen seen[SB_MAX_WEIGHTS];
  _Alignas(8) char config[]; /* no more is what Lua promises for userdata */
} sb_layer_object;

sb_layer_object *sb_check_layer(lua_State *L, int arg);

/* Raises unless the shape that was given (NULL: none) is the one that weight i must have. */
void sb_check_weight(lua_State *L, const sb_layer_object *self, int i, const sb_shape *given);

/* The shape rule of the layer at index 1 for the shapes after it, which it leaves in `in`; raises
   what the rule says against them. */
void sb_layer_infer(lua_State *L, sb_shape *in, int *n_in, sb_plan *plan);

/* The methods of lrun.c. */
int sb_layer_forward(lua_State *L);
int sb_layer_backward(lua_State *L);
int sb_layer_recall(lua_State *L);
int sb_layer_zero_grads(lua_State *L);

/* The method of lplan.c. */
int sb_layer_plan(lua_State *L);

#endif
