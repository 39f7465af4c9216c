/* error.h: how the C core reports a caller's mistake. A function that can fail takes an
   sb_error and returns false with the explanation in it; bindings raise it as a Lua error. */
#ifndef SB_ERROR_H
#define SB_ERROR_H

#include <stdbool.h>

typedef struct sb_error {
  char text[512];
} sb_error;

/* Formats the explanation into e (truncating) and returns false, so `return sb_fail(e, ...)`. */
__attribute__((format(printf, 2, 3))) bool sb_fail(sb_error *e, const char *format, ...);

#endif
