/* unicode: what Python's str asks of single code points: properties and case.
 * Categories and simple case come from utf8proc (Unicode 15), the rest from unicode_tables.h, which
 * is generated from CPython 3.11 (Unicode 14): only code points that Unicode 15 added differ. */
#ifndef VALUE_UNICODE_H
#define VALUE_UNICODE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool unicode_is_printable(uint32_t cp);
bool unicode_is_space(uint32_t cp);
bool unicode_is_line_break(uint32_t cp);
bool unicode_is_alpha(uint32_t cp);
bool unicode_is_decimal(uint32_t cp);
bool unicode_is_digit(uint32_t cp);
bool unicode_is_numeric(uint32_t cp);
bool unicode_is_lower(uint32_t cp);
bool unicode_is_upper(uint32_t cp);
bool unicode_is_title(uint32_t cp); /* titlecase letters alone */
bool unicode_is_cased(uint32_t cp);
bool unicode_is_case_ignorable(uint32_t cp);
bool unicode_is_xid_start(uint32_t cp);
bool unicode_is_xid_continue(uint32_t cp);
/* 0 to 9 for decimal digits of any script, else -1. */
int unicode_decimal(uint32_t cp);

enum unicode_case { UNICODE_LOWER, UNICODE_UPPER, UNICODE_TITLE, UNICODE_FOLD };
enum { UNICODE_CASE_MAX = 3 };
/* Full mapping of one code point; returns how many there are, at least 1. The final sigma is the
 * caller's business. */
size_t unicode_map(enum unicode_case c, uint32_t cp, uint32_t ret[UNICODE_CASE_MAX]);

#endif
