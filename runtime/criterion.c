#include "criterion.h"

#include <math.h>
#include <stddef.h>

/* log of the sum of e^x. */
static double log_sum_exp(int64_t k, const float *x) {
  float largest = x[0];
  double sum = 0;
  for (int64_t j = 1; j < k; j++) largest = x[j] > largest ? x[j] : largest;
  for (int64_t j = 0; j < k; j++) sum += exp((double)x[j] - largest);
  return largest + log(sum);
}

/* With z = log sum e^x: the loss is z - (1 - smoothing) x[label] - smoothing * mean of x. */
static double row_loss(int64_t k, const float *x, int32_t label, double smoothing, double share,
                       float *dx) {
  double z = log_sum_exp(k, x), mean = 0;
  for (int64_t j = 0; j < k; j++) mean += x[j] / (double)k;
  for (int64_t j = 0; j < k && dx; j++)
    dx[j] = (float)(share * (exp(x[j] - z) - smoothing / (double)k));
  if (dx) dx[label] -= (float)(share * (1 - smoothing));
  return z - (1 - smoothing) * x[label] - smoothing * mean;
}

double sb_cross_entropy(const sb_scores *s, double smoothing, float *dx) {
  double sum = 0;
  for (int64_t i = 0; i < s->rows; i++)
    sum += row_loss(s->k, s->x + i * s->k, s->labels[i], smoothing, 1 / (double)s->rows,
                    dx ? dx + i * s->k : NULL);
  return sum / (double)s->rows;
}

void sb_label_ranks(const sb_scores *s, float *rank) {
  for (int64_t i = 0; i < s->rows; i++) {
    const float *x = s->x + i * s->k, own = x[s->labels[i]];
    int64_t better = 0;
    for (int64_t j = 0; j < s->k; j++) better += x[j] > own || (x[j] == own && j < s->labels[i]);
    rank[i] = (float)(isnan(own) ? s->k : 1 + better);
  }
}
