/* screen: a terminal's size, and text that cannot take it over. */
#ifndef CLI_SCREEN_H
#define CLI_SCREEN_H
#include "base/buf.h"

struct screen_size {
    size_t width, height;
};
struct screen_size screen_size_of(int fd);

/* At most `width` columns of s; control characters are left out, tabs become spaces. With colors,
 * sequences that only choose colors are kept (and ended). Returns the columns used. */
size_t screen_add(struct buf *b, str s, size_t width, bool colors);
/* An id in at most `width` columns: a longer one loses its middle, since ids differ at their ends.
 * Returns the columns used. */
size_t screen_add_id(struct buf *b, str id, size_t width);

#endif
