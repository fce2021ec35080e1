/* num: numbers to text and back, independent of the locale. */
#ifndef BASE_NUM_H
#define BASE_NUM_H
#include "base/buf.h"

/* Decimal, optional sign, nothing else; false on anything else or past 64 bits. */
bool num_parse_int(str s, int64_t *ret_i);
enum { NUM_INT_ROOM = 20 };
/* Decimal, at the end of room. */
str num_int_text(char room[NUM_INT_ROOM], int64_t i);
/* C's strtod on exactly s ("1e5", "inf", no hexadecimal); false where s is not wholly used. */
bool num_parse_double(str s, double *ret_d);
/* "90s", "1h30m": numbers of s, m, h and d. */
bool num_parse_duration(str s, int64_t *ret_ms);
/* Shortest decimal text that reads back as d, as Python's repr writes it (1.0, 1e+16, nan). */
void num_add_double(struct buf *b, double d);
/* Correctly rounded digits as C's printf does with "%.*e", "%.*f" or "%.*g". */
void num_add_double_format(struct buf *b, double d, int precision, char type);

#endif
