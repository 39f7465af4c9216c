#include "conv/conv.h"

#include <math.h>
#include <stddef.h>

#include "conv/algorithm.h"
#include "conv/fast.h"

const sb_conv_fast *const sb_conv_fasts[] = {
    &sb_conv_winograd4, &sb_conv_winograd2, &sb_conv_panels, &sb_conv_shifts,
    &sb_conv_col2im,    &sb_conv_phases,    &sb_conv_exact,  NULL};

const sb_conv_algorithm *const sb_conv_algorithms[] = {
    &sb_conv_depthwise, &sb_conv_winograd_gradient, &sb_conv_gradient, &sb_conv_direct, NULL};

static bool exact;

void sb_conv_set_exact(bool on) {
  exact = on;
}

bool sb_conv_is_exact(void) {
  return exact;
}

int64_t sb_conv_extent(const sb_conv *g, int axis, int64_t extent) {
  int64_t window = (int64_t)(g->kernel[axis] - 1) * g->dilation[axis] + 1;
  int64_t room = extent + g->pad[axis] + g->pad[axis + 2] - window;
  return room < 0 ? 0 : room / g->stride[axis] + 1;
}

int64_t sb_conv_products(const sb_conv *g) {
  return g->n * g->c_out * g->oh * g->ow * (g->c_in / g->groups) * g->kernel[0] * g->kernel[1];
}

/* ---- Which way ------------------------------------------------------------------------------ */

bool sb_conv_adjoint(const sb_conv *g, sb_conv *a) {
  *a = (sb_conv){.n = g->n,
                 .c_in = g->c_out,
                 .h = g->oh,
                 .w = g->ow,
                 .c_out = g->c_in,
                 .oh = g->h,
                 .ow = g->w,
                 .groups = g->groups};
  for (int axis = 0; axis < 2; axis++) {
    int64_t reach = (int64_t)(g->kernel[axis] - 1) * g->dilation[axis];
    a->kernel[axis] = g->kernel[axis], a->dilation[axis] = g->dilation[axis], a->stride[axis] = 1;
    a->pad[axis] = reach - g->pad[axis], a->pad[axis + 2] = reach - g->pad[axis + 2];
    if (g->stride[axis] != 1 || a->pad[axis] < 0 || a->pad[axis + 2] < 0) return false;
  }
  return true;
}

/* A way to go: a fast one over geometry g, or (NULL) a plain algorithm. */
typedef struct route {
  const sb_conv_fast *fast;
  int kind; /* 1 + its place in the list; 0: plain */
  sb_conv g;
} route;

static bool is_empty(const sb_conv *g) {
  return g->n * g->c_in * g->c_out * g->h * g->w * g->oh * g->ow == 0;
}

/* Exact mode takes the way in double where it goes; where only transposed ones do (back through a
   stride), they lose no more than a sum in float32 does. */
static bool is_for_mode(const sb_conv_fast *fast) {
  return exact ? fast->in_double || fast->transposed : !fast->in_double;
}

static route find_route(const sb_conv *g, sb_conv_direction direction) {
  route r = {.g = *g};
  sb_conv adjoint;
  double best = INFINITY;
  bool back = direction == SB_CONV_TO_INPUT, turned = back && sb_conv_adjoint(g, &adjoint);
  bool in_double = exact && (!back || turned);
  if (is_empty(g) || (sb_conv_depthwise.fits(g) && !in_double)) return r;
  for (int i = 0; sb_conv_fasts[i]; i++) {
    const sb_conv_fast *fast = sb_conv_fasts[i];
    if (!is_for_mode(fast) || (fast->transposed ? !back : back && !turned)) continue;
    const sb_conv *over = back && !fast->transposed ? &adjoint : g;
    double cost = fast->cost(over);
    if (cost < best) best = cost, r = (route){fast, i + 1, *over};
  }
  return r;
}

/* Where no fast way goes: a depthwise convolution, or an empty one, for which anything will do. */
static const sb_conv_algorithm *plain_for(const sb_conv *g) {
  return sb_conv_depthwise.fits(g) ? &sb_conv_depthwise : &sb_conv_direct;
}

static const sb_conv_algorithm *gradient_for(const sb_conv *g) {
  if (is_empty(g)) return &sb_conv_direct;
  if (sb_conv_depthwise.fits(g)) return &sb_conv_depthwise;
  bool winograd = !exact && sb_conv_winograd_gradient_pays(g);
  return winograd ? &sb_conv_winograd_gradient : &sb_conv_gradient;
}

/* ---- Preparation ---------------------------------------------------------------------------- */

int64_t sb_conv_packed_size(const sb_conv *g, sb_conv_direction direction, int *kind) {
  route r = find_route(g, direction);
  *kind = r.kind;
  return r.fast ? r.fast->packed_size(&r.g) : 0;
}

void sb_conv_pack(const sb_conv *g, sb_conv_direction direction, const float *w, float *packed) {
  route r = find_route(g, direction);
  if (r.fast) r.fast->pack(&r.g, w, direction == SB_CONV_TO_INPUT, packed);
}

int64_t sb_conv_scratch(const sb_conv *g, sb_conv_direction direction) {
  route r = find_route(g, direction);
  if (r.fast) return r.fast->scratch(&r.g);
  if (direction == SB_CONV_FORWARD) return plain_for(g)->forward_scratch(g);
  return plain_for(g)->backward_input_scratch(g);
}

int64_t sb_conv_backward_weights_scratch(const sb_conv *g) {
  return gradient_for(g)->backward_weights_scratch(g);
}

/* ---- The operations ------------------------------------------------------------------------- */

/* What a plain algorithm leaves undone; `bias` tells whether that includes the bias. */
static void finish_plain(const sb_conv_finish *f, int64_t images, int64_t channels,
                         int64_t positions, bool bias, float *y) {
  for (int64_t plane = 0; plane < images * channels; plane++, y += positions) {
    float b = bias && f->bias ? f->bias[plane % channels] : 0;
    const float *mask = f->mask ? f->mask + plane * positions : NULL;
    if (b != 0)
      for (int64_t i = 0; i < positions; i++) y[i] += b;
    if (f->relu)
      for (int64_t i = 0; i < positions; i++) y[i] = y[i] > 0 ? y[i] : 0;
    if (mask)
      for (int64_t i = 0; i < positions; i++) y[i] = mask[i] > 0 ? y[i] : 0;
  }
}

void sb_conv_forward(const sb_conv *g, const float *x, sb_conv_weights w, sb_conv_finish finish,
                     float *y, float *scratch) {
  route r = find_route(g, SB_CONV_FORWARD);
  if (r.fast) {
    r.fast->run(&r.g, w.packed, x, &finish, y, scratch);
    return;
  }
  plain_for(g)->forward(g, x, w.plain, finish.bias, y, scratch);
  finish_plain(&finish, g->n, g->c_out, g->oh * g->ow, false, y);
}

void sb_conv_backward_input(const sb_conv *g, const float *dy, sb_conv_weights w,
                            sb_conv_finish finish, float *dx, float *scratch) {
  route r = find_route(g, SB_CONV_TO_INPUT);
  if (r.fast) {
    r.fast->run(&r.g, w.packed, dy, &finish, dx, scratch);
    return;
  }
  plain_for(g)->backward_input(g, dy, w.plain, dx, scratch);
  finish_plain(&finish, g->n, g->c_in, g->h * g->w, true, dx);
}

void sb_conv_backward_weights(const sb_conv *g, const float *dy, const float *x, float *dw,
                              float *scratch) {
  gradient_for(g)->backward_weights(g, dy, x, dw, scratch);
}
