/* text.c: glyph strokes to pixels: the coverage of a pixel follows from its distance to the stroke.
 */
#include "text.h"

#include <math.h>
#include <string.h>

#include "font.h"

typedef struct point {
  double x, y;
} point;

/* A glyph flattened to line segments, in pixels. */
enum { MAX_SEGMENTS = 128 };
typedef struct outline {
  int n;
  point a[MAX_SEGMENTS], b[MAX_SEGMENTS];
} outline;

/* Where a glyph goes: the pixel position of its grid's origin, and pixels per half unit. */
typedef struct pen {
  double x, y, step;
} pen;

/* ---- Codes and widths ------------------------------------------------------------------------ */

/* The next character of UTF-8 text as an ASCII code; anything else is 127, which has no glyph. */
static unsigned char next_code(const char *text, size_t n, size_t *at) {
  unsigned char c = (unsigned char)text[(*at)++];
  if (c < 128) return c;
  while (*at < n && ((unsigned char)text[*at] & 0xc0) == 0x80) (*at)++;
  return 127;
}

static int digit(char c) {
  return c >= 'a' ? c - 'a' + 10 : c - '0';
}

static int advance(unsigned char code) {
  return digit(sb_font_glyph(code)[0]);
}

int64_t sb_text_width(const char *text, size_t n, double scale) {
  int units = 0;
  for (size_t at = 0; at < n;) units += advance(next_code(text, n, &at));
  /* the last advance ends two units (4 halves) right of the stroke, which is one unit thick */
  return units > 2 ? (int64_t)ceil((units - 2) * scale / 2) : 0;
}

int64_t sb_text_height(double scale) {
  return (int64_t)ceil((SB_FONT_DESCENT - SB_FONT_ASCENT + 2) * scale / 2);
}

/* ---- Glyphs to segments ---------------------------------------------------------------------- */

static void add_segment(outline *o, point a, point b) {
  if (o->n == MAX_SEGMENTS) return; /* the richest glyph, '@', has 88 */
  o->a[o->n] = a;
  o->b[o->n++] = b;
}

static point middle(point a, point b) {
  return (point){(a.x + b.x) / 2, (a.y + b.y) / 2};
}

/* A quadratic Bezier curve from a to b with control point c. */
static void add_curve(outline *o, point a, point c, point b) {
  enum { PIECES = 8 };
  point last = a;
  for (int i = 1; i <= PIECES; i++) {
    double t = (double)i / PIECES, s = 1 - t;
    point p = {s * s * a.x + 2 * s * t * c.x + t * t * b.x,
               s * s * a.y + 2 * s * t * c.y + t * t * b.y};
    add_segment(o, last, p);
    last = p;
  }
}

static point point_at(const pen *k, const char *stroke, int i) {
  return (point){k->x + digit(stroke[2 * i]) * k->step, k->y + digit(stroke[2 * i + 1]) * k->step};
}

static void add_lines(outline *o, const pen *k, const char *stroke, int points) {
  for (int i = 0; i + 1 < points; i++)
    add_segment(o, point_at(k, stroke, i), point_at(k, stroke, i + 1));
}

static void add_spline(outline *o, const pen *k, const char *stroke, int points) {
  point from = point_at(k, stroke, 0);
  for (int i = 1; i + 1 < points; i++) {
    point control = point_at(k, stroke, i), to = point_at(k, stroke, i + 1);
    if (i + 2 < points) to = middle(control, to);
    add_curve(o, from, control, to);
    from = to;
  }
}

static void flatten(outline *o, const pen *k, const char *glyph) {
  o->n = 0;
  for (const char *p = glyph + 1; *p;) {
    if (*p == ' ') p++;
    bool smooth = *p == '~';
    if (smooth) p++;
    int length = (int)strcspn(p, " ");
    (smooth ? add_spline : add_lines)(o, k, p, length / 2);
    p += length;
  }
}

/* ---- Segments to pixels ---------------------------------------------------------------------- */

static double clamped(double v, double least, double most) {
  return v < least ? least : v > most ? most : v;
}

/* The square of the distance of p from the segment. */
static double square_distance(point p, point a, point b) {
  double dx = b.x - a.x, dy = b.y - a.y, length = dx * dx + dy * dy;
  double t = length > 0 ? ((p.x - a.x) * dx + (p.y - a.y) * dy) / length : 0;
  t = clamped(t, 0, 1);
  double y = a.y + t * dy - p.y, x = a.x + t * dx - p.x;
  return y * y + x * x;
}

/* Coverage: the share of a pixel's width that lies within the stroke's radius. */
static float coverage(const outline *o, double radius, point p) {
  double nearest = (radius + 1) * (radius + 1);
  for (int i = 0; i < o->n; i++) {
    double d = square_distance(p, o->a[i], o->b[i]);
    if (d < nearest) nearest = d;
  }
  return (float)clamped(radius + 0.5 - sqrt(nearest), 0, 1);
}

static void fill_outline(const sb_planes *to, const outline *o, sb_rectangle box, double radius,
                         sb_colour colour) {
  for (int64_t y = box.y; y < box.y + box.h; y++)
    for (int64_t x = box.x; x < box.x + box.w; x++) {
      float weight = coverage(o, radius, (point){(double)x, (double)y});
      for (int64_t c = 0; c < to->n; c++) {
        float *v = to->data + (c * to->h + y) * to->w + x;
        *v += weight * (colour.v[c < 2 ? c : 2] - *v);
      }
    }
}

void sb_draw_text(const sb_planes *to, int64_t y, int64_t x, const char *text, size_t n,
                  double scale, sb_colour colour) {
  /* a stroke is a unit thick: its centre line lies half a unit inside of the text's box, and pixel
     centres have whole coordinates */
  double inset = scale / 2 - 0.5;
  pen k = {(double)x + inset, (double)y + inset, scale / 2};
  outline o;
  for (size_t at = 0; at < n;) {
    unsigned char code = next_code(text, n, &at);
    double width = advance(code) * k.step;
    sb_rectangle box = {y, (int64_t)floor(k.x - 1), sb_text_height(scale),
                        (int64_t)ceil(width) + 2};
    flatten(&o, &k, sb_font_glyph(code));
    fill_outline(to, &o, sb_clip(box, to->h, to->w), scale / 2, colour);
    k.x += width;
  }
}
