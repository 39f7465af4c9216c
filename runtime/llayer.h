/* llayer.h: what the two halves of the layer binding share: llayer.c makes layers and answers
   questions about them, lrun.c runs them. */
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
   prepared from the weights (lrun.c). */
typedef struct sb_layer_object {
  const sb_layer *layer;
  int n_weights;
  sb_shape weight_shapes[SB_MAX_WEIGHTS];
  sb_seen seen[SB_MAX_WEIGHTS];
  _Alignas(8) char config[]; /* no more is what Lua promises for userdata */
} sb_layer_object;

sb_layer_object *sb_check_layer(lua_State *L, int arg);

/* Raises unless t (NULL: absent) has the shape that weight i of this layer must have. */
void sb_check_weight(lua_State *L, const sb_layer_object *self, int i, const sb_tensor *t);

/* The methods of lrun.c. */
int sb_layer_forward(lua_State *L);
int sb_layer_backward(lua_State *L);
int sb_layer_recall(lua_State *L);
int sb_layer_zero_grads(lua_State *L);

#endif
