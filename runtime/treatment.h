/* treatment.h: what happens to each picture of a data set on its way into a batch: decoded, given
   its channels, augmented, fitted into the batch's size, and put into the net's units. */
#ifndef SB_TREATMENT_H
#define SB_TREATMENT_H

#include "augment.h"
#include "image.h"
#include "pictures.h"

typedef enum sb_channel_order { SB_RGB, SB_BGR, SB_GREY } sb_channel_order;

typedef struct sb_treatment {
  int channels; /* of the picture while it is augmented: 1 or 3 */
  const sb_augmentation *augment;
  int steps;
  int64_t height, width; /* of the batch */
  bool square;           /* only the central square of a picture of another size is fitted */
  bool fit;              /* pictures of other sizes are resized; false: they are errors */
  sb_channel_order order;
  float scale, mean[3], std[3]; /* out = (v * scale - mean) / std */
} sb_treatment;

/* Decodes picture i onto the canvas with that many channels. */
bool sb_canvas_read(sb_canvas *c, const sb_pictures *p, int64_t i, int channels, sb_error *e);

/* The picture on the canvas into `out`, C x height x width. The generator is drawn from by the
   augmentations only. */
bool sb_treat(sb_canvas *c, const sb_treatment *t, sb_rng *r, float *out, sb_error *e);

#endif
