#include "layer.h"

#include <string.h>

#include "threads.h"

#define SB_LAYER(name) extern const sb_layer sb_layer_##name;
#include "layers.def"
#undef SB_LAYER

const sb_layer *const sb_layers[] = {
#define SB_LAYER(name) &sb_layer_##name,
#include "layers.def"
#undef SB_LAYER
    NULL};

const sb_layer *sb_find_layer(const char *name) {
  for (const sb_layer *const *l = sb_layers; *l; l++)
    if (strcmp((*l)->name, name) == 0) return *l;
  return NULL;
}

void sb_parallel_call(const sb_call *c, int64_t n, int64_t grain,
                      void (*work)(void *context, int64_t first, int64_t last)) {
  sb_call copy = *c;
  sb_parallel(n, grain, work, &copy);
}

bool sb_shape_same(const void *config, const sb_shape *weights, const sb_shape *in, int n_in,
                   sb_plan *plan, sb_error *e) {
  (void)config, (void)weights, (void)n_in, (void)e;
  plan->n_out = 1;
  plan->out[0] = in[0];
  return true;
}

bool sb_require_nchw(const char *name, const sb_shape *s, sb_error *e) {
  char text[SB_SHAPE_TEXT];
  if (s->rank == 4) return true;
  return sb_fail(e, "%s: input must be (N,C,H,W), got %s", name, sb_shape_text(s, text));
}
