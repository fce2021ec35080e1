/* str_int: the functions behind str_methods, one group to a file. args[0] is the string. */
#ifndef VALUE_STR_INT_H
#define VALUE_STR_INT_H
#include "value/text.h"

/* clang-format off: it moves comments and names about at every run */
#define STR_METHODS(X)                                                                            \
    /* str_find.c */ X(count) X(endswith) X(find) X(index) X(replace) X(rfind) X(rindex) X(       \
        startswith) /* str_split.c */ X(join) X(partition) X(rpartition) X(rsplit) X(split)       \
        X(splitlines) /* str_trim.c */ X(center) X(expandtabs) X(ljust) X(lstrip) X(removeprefix) \
            X(removesuffix) X(rjust) X(rstrip) X(strip) X(zfill) /* str_case.c */ X(capitalize)   \
                X(casefold) X(lower) X(swapcase) X(title) X(upper) /* str_is.c */ X(isalnum)      \
                    X(isalpha) X(isascii) X(isdecimal) X(isdigit) X(isidentifier) X(islower)      \
                        X(isnumeric) X(isprintable) X(isspace) X(istitle)                         \
                            X(isupper) /* str_translate.c */ X(maketrans)                         \
                                X(translate) /* format_string.c, str_methods.c */ X(format)       \
                                    X(format_map) X(encode)
/* clang-format on */
#define X(name) bool str_method_##name(struct heap *h, val *args, val *ret) must_use;
STR_METHODS(X)
#undef X

/* An integer argument: TypeError: 'str' object cannot be interpreted as an integer. `missing`
 * where it was not given. */
bool str_arg_int(struct heap *h, val v, int64_t missing, int64_t *ret) must_use;
/* Bytes from a code point on: what start and end of find and its kin mean. *ret_in is false where
 * start lies behind the end. */
bool str_arg_range(struct heap *h, const struct str_obj *s, val start, val end, size_t *ret_from,
                   size_t *ret_to, bool *ret_in) must_use;
/* The builder's text, untrusted as a whole where `tainted`. */
bool str_finish(struct text_builder *b, bool tainted, val *ret) must_use;

#endif
