/* criterion.h: what a classifier's scores are worth, against the classes that they should name. */
#ifndef SB_CRITERION_H
#define SB_CRITERION_H

#include <stdint.h>

/* Scores before softmax, one row of k classes an example, and its class in [0, k). */
typedef struct sb_scores {
  int64_t rows, k;
  const float *x;
  const int32_t *labels;
} sb_scores;

/* Softmax cross-entropy with label smoothing (Szegedy et al. 2016, section 7), the mean over the
   rows: -sum_j q[j] log p[j], where p is the softmax of the row and q[j] = smoothing / k, and 1 -
   smoothing more at the label. If dx is not NULL it becomes the gradient, (p - q) / rows. Sums are
   in double, in one order. */
double sb_cross_entropy(const sb_scores *s, double smoothing, float *dx);

/* rank[i] = 1 + how many classes of row i score higher than its label, or as high and stand before
   it; k where the label's score is no number. */
void sb_label_ranks(const sb_scores *s, float *rank);

#endif
