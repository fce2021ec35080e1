#include "value/unicode.h"
#include "value/unicode_tables.h"
#include <utf8proc.h>

#define COUNT(table) (sizeof(table) / sizeof(table)[0])
#define IN(table, cp) in_ranges(table, COUNT(table), cp)

static bool in_ranges(const struct range *table, size_t n, uint32_t cp)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (table[mid].high < cp)
            low = mid + 1;
        else
            high = mid;
    }
    return low < n && table[low].low <= cp;
}

static utf8proc_category_t category(uint32_t cp)
{
    return utf8proc_category((utf8proc_int32_t)cp);
}

bool unicode_is_printable(uint32_t cp)
{
    if (cp < 0x7F)
        return cp >= 0x20;
    switch (category(cp)) {
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_ZS:
        return false;
    default:
        return true;
    }
}

bool unicode_is_space(uint32_t cp)
{
    return IN(spaces, cp);
}

bool unicode_is_line_break(uint32_t cp)
{
    return (cp >= 0x0A && cp <= 0x0D) || (cp >= 0x1C && cp <= 0x1E) || cp == 0x85 || cp == 0x2028 ||
           cp == 0x2029;
}

static bool is_letter(utf8proc_category_t c)
{
    return c >= UTF8PROC_CATEGORY_LU && c <= UTF8PROC_CATEGORY_LO;
}

bool unicode_is_alpha(uint32_t cp)
{
    return is_letter(category(cp));
}

bool unicode_is_decimal(uint32_t cp)
{
    return category(cp) == UTF8PROC_CATEGORY_ND;
}

bool unicode_is_digit(uint32_t cp)
{
    return unicode_is_decimal(cp) || IN(other_digits, cp);
}

bool unicode_is_numeric(uint32_t cp)
{
    utf8proc_category_t c = category(cp);
    return (c >= UTF8PROC_CATEGORY_ND && c <= UTF8PROC_CATEGORY_NO) || IN(other_numeric, cp);
}

bool unicode_is_lower(uint32_t cp)
{
    return category(cp) == UTF8PROC_CATEGORY_LL || IN(other_lower, cp);
}

bool unicode_is_upper(uint32_t cp)
{
    return category(cp) == UTF8PROC_CATEGORY_LU || IN(other_upper, cp);
}

bool unicode_is_title(uint32_t cp)
{
    return category(cp) == UTF8PROC_CATEGORY_LT;
}

bool unicode_is_cased(uint32_t cp)
{
    return unicode_is_lower(cp) || unicode_is_upper(cp) || unicode_is_title(cp);
}

bool unicode_is_case_ignorable(uint32_t cp)
{
    return IN(case_ignorable, cp);
}

bool unicode_is_xid_start(uint32_t cp)
{
    utf8proc_category_t c = category(cp);
    if (is_letter(c) || c == UTF8PROC_CATEGORY_NL)
        return !IN(start_less, cp);
    return cp == '_' || IN(start_more, cp);
}

bool unicode_is_xid_continue(uint32_t cp)
{
    utf8proc_category_t c = category(cp);
    if (is_letter(c) || c == UTF8PROC_CATEGORY_NL || c == UTF8PROC_CATEGORY_MN ||
        c == UTF8PROC_CATEGORY_MC || c == UTF8PROC_CATEGORY_ND || c == UTF8PROC_CATEGORY_PC)
        return !IN(continue_less, cp);
    return IN(continue_more, cp);
}

int unicode_decimal(uint32_t cp)
{
    if (cp < 0x80)
        return cp >= '0' && cp <= '9' ? (int)cp - '0' : -1;
    if (!unicode_is_decimal(cp))
        return -1;
    /* The digits of a script stand in order behind its zero. */
    for (int value = 0; value <= 9; value++)
        if (IN(zero_digits, cp - (uint32_t)value))
            return value;
    return -1;
}

static size_t special(const struct special_case *table, size_t n, uint32_t cp,
                      uint32_t ret[UNICODE_CASE_MAX])
{
    size_t low = 0, high = n, count = 0;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (table[mid].from < cp)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == n || table[low].from != cp)
        return 0;
    while (count < UNICODE_CASE_MAX && table[low].to[count]) {
        ret[count] = table[low].to[count];
        count++;
    }
    return count;
}

static size_t fold(uint32_t cp, uint32_t ret[UNICODE_CASE_MAX])
{
    utf8proc_int32_t to[UNICODE_CASE_MAX];
    int boundary = 0;
    utf8proc_ssize_t n = utf8proc_decompose_char((utf8proc_int32_t)cp, to, UNICODE_CASE_MAX,
                                                 UTF8PROC_CASEFOLD, &boundary);
    if (n < 1 || n > UNICODE_CASE_MAX) {
        ret[0] = cp;
        return 1;
    }
    for (utf8proc_ssize_t i = 0; i < n; i++)
        ret[i] = (uint32_t)to[i];
    return (size_t)n;
}

size_t unicode_map(enum unicode_case c, uint32_t cp, uint32_t ret[UNICODE_CASE_MAX])
{
    static const struct {
        const struct special_case *table;
        size_t n;
        utf8proc_int32_t (*simple)(utf8proc_int32_t);
    } maps[] = {
        [UNICODE_LOWER] = {special_lower, COUNT(special_lower), utf8proc_tolower},
        [UNICODE_UPPER] = {special_upper, COUNT(special_upper), utf8proc_toupper},
        [UNICODE_TITLE] = {special_title, COUNT(special_title), utf8proc_totitle},
    };
    if (c == UNICODE_FOLD)
        return fold(cp, ret);
    size_t n = special(maps[c].table, maps[c].n, cp, ret);
    if (n)
        return n;
    ret[0] = (uint32_t)maps[c].simple((utf8proc_int32_t)cp);
    return 1;
}
