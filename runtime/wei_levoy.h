/* wei_levoy.h: texture synthesis by multiresolution neighbourhoods (Wei & Levoy 2000): the levels
   of a pyramid are filled in scan order, each pixel with the sample's whose neighbourhood is
   nearest. */
#ifndef SB_WEI_LEVOY_H
#define SB_WEI_LEVOY_H

#include "planes.h"
#include "tsvq.h"

/* What is compared of a pixel (y, x): on its own level what a scan has passed in the square of
   2 radius + 1 pixels around it (rows above, and to the left), and on the next coarser level, if
   there is one (coarse.n > 0), all of the square of 2 coarse_radius + 1 around (y/2, x/2). */
typedef struct sb_neighbourhood {
  sb_planes fine, coarse; /* channels as planes */
  int64_t radius, coarse_radius;
} sb_neighbourhood;

/* How many values that is. */
int64_t sb_neighbourhood_size(const sb_neighbourhood *n);

/* The pixels whose neighbourhood lies inside both levels: rows top .. bottom, columns left ..
   right, the last ones not counted; an empty range if there is none. */
typedef struct sb_inside {
  int64_t top, bottom, left, right;
} sb_inside;
sb_inside sb_neighbourhood_inside(const sb_neighbourhood *n);

/* A row of values for each of these pixels, in scan order. */
void sb_gather_neighbourhoods(const sb_neighbourhood *n, float *rows);

/* A level to be filled. Beyond its edges the picture goes on at the opposite one. */
typedef struct sb_level {
  sb_neighbourhood sample, picture; /* of equal radii */
  float *from;         /* h x w of the picture: the sample's flat index from 1 of each pixel */
  const sb_tsvq *tree; /* over the sample's gathered neighbourhoods */
  int64_t leaves;      /* that a search visits; 0: exact search */
} sb_level;

/* Bytes of scratch for sb_fill_level. */
int64_t sb_level_scratch(const sb_level *l);

/* Fills rows first .. last (not counted) of the picture. */
void sb_fill_level(const sb_level *l, int64_t first, int64_t last, void *scratch);

#endif
