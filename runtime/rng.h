/* rng.h: a seeded random generator (xoshiro256**, Blackman & Vigna 2018). No global state. */
#ifndef SB_RNG_H
#define SB_RNG_H

#include <stdint.h>

typedef struct sb_rng {
  uint64_t s[4];
  double spare; /* second normal of the last Box-Muller pair */
  int has_spare;
} sb_rng;

void sb_rng_seed(sb_rng *r, uint64_t seed); /* state expanded by splitmix64 */
uint64_t sb_rng_next(sb_rng *r);
double sb_rng_uniform(sb_rng *r);             /* [0, 1), 53 bits */
double sb_rng_normal(sb_rng *r);              /* mean 0, deviation 1 */
uint64_t sb_rng_below(sb_rng *r, uint64_t n); /* [0, n), unbiased; n > 0 */

#endif
