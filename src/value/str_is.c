/* Methods of str that ask for properties of all characters. */
#include "base/utf8.h"
#include "value/str_int.h"
#include "value/text_int.h"
#include "value/unicode.h"

/* True where the string is not empty and every character fits. */
static bool all_are(struct heap *h, val v, bool (*fits)(uint32_t), val *ret)
{
    str s = text_str(v);
    bool yes = s.n > 0;

    for (size_t at = 0; yes && at < s.n;)
        yes = fits(utf8_next(s, &at));
    *ret = val_bool(yes);
    return text_charge_scan(h, s.n);
}

static bool is_alphanumeric(uint32_t cp)
{
    return unicode_is_alpha(cp) || unicode_is_digit(cp) || unicode_is_numeric(cp);
}

#define STR_IS(name, fits)                                      \
    bool str_method_##name(struct heap *h, val *args, val *ret) \
    {                                                           \
        return all_are(h, args[0], fits, ret);                  \
    }
STR_IS(isalnum, is_alphanumeric)
STR_IS(isalpha, unicode_is_alpha)
STR_IS(isdecimal, unicode_is_decimal)
STR_IS(isdigit, unicode_is_digit)
STR_IS(isnumeric, unicode_is_numeric)
STR_IS(isspace, unicode_is_space)

bool str_method_isascii(struct heap *h, val *args, val *ret)
{
    (void)h;
    *ret = val_bool(text_is_ascii(args[0].s));
    return true;
}

bool str_method_isprintable(struct heap *h, val *args, val *ret)
{
    if (args[0].s->n)
        return all_are(h, args[0], unicode_is_printable, ret);
    *ret = VAL_TRUE;
    return true;
}

bool str_method_isidentifier(struct heap *h, val *args, val *ret)
{
    str s = text_str(args[0]);
    size_t at = 0;
    bool yes = s.n > 0 && unicode_is_xid_start(utf8_next(s, &at));

    while (yes && at < s.n)
        yes = unicode_is_xid_continue(utf8_next(s, &at));
    *ret = val_bool(yes);
    return text_charge_scan(h, s.n);
}

/* At least one character is `wanted`, and none is `unwanted` or titlecase. */
static bool all_cased(struct heap *h, val v, bool (*wanted)(uint32_t), bool (*unwanted)(uint32_t),
                      val *ret)
{
    str s = text_str(v);
    bool yes = true, any = false;

    for (size_t at = 0; yes && at < s.n;) {
        uint32_t cp = utf8_next(s, &at);
        yes = !unwanted(cp) && !unicode_is_title(cp);
        any = any || wanted(cp);
    }
    *ret = val_bool(yes && any);
    return text_charge_scan(h, s.n);
}

bool str_method_islower(struct heap *h, val *args, val *ret)
{
    return all_cased(h, args[0], unicode_is_lower, unicode_is_upper, ret);
}

bool str_method_isupper(struct heap *h, val *args, val *ret)
{
    return all_cased(h, args[0], unicode_is_upper, unicode_is_lower, ret);
}

bool str_method_istitle(struct heap *h, val *args, val *ret)
{
    str s = text_str(args[0]);
    bool yes = true, any = false, in_word = false;

    for (size_t at = 0; yes && at < s.n;) {
        uint32_t cp = utf8_next(s, &at);
        bool big = unicode_is_upper(cp) || unicode_is_title(cp), small = unicode_is_lower(cp);
        yes = !(big && in_word) && !(small && !in_word && !big);
        in_word = big || small;
        any = any || in_word;
    }
    *ret = val_bool(yes && any);
    return text_charge_scan(h, s.n);
}
