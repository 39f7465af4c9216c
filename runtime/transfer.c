/* transfer.c: the only file that names libcurl. */
#include "transfer.h"

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <pthread.h>
#include <string.h>

#include "library.h"

/* ---- The library ----------------------------------------------------------------------------- */

#undef curl_easy_setopt
#undef curl_easy_getinfo

static struct {
  CURLcode (*global_init)(long flags);
  CURL *(*easy_init)(void);
  CURLcode (*setopt)(CURL *c, CURLoption option, ...);
  CURLcode (*perform)(CURL *c);
  CURLcode (*getinfo)(CURL *c, CURLINFO info, ...);
  const char *(*strerror)(CURLcode code);
  void (*cleanup)(CURL *c);
} lib;

static sb_error trouble; /* why the library is not there */
static bool loaded;

static void load_library(void) {
  static const char *const libraries[] = {"libcurl-gnutls.so.4", "libcurl.so.4", NULL};
  static const char *const names[] = {
      "curl_global_init",  "curl_easy_init",     "curl_easy_setopt", "curl_easy_perform",
      "curl_easy_getinfo", "curl_easy_strerror", "curl_easy_cleanup"};
  enum { N = sizeof names / sizeof *names };
  void *found[N];
  loaded = sb_library_find(libraries, N, names, found, &trouble);
  if (!loaded) return;
  memcpy(&lib, found, sizeof lib);
  lib.global_init(CURL_GLOBAL_DEFAULT);
}

/* ---- A transfer ------------------------------------------------------------------------------ */

enum { CONNECT_SECONDS = 30, STILL_SECONDS = 60, REDIRECTS = 8 };

static int on_progress(void *context, curl_off_t total, curl_off_t done, curl_off_t up_total,
                       curl_off_t up_done) {
  const sb_transfer *t = context;
  if (t->from + done > t->limit) return 1;
  return t->progress && !t->progress(t->context, t->from + done, total > 0 ? t->from + total : 0);
}

static void set_options(CURL *c, const sb_transfer *t, char *message) {
  bool secure = strncmp(t->url, "https:", 6) == 0;
  lib.setopt(c, CURLOPT_URL, t->url);
  lib.setopt(c, CURLOPT_WRITEDATA, t->to);
  lib.setopt(c, CURLOPT_ERRORBUFFER, message);
  lib.setopt(c, CURLOPT_USERAGENT, "switchback/" SB_VERSION);
  lib.setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
  lib.setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, secure ? "https" : "http,https");
  lib.setopt(c, CURLOPT_FOLLOWLOCATION, 1L);
  lib.setopt(c, CURLOPT_MAXREDIRS, (long)REDIRECTS);
  lib.setopt(c, CURLOPT_FAILONERROR, 1L);
  lib.setopt(c, CURLOPT_NOSIGNAL, 1L);
  lib.setopt(c, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
  lib.setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
  lib.setopt(c, CURLOPT_LOW_SPEED_TIME, (long)STILL_SECONDS);
  lib.setopt(c, CURLOPT_RESUME_FROM_LARGE, (curl_off_t)t->from);
  lib.setopt(c, CURLOPT_NOPROGRESS, 0L);
  lib.setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
  lib.setopt(c, CURLOPT_XFERINFODATA, t);
}

static sb_transfer_end classify(CURLcode code) {
  switch (code) {
  case CURLE_OK: return SB_TRANSFER_DONE;
  case CURLE_PARTIAL_FILE:
  case CURLE_RECV_ERROR:
  case CURLE_SEND_ERROR:
  case CURLE_GOT_NOTHING:
  case CURLE_HTTP2_STREAM:
  case CURLE_OPERATION_TIMEDOUT: return SB_TRANSFER_CUT;
  case CURLE_HTTP_RETURNED_ERROR: return SB_TRANSFER_REFUSED;
  case CURLE_RANGE_ERROR: return SB_TRANSFER_WHOLE;
  case CURLE_ABORTED_BY_CALLBACK: return SB_TRANSFER_STOPPED;
  default: return SB_TRANSFER_FAILED;
  }
}

static sb_transfer_end finish(const sb_transfer *t, CURLcode code, const char *message,
                              sb_error *e) {
  long at = ftell(t->to);
  if (code == CURLE_ABORTED_BY_CALLBACK && at > t->limit)
    return sb_fail(e, "larger than %lld bytes", (long long)t->limit), SB_TRANSFER_FAILED;
  if (code != CURLE_OK) sb_fail(e, "%s", message[0] ? message : lib.strerror(code));
  return classify(code);
}

sb_transfer_end sb_transfer_run(const sb_transfer *t, long *status, sb_error *e) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  char message[CURL_ERROR_SIZE] = "";
  *status = 0;
  pthread_once(&once, load_library);
  if (!loaded) return *e = trouble, SB_TRANSFER_FAILED;
  CURL *c = lib.easy_init();
  if (!c) return sb_fail(e, "out of memory"), SB_TRANSFER_FAILED;
  set_options(c, t, message);
  CURLcode code = lib.perform(c);
  lib.getinfo(c, CURLINFO_RESPONSE_CODE, status);
  lib.cleanup(c);
  if (fflush(t->to) != 0 && code == CURLE_OK) code = CURLE_WRITE_ERROR;
  return finish(t, code, message, e);
}
