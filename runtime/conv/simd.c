#include "conv/simd.h"

#include <stdlib.h>
#include <string.h>

static bool runs_here(const sb_simd *s) {
#if defined(__x86_64__)
  if (s == &sb_simd_avx512) return __builtin_cpu_supports("avx512f");
  if (s == &sb_simd_avx2) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
  return s == &sb_simd_portable;
}

static const sb_simd *choose(void) {
  static const sb_simd *const all[] = {&sb_simd_avx512, &sb_simd_avx2, &sb_simd_portable};
  const char *wish = getenv("SWITCHBACK_SIMD");
  for (int i = 0; i < 3; i++)
    if (runs_here(all[i]) && (!wish || strcmp(wish, all[i]->name) == 0)) return all[i];
  return &sb_simd_portable;
}

const sb_simd *sb_simd_best(void) {
  static const sb_simd *chosen;
  if (!chosen) chosen = choose();
  return chosen;
}
