/* maxflow.h: the maximum flow through a network, and the minimum cut that it proves, by the
   algorithm of Boykov & Kolmogorov 2004 ("An experimental comparison of min-cut/max-flow
   algorithms"), which suits the grids of pictures: one search tree grows from the source and one
   from the sink, and both are repaired, not rebuilt, after each path. */
#ifndef SB_MAXFLOW_H
#define SB_MAXFLOW_H

#include <stddef.h>
#include <stdint.h>

/* Nodes are 0..nodes-1; the source and the sink are besides. Capacities are finite and not
   negative. */
typedef struct sb_edge {
  int32_t from, to;        /* different nodes */
  float capacity, reverse; /* from -> to, to -> from */
} sb_edge;

typedef struct sb_network {
  int32_t nodes, edges; /* at most SB_MAX_EDGES edges */
  const sb_edge *edge;
  const float *source, *sink; /* of each node: source -> node, node -> sink */
} sb_network;

enum { SB_MAX_EDGES = (1 << 30) - 1 };

/* The scratch memory, in bytes, that a network needs. */
size_t sb_maxflow_scratch(int32_t nodes, int32_t edges);

/* The value of the maximum flow. in_source[i] becomes 1 for the nodes on the source's side of a
   minimum cut, the smallest such set, and 0 for the others. `scratch` is aligned for int64_t. */
double sb_maxflow(const sb_network *network, uint8_t *in_source, void *scratch);

#endif
