/* font.h: the shapes of characters, as strokes.

   A glyph is drawn on a grid of half units: baseline at y = 16, tops of capitals at 0, tops of
   small letters at 6, descenders to 22. At scale 1 a unit is a pixel, and upright strokes fall on
   pixels. */
#ifndef SB_FONT_H
#define SB_FONT_H

enum { SB_FONT_ASCENT = 0, SB_FONT_BASELINE = 16, SB_FONT_DESCENT = 22, SB_FONT_FIRST = 32 };

/* The glyph of an ASCII code, as text: the advance width, then strokes separated by blanks. Numbers
   are one base-36 digit each (a is 10). A stroke is a list of points xy: a line through them, or,
   after a '~', a quadratic spline whose inner points are control points, with a knot halfway
   between each two of them. A stroke of two equal points is a dot. */
const char *sb_font_glyph(unsigned char code);

#endif
