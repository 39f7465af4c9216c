#include "survey.h"

#include "threads.h"
#include "treatment.h"

typedef struct job {
  const sb_pictures *pictures;
  const int64_t *index;
  int channels;
  sb_survey *out;
} job;

static void add_up(const sb_planes *p, sb_survey *out) {
  int64_t plane = p->h * p->w;
  out->pixels = (double)plane;
  for (int64_t c = 0; c < p->n; c++)
    for (int64_t i = 0; i < plane; i++) {
      double v = (double)p->data[c * plane + i];
      out->sum[c] += v;
      out->squares[c] += v * v;
    }
}

static void look(void *context, int64_t first, int64_t last) {
  const job *j = context;
  sb_canvas canvas = {0};
  sb_error e;
  for (int64_t i = first; i < last; i++) {
    j->out[i] = (sb_survey){0};
    j->out[i].damaged = !sb_canvas_read(&canvas, j->pictures, j->index[i], j->channels, &e);
    if (!j->out[i].damaged) add_up(&canvas.picture, &j->out[i]);
  }
  sb_canvas_free(&canvas);
}

void sb_survey_pictures(const sb_pictures *p, const int64_t *index, int64_t n, int channels,
                        sb_survey *out) {
  enum { GRAIN = 64 };
  job j = {p, index, channels, out};
  sb_parallel(n, GRAIN, look, &j);
}
