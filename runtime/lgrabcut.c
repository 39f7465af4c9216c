/* lgrabcut.c: switchback.core.grabcut, networks, colour models and cuts for
   lualib/switchback/grabcut.lua. */
#include <lauxlib.h>
#include <math.h>
#include <string.h>

#include "gmm.h"
#include "grabcut.h"
#include "lmodules.h"
#include "ltensor.h"
#include "maxflow.h"

/* Collectable memory of that many bytes, 64-byte aligned. */
static void *push_bytes(lua_State *L, size_t bytes) {
  return sb_push_buffer(L, (int64_t)((bytes + sizeof(float) - 1) / sizeof(float)));
}

/* ---- Maximum flow ------------------------------------------------------------------------------
 */

static float check_capacity(lua_State *L, int arg, float value) {
  luaL_argcheck(L, value >= 0 && isfinite(value), arg,
                "holds a capacity that is negative or not finite");
  return value;
}

static int32_t check_node(lua_State *L, int arg, float value, int64_t nodes) {
  bool fine = value >= 1 && value <= (float)nodes && value == floorf(value);
  luaL_argcheck(L, fine, arg, "holds a node that is not there");
  return (int32_t)value - 1;
}

/* The edges in the rows (from, to, capacity, reverse) of the tensor at `arg`. Pushes their memory.
 */
static sb_edge *push_edges(lua_State *L, int arg, int64_t nodes, int32_t *count) {
  const sb_tensor *t = sb_check_tensor(L, arg);
  luaL_argcheck(L, t->shape.rank == 2 && t->shape.dim[1] == 4, arg, "must be (edges,4)");
  luaL_argcheck(L, t->shape.dim[0] <= SB_MAX_EDGES, arg, "has too many rows");
  *count = (int32_t)t->shape.dim[0];
  sb_edge *edges = push_bytes(L, (size_t)*count * sizeof *edges);
  for (int32_t e = 0; e < *count; e++) {
    const float *row = t->data + 4 * e;
    edges[e] = (sb_edge){check_node(L, arg, row[0], nodes), check_node(L, arg, row[1], nodes),
                         check_capacity(L, arg, row[2]), check_capacity(L, arg, row[3])};
    luaL_argcheck(L, edges[e].from != edges[e].to, arg, "holds an edge from a node to itself");
  }
  return edges;
}

/* maxflow(terminals, edges) --> the flow, (nodes): 1 for those on the source's side of a minimum
   cut, else 0. terminals (nodes,2): capacities from the source to each node and from it to the
   sink; edges (edges,4): from, to, capacity, capacity the other way, nodes counted from 1. */
static int maxflow(lua_State *L) {
  const sb_tensor *terminals = sb_check_tensor(L, 1);
  luaL_argcheck(L, terminals->shape.rank == 2 && terminals->shape.dim[1] == 2, 1,
                "must be (nodes,2)");
  int64_t nodes = terminals->shape.dim[0];
  luaL_argcheck(L, nodes <= 1 << 24, 1, "has too many rows");
  sb_network network = {.nodes = (int32_t)nodes};
  network.edge = push_edges(L, 2, nodes, &network.edges);
  float *source = sb_push_buffer(L, 2 * nodes), *sink = source + nodes;
  for (int64_t i = 0; i < nodes; i++) {
    source[i] = check_capacity(L, 1, terminals->data[2 * i]);
    sink[i] = check_capacity(L, 1, terminals->data[2 * i + 1]);
  }
  network.source = source, network.sink = sink;
  uint8_t *side = push_bytes(L, (size_t)nodes);
  void *scratch = push_bytes(L, sb_maxflow_scratch(network.nodes, network.edges));
  lua_pushnumber(L, sb_maxflow(&network, side, scratch));
  sb_shape shape = sb_shape1(nodes);
  sb_tensor *out = sb_push_tensor(L, &shape);
  for (int64_t i = 0; i < nodes; i++) out->data[i] = side[i];
  return 2;
}

/* ---- Pictures and maps ------------------------------------------------------------------------
 */

static const sb_tensor *check_picture(lua_State *L, int arg) {
  const sb_tensor *t = sb_check_tensor(L, arg);
  luaL_argcheck(L, t->shape.rank == 3 && t->shape.dim[0] == 3 && sb_count(t) > 0, arg,
                "must be a picture (3,H,W)");
  luaL_argcheck(L, sb_grabcut_fits(t->shape.dim[1], t->shape.dim[2]), arg, "is too large");
  return t;
}

/* The map (H,W) at arg; of the given extents, unless h is 0. */
static const sb_tensor *check_map(lua_State *L, int arg, int64_t h, int64_t w) {
  const sb_tensor *t = sb_check_tensor(L, arg);
  luaL_argcheck(L, t->shape.rank == 2 && sb_count(t) > 0, arg, "must be a map (H,W)");
  luaL_argcheck(L, h == 0 || (t->shape.dim[0] == h && t->shape.dim[1] == w), arg,
                "is not of the others' size");
  luaL_argcheck(L, sb_grabcut_fits(t->shape.dim[0], t->shape.dim[1]), arg, "is too large");
  return t;
}

static sb_tensor *push_map(lua_State *L, int64_t h, int64_t w) {
  sb_shape shape = sb_shape2(h, w);
  return sb_push_tensor(L, &shape);
}

/* links(picture (3,H,W), gamma) --> (4,H,W); see grabcut.h. */
static int links(lua_State *L) {
  const sb_tensor *t = check_picture(L, 1);
  const int64_t *d = t->shape.dim;
  float gamma = check_capacity(L, 2, (float)luaL_checknumber(L, 2));
  sb_shape shape = sb_shape3(SB_NEIGHBOURS, d[1], d[2]);
  sb_grabcut_links(t->data, d[1], d[2], gamma, sb_push_tensor(L, &shape)->data);
  return 1;
}

static void check_costs(lua_State *L, const sb_tensor *foreground, const sb_tensor *background) {
  for (int64_t i = 0; i < sb_count(foreground); i++) {
    float f = foreground->data[i], b = background->data[i];
    luaL_argcheck(L, f > -INFINITY && b > -INFINITY && !(isinf(f) && isinf(b)), 1,
                  "and 2 leave a pixel no side, or hold what is no number");
  }
}

/* cut(foreground, background: costs (H,W), links (4,H,W)) --> mask (H,W) of 1 and 0, the least sum
   of costs and cut links. A cost of infinity forbids that side. */
static int cut(lua_State *L) {
  const sb_tensor *foreground = check_map(L, 1, 0, 0);
  int64_t h = foreground->shape.dim[0], w = foreground->shape.dim[1];
  const sb_tensor *background = check_map(L, 2, h, w), *t = sb_check_tensor(L, 3);
  sb_shape expected = sb_shape3(SB_NEIGHBOURS, h, w);
  luaL_argcheck(L, sb_shape_equal(&t->shape, &expected), 3, "must be (4,H,W)");
  for (int64_t i = 0; i < sb_count(t); i++) check_capacity(L, 3, t->data[i]);
  check_costs(L, foreground, background);
  void *scratch = push_bytes(L, sb_grabcut_scratch(h, w));
  sb_tensor *mask = push_map(L, h, w);
  lua_pushnumber(
      L, sb_grabcut_cut(foreground->data, background->data, t->data, h, w, mask->data, scratch));
  return 2;
}

/* largest(mask (H,W)) --> (H,W): 1 for the largest connected region of what is not 0, else 0. */
static int largest(lua_State *L) {
  const sb_tensor *mask = check_map(L, 1, 0, 0);
  int64_t h = mask->shape.dim[0], w = mask->shape.dim[1];
  int32_t *stack = push_bytes(L, (size_t)(h * w) * sizeof *stack);
  sb_largest_region(mask->data, h, w, push_map(L, h, w)->data, stack);
  return 1;
}

/* ---- Colour models ----------------------------------------------------------------------------
 */

enum { ROW = 13 }; /* of a mixture: weight, mean, covariance */

/* Pushes labels, 0-based, as a map counted from 1, with 0 for none. */
static void push_labels(lua_State *L, const int32_t *label, int64_t h, int64_t w) {
  sb_tensor *t = push_map(L, h, w);
  for (int64_t i = 0; i < h * w; i++) t->data[i] = (float)(label[i] + 1);
}

static int check_components(lua_State *L, int arg) {
  lua_Integer k = luaL_checkinteger(L, arg);
  luaL_argcheck(L, k >= 1 && k <= SB_GMM_MOST, arg, "must be 1 to 32 components");
  return (int)k;
}

/* split(picture (3,H,W), chosen (H,W), k) --> labels (H,W): 1 to k where chosen is not 0, else 0.
 */
static int split(lua_State *L) {
  const sb_tensor *t = check_picture(L, 1);
  const int64_t h = t->shape.dim[1], w = t->shape.dim[2];
  const sb_tensor *chosen = check_map(L, 2, h, w);
  int k = check_components(L, 3);
  int32_t *label = push_bytes(L, (size_t)(h * w) * sizeof *label);
  sb_gmm_split(t->data, h * w, chosen->data, k, label);
  push_labels(L, label, h, w);
  return 1;
}

/* fit(picture (3,H,W), labels (H,W), k) --> mixture (k,13): rows of weight, mean (3), covariance
 * (9).
 */
static int fit(lua_State *L) {
  const sb_tensor *t = check_picture(L, 1);
  const int64_t h = t->shape.dim[1], w = t->shape.dim[2];
  const sb_tensor *labels = check_map(L, 2, h, w);
  int k = check_components(L, 3);
  int32_t *label = push_bytes(L, (size_t)(h * w) * sizeof *label);
  for (int64_t i = 0; i < h * w; i++) {
    bool fine = labels->data[i] >= 0 && labels->data[i] <= (float)k;
    luaL_argcheck(L, fine, 2, "holds a label that is not 0 to k");
    label[i] = (int32_t)labels->data[i] - 1;
  }
  sb_gaussian mixture[SB_GMM_MOST];
  sb_gmm_fit(t->data, h * w, label, k, mixture);
  sb_shape shape = sb_shape2(k, ROW);
  float *row = sb_push_tensor(L, &shape)->data;
  for (int j = 0; j < k; j++, row += ROW) {
    row[0] = mixture[j].weight;
    memcpy(row + 1, mixture[j].mean, sizeof mixture[j].mean);
    memcpy(row + 4, mixture[j].covariance, sizeof mixture[j].covariance);
  }
  return 1;
}

/* cost(picture (3,H,W), mixture (k,13)) --> costs (H,W), labels (H,W) of the components they are
   of; see sb_gmm_cost. */
static int cost(lua_State *L) {
  const sb_tensor *t = check_picture(L, 1), *rows = sb_check_tensor(L, 2);
  const int64_t h = t->shape.dim[1], w = t->shape.dim[2], k = rows->shape.dim[0];
  bool fine = rows->shape.rank == 2 && rows->shape.dim[1] == ROW && k >= 1 && k <= SB_GMM_MOST;
  luaL_argcheck(L, fine, 2, "must be a mixture (k,13)");
  sb_gaussian mixture[SB_GMM_MOST];
  for (int j = 0; j < (int)k; j++) {
    const float *row = rows->data + j * ROW;
    mixture[j].weight = row[0];
    memcpy(mixture[j].mean, row + 1, sizeof mixture[j].mean);
    memcpy(mixture[j].covariance, row + 4, sizeof mixture[j].covariance);
  }
  int32_t *label = push_bytes(L, (size_t)(h * w) * sizeof *label);
  sb_tensor *costs = push_map(L, h, w);
  sb_gmm_cost(t->data, h * w, mixture, (int)k, costs->data, label);
  push_labels(L, label, h, w);
  return 2;
}

/* ---- Registration ---------------------------------------------------------------------------- */

static const luaL_Reg functions[] = {{"maxflow", maxflow}, {"links", links}, {"cut", cut},
                                     {"largest", largest}, {"split", split}, {"fit", fit},
                                     {"cost", cost},       {NULL, NULL}};

int sb_open_grabcut(lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}
