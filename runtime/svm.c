/* svm.c: the only file that names liblinear. */
#include "svm.h"

#include <linear.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "library.h"

static struct {
  __typeof__(&train) train;
  __typeof__(&free_and_destroy_model) destroy;
  __typeof__(&set_print_string_function) print;
} lib;

static sb_error lack; /* why the library is not there */
static bool loaded;

static void say_nothing(const char *text) {}

static void load_library(void) {
  static const char *const libraries[] = {"liblinear.so.4", NULL};
  static const char *const names[] = {"train", "free_and_destroy_model",
                                      "set_print_string_function"};
  enum { N = sizeof names / sizeof *names };
  void *found[N];
  loaded = sb_library_find(libraries, N, names, found, &lack);
  if (!loaded) return;
  memcpy(&lib, found, sizeof lib);
  lib.print(say_nothing);
}

static bool have_library(sb_error *e) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, load_library);
  return loaded || sb_fail(e, "the SVM needs liblinear: %s", lack.text);
}

/* Rows as liblinear wants them: nodes of what is not 0, one for the bias, and an end. */
static size_t count_nodes(const float *x, int64_t n, int64_t d) {
  size_t count = 2 * (size_t)n;
  for (int64_t i = 0; i < n * d; i++) count += x[i] != 0;
  return count;
}

size_t sb_svm_scratch(const float *x, int64_t n, int64_t d) {
  return count_nodes(x, n, d) * sizeof(struct feature_node) +
         (size_t)n * (sizeof(struct feature_node *) + sizeof(double));
}

static struct feature_node *put_row(const float *x, int64_t d, struct feature_node *to) {
  for (int64_t k = 0; k < d; k++)
    if (x[k] != 0) *to++ = (struct feature_node){(int)k + 1, (double)x[k]};
  *to++ = (struct feature_node){(int)d + 1, 1};
  *to++ = (struct feature_node){-1, 0};
  return to;
}

static struct problem make_problem(const float *x, const int32_t *class, int64_t n, int64_t d,
                                   void *scratch) {
  struct problem p = {.l = (int)n, .n = (int)d + 1, .bias = 1};
  p.x = scratch;
  p.y = (double *)(p.x + n);
  struct feature_node *to = (struct feature_node *)(p.y + n);
  for (int64_t i = 0; i < n; i++) {
    p.x[i] = to;
    p.y[i] = class[i];
    to = put_row(x + i * d, d, to);
  }
  return p;
}

/* Of two classes there is one machine, of the first against the second. */
static void copy_weights(const struct model *m, int64_t d, float *weights, float *bias) {
  int machines = m->nr_class == 2 ? 1 : m->nr_class;
  for (int c = 0; c < m->nr_class; c++) {
    float *row = weights + m->label[c] * d, sign = machines == 1 && c == 1 ? -1 : 1;
    int column = machines == 1 ? 0 : c;
    for (int64_t k = 0; k < d; k++) row[k] = sign * (float)m->w[k * machines + column];
    bias[m->label[c]] = sign * (float)m->w[d * machines + column];
  }
}

bool sb_svm_train(const float *x, const int32_t *class, int64_t n, int64_t d, int classes,
                  double cost, float *weights, float *bias, void *scratch, sb_error *e) {
  if (!have_library(e)) return false;
  struct problem problem = make_problem(x, class, n, d, scratch);
  struct parameter parameter = {.solver_type = L2R_L2LOSS_SVC_DUAL, .eps = 0.1, .C = cost};
  memset(weights, 0, (size_t)(classes * d) * sizeof *weights);
  memset(bias, 0, (size_t)classes * sizeof *bias);
  srand(1);
  struct model *m = lib.train(&problem, &parameter);
  if (!m) return sb_fail(e, "liblinear gave no model");
  copy_weights(m, d, weights, bias);
  lib.destroy(&m);
  return true;
}
