/* half_body.h: the loops of half.h, included by half.c once per set of instructions with LANES
   (floats a vector), NAME(x) (how to name x), WIDEN(p) (the LANES halves at p as a vec) and
   NARROW(p, v) (stores a vec as halves at p). */

typedef float NAME(vec) __attribute__((vector_size(LANES * 4)));
typedef float NAME(loose) __attribute__((vector_size(LANES * 4), aligned(4)));

static void NAME(narrow)(int64_t n, const float *from, uint16_t *to) {
  int64_t k = 0;
  for (; k + LANES <= n; k += LANES) NARROW(to + k, *(const NAME(loose) *)(from + k));
  for (; k < n; k++) to[k] = narrowed(from[k]);
}

static void NAME(widen)(int64_t n, const uint16_t *from, float *to) {
  int64_t k = 0;
  for (; k + LANES <= n; k += LANES) *(NAME(loose) *)(to + k) = WIDEN(from + k);
  for (; k < n; k++) to[k] = widened(from[k]);
}

static void NAME(dot_rows)(int64_t n, const uint16_t *a, int64_t lda, const float *x, float *y) {
  NAME(vec) sums[SB_HALF_ROWS][2] = {{{0}}};
  int64_t k = 0;
  for (; k + 2 * LANES <= n; k += 2 * LANES)
    for (int r = 0; r < SB_HALF_ROWS; r++)
      for (int i = 0; i < 2; i++) {
        const uint16_t *from = a + r * lda + k + i * LANES;
        if (i == 0) __builtin_prefetch(from + 1024);
        sums[r][i] += WIDEN(from) * *(const NAME(loose) *)(x + k + i * LANES);
      }
  for (int r = 0; r < SB_HALF_ROWS; r++) {
    float sum = 0;
    for (int64_t j = k; j < n; j++) sum += widened(a[r * lda + j]) * x[j];
    for (int l = 0; l < LANES; l++) sum += sums[r][0][l] + sums[r][1][l];
    y[r] += sum;
  }
}

static void NAME(add_rows)(int64_t n, const float *scale, const uint16_t *const *row, float *to) {
  float p = scale[0], q = scale[1], r = scale[2], s = scale[3];
  int64_t k = 0;
  for (; k + LANES <= n; k += LANES) {
    NAME(vec) v = p * WIDEN(row[0] + k) + q * WIDEN(row[1] + k);
    *(NAME(loose) *)(to + k) += v + (r * WIDEN(row[2] + k) + s * WIDEN(row[3] + k));
  }
  for (; k < n; k++)
    to[k] += p * widened(row[0][k]) + q * widened(row[1][k]) +
             (r * widened(row[2][k]) + s * widened(row[3][k]));
}

static const sb_half_loops NAME(loops) = {NAME(narrow), NAME(widen), NAME(dot_rows),
                                          NAME(add_rows)};

#undef LANES
#undef NAME
#undef WIDEN
#undef NARROW
