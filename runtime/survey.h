/* survey.h: all pictures of a data set looked at once, by all threads. */
#ifndef SB_SURVEY_H
#define SB_SURVEY_H

#include "pictures.h"

enum { SB_SURVEY_CHANNELS = 3 };

/* What one picture adds up to; sums are over its pixels, values in [0,1]. */
typedef struct sb_survey {
  bool damaged;
  double pixels, sum[SB_SURVEY_CHANNELS], squares[SB_SURVEY_CHANNELS];
} sb_survey;

/* Fills out[0..n) for the pictures index[0..n), taken with 1 or 3 channels. */
void sb_survey_pictures(const sb_pictures *p, const int64_t *index, int64_t n, int channels,
                        sb_survey *out);

#endif
