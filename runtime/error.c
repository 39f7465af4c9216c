#include "error.h"

#include <stdarg.h>
#include <stdio.h>

bool sb_fail(sb_error *e, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(e->text, sizeof e->text, format, args);
  va_end(args);
  return false;
}
