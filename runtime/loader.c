/* loader.c: a ring of batches, filled picture by picture. */
#include "loader.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "threads.h"

/* Pictures that a thread takes at a time: reading 28x28 bytes takes less than taking turns. */
enum { GRAIN = 4, MAX_LOADER_THREADS = 64 };

typedef struct slot {
  sb_batch_job job;
  int64_t taken, done; /* pictures; guarded by the lock */
  int64_t failed;      /* place of the first picture that could not be read; n: none */
  sb_error error;
} slot;

struct sb_loader {
  const sb_pictures *pictures;
  const sb_treatment *treatment;
  pthread_mutex_t lock;
  pthread_cond_t work, finished;
  bool stop;
  int threads, ahead, first, queued; /* slots [first, first + queued) mod ahead are in use */
  pthread_t thread[MAX_LOADER_THREADS];
  sb_canvas canvas; /* the caller's */
  slot slots[];
};

/* ---- Work ------------------------------------------------------------------------------------ */

/* A generator of its own for every picture of every epoch. */
static sb_rng generator(const sb_batch_job *j, int64_t i) {
  sb_rng r;
  sb_rng_seed(&r, j->seed);
  sb_rng_seed(&r, sb_rng_next(&r) + j->epoch);
  sb_rng_seed(&r, sb_rng_next(&r) + (uint64_t)(j->first + i));
  return r;
}

static bool fill_one(const sb_loader *l, const sb_batch_job *j, int64_t i, sb_canvas *c,
                     sb_error *e) {
  const sb_treatment *t = l->treatment;
  int64_t size = (t->order == SB_GREY ? 1 : 3) * t->height * t->width;
  sb_rng r = generator(j, i);
  return sb_canvas_read(c, l->pictures, j->index[i], t->channels, e) &&
         sb_treat(c, t, &r, j->out + i * size, e);
}

/* The oldest slot with pictures that nobody has taken, or NULL. */
static slot *untaken(sb_loader *l, int slots) {
  for (int k = 0; k < slots; k++) {
    slot *s = &l->slots[(l->first + k) % l->ahead];
    if (s->taken < s->job.n) return s;
  }
  return NULL;
}

/* Takes some pictures of the slot and fills them in; called and left with the lock held. */
static void work_on(sb_loader *l, slot *s, sb_canvas *c) {
  int64_t from = s->taken, to = from + GRAIN < s->job.n ? from + GRAIN : s->job.n;
  int64_t failed = s->job.n;
  sb_error e;
  s->taken = to;
  pthread_mutex_unlock(&l->lock);
  bool alone = sb_work_alone(true); /* the pool's ranges are too small for one picture */
  for (int64_t i = from; i < to && failed == s->job.n; i++)
    if (!fill_one(l, &s->job, i, c, &e)) failed = i;
  sb_work_alone(alone);
  pthread_mutex_lock(&l->lock);
  s->done += to - from;
  if (failed < s->failed) s->failed = failed, s->error = e;
  if (s->done == s->job.n) pthread_cond_broadcast(&l->finished);
}

/* Steps back behind the threads that compute: these only have to be ahead of them. */
static void be_nice(void) {
  enum { NICE = 5 };
  setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
}

static void *run(void *context) {
  sb_loader *l = context;
  sb_canvas canvas = {0};
  sb_work_alone(true);
  be_nice();
  pthread_mutex_lock(&l->lock);
  while (!l->stop) {
    slot *s = untaken(l, l->queued);
    if (s)
      work_on(l, s, &canvas);
    else
      pthread_cond_wait(&l->work, &l->lock);
  }
  pthread_mutex_unlock(&l->lock);
  sb_canvas_free(&canvas);
  return NULL;
}

/* ---- The queue ------------------------------------------------------------------------------- */

sb_loader *sb_loader_start(const sb_pictures *pictures, const sb_treatment *treatment, int threads,
                           int ahead) {
  sb_loader *l = calloc(1, sizeof *l + (size_t)ahead * sizeof *l->slots);
  if (!l) return NULL;
  l->pictures = pictures, l->treatment = treatment, l->ahead = ahead;
  pthread_mutex_init(&l->lock, NULL);
  pthread_cond_init(&l->work, NULL);
  pthread_cond_init(&l->finished, NULL);
  while (l->threads < threads && l->threads < MAX_LOADER_THREADS &&
         pthread_create(&l->thread[l->threads], NULL, run, l) == 0)
    l->threads++;
  return l;
}

void sb_loader_stop(sb_loader *l) {
  pthread_mutex_lock(&l->lock);
  l->stop = true;
  pthread_cond_broadcast(&l->work);
  pthread_mutex_unlock(&l->lock);
  for (int i = 0; i < l->threads; i++) pthread_join(l->thread[i], NULL);
  pthread_mutex_destroy(&l->lock);
  pthread_cond_destroy(&l->work);
  pthread_cond_destroy(&l->finished);
  sb_canvas_free(&l->canvas);
  free(l);
}

void sb_loader_push(sb_loader *l, const sb_batch_job *job) {
  pthread_mutex_lock(&l->lock);
  slot *s = &l->slots[(l->first + l->queued++) % l->ahead];
  *s = (slot){.job = *job, .failed = job->n};
  pthread_cond_broadcast(&l->work);
  pthread_mutex_unlock(&l->lock);
}

int sb_loader_queued(const sb_loader *l) {
  return l->queued; /* only the caller changes it */
}

bool sb_loader_pop(sb_loader *l, int64_t *at, sb_error *e) {
  pthread_mutex_lock(&l->lock);
  slot *s = &l->slots[l->first];
  while (s->done < s->job.n)
    if (s->taken < s->job.n)
      work_on(l, s, &l->canvas);
    else
      pthread_cond_wait(&l->finished, &l->lock);
  l->first = (l->first + 1) % l->ahead;
  l->queued--;
  pthread_mutex_unlock(&l->lock);
  if (s->failed == s->job.n) return true;
  *at = s->failed;
  *e = s->error;
  return false;
}
