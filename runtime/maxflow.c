#include "maxflow.h"

#include <stdbool.h>
#include <string.h>

/* What stands for the arc to a node's parent where there is none. */
enum { FREE = -1, TERMINAL = -2, ORPHAN = -3 };
enum { NONE = -1, FAR = INT32_MAX };

/* A node of one of the trees, or of none. */
typedef struct node {
  int32_t first;    /* its arcs are those from first on to the next node's first */
  int32_t parent;   /* the arc to its parent, or what stands for it */
  int32_t next;     /* in the queue of active nodes: NONE: not in it, itself: the last */
  int32_t orphan;   /* the next orphan */
  int32_t time;     /* when distance was found to be right */
  int32_t distance; /* to the terminal, in arcs */
  float terminal;   /* what is left from the source (> 0) or to the sink (< 0) */
  bool sink;        /* which tree it is in */
} node;

typedef struct arc {
  int32_t to, sister; /* sister: the arc the other way */
  float left;         /* residual capacity */
} arc;

typedef struct list {
  int32_t first, last;
} list;

typedef struct graph {
  node *nodes; /* one more than there are */
  arc *arcs;
  int32_t n, time;
  list active, orphans;
  double flow;
} graph;

/* ---- Building ------------------------------------------------------------------------------- */

size_t sb_maxflow_scratch(int32_t nodes, int32_t edges) {
  return ((size_t)nodes + 1) * sizeof(node) + 2 * (size_t)edges * sizeof(arc);
}

/* Gives each node room for its arcs: `first` becomes where the arcs of the node before end, and
   moves on as they are added. */
static void reserve_arcs(graph *g, const sb_network *w) {
  for (int32_t e = 0; e < w->edges; e++) {
    g->nodes[w->edge[e].from + 1].first++;
    g->nodes[w->edge[e].to + 1].first++;
  }
  for (int32_t i = 0; i < g->n; i++) g->nodes[i + 1].first += g->nodes[i].first;
}

static void add_arcs(graph *g, const sb_network *w) {
  for (int32_t e = 0; e < w->edges; e++) {
    const sb_edge *edge = &w->edge[e];
    int32_t out = g->nodes[edge->from].first++, back = g->nodes[edge->to].first++;
    g->arcs[out] = (arc){edge->to, back, edge->capacity};
    g->arcs[back] = (arc){edge->from, out, edge->reverse};
  }
  for (int32_t i = g->n; i > 0; i--) g->nodes[i].first = g->nodes[i - 1].first;
  g->nodes[0].first = 0;
}

/* ---- The queue of active nodes ----------------------------------------------------------------
 */

static void activate(graph *g, int32_t i) {
  if (g->nodes[i].next != NONE) return;
  if (g->active.first == NONE)
    g->active.first = i;
  else
    g->nodes[g->active.last].next = i;
  g->active.last = i;
  g->nodes[i].next = i;
}

/* Takes the first node that still is in a tree; NONE when the queue is empty. */
static int32_t next_active(graph *g) {
  while (g->active.first != NONE) {
    int32_t i = g->active.first;
    node *p = &g->nodes[i];
    g->active.first = p->next == i ? NONE : p->next;
    p->next = NONE;
    if (p->parent != FREE) return i;
  }
  return NONE;
}

/* ---- Growing ----------------------------------------------------------------------------------
 */

/* What arc a, seen from a node of that tree, can still carry away from the tree's terminal. */
static float outward(const graph *g, int32_t a, bool sink) {
  return g->arcs[sink ? g->arcs[a].sister : a].left;
}

static void attach(graph *g, int32_t child, int32_t parent, int32_t arc_to_parent) {
  node *c = &g->nodes[child], *p = &g->nodes[parent];
  c->sink = p->sink, c->parent = arc_to_parent;
  c->time = p->time, c->distance = p->distance + 1;
}

/* Lets node i take over its neighbours. Answers an arc from the source's tree to the sink's, or
   NONE when the trees do not touch here. */
static int32_t grow(graph *g, int32_t i) {
  const node *p = &g->nodes[i];
  for (int32_t a = p->first; a < p[1].first; a++) {
    if (!(outward(g, a, p->sink) > 0)) continue;
    const arc *out = &g->arcs[a];
    const node *q = &g->nodes[out->to];
    if (q->parent == FREE) {
      attach(g, out->to, i, out->sister);
      activate(g, out->to);
    } else if (q->sink != p->sink) {
      return p->sink ? out->sister : a;
    } else if (q->time <= p->time && q->distance > p->distance) {
      attach(g, out->to, i, out->sister); /* a shorter way to the terminal */
    }
  }
  return NONE;
}

/* ---- Augmenting --------------------------------------------------------------------------------
 */

static void add_orphan(graph *g, int32_t i) {
  g->nodes[i].parent = ORPHAN;
  g->nodes[i].orphan = NONE;
  if (g->orphans.first == NONE)
    g->orphans.first = i;
  else
    g->nodes[g->orphans.last].orphan = i;
  g->orphans.last = i;
}

static float smaller(float a, float b) {
  return a < b ? a : b;
}

/* The capacity left between a node and its tree's terminal. */
static float capacity_to_root(const graph *g, int32_t i, float limit) {
  const node *p = &g->nodes[i];
  while (p->parent != TERMINAL) {
    const arc *up = &g->arcs[p->parent];
    limit = smaller(limit, p->sink ? up->left : g->arcs[up->sister].left);
    p = &g->nodes[up->to];
  }
  return smaller(limit, p->sink ? -p->terminal : p->terminal);
}

/* Sends flow along the tree between node i and the terminal; cut off nodes become orphans. */
static void push_to_root(graph *g, int32_t i, float flow) {
  node *p = &g->nodes[i];
  while (p->parent != TERMINAL) {
    arc *up = &g->arcs[p->parent], *down = &g->arcs[up->sister];
    arc *with = p->sink ? up : down, *against = p->sink ? down : up;
    with->left -= flow, against->left += flow;
    int32_t parent = up->to;
    if (!(with->left > 0)) add_orphan(g, i);
    i = parent, p = &g->nodes[i];
  }
  p->terminal += p->sink ? flow : -flow;
  if (p->terminal == 0) add_orphan(g, i);
}

/* Sends what fits along the path from the source over the arc to the sink. */
static void augment(graph *g, int32_t bridge) {
  arc *across = &g->arcs[bridge], *back = &g->arcs[across->sister];
  float flow = capacity_to_root(g, back->to, across->left);
  flow = capacity_to_root(g, across->to, flow);
  across->left -= flow, back->left += flow;
  push_to_root(g, back->to, flow);
  push_to_root(g, across->to, flow);
  g->flow += (double)flow;
}

/* ---- Adopting ----------------------------------------------------------------------------------
 */

/* How far node i is from its terminal; FAR if its root is an orphan. */
static int32_t distance_to_root(graph *g, int32_t i) {
  int32_t d = 0;
  for (;; i = g->arcs[g->nodes[i].parent].to, d++) {
    node *p = &g->nodes[i];
    if (p->time == g->time) return d + p->distance;
    if (p->parent == ORPHAN) return FAR;
    if (p->parent == TERMINAL) {
      p->time = g->time, p->distance = 1;
      return d + 1;
    }
  }
}

/* Remembers the distance along the way, so that it is walked once. */
static void mark_to_root(graph *g, int32_t i, int32_t distance) {
  for (node *p = &g->nodes[i]; p->time != g->time; p = &g->nodes[g->arcs[p->parent].to])
    p->time = g->time, p->distance = distance--;
}

/* The orphan's arc to a neighbour in its tree that is nearest to the terminal; NONE: there is none.
 */
static int32_t find_parent(graph *g, int32_t i, int32_t *nearest) {
  const node *p = &g->nodes[i];
  int32_t best = NONE;
  *nearest = FAR;
  for (int32_t a = p->first; a < p[1].first; a++) {
    const node *q = &g->nodes[g->arcs[a].to];
    if (q->sink != p->sink || q->parent == FREE) continue;
    if (!(outward(g, g->arcs[a].sister, p->sink) > 0)) continue;
    int32_t distance = distance_to_root(g, g->arcs[a].to);
    if (distance == FAR) continue;
    if (distance < *nearest) best = a, *nearest = distance;
    mark_to_root(g, g->arcs[a].to, distance);
  }
  return best;
}

/* Leaves the tree: neighbours that could reach it grow again, children become orphans. */
static void set_free(graph *g, int32_t i) {
  node *p = &g->nodes[i];
  for (int32_t a = p->first; a < p[1].first; a++) {
    int32_t j = g->arcs[a].to;
    const node *q = &g->nodes[j];
    if (q->sink != p->sink || q->parent == FREE) continue;
    if (outward(g, g->arcs[a].sister, p->sink) > 0) activate(g, j);
    if (q->parent >= 0 && g->arcs[q->parent].to == i) add_orphan(g, j);
  }
  p->parent = FREE;
}

static void adopt_orphans(graph *g) {
  while (g->orphans.first != NONE) {
    int32_t i = g->orphans.first, nearest;
    node *p = &g->nodes[i];
    int32_t parent = find_parent(g, i, &nearest);
    if (parent == NONE)
      set_free(g, i);
    else
      p->parent = parent, p->time = g->time, p->distance = nearest + 1;
    g->orphans.first = p->orphan; /* only now: set_free appends */
  }
}

/* ---- All of it ---------------------------------------------------------------------------------
 */

static void start_trees(graph *g, const sb_network *w) {
  for (int32_t i = 0; i < g->n; i++) {
    node *p = &g->nodes[i];
    g->flow += (double)smaller(w->source[i], w->sink[i]);
    p->terminal = w->source[i] - w->sink[i];
    p->parent = FREE, p->next = NONE;
    if (p->terminal == 0) continue;
    p->sink = p->terminal < 0, p->parent = TERMINAL, p->distance = 1;
    activate(g, i);
  }
}

double sb_maxflow(const sb_network *network, uint8_t *in_source, void *scratch) {
  graph g = {.n = network->nodes, .active = {NONE, NONE}, .orphans = {NONE, NONE}};
  g.nodes = scratch, g.arcs = (arc *)(g.nodes + g.n + 1);
  memset(g.nodes, 0, ((size_t)g.n + 1) * sizeof *g.nodes);
  reserve_arcs(&g, network);
  add_arcs(&g, network);
  start_trees(&g, network);
  for (int32_t i = next_active(&g); i != NONE;) {
    int32_t bridge = grow(&g, i);
    g.time++;
    if (bridge != NONE) {
      augment(&g, bridge);
      adopt_orphans(&g);
    }
    if (bridge == NONE || g.nodes[i].parent == FREE) i = next_active(&g);
  }
  for (int32_t i = 0; i < g.n; i++) in_source[i] = g.nodes[i].parent != FREE && !g.nodes[i].sink;
  return g.flow;
}
