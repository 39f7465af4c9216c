/* svd.c: LAPACK's singular value decomposition, for a test to compare with, as a Lua module.
   singular(rows, columns, {values by rows...}) --> list of singular values, list of the rows of
   V^T, one list after the other. */
#include <dlfcn.h>
#include <lauxlib.h>
#include <stddef.h>

typedef void gesvd(const char *jobu, const char *jobvt, const int *m, const int *n, double *a,
                   const int *lda, double *s, double *u, const int *ldu, double *vt,
                   const int *ldvt, double *work, const int *lwork, int *info, size_t jobu_length,
                   size_t jobvt_length);

static void push_list(lua_State *L, const double *values, int n) {
  lua_createtable(L, n, 0);
  for (int i = 0; i < n; i++) {
    lua_pushnumber(L, values[i]);
    lua_rawseti(L, -2, i + 1);
  }
}

/* By columns, the matrix that is given by rows is its transpose: its U^T is our V^T. */
static int singular(lua_State *L) {
  int rows = (int)luaL_checkinteger(L, 1), columns = (int)luaL_checkinteger(L, 2), info;
  void *library = dlopen("libopenblas.so.0", RTLD_NOW);
  gesvd *dgesvd = library ? (gesvd *)dlsym(library, "dgesvd_") : NULL;
  if (!dgesvd) return luaL_error(L, "dgesvd: %s", dlerror());
  int k = rows < columns ? rows : columns, lwork = 64 * (rows + columns), one = 1;
  size_t count = (size_t)(rows * columns + columns * k + k + lwork);
  double *a = lua_newuserdatauv(L, count * sizeof(double), 0);
  double *u = a + rows * columns, *s = u + columns * k, *work = s + k, none;
  for (int i = 0; i < rows * columns; i++) {
    lua_rawgeti(L, 3, i + 1);
    a[i] = luaL_checknumber(L, -1);
    lua_pop(L, 1);
  }
  dgesvd("S", "N", &columns, &rows, a, &columns, s, u, &columns, &none, &one, work, &lwork, &info,
         1, 1);
  if (info != 0) return luaL_error(L, "dgesvd: info %d", info);
  push_list(L, s, k);
  push_list(L, u, columns * k);
  return 2;
}

int luaopen_svd(lua_State *L);
int luaopen_svd(lua_State *L) {
  lua_newtable(L);
  lua_pushcfunction(L, singular);
  lua_setfield(L, -2, "singular");
  return 1;
}
