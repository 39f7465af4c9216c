/* library.c: dlopen with words for what fails. */
#include "library.h"

#include <dlfcn.h>

bool sb_library_find(const char *const *libraries, size_t n, const char *const *names, void **found,
                     sb_error *e) {
  void *handle = NULL;
  const char *name = *libraries;
  for (; *libraries && !handle; libraries++)
    name = *libraries, handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (!handle) return sb_fail(e, "%s cannot be loaded: %s", name, dlerror());
  for (size_t i = 0; i < n; i++)
    if (!(found[i] = dlsym(handle, names[i]))) return sb_fail(e, "%s is not in %s", names[i], name);
  return true;
}
