#include "rng.h"

#include <math.h>

static uint64_t rotate_left(uint64_t x, int k) {
  return x << k | x >> (64 - k);
}

static uint64_t splitmix64(uint64_t *state) {
  uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
  return z ^ z >> 31;
}

void sb_rng_seed(sb_rng *r, uint64_t seed) {
  for (int i = 0; i < 4; i++) r->s[i] = splitmix64(&seed);
  r->spare = 0;
  r->has_spare = 0;
}

uint64_t sb_rng_next(sb_rng *r) {
  uint64_t *s = r->s, result = rotate_left(s[1] * 5, 7) * 9, t = s[1] << 17;
  s[2] ^= s[0], s[3] ^= s[1], s[1] ^= s[2], s[0] ^= s[3];
  s[2] ^= t, s[3] = rotate_left(s[3], 45);
  return result;
}

double sb_rng_uniform(sb_rng *r) {
  return (double)(sb_rng_next(r) >> 11) * 0x1p-53;
}

double sb_rng_normal(sb_rng *r) { /* Box & Muller 1958 */
  if (r->has_spare) {
    r->has_spare = 0;
    return r->spare;
  }
  double radius = sqrt(-2 * log(1 - sb_rng_uniform(r)));
  double angle = 6.283185307179586 * sb_rng_uniform(r);
  r->spare = radius * sin(angle), r->has_spare = 1;
  return radius * cos(angle);
}

uint64_t sb_rng_below(sb_rng *r, uint64_t n) {
  uint64_t limit = UINT64_MAX - UINT64_MAX % n, x;
  do x = sb_rng_next(r);
  while (x >= limit);
  return x % n;
}
