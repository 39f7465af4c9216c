/* archives.h: the members of tar and zip files, and single compressed files, by libarchive. The
   library is loaded when the first archive is opened: it draws in a dozen others, which programs
   that open none should not wait for. Nothing is ever written to the file system. */
#ifndef SB_ARCHIVES_H
#define SB_ARCHIVES_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"

typedef enum sb_archive_format {
  SB_ARCHIVE_TAR,  /* plain or compressed by gzip */
  SB_ARCHIVE_ZIP,  /* by the directory at its end: what that does not list is not there */
  SB_ARCHIVE_GZIP, /* one file compressed by gzip: one member, without a name or a size */
} sb_archive_format;

typedef struct sb_archive {
  void *handle; /* NULL when closed */
} sb_archive;

typedef enum sb_member_kind {
  SB_MEMBER_FILE,
  SB_MEMBER_FOLDER,
  SB_MEMBER_LINK,  /* symbolic or hard */
  SB_MEMBER_OTHER, /* devices, pipes, encrypted or sparse files */
} sb_member_kind;

typedef struct sb_member {
  const char *name; /* as the archive has it, unchecked; valid until the next member */
  sb_member_kind kind;
  int64_t size;   /* bytes; -1 when the archive does not tell */
  int64_t offset; /* of its bytes in the archive's file; -1 where they are compressed */
} sb_member;

/* Opens the file; on failure nothing is left to close. */
bool sb_archive_open(sb_archive *a, const char *path, sb_archive_format format, sb_error *e);
void sb_archive_close(sb_archive *a); /* may be called again */

typedef enum sb_archive_step {
  SB_ARCHIVE_FAILED,
  SB_ARCHIVE_MEMBER,
  SB_ARCHIVE_END
} sb_archive_step;

/* Moves on to the next member. */
sb_archive_step sb_archive_next(sb_archive *a, sb_member *m, sb_error *e);

/* Reads up to n bytes of the member, the next ones at each call; answers how many, 0 at its end,
   and -1 (with a message) for damage. */
int64_t sb_archive_read(sb_archive *a, void *to, size_t n, sb_error *e);

#endif
