/* lprepared.h: weights as layers prepare them for speed, kept with the layer. */
#ifndef SB_LPREPARED_H
#define SB_LPREPARED_H

#include "llayer.h"

/* What the layer at stack index 1 has prepared for this call, whose weights are of these versions;
   prepares it if need be. NULL: the layer uses its weights as they are. It stays as long as the
   layer, unless memory is scarce or its weights change. */
const float *sb_prepared(lua_State *L, sb_layer_object *self, const sb_call *call,
                         const uint64_t *versions, bool backward);

/* Whether a layer keeps what it prepared for one direction only, the last one that it ran in. */
void sb_set_scarce(bool scarce);
bool sb_is_scarce(void);

#endif
