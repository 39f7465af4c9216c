/* library.h: shared libraries that are loaded when something first needs them, since programs that
   do not should not wait for them to start. */
#ifndef SB_LIBRARY_H
#define SB_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"

/* Finds n functions of the first of these libraries (a list that ends with NULL) that is there:
   found[i] is the one called names[i]. */
bool sb_library_find(const char *const *libraries, size_t n, const char *const *names, void **found,
                     sb_error *e);

#endif
