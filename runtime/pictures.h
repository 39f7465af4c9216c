/* pictures.h: the pictures of a data set where they lie: as bytes in memory, as image files in
   memory, within one archive's file, or as files. Any thread may read any of them. */
#ifndef SB_PICTURES_H
#define SB_PICTURES_H

#include "image.h"

typedef enum sb_picture_form {
  SB_PLANAR,      /* raw bytes (C,H,W) in memory */
  SB_INTERLEAVED, /* raw bytes (H,W,C) in memory */
  SB_ENCODED,     /* an image file in memory */
  SB_IN_FILE,     /* an image file within the file `fd` */
  SB_IN_FOLDER,   /* an image file, by its name in the folder `folder` */
} sb_picture_form;

/* Memory pointed to is not owned. */
typedef struct sb_picture {
  const char *name;     /* NULL: none */
  const uint8_t *bytes; /* in memory */
  int64_t offset;       /* in the file */
  int64_t size;
} sb_picture;

typedef struct sb_pictures {
  sb_picture_form form;
  int64_t count;
  int channels, height, width; /* of raw ones */
  int fd;                      /* SB_IN_FILE; -1: none */
  const char *folder;          /* SB_IN_FOLDER */
  sb_picture *list;
} sb_pictures;

/* Decodes picture i, 0 <= i < count; on failure nothing is left to free. */
bool sb_pictures_read(const sb_pictures *p, int64_t i, sb_pixels *out, sb_error *e);

#endif
