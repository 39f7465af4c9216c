#include "canvas.h"

#include <stdlib.h>

void sb_canvas_free(sb_canvas *c) {
  free(c->buffer[0]);
  free(c->buffer[1]);
  free(c->scratch);
  *c = (sb_canvas){0};
}

static bool make_room(float **buffer, int64_t *room, int64_t n, sb_error *e) {
  if (n <= *room) return true;
  free(*buffer);
  *buffer = malloc((size_t)n * sizeof **buffer);
  *room = *buffer ? n : 0;
  return *buffer || sb_fail(e, "out of memory");
}

bool sb_canvas_begin(sb_canvas *c, int64_t n, int64_t h, int64_t w, sb_error *e) {
  if (!make_room(&c->buffer[c->front], &c->room[c->front], n * h * w, e)) return false;
  c->picture = (sb_planes){n, h, w, c->buffer[c->front]};
  return true;
}

bool sb_canvas_next(sb_canvas *c, int64_t h, int64_t w, sb_planes *next, sb_error *e) {
  int back = !c->front;
  int64_t n = c->picture.n;
  if (!make_room(&c->buffer[back], &c->room[back], n * h * w, e)) return false;
  *next = (sb_planes){n, h, w, c->buffer[back]};
  return true;
}

void sb_canvas_turn(sb_canvas *c, const sb_planes *next) {
  c->picture = *next;
  c->front = !c->front;
}

float *sb_canvas_scratch(sb_canvas *c, int64_t n, sb_error *e) {
  return make_room(&c->scratch, &c->scratch_room, n, e) ? c->scratch : NULL;
}
