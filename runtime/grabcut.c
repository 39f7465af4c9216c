#include "grabcut.h"

#include <math.h>
#include <string.h>

#include "maxflow.h"

static const int8_t down[SB_NEIGHBOURS] = {0, 1, 1, 1}, right[SB_NEIGHBOURS] = {1, 1, 0, -1};

/* The index of pixel (y,x)'s neighbour k, -1: none. */
static int64_t neighbour(int64_t y, int64_t x, int k, int64_t h, int64_t w) {
  y += down[k], x += right[k];
  return y < h && x >= 0 && x < w ? y * w + x : -1;
}

/* ---- Links ------------------------------------------------------------------------------------
 */

/* Squared distances of the colours of neighbours into links, -1 where there is none; answers their
   mean. */
static double color_distances(const float *pixels, int64_t h, int64_t w, float *links) {
  double sum = 0, pairs = 0;
  for (int k = 0; k < SB_NEIGHBOURS; k++)
    for (int64_t i = 0; i < h * w; i++) {
      int64_t j = neighbour(i / w, i % w, k, h, w);
      float d = -1;
      if (j >= 0) {
        d = 0;
        for (int c = 0; c < 3; c++) {
          float difference = pixels[c * h * w + i] - pixels[c * h * w + j];
          d += difference * difference;
        }
        sum += (double)d, pairs++;
      }
      links[k * h * w + i] = d;
    }
  return pairs > 0 ? sum / pairs : 0;
}

void sb_grabcut_links(const float *pixels, int64_t h, int64_t w, float gamma, float *links) {
  double mean = color_distances(pixels, h, w, links);
  float beta = mean > 0 ? (float)(1 / (2 * mean)) : 0;
  for (int k = 0; k < SB_NEIGHBOURS; k++) {
    float strength = down[k] && right[k] ? gamma / sqrtf(2) : gamma;
    for (int64_t i = k * h * w; i < (k + 1) * h * w; i++)
      links[i] = links[i] < 0 ? 0 : strength * expf(-beta * links[i]);
  }
}

/* ---- The cut ----------------------------------------------------------------------------------
 */

/* An upper limit: pixels at the edges have fewer. */
static int64_t edges_of(int64_t h, int64_t w) {
  return SB_NEIGHBOURS * h * w;
}

bool sb_grabcut_fits(int64_t h, int64_t w) {
  return h <= SB_MAX_EDGES && w <= SB_MAX_EDGES && edges_of(h, w) <= SB_MAX_EDGES;
}

/* The parts of the scratch memory, the one with the strictest alignment first. */
typedef struct memory {
  void *flow;
  sb_edge *edges;
  float *source, *sink;
  uint8_t *side;
} memory;

static size_t lay_out(int64_t h, int64_t w, void *scratch, memory *m) {
  size_t n = (size_t)(h * w), flow = sb_maxflow_scratch((int32_t)n, (int32_t)edges_of(h, w));
  flow = (flow + 7) / 8 * 8;
  m->flow = scratch;
  m->edges = (sb_edge *)((char *)scratch + flow);
  m->source = (float *)(m->edges + edges_of(h, w));
  m->sink = m->source + n;
  m->side = (uint8_t *)(m->sink + n);
  return flow + (size_t)edges_of(h, w) * sizeof(sb_edge) + n * (2 * sizeof(float) + 1);
}

size_t sb_grabcut_scratch(int64_t h, int64_t w) {
  memory unused;
  static char nowhere[8];
  return lay_out(h, w, nowhere, &unused);
}

static int32_t link_pixels(const float *links, int64_t h, int64_t w, sb_edge *edges) {
  int32_t n = 0;
  for (int64_t i = 0; i < h * w; i++)
    for (int k = 0; k < SB_NEIGHBOURS; k++) {
      int64_t j = neighbour(i / w, i % w, k, h, w);
      float strength = links[k * h * w + i];
      if (j >= 0) edges[n++] = (sb_edge){(int32_t)i, (int32_t)j, strength, strength};
    }
  return n;
}

/* More than all links of a pixel together. */
static float decisive(const float *links, int64_t n) {
  float most = 0;
  for (int64_t i = 0; i < SB_NEIGHBOURS * n; i++) most = fmaxf(most, links[i]);
  return 2 * SB_NEIGHBOURS * most + 1;
}

/* A pixel on the source's side is foreground: then its capacity to the sink is cut. What both sides
   cost is answered. */
static double weigh_pixels(const float *foreground, const float *background, float infinite,
                           int64_t n, const memory *m) {
  double common = 0;
  for (int64_t i = 0; i < n; i++) {
    float least = fminf(foreground[i], background[i]);
    m->source[i] = isinf(background[i]) ? infinite : background[i] - least;
    m->sink[i] = isinf(foreground[i]) ? infinite : foreground[i] - least;
    common += (double)least;
  }
  return common;
}

double sb_grabcut_cut(const float *foreground, const float *background, const float *links,
                      int64_t h, int64_t w, float *mask, void *scratch) {
  memory m;
  lay_out(h, w, scratch, &m);
  sb_network network = {.nodes = (int32_t)(h * w), .edge = m.edges};
  network.source = m.source, network.sink = m.sink;
  network.edges = link_pixels(links, h, w, m.edges);
  double common = weigh_pixels(foreground, background, decisive(links, h * w), h * w, &m);
  double flow = sb_maxflow(&network, m.side, m.flow);
  for (int64_t i = 0; i < h * w; i++) mask[i] = m.side[i];
  return common + flow;
}

/* ---- Regions ----------------------------------------------------------------------------------
 */

/* Marks the pixels of the mask that are connected with pixel i and have the mark `from`; answers
   how many. */
static int64_t flood(const float *mask, int64_t h, int64_t w, int64_t i, float from, float mark,
                     float *region, int32_t *stack) {
  int64_t count = 0, depth = 0;
  stack[depth++] = (int32_t)i, region[i] = mark;
  while (depth > 0) {
    int64_t at = stack[--depth], y = at / w, x = at % w;
    const int64_t near[4] = {y > 0 ? at - w : -1, y + 1 < h ? at + w : -1, x > 0 ? at - 1 : -1,
                             x + 1 < w ? at + 1 : -1};
    count++;
    for (int k = 0; k < 4; k++) {
      int64_t j = near[k];
      if (j < 0 || mask[j] == 0 || region[j] != from) continue;
      stack[depth++] = (int32_t)j, region[j] = mark;
    }
  }
  return count;
}

void sb_largest_region(const float *mask, int64_t h, int64_t w, float *region, int32_t *stack) {
  int64_t most = 0, best = 0;
  memset(region, 0, (size_t)(h * w) * sizeof *region);
  for (int64_t i = 0; i < h * w; i++) {
    if (mask[i] == 0 || region[i] != 0) continue;
    int64_t count = flood(mask, h, w, i, 0, 2, region, stack);
    if (count > most) most = count, best = i;
  }
  if (most > 0) flood(mask, h, w, best, 2, 1, region, stack);
  for (int64_t i = 0; i < h * w; i++) region[i] = region[i] == 1;
}
