/* dtype.c: conversion of stored elements to float32. */
#include "dtype.h"

#include <string.h>

size_t sb_dtype_size(sb_dtype type) {
  static const size_t sizes[SB_DTYPE_COUNT] = {
      [SB_DTYPE_F32] = 4, [SB_DTYPE_F64] = 8, [SB_DTYPE_F16] = 2, [SB_DTYPE_BF16] = 2,
      [SB_DTYPE_I64] = 8, [SB_DTYPE_I32] = 4, [SB_DTYPE_I16] = 2, [SB_DTYPE_I8] = 1,
      [SB_DTYPE_U8] = 1,  [SB_DTYPE_BOOL] = 1};
  return sizes[type];
}

static float from_bits(uint32_t bits) {
  float f;
  memcpy(&f, &bits, sizeof f);
  return f;
}

/* IEEE 754 binary16: a subnormal m is m * 2^-24; exponent 31 is infinity or not-a-number. */
static float from_half(uint16_t h) {
  uint32_t sign = (uint32_t)(h >> 15) << 31, exponent = h >> 10 & 31, mantissa = h & 1023;
  if (exponent == 0) return (sign ? -1.0f : 1.0f) * (float)mantissa * 0x1p-24f;
  uint32_t widened = exponent == 31 ? 255 : exponent + 127 - 15;
  return from_bits(sign | widened << 23 | mantissa << 13);
}

static float from_bfloat(uint16_t b) {
  return from_bits((uint32_t)b << 16);
}

/* Copies each element out with memcpy, since files do not align them. */
#define CONVERT(type, expression)                                                                  \
  for (int64_t i = 0; i < n; i++) {                                                                \
    type v;                                                                                        \
    memcpy(&v, p + (size_t)i * sizeof v, sizeof v);                                                \
    to[i] = expression;                                                                            \
  }                                                                                                \
  break

void sb_dtype_convert(sb_dtype type, const void *from, int64_t n, float *to) {
  const char *p = from;
  switch (type) {
  case SB_DTYPE_F32:
    if (n > 0) memcpy(to, p, (size_t)n * sizeof *to);
    break;
  case SB_DTYPE_F64: CONVERT(double, (float)v);
  case SB_DTYPE_F16: CONVERT(uint16_t, from_half(v));
  case SB_DTYPE_BF16: CONVERT(uint16_t, from_bfloat(v));
  case SB_DTYPE_I64: CONVERT(int64_t, (float)v);
  case SB_DTYPE_I32: CONVERT(int32_t, (float)v);
  case SB_DTYPE_I16: CONVERT(int16_t, v);
  case SB_DTYPE_I8: CONVERT(int8_t, v);
  case SB_DTYPE_U8: CONVERT(uint8_t, v);
  case SB_DTYPE_BOOL: CONVERT(uint8_t, v != 0);
  case SB_DTYPE_COUNT: break;
  }
}
