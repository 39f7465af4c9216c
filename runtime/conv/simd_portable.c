/* simd_portable.c: whatever the compiler's baseline offers (SSE2 on x86-64): vectors of 4 floats.
 */
#define LANES 4
#define ROWS 4
#define NAME "portable"
#define TABLE sb_simd_portable
#include "conv/simd_body.h"
