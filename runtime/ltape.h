/* ltape.h: tapes as Lua userdata: what one forward run of a layer recorded for its backward. */
#ifndef SB_LTAPE_H
#define SB_LTAPE_H

#include <lua.h>

#include "layer.h"

/* What one forward run recorded. User value 1 anchors the memory of the tensors. */
typedef struct sb_tape {
  const sb_layer *layer;
  int n_in, n_out, n_tape;
  bool training, has_inputs;
  sb_tensor t[]; /* inputs, outputs, then what the layer recorded */
} sb_tape;

/* A run to be recorded: its tensors, and the stack indices of the first input and output. The
   binding allocates `recorded`, which the layer then fills. */
typedef struct sb_recording {
  const sb_tensor *in, *out;
  sb_tensor *recorded;
  int n_in, first_in, first_out;
} sb_recording;

/* Pushes the tape of a run, with the inputs and outputs that backward will read, and points
   r->recorded to new tensors of the plan's shapes. */
void sb_push_tape(lua_State *L, const sb_layer *layer, const sb_plan *plan, const sb_recording *r,
                  bool keep_inputs, bool training);

/* The tape at a stack index, or an error if it is none or another layer's. */
sb_tape *sb_check_tape(lua_State *L, int arg, const sb_layer *layer);

/* Registers the tape's metatable. */
void sb_open_tape(lua_State *L);

#endif
