/* mask: secrets out of text before it is kept or shown. A secret is looked for as it stands, line
 * by line where it has several, and in base64 (at each of the three alignments), URL-encoded and
 * JSON-escaped, in the ways of the usual libraries. Where secrets overlap nothing of either is
 * shown. Secrets shorter than MASK_SHORTEST are not masked: every text would be full of stars, and
 * the stars would tell them. */
#ifndef ENGINE_MASK_H
#define ENGINE_MASK_H
#include "base/buf.h"
#include "base/vec.h"

enum { MASK_SHORTEST = 3, MASK_SECRETS_MAX = 1000 };

struct mask {
    VEC(char *) patterns; /* owned, longest first */
    VEC(size_t) lengths;
    size_t longest;
};
void mask_done(struct mask *m);
void mask_add(struct mask *m, str secret);
/* This form alone. */
void mask_add_pattern(struct mask *m, str pattern);
static inline bool mask_is_empty(const struct mask *m)
{
    return m->patterns.n == 0;
}
/* Appends text with every secret replaced by ***. */
void mask_apply(const struct mask *m, str text, struct buf *ret);
/* How much of a text that goes on can be masked by itself: no secret that ends later begins in it.
 */
size_t mask_settled(const struct mask *m, str text);
/* True where text holds a secret. */
bool mask_finds(const struct mask *m, str text);

/* ---- secrets in a stream of bytes, found by any thread ---- */

enum { MASK_PAIRS = 65536 / 8 };
struct mask_scan {
    struct mask mask;          /* a copy */
    uint8_t pairs[MASK_PAIRS]; /* of bytes, with which a secret begins */
    struct buf tail;           /* the last bytes, which may be the beginning of one */
    bool found;
};
void mask_scan_init(struct mask_scan *s, const struct mask *m);
void mask_scan_done(struct mask_scan *s);
void mask_scan_add(struct mask_scan *s, str bytes);
/* One text alone. */
bool mask_scan_finds(const struct mask_scan *s, str text);

#endif
