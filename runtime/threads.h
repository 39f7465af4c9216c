/* threads.h: the worker pool. Work is cut into items that any thread may take; what an item
   computes must not depend on which thread runs it, so the bytes are the same at any count. */
#ifndef SB_THREADS_H
#define SB_THREADS_H

#include <stdbool.h>
#include <stdint.h>

/* Sets the number of threads that sb_parallel uses, the caller included (1 to 256). */
void sb_set_threads(int n);
int sb_get_threads(void);

/* Calls work(context, first, last) over disjoint ranges that cover [0, n), each at most `grain`
   items long, from this thread and the pool's; returns when all are done. Not reentrant: a call
   from inside `work` runs serially. Ranges always start at multiples of grain. */
void sb_parallel(int64_t n, int64_t grain, void (*work)(void *context, int64_t first, int64_t last),
                 void *context);

/* The index of the calling thread inside sb_parallel: 0 is the caller, below sb_get_threads().
   Use it to pick a private scratch buffer. */
int sb_thread_index(void);

/* Whether sb_parallel runs serially in this thread from now on; answers whether it did. Every
   thread that is started elsewhere must say so before it calls what may use the pool. */
bool sb_work_alone(bool alone);

#endif
