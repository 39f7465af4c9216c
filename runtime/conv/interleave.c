#include "conv/interleave.h"

#include "clones.h"

typedef float vec __attribute__((vector_size(32)));
typedef float loose __attribute__((vector_size(32), aligned(4)));
typedef int mask __attribute__((vector_size(32)));

#define LOW(a, b) __builtin_shuffle(a, b, (mask){0, 8, 1, 9, 2, 10, 3, 11})
#define HIGH(a, b) __builtin_shuffle(a, b, (mask){4, 12, 5, 13, 6, 14, 7, 15})

/* A perfect shuffle of 64 floats: three of them transpose 8 x 8. */
#define SHUFFLE(from, to)                                                                          \
  for (int i = 0; i < 4; i++) {                                                                    \
    to[2 * i] = LOW(from[i], from[i + 4]);                                                         \
    to[2 * i + 1] = HIGH(from[i], from[i + 4]);                                                    \
  }

SB_CLONES void sb_interleave(int count, const float *const rows[8], int64_t n, float *to,
                             int64_t stride) {
  int64_t k = 0;
  for (; (n - 8 - k) * stride >= 8 - count; k += 8) {
    vec a[8], b[8];
    for (int r = 0; r < 8; r++) a[r] = *(const loose *)(rows[r] + k);
    SHUFFLE(a, b);
    SHUFFLE(b, a);
    SHUFFLE(a, b);
    for (int i = 0; i < 8; i++) *(loose *)(to + (k + i) * stride) = b[i];
  }
  for (; k < n; k++)
    for (int r = 0; r < count; r++) to[k * stride + r] = rows[r][k];
}
