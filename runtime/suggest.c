#include "suggest.h"

#include <ctype.h>
#include <string.h>

enum { LONGEST = 64 };

static int smaller(int a, int b) {
  return a < b ? a : b;
}
static int same(char a, char b) {
  return tolower((unsigned char)a) == tolower((unsigned char)b);
}

int sb_edit_distance(const char *a, const char *b) {
  int n = (int)strnlen(a, LONGEST), m = (int)strnlen(b, LONGEST);
  int d[LONGEST + 1][LONGEST + 1];
  for (int i = 0; i <= n; i++) d[i][0] = i;
  for (int j = 0; j <= m; j++) d[0][j] = j;
  for (int i = 1; i <= n; i++)
    for (int j = 1; j <= m; j++) {
      d[i][j] = smaller(smaller(d[i - 1][j], d[i][j - 1]) + 1,
                        d[i - 1][j - 1] + !same(a[i - 1], b[j - 1]));
      if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
        d[i][j] = smaller(d[i][j], d[i - 2][j - 2] + 1);
    }
  return d[n][m];
}
