/* transfer.h: files from servers, by HTTP and HTTPS. */
#ifndef SB_TRANSFER_H
#define SB_TRANSFER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "error.h"

typedef enum sb_transfer_end {
  SB_TRANSFER_DONE,
  SB_TRANSFER_CUT,     /* the connection broke, or stood still: going on later may help */
  SB_TRANSFER_REFUSED, /* the server said no (status of 400 and above) */
  SB_TRANSFER_WHOLE,   /* the server can only send the whole file, not the rest of it */
  SB_TRANSFER_STOPPED, /* progress answered false */
  SB_TRANSFER_FAILED   /* anything else: no such host, no space, larger than the limit */
} sb_transfer_end;

typedef struct sb_transfer {
  const char *url;
  FILE *to;      /* what arrives is written here */
  int64_t from;  /* bytes of the file that are there already; the rest is asked for */
  int64_t limit; /* bytes that the file may have in all */
  /* Called about once a second and more often while data flows, with the bytes that are there and
     those of the whole file (0: not known). */
  bool (*progress)(void *context, int64_t done, int64_t total);
  void *context;
} sb_transfer;

/* Fetches t->url, following up to 8 redirects (from https to https only). Except for DONE the error
   says why, and `status` is that of the last answer (0: none). */
sb_transfer_end sb_transfer_run(const sb_transfer *t, long *status, sb_error *e);

#endif
