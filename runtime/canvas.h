/* canvas.h: a picture that is worked on step by step, in buffers that grow with the largest one and
   are used again for the next picture. For threads that cannot ask Lua for memory. */
#ifndef SB_CANVAS_H
#define SB_CANVAS_H

#include "error.h"
#include "planes.h"

typedef struct sb_canvas {
  sb_planes picture; /* lies in buffer[front] */
  int front;
  float *buffer[2], *scratch;
  int64_t room[2], scratch_room; /* floats */
} sb_canvas;

/* A canvas starts as zeros; may be freed again. */
void sb_canvas_free(sb_canvas *c);

/* Makes the picture n x h x w, its contents unspecified. */
bool sb_canvas_begin(sb_canvas *c, int64_t n, int64_t h, int64_t w, sb_error *e);

/* The place for the picture's next version of h x w, which sb_canvas_turn makes the picture. */
bool sb_canvas_next(sb_canvas *c, int64_t h, int64_t w, sb_planes *next, sb_error *e);
void sb_canvas_turn(sb_canvas *c, const sb_planes *next);

/* Scratch of n floats, or NULL (and the error). */
float *sb_canvas_scratch(sb_canvas *c, int64_t n, sb_error *e);

#endif
