/* pictures.c: reading and decoding, wherever a picture lies. */
#include "pictures.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const int64_t largest = INT64_C(1) << 29; /* bytes of an image file */

/* Raw bytes as the decoder gives pixels, interleaved. */
static bool copy_raw(const sb_pictures *p, const uint8_t *from, sb_pixels *out, sb_error *e) {
  int64_t plane = (int64_t)p->height * p->width, c = p->channels;
  uint8_t *to = malloc((size_t)(plane * c));
  if (!to) return sb_fail(e, "out of memory");
  if (p->form == SB_INTERLEAVED)
    memcpy(to, from, (size_t)(plane * c));
  else
    for (int64_t k = 0; k < c; k++)
      for (int64_t j = 0; j < plane; j++) to[j * c + k] = from[k * plane + j];
  *out = (sb_pixels){to, p->height, p->width, p->channels, 255, false};
  return true;
}

static bool read_at(int fd, int64_t offset, uint8_t *to, int64_t n, sb_error *e) {
  while (n > 0) {
    ssize_t got = pread(fd, to, (size_t)n, offset);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return sb_fail(e, "%s", strerror(errno));
    if (got == 0) return sb_fail(e, "the file is cut short");
    to += got, offset += got, n -= got;
  }
  return true;
}

static bool decode_part(int fd, int64_t offset, int64_t n, sb_pixels *out, sb_error *e) {
  if (n > largest) return sb_fail(e, "larger than %lld bytes", (long long)largest);
  uint8_t *bytes = malloc(n > 0 ? (size_t)n : 1);
  bool fine = bytes ? read_at(fd, offset, bytes, n, e) : sb_fail(e, "out of memory");
  fine = fine && sb_pixels_decode(bytes, (size_t)n, out, e);
  free(bytes);
  return fine;
}

static bool decode_file(const char *folder, const char *name, sb_pixels *out, sb_error *e) {
  char path[PATH_MAX];
  if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path)
    return sb_fail(e, "its path is too long");
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not hold us up */
  struct stat s;
  if (fd < 0) return sb_fail(e, "%s", strerror(errno));
  bool fine = fstat(fd, &s) == 0 && S_ISREG(s.st_mode);
  fine = fine ? decode_part(fd, 0, s.st_size, out, e) : sb_fail(e, "is no file");
  close(fd);
  return fine;
}

bool sb_pictures_read(const sb_pictures *p, int64_t i, sb_pixels *out, sb_error *e) {
  const sb_picture *x = &p->list[i];
  *out = (sb_pixels){0};
  switch (p->form) {
  case SB_PLANAR:
  case SB_INTERLEAVED: return copy_raw(p, x->bytes, out, e);
  case SB_ENCODED: return sb_pixels_decode(x->bytes, (size_t)x->size, out, e);
  case SB_IN_FILE: return decode_part(p->fd, x->offset, x->size, out, e);
  case SB_IN_FOLDER: return decode_file(p->folder, x->name, out, e);
  }
  return sb_fail(e, "no form");
}
