/* archives.c: the only file that names libarchive. */
#include "archives.h"

#include <archive.h>
#include <archive_entry.h>
#include <pthread.h>
#include <string.h>

#include "library.h"

/* ---- The library ----------------------------------------------------------------------------- */

#define FUNCTIONS(X)                                                                               \
  X(archive_read_new)                                                                              \
  X(archive_read_free)                                                                             \
  X(archive_read_support_format_tar)                                                               \
  X(archive_read_support_format_zip_seekable)                                                      \
  X(archive_read_support_format_raw)                                                               \
  X(archive_read_support_filter_gzip)                                                              \
  X(archive_read_open_filename)                                                                    \
  X(archive_read_next_header)                                                                      \
  X(archive_read_data)                                                                             \
  X(archive_filter_code)                                                                           \
  X(archive_filter_bytes)                                                                          \
  X(archive_format_name)                                                                           \
  X(archive_error_string)                                                                          \
  X(archive_entry_pathname)                                                                        \
  X(archive_entry_pathname_utf8)                                                                   \
  X(archive_entry_filetype)                                                                        \
  X(archive_entry_hardlink)                                                                        \
  X(archive_entry_symlink)                                                                         \
  X(archive_entry_size)                                                                            \
  X(archive_entry_size_is_set)                                                                     \
  X(archive_entry_sparse_count)                                                                    \
  X(archive_entry_is_encrypted)

#define POINTER(name) __typeof__(&name) name;
#define NAME(name) #name,
static struct { FUNCTIONS(POINTER) } lib;

static sb_error lack; /* why the library is not there */
static bool loaded;

static void load_library(void) {
  static const char *const libraries[] = {"libarchive.so.13", NULL};
  static const char *const names[] = {FUNCTIONS(NAME)};
  void *found[sizeof names / sizeof *names];
  loaded = sb_library_find(libraries, sizeof names / sizeof *names, names, found, &lack);
  if (loaded) memcpy(&lib, found, sizeof lib);
}

static bool have_library(sb_error *e) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, load_library);
  return loaded || sb_fail(e, "archives need libarchive: %s", lack.text);
}

/* ---- Archives -------------------------------------------------------------------------------- */

static bool trouble(sb_archive *a, sb_error *e) {
  const char *why = lib.archive_error_string(a->handle);
  return sb_fail(e, "%s", why ? why : "the archive is damaged");
}

static void support(struct archive *handle, sb_archive_format format) {
  if (format != SB_ARCHIVE_ZIP) lib.archive_read_support_filter_gzip(handle);
  if (format == SB_ARCHIVE_TAR) lib.archive_read_support_format_tar(handle);
  if (format == SB_ARCHIVE_ZIP) lib.archive_read_support_format_zip_seekable(handle);
  if (format == SB_ARCHIVE_GZIP) lib.archive_read_support_format_raw(handle);
}

bool sb_archive_open(sb_archive *a, const char *path, sb_archive_format format, sb_error *e) {
  enum { BLOCK = 1 << 16 };
  a->handle = NULL;
  if (!have_library(e)) return false;
  if (!(a->handle = lib.archive_read_new())) return sb_fail(e, "out of memory");
  support(a->handle, format);
  if (lib.archive_read_open_filename(a->handle, path, BLOCK) == ARCHIVE_OK) return true;
  trouble(a, e);
  sb_archive_close(a);
  return false;
}

void sb_archive_close(sb_archive *a) {
  if (a->handle) lib.archive_read_free(a->handle);
  a->handle = NULL;
}

static sb_member_kind kind_of(struct archive_entry *entry) {
  int type = (int)lib.archive_entry_filetype(entry);
  if (lib.archive_entry_hardlink(entry) || lib.archive_entry_symlink(entry) || type == AE_IFLNK)
    return SB_MEMBER_LINK;
  if (type == AE_IFDIR) return SB_MEMBER_FOLDER;
  bool whole = lib.archive_entry_sparse_count(entry) == 0 && !lib.archive_entry_is_encrypted(entry);
  return type == AE_IFREG && whole ? SB_MEMBER_FILE : SB_MEMBER_OTHER;
}

/* In a zip each member is packed for itself, and the format's name tells how. */
static bool is_plain(sb_archive *a) {
  const char *name = lib.archive_format_name(a->handle);
  if (name && strncmp(name, "ZIP", 3) == 0) return strstr(name, "(uncompressed)") != NULL;
  return lib.archive_filter_code(a->handle, 0) == ARCHIVE_FILTER_NONE;
}

sb_archive_step sb_archive_next(sb_archive *a, sb_member *m, sb_error *e) {
  struct archive_entry *entry;
  int status = lib.archive_read_next_header(a->handle, &entry);
  if (status == ARCHIVE_EOF) return SB_ARCHIVE_END;
  if (status < ARCHIVE_WARN) return trouble(a, e), SB_ARCHIVE_FAILED;
  m->name = lib.archive_entry_pathname(entry);
  if (!m->name) m->name = lib.archive_entry_pathname_utf8(entry);
  if (!m->name) return sb_fail(e, "a member's name cannot be read"), SB_ARCHIVE_FAILED;
  m->kind = kind_of(entry);
  m->size = lib.archive_entry_size_is_set(entry) ? lib.archive_entry_size(entry) : -1;
  m->offset = is_plain(a) ? lib.archive_filter_bytes(a->handle, 0) : -1;
  return SB_ARCHIVE_MEMBER;
}

int64_t sb_archive_read(sb_archive *a, void *to, size_t n, sb_error *e) {
  int64_t got = lib.archive_read_data(a->handle, to, n);
  if (got < 0) trouble(a, e);
  return got < 0 ? -1 : got;
}
