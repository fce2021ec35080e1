/* utf8: code points and bytes. Surrogates, overlong forms and values past U+10FFFF are invalid. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H
#include "base/str.h"
#include <stdint.h>

/* Offset of the first byte that is not valid UTF-8, or SIZE_MAX. */
size_t utf8_invalid_at(str s);
/* Code points in valid UTF-8. */
size_t utf8_length(str s);
/* True where every byte is below 0x80. */
bool utf8_is_ascii(str s);
/* Decodes the code point at *at in valid UTF-8 and moves *at behind it. */
uint32_t utf8_next(str s, size_t *at);
/* The code point that ends before *at; moves *at to its start. */
uint32_t utf8_prev(str s, size_t *at);
/* Writes 1 to 4 bytes and returns how many. cp must be a scalar value. */
size_t utf8_put(uint32_t cp, char out[4]);
/* Byte offset of code point `index`, or the length when there are fewer. */
size_t utf8_offset(str s, size_t index);

#endif
