/* mask: secrets out of text before it is kept or shown. A secret is looked for as it stands, line
 * by line where it has several, and in base64 (at each of the three alignments), URL-encoded and
 * JSON-escaped, in the ways of the usual libraries. Base64 is also found where it is broken into
 * lines (by base64, openssl, PEM and mail at 76, 64 or another number of characters), as long as 16
 * of its characters stand together or the lines around say what it is. Where secrets overlap
 * nothing of either is shown. Secrets shorter than MASK_SHORTEST are not masked: every text would
 * be full of stars, and the stars would tell them. */
#ifndef ENGINE_MASK_H
#define ENGINE_MASK_H
#include "base/buf.h"
#include "base/vec.h"

enum { MASK_SHORTEST = 3, MASK_SECRETS_MAX = 1000 };

struct mask_pattern {
    str text;      /* owned */
    uint32_t next; /* 1 + the next pattern of the same beginning, none of them longer; 0: none */
};
/* A secret in base64, without the characters that depend on what stands around it. */
struct mask_form {
    str text;    /* owned */
    size_t skew; /* characters of its first group of four that are left out */
};
/* Characters of a form by which a piece of it is known. */
struct mask_window {
    uint32_t form /* plus 1; 0: free */, at;
};

struct mask {
    VEC(struct mask_pattern) patterns;
    size_t longest;
    uint32_t *heads; /* owned; 1 + the longest pattern of a beginning */
    unsigned head_bits;
    VEC(struct mask_form) forms;
    struct mask_window *windows; /* owned */
    size_t window_count;
    unsigned window_bits;
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

/* ---- line by line ---- */

/* What the last line ended with that may be the beginning of a secret in base64. */
struct mask_part {
    uint32_t form;
    size_t at;   /* of the form, where the next line would go on */
    size_t seen; /* characters that said so */
};
struct mask_seam {
    VEC(struct mask_part) parts;
};
void mask_seam_done(struct mask_seam *s);

struct mask_range {
    size_t from, to;
};
struct mask_ranges {
    VEC(struct mask_range) list;
};
void mask_ranges_done(struct mask_ranges *r);
/* Secrets in text, which follows what the seam was last given, ascending; *ret is emptied first. */
void mask_find(const struct mask *m, struct mask_seam *s, str text, struct mask_ranges *ret);
void mask_hide(const struct mask_ranges *ranges, str text, struct buf *ret);

/* ---- secrets in a stream of bytes, found by any thread ---- */

struct mask_scan {
    struct mask mask; /* a copy */
    struct buf tail;  /* the last bytes, which may be the beginning of one */
    bool found;
};
void mask_scan_init(struct mask_scan *s, const struct mask *m);
void mask_scan_done(struct mask_scan *s);
void mask_scan_add(struct mask_scan *s, str bytes);
/* One text alone. */
bool mask_scan_finds(const struct mask_scan *s, str text);

#endif
