/* The table of str's methods, and how they read their arguments. */
#include "base/utf8.h"
#include "value/str_int.h"
#include "value/text_int.h"
#include "value/types.h"

bool str_arg_int(struct heap *h, val v, int64_t missing, int64_t *ret)
{
    if (val_is_unbound(v)) {
        *ret = missing;
        return true;
    }
    if (!val_is_int(v))
        return heap_raise(h, &exc_TypeError, "'%s' object cannot be interpreted as an integer",
                          val_type_name(v));
    *ret = v.i;
    return true;
}

static bool arg_bound(struct heap *h, val v, int64_t n, int64_t missing, int64_t *ret)
{
    if (val_is_unbound(v) || v.kind == V_NONE) {
        *ret = missing;
        return true;
    }
    if (!val_is_int(v))
        return heap_raise(h, &exc_TypeError,
                          "slice indices must be integers or None or have an __index__ method");
    *ret = v.i < -n ? 0 : v.i < 0 ? v.i + n : v.i;
    return true;
}

bool str_arg_range(struct heap *h, const struct str_obj *s, val start, val end, size_t *ret_from,
                   size_t *ret_to, bool *ret_in)
{
    int64_t n = s->points, first = 0, last = 0;

    if (!arg_bound(h, start, n, 0, &first) || !arg_bound(h, end, n, n, &last))
        return false;
    if (last > n)
        last = n;
    *ret_in = first <= last;
    if (!*ret_in) {
        *ret_from = *ret_to = 0;
        return true;
    }
    return text_offset(h, s, (size_t)first, ret_from) && text_offset(h, s, (size_t)last, ret_to);
}

bool str_finish(struct text_builder *b, bool tainted, val *ret)
{
    if (tainted)
        text_builder_taint(b, 0);
    return text_builder_finish(b, ret);
}

bool str_method_encode(struct heap *h, val *args, val *ret)
{
    (void)args;
    (void)ret;
    return heap_refuse(h, "not_supported",
                       "text stays text here; it is UTF-8 wherever it is written",
                       "str.encode is not available: there are no bytes");
}

bool text_repeat(struct heap *h, val v, int64_t n, val *ret)
{
    const struct str_obj *s = v.s;
    size_t total;

    if (n == 1) {
        *ret = v;
        return true;
    }
    if (n <= 0 || s->n == 0)
        return text_slice_bytes(h, v, 0, 0, ret);
    if (__builtin_mul_overflow((size_t)n, (size_t)s->n, &total) || total > h->limits.bytes)
        return heap_out_of_bytes(h);
    if (s->taint) {
        auto_text_builder b;
        text_builder_init(&b, h);
        for (int64_t i = 0; i < n && !b.bytes.overflow; i++) {
            if (!heap_charge(h, 1 + s->taint->n))
                return false;
            text_builder_add_val(&b, v);
        }
        return text_builder_finish(&b, ret);
    }
    char *to;
    struct str_obj *o = text_alloc(h, total, (size_t)n * s->points, &to);
    if (!o)
        return false;
    if (s->n == 1) {
        memset(to, s->p[0], total);
    } else {
        size_t done = s->n;
        memcpy(to, s->p, s->n);
        for (; done < total; done += done < total - done ? done : total - done)
            memcpy(to + done, to, done < total - done ? done : total - done);
    }
    *ret = val_obj(V_STR, o);
    return true;
}

static const char *const split_names[] = {"sep", "maxsplit"};
static const char *const splitlines_names[] = {"keepends"};
static const char *const expandtabs_names[] = {"tabsize"};
static const char *const encode_names[] = {"encoding", "errors"};

/* Positional arguments alone. */
#define ROW(method, function, least, most, bits, args, text)                                     \
    {                                                                                            \
        .name = method, .fn = str_method_##function, .min = least, .max = most,                  \
        .positional_only = most, .flags = NATIVE_DEFERS | (bits), .signature = args, .doc = text \
    }
#define NAMED(method, most, arg_names, args, text)                                       \
    {                                                                                    \
        .name = #method, .fn = str_method_##method, .max = most, .flags = NATIVE_DEFERS, \
        .names = arg_names, .signature = args, .doc = text                               \
    }
#define IS(method, text) ROW(#method, method, 0, 0, 0, "()", text)
#define FINDS(method, function, text) \
    ROW(method, function, 1, 3, NATIVE_PARSED, "(sub, start=None, end=None, /)", text)

const struct native_def str_methods[] = {
    ROW("capitalize", capitalize, 0, 0, 0, "()", "First character in title case, the rest lower."),
    ROW("casefold", casefold, 0, 0, 0, "()", "For comparing without case."),
    ROW("center", center, 1, 2, 0, "(width, fillchar=' ', /)",
        "In the middle of width characters."),
    FINDS("count", count, "How often sub occurs, without overlap."),
    NAMED(encode, 2, encode_names, "(encoding='utf-8', errors='strict')",
          "Not available: there are no bytes."),
    ROW("endswith", endswith, 1, 3, NATIVE_PARSED, "(suffix, start=None, end=None, /)",
        "Does it end with suffix, or with one of a tuple of them?"),
    NAMED(expandtabs, 1, expandtabs_names, "(tabsize=8)", "Tabs as blanks up to the next column."),
    FINDS("find", find, "Index of the first sub, or -1."),
    {.name = "format",
     .fn = str_method_format,
     .flags = NATIVE_VARARGS | NATIVE_KWARGS | NATIVE_SPARSE,
     .signature = "(*args, **kwargs)",
     .doc = "Fill the {fields} with arguments."},
    {.name = "format_map",
     .fn = str_method_format_map,
     .min = 1,
     .max = 1,
     .positional_only = 1,
     .signature = "(mapping, /)",
     .doc = "Fill the {fields} from a mapping."},
    FINDS("index", index, "Index of the first sub; ValueError where there is none."),
    IS(isalnum, "All letters or digits, and not empty?"),
    IS(isalpha, "All letters, and not empty?"),
    IS(isascii, "All ASCII?"),
    IS(isdecimal, "All decimal digits, and not empty?"),
    IS(isdigit, "All digits, and not empty?"),
    IS(isidentifier, "Could it be a name?"),
    IS(islower, "Lower case, with at least one cased character?"),
    IS(isnumeric, "All numeric, and not empty?"),
    IS(isprintable, "Would repr show every character as it is?"),
    IS(isspace, "All white space, and not empty?"),
    IS(istitle, "Words that begin with upper case, and go on in lower case?"),
    IS(isupper, "Upper case, with at least one cased character?"),
    ROW("join", join, 1, 1, NATIVE_CALLS, "(iterable, /)",
        "The strings of iterable, with this between them."),
    ROW("ljust", ljust, 1, 2, 0, "(width, fillchar=' ', /)", "At the left of width characters."),
    ROW("lower", lower, 0, 0, 0, "()", "In lower case."),
    ROW("lstrip", lstrip, 0, 1, 0, "(chars=None, /)", "Without leading white space, or chars."),
    ROW("maketrans", maketrans, 1, 3, NATIVE_CLASS, "(x, y=None, z=None, /)",
        "A table for translate."),
    ROW("partition", partition, 1, 1, 0, "(sep, /)", "Before the first sep, sep, and behind it."),
    ROW("removeprefix", removeprefix, 1, 1, 0, "(prefix, /)",
        "Without prefix, where it begins with it."),
    ROW("removesuffix", removesuffix, 1, 1, 0, "(suffix, /)",
        "Without suffix, where it ends with it."),
    ROW("replace", replace, 2, 3, 0, "(old, new, count=-1, /)",
        "Every old, or the first count of them, as new."),
    FINDS("rfind", rfind, "Index of the last sub, or -1."),
    FINDS("rindex", rindex, "Index of the last sub; ValueError where there is none."),
    ROW("rjust", rjust, 1, 2, 0, "(width, fillchar=' ', /)", "At the right of width characters."),
    ROW("rpartition", rpartition, 1, 1, 0, "(sep, /)", "Before the last sep, sep, and behind it."),
    NAMED(rsplit, 2, split_names, "(sep=None, maxsplit=-1)", "Split into words, from the end."),
    ROW("rstrip", rstrip, 0, 1, 0, "(chars=None, /)", "Without trailing white space, or chars."),
    NAMED(split, 2, split_names, "(sep=None, maxsplit=-1)", "Split into words."),
    NAMED(splitlines, 1, splitlines_names, "(keepends=False)", "Split into lines."),
    ROW("startswith", startswith, 1, 3, NATIVE_PARSED, "(prefix, start=None, end=None, /)",
        "Does it begin with prefix, or with one of a tuple of them?"),
    ROW("strip", strip, 0, 1, 0, "(chars=None, /)", "Without white space, or chars, at both ends."),
    ROW("swapcase", swapcase, 0, 0, 0, "()", "Upper case as lower case and the reverse."),
    ROW("title", title, 0, 0, 0, "()", "Every word with a first letter in title case."),
    ROW("translate", translate, 1, 1, 0, "(table, /)", "Every character as the table says."),
    ROW("upper", upper, 0, 0, 0, "()", "In upper case."),
    ROW("zfill", zfill, 1, 1, 0, "(width, /)", "Zeros before a number, behind its sign."),
    {.name = NULL},
};
