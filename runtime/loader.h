/* loader.h: threads that fill batches ahead of whoever uses them. What a batch holds depends on its
   job only, not on the threads. */
#ifndef SB_LOADER_H
#define SB_LOADER_H

#include "treatment.h"

typedef struct sb_loader sb_loader;

/* A batch to fill: pictures index[0..n), 0-based, to out (n,C,H,W). Picture i's augmentations draw
   from a generator that is seeded by (seed, epoch, first + i). */
typedef struct sb_batch_job {
  const int64_t *index;
  int64_t n, first;
  uint64_t seed, epoch;
  float *out;
} sb_batch_job;

/* A loader with a queue of `ahead` jobs and that many threads (0: the caller does all). What it
   points to must outlive it. NULL when memory runs out; threads that cannot be started are done
   without. */
sb_loader *sb_loader_start(const sb_pictures *pictures, const sb_treatment *treatment, int threads,
                           int ahead);

/* Waits for the pictures at work, and ends the threads. */
void sb_loader_stop(sb_loader *l);

/* Puts a job into the queue, which must have room; index and out must stay until it is popped. */
void sb_loader_push(sb_loader *l, const sb_batch_job *job);
int sb_loader_queued(const sb_loader *l);

/* Takes the oldest job out of the queue when it is done, working on it meanwhile. False when a
   picture could not be read: *at is its place in the batch, the first one if there are several. */
bool sb_loader_pop(sb_loader *l, int64_t *at, sb_error *e);

#endif
