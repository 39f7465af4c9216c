/* jpeg.h: whether a JPEG file is safe to decode.

   stb_image trusts a file's tables: more codes than a table holds are written past its end, and a
   table that was never defined is read as the allocator left it. So the segments are checked first.
 */
#ifndef SB_JPEG_H
#define SB_JPEG_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"

/* Walks all segments up to the end-of-image marker (ITU-T T.81, annex B) and finds the size. Fails
   unless every table fits and is defined before a scan uses it, every component gets its scan, and
   scans are few (each costs the time of the whole image at next to no cost in bytes). */
bool sb_jpeg_check(const uint8_t *bytes, size_t n, int64_t *height, int64_t *width, sb_error *e);

#endif
