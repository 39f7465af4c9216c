/* text.h: text drawn into planes, in the stroke font of font.h. */
#ifndef SB_TEXT_H
#define SB_TEXT_H

#include "draw.h"

/* Pixels from the left edge to the right edge of the text, and from the tops of capitals to the
   bottom of descenders, at a scale (1: capitals are 9 pixels high). Each byte that is not
   ASCII starts or continues one replacement character. */
int64_t sb_text_width(const char *text, size_t n, double scale);
int64_t sb_text_height(double scale);

/* Draws with the top left corner at (y, x), antialiased, clipped. */
void sb_draw_text(const sb_planes *to, int64_t y, int64_t x, const char *text, size_t n,
                  double scale, sb_colour colour);

#endif
