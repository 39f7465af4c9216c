/* dtype.h: the element types of tensors in files, and their conversion to float32. */
#ifndef SB_DTYPE_H
#define SB_DTYPE_H

#include <stddef.h>
#include <stdint.h>

typedef enum sb_dtype {
  SB_DTYPE_F32,
  SB_DTYPE_F64,
  SB_DTYPE_F16,
  SB_DTYPE_BF16,
  SB_DTYPE_I64,
  SB_DTYPE_I32,
  SB_DTYPE_I16,
  SB_DTYPE_I8,
  SB_DTYPE_U8,
  SB_DTYPE_BOOL,
  SB_DTYPE_COUNT
} sb_dtype;

/* Bytes an element. */
size_t sb_dtype_size(sb_dtype type);

/* to[i] = (float)from[i], i < n. `from` holds n little-endian elements and need not be aligned.
   BOOL: 1 for any byte but 0. */
void sb_dtype_convert(sb_dtype type, const void *from, int64_t n, float *to);

#endif
