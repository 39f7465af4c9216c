/* simd_avx512.c: 32 registers of 16 floats: 24 accumulate, 3 hold B, 1 spreads A. */
#if defined(__x86_64__)
#pragma GCC target("avx512f,avx512dq,avx512vl,avx2,fma,prefer-vector-width=512")
#endif
#define LANES 16
#define ROWS 8
#define NAME "avx512"
#define TABLE sb_simd_avx512
#include "conv/simd_body.h"
