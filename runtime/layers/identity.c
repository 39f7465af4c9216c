/* identity: y is x. */
#include "layer.h"

const sb_layer sb_layer_identity = {
    .name = "identity",
    .help = "y = x, any shape",
    .min_in = 1,
    .max_in = 1,
    .is_alias = true,
    .samples = "{ {}, input = {{2, 3}} }, { {}, input = {{}} }",
    .shape = sb_shape_same,
};
