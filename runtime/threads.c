#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* affinity */
#endif
#include "threads.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>
#include <unistd.h>

/* Pauses to wait awake: for the next job, about as long as the script takes between two steps; and
   for the last ranges of a job. To sleep and be woken costs more than most jobs take. */
enum { MAX_THREADS = 256, SPINS = 10000, YIELD_EVERY = 64 };

/* The i-th pause of a wait. Now and then it lets others run on this core: it may be just the thread
   that is waited for, where neighbours keep the machine busy. */
static inline void pause_briefly(int i) {
  if (i % YIELD_EVERY == YIELD_EVERY - 1) sched_yield();
#if defined(__x86_64__) || defined(__i386__)
  else
    __builtin_ia32_pause();
#endif
}

/* A thread's part of a job: [next, end) are left. */
typedef struct share {
  _Alignas(64) atomic_llong next;
  int64_t end;
} share;

/* One job at a time. A worker spins briefly on `ticket`, then sleeps; when it changes, it joins the
   job under the lock, takes ranges from its share, then from what the others have left, and leaves.
   So what a thread reads is mostly what it wrote in the job before, and in its cache. The caller
   works too, closes the job when the ranges are gone, and waits, again awake at first, only for the
   workers that had joined: one that the system did not schedule in time costs nothing. */
static struct {
  pthread_mutex_t lock;
  pthread_cond_t wake, left;
  int wanted, started;
  pthread_t workers[MAX_THREADS];
  int caller_core;         /* that the workers are kept off, 1 + its number */
  int64_t patience, alone; /* nanoseconds: the last span without workers, and when it ends */
  atomic_uint ticket;
  bool open;
  atomic_int joined; /* changed under the lock */
  int64_t grain;
  int shares;
  share share[MAX_THREADS];
  void (*work)(void *, int64_t, int64_t);
  void *context;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER,
          .wake = PTHREAD_COND_INITIALIZER,
          .left = PTHREAD_COND_INITIALIZER};

static _Thread_local int thread_index;
static _Thread_local bool inside;

int sb_thread_index(void) {
  return thread_index;
}

bool sb_work_alone(bool alone) {
  bool before = inside;
  inside = alone;
  return before;
}

int sb_get_threads(void) {
  if (pool.wanted == 0) {
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    sb_set_threads(cores < 1 ? 1 : cores > MAX_THREADS ? MAX_THREADS : (int)cores);
  }
  return pool.wanted;
}

void sb_set_threads(int n) {
  pool.wanted = n < 1 ? 1 : n > MAX_THREADS ? MAX_THREADS : n;
}

/* Two threads that take turns on one core are as slow as one. It was seen on a virtual machine with
   a core to spare, for many runs on end: workers may go anywhere but where the caller runs. */
static void keep_workers_off_this_core(void) {
#ifdef __linux__
  int core = sched_getcpu();
  cpu_set_t allowed;
  if (core < 0 || core + 1 == pool.caller_core) return;
  pool.caller_core = core + 1;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0 || CPU_COUNT(&allowed) < 2) return;
  CPU_CLR(core, &allowed);
  for (int i = 0; i < pool.started; i++)
    pthread_setaffinity_np(pool.workers[i], sizeof allowed, &allowed);
#endif
}

static void take_from(share *s) {
  for (;;) {
    int64_t first = atomic_fetch_add_explicit(&s->next, pool.grain, memory_order_relaxed);
    if (first >= s->end) return;
    int64_t last = first + pool.grain;
    pool.work(pool.context, first, last < s->end ? last : s->end);
  }
}

static void take_ranges(void) {
  for (int i = 0; i < pool.shares; i++) take_from(&pool.share[(thread_index + i) % pool.shares]);
}

/* Shares begin at multiples of grain. */
static void cut_shares(int64_t n, int64_t grain) {
  int64_t ranges = (n + grain - 1) / grain;
  pool.shares = pool.wanted;
  for (int i = 0; i < pool.shares; i++) {
    int64_t end = ranges * (i + 1) / pool.shares * grain;
    atomic_store_explicit(&pool.share[i].next, ranges * i / pool.shares * grain,
                          memory_order_relaxed);
    pool.share[i].end = end < n ? end : n;
  }
}

static unsigned wait_for_ticket(unsigned seen) {
  for (int i = 0; i < SPINS; i++) {
    unsigned now = atomic_load_explicit(&pool.ticket, memory_order_acquire);
    if (now != seen) return now;
    pause_briefly(i);
  }
  pthread_mutex_lock(&pool.lock);
  while (atomic_load(&pool.ticket) == seen) pthread_cond_wait(&pool.wake, &pool.lock);
  pthread_mutex_unlock(&pool.lock);
  return atomic_load(&pool.ticket);
}

static void *worker(void *index) {
  thread_index = (int)(intptr_t)index;
  inside = true;
  for (unsigned seen = 0;;) {
    seen = wait_for_ticket(seen);
    pthread_mutex_lock(&pool.lock);
    bool join = pool.open && thread_index < pool.wanted;
    pool.joined += join;
    pthread_mutex_unlock(&pool.lock);
    if (!join) continue;
    take_ranges();
    pthread_mutex_lock(&pool.lock);
    if (--pool.joined == 0) pthread_cond_signal(&pool.left);
    pthread_mutex_unlock(&pool.lock);
  }
  return NULL;
}

/* A thread that cannot be started is done without: the others take its ranges. */
static void start_workers(void) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  while (pool.started < pool.wanted - 1) {
    void *index = (void *)(intptr_t)(pool.started + 1);
    if (pthread_create(&pool.workers[pool.started], &attributes, worker, index) != 0) break;
    pool.started++;
    pool.caller_core = 0;
  }
  pthread_attr_destroy(&attributes);
}

static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* A worker takes as long for its last range as the caller took for all of its own, at most. If it
   does not come back by then, neighbours have its core: each such wait is followed by a span
   without workers that is four times as long, and twice the last one. */
static void learn(int64_t worked, int64_t waited) {
  enum { SLACK = 200 * 1000, LONGEST = 200 * 1000 * 1000 };
  if (waited <= worked + SLACK) {
    pool.patience /= 2;
    return;
  }
  int64_t span = 4 * waited > 2 * pool.patience ? 4 * waited : 2 * pool.patience;
  pool.patience = span < LONGEST ? span : LONGEST;
  pool.alone = now() + pool.patience;
}

static void wait_for_the_joined(void) {
  pthread_mutex_lock(&pool.lock);
  pool.open = false;
  pthread_mutex_unlock(&pool.lock);
  for (int i = 0; i < SPINS; i++) {
    if (atomic_load_explicit(&pool.joined, memory_order_acquire) == 0) return;
    pause_briefly(i);
  }
  pthread_mutex_lock(&pool.lock);
  while (pool.joined > 0) pthread_cond_wait(&pool.left, &pool.lock);
  pthread_mutex_unlock(&pool.lock);
}

static void open_job(int64_t n, int64_t grain, void (*work)(void *, int64_t, int64_t),
                     void *context) {
  pthread_mutex_lock(&pool.lock);
  pool.grain = grain, pool.work = work, pool.context = context;
  cut_shares(n, grain);
  pool.open = true;
  atomic_fetch_add(&pool.ticket, 1);
  pthread_cond_broadcast(&pool.wake);
  pthread_mutex_unlock(&pool.lock);
}

static void run_job(int64_t n, int64_t grain, void (*work)(void *, int64_t, int64_t),
                    void *context) {
  keep_workers_off_this_core();
  int64_t started = now();
  open_job(n, grain, work, context);
  inside = true;
  take_ranges();
  inside = false;
  int64_t finished = now();
  wait_for_the_joined();
  learn(finished - started, now() - finished);
}

void sb_parallel(int64_t n, int64_t grain, void (*work)(void *context, int64_t first, int64_t last),
                 void *context) {
  if (n <= 0) return;
  if (grain < 1) grain = 1;
  if (inside || n <= grain || sb_get_threads() == 1 || now() < pool.alone) {
    for (int64_t i = 0; i < n; i += grain) work(context, i, i + grain < n ? i + grain : n);
    return;
  }
  if (pool.started < pool.wanted - 1) start_workers();
  run_job(n, grain, work, context);
}
