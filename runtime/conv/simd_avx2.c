/* simd_avx2.c: 16 registers of 8 floats: 12 accumulate, 3 hold B, 1 spreads A. */
#if defined(__x86_64__)
#pragma GCC target("avx2,fma")
#endif
#define LANES 8
#define ROWS 4
#define NAME "avx2"
#define TABLE sb_simd_avx2
#include "conv/simd_body.h"
