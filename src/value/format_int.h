/* format_int: the parts of formatting that format(), str.format, % and f-strings share. */
#ifndef VALUE_FORMAT_INT_H
#define VALUE_FORMAT_INT_H
#include "value/text.h"

/* A parsed format specifier: [[fill]align][sign][z][#][0][width][,_][.precision][type]. */
struct format_spec {
    uint32_t fill, align; /* align: < > = ^ */
    uint32_t sign;        /* + - space, or 0 */
    bool no_negative_zero, alternate;
    int64_t width, precision; /* -1: not given */
    char separator;           /* , _ or 0 */
    uint32_t type;            /* 0: not given */
};

/* text is the specifier; default_type stands in errors for the type's name. */
bool format_spec_parse(struct heap *h, str text, uint32_t default_align, const char *type_name,
                       struct format_spec *ret) must_use;

/* A number cut into the parts that padding and grouping need. */
struct format_number {
    char sign;          /* '-', '+', ' ' or 0 */
    const char *prefix; /* "0x" or "" */
    str digits;         /* before the point; empty for inf, nan and characters */
    str rest;           /* point, decimals, exponent, '%', or text without digits */
};
bool format_add_number(struct text_builder *b, const struct format_spec *spec,
                       const struct format_number *n) must_use;
/* Pads text of the builder from byte `start` on to the spec's width, by code points. */
bool format_pad(struct text_builder *b, const struct format_spec *spec, size_t start) must_use;

/* |d| with type e f g or r (repr) as CPython's PyOS_double_to_string; "inf" and "nan" too.
 * dot_zero: 1 becomes 1.0. */
bool format_double(struct text_builder *b, double d, char type, int64_t precision, bool alternate,
                   bool dot_zero) must_use;
/* Digits of |i| in base 2, 8, 10 or 16. */
str format_int_digits(char room[66], int64_t i, int base, bool upper);

bool format_add_int(struct text_builder *b, int64_t i, const struct format_spec *spec,
                    const char *type_name) must_use;
bool format_add_float(struct text_builder *b, double d, const struct format_spec *spec,
                      const char *type_name) must_use;

/* n fill characters; FAULT_LIMIT before anything is allocated. */
bool format_fill(struct text_builder *b, uint32_t fill, int64_t n) must_use;

/* The format's pieces: text gathers in a builder until a deferred value comes, which makes the
 * whole deferred: from then on there are parts for val_concat. */
struct format_parts {
    struct text_builder b;
    val list; /* V_UNBOUND, or a list of finished parts */
};
void format_parts_init(struct format_parts *p, struct heap *h);
void format_parts_done(struct format_parts *p);
#define auto_format_parts cleanup(format_parts_done) struct format_parts
bool format_parts_add(struct format_parts *p, val text_or_deferred) must_use;
bool format_parts_finish(struct format_parts *p, val *ret) must_use;

#endif
