/* text: string objects. The methods of str are in str_*.c, formatting in format*.c. */
#ifndef VALUE_TEXT_H
#define VALUE_TEXT_H
#include "base/buf.h"
#include "value/heap.h"

static inline str text_str(val v)
{
    return (str){v.s->p, v.s->n};
}
static inline bool text_is_ascii(const struct str_obj *s)
{
    return s->n == s->points;
}

/* Copies valid UTF-8; the empty string and single ASCII characters are interned. False:
 * FAULT_LIMIT. */
bool text_new(struct heap *h, str s, val *ret) must_use;
/* For names and literals, which are met again: short ASCII strings are interned. */
bool text_new_interned(struct heap *h, str s, val *ret) must_use;
/* The same, untrusted as a whole. */
bool text_new_untrusted(struct heap *h, str s, val *ret) must_use;
bool text_printf(struct heap *h, val *ret, const char *fmt, ...) printf_like(3, 4) must_use;
/* a + b: linear when a is the last string on its shared bytes. */
bool text_concat(struct heap *h, val a, val b, val *ret) must_use;
/* Bytes [from, to) of s, on code point borders; keeps extents of untrusted text. */
bool text_slice_bytes(struct heap *h, val s, size_t from, size_t to, val *ret) must_use;
/* Code points [from, to). */
bool text_slice(struct heap *h, val s, size_t from, size_t to, val *ret) must_use;
/* One code point; the index is in range. */
bool text_at(struct heap *h, val s, size_t index, val *ret) must_use;
uint64_t text_hash(struct str_obj *s);
static inline bool text_equal(const struct str_obj *a, const struct str_obj *b)
{
    return a == b || (a->n == b->n && memcmp(a->p, b->p, a->n) == 0);
}

/* ---- operators of str ---- */
/* s * n; MemoryError does not exist, so that too much is FAULT_LIMIT, without allocating. */
bool text_repeat(struct heap *h, val s, int64_t n, val *ret) must_use;
/* `needle in s`. */
bool text_has(struct heap *h, val s, val needle, bool *ret) must_use;
/* format % args, where args is a tuple, a mapping or a single value (percent.c). */
bool text_percent(struct heap *h, val format, val args, val *ret) must_use;
/* What becomes of a text before it is put in, as escaping does; *ret is a str. */
typedef bool text_filter(struct heap *h, val text, val *ret);
/* The same; of %s, %r and %a the text goes through escape. */
bool text_percent_filtered(struct heap *h, val format, val args, text_filter *escape,
                           val *ret) must_use;
/* str.format, args is NULL for format_map; each field's text goes through escape, OBJ_MARKUP takes
 * no specifier. */
bool text_format_filtered(struct heap *h, val format, const struct tuple_obj *args, val named,
                          text_filter *escape, val *ret) must_use;

/* ---- numbers in text (number_parse.c) ---- */
/* int(s, base): base is 0 or 2 to 36; ValueError as CPython's, OverflowError past 64 bits. */
bool number_parse_int(struct heap *h, val s, int64_t base, val *ret) must_use;
/* float(s). */
bool number_parse_float(struct heap *h, val s, val *ret) must_use;

/* Rows of str's methods, for types.c. */
extern const struct native_def str_methods[];

/* ---- interned strings, for heap.c alone ---- */
/* Between marking and sweeping: forgets the strings whose mark is not `live`. */
void text_pool_sweep(struct heap *h, uint8_t live);
void text_pool_done(struct heap *h);

/* ---- trust ---- */
/* Extents may be empty: an untrusted "" stays untrusted, also inside of other text. */
static inline bool text_is_trusted(val v)
{
    return v.s->taint == NULL;
}
/* A copy of v that is untrusted (or trusted) as a whole; v itself where it is already. */
bool text_set_trust(struct heap *h, val v, bool trusted, val *ret) must_use;
/* True where any of the values is a string with untrusted text. */
bool text_any_untrusted(const val *at, uint32_t n);

/* text_builder: bytes plus the extents of untrusted text, to one string at the end.
 * Every text operation that joins goes through it, so that trust cannot be forgotten. */
struct text_builder {
    struct heap *heap;
    struct buf bytes;
    uint32_t (*extents)[2];
    uint32_t extent_count, extent_cap;
};
void text_builder_init(struct text_builder *b, struct heap *h);
void text_builder_done(struct text_builder *b);
#define auto_text_builder cleanup(text_builder_done) struct text_builder
void text_builder_add(struct text_builder *b, str trusted);
void text_builder_add_val(struct text_builder *b, val s);                          /* a V_STR */
void text_builder_add_part(struct text_builder *b, val s, size_t from, size_t to); /* bytes */
/* Makes bytes [from, now) untrusted. */
void text_builder_taint(struct text_builder *b, size_t from);
bool text_builder_finish(struct text_builder *b, val *ret) must_use;

#endif
