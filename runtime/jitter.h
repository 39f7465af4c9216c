/* jitter.h: the colours of a picture changed, as torchvision.transforms.ColorJitter does: values in
   [0,1] are blended with a reference and clamped. */
#ifndef SB_JITTER_H
#define SB_JITTER_H

#include "planes.h"

/* v * factor */
void sb_brightness(const sb_planes *p, float factor);
/* v * factor + mean * (1 - factor), mean: of the picture's luminance */
void sb_contrast(const sb_planes *p, float factor);
/* v * factor + luminance * (1 - factor); does nothing to one plane */
void sb_saturation(const sb_planes *p, float factor);
/* Hue turned by `turn` (1: once around) at equal saturation and value (HSV); three planes only. */
void sb_hue(const sb_planes *p, float turn);

#endif
