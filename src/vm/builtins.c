#include "value/types.h"
#include "vm/builtin_rows_int.h"
#include "vm/builtins_int.h"

enum { DECIDES = NATIVE_DECIDES, DEFERS = NATIVE_DEFERS, CALLS = NATIVE_CALLS };

#define ROW(name_, least, most, flags_, text, about)                                               \
    {                                                                                              \
        .name = #name_, .fn = builtin_##name_, .min = least, .max = most, .positional_only = most, \
        .flags = flags_, .signature = text, .doc = about                                           \
    }
#define NAMED(name_, least, most, only, keywords, flags_, names_, text, about)                     \
    {                                                                                              \
        .name = #name_, .fn = builtin_##name_, .min = least, .max = most, .positional_only = only, \
        .keyword_only = keywords, .flags = flags_, .names = names_, .signature = text,             \
        .doc = about                                                                               \
    }

static const char *const names_extreme[] = {"key", "default"};
static const char *const names_pow[] = {"base", "exp", "mod"};
static const char *const names_print[] = {"sep", "end"};
static const char *const names_round[] = {"number", "ndigits"};
static const char *const names_sorted[] = {"key", "reverse"};
static const char *const names_sum[] = {"iterable", "start"};

/* One row each: what binding, errors, the reference and the stubs are made of. */
static const struct native_def rows[] = {
    ROW(abs, 1, 1, DEFERS, "(x, /)", "The number without its sign."),
    ROW(all, 1, 1, DECIDES | CALLS, "(iterable, /)", "True where every element is true."),
    ROW(any, 1, 1, DECIDES | CALLS, "(iterable, /)", "True where an element is true."),
    ROW(bin, 1, 1, DECIDES, "(number, /)", "The number in binary, as 0b text."),
    ROW(callable, 1, 1, DECIDES, "(object, /)", "True where object can be called."),
    ROW(chr, 1, 1, DECIDES, "(i, /)", "The character of code point i."),
    ROW(divmod, 2, 2, DEFERS, "(x, y, /)", "The tuple (x // y, x % y)."),
    ROW(format, 1, 2, DEFERS, "(value, format_spec='', /)",
        "The value as f\"{value:format_spec}\"."),
    ROW(getattr, 2, 3, 0, "(object, name, default=..., /)", "The attribute of that name."),
    ROW(hasattr, 2, 2, 0, "(object, name, /)", "True where there is such an attribute."),
    ROW(hex, 1, 1, DECIDES, "(number, /)", "The number in hexadecimal, as 0x text."),
    ROW(isinstance, 2, 2, DECIDES, "(object, class_or_tuple, /)",
        "True where object is of that type, or of one in a tuple of types."),
    ROW(iter, 1, 2, DECIDES | CALLS, "(object, sentinel=..., /)", "An iterator over object."),
    ROW(len, 1, 1, DECIDES, "(obj, /)", "How many elements there are."),
    NAMED(max, 1, 0, 0, 2, DECIDES | CALLS | NATIVE_VARARGS, names_extreme,
          "(*args, key=None, default=...)", "The largest element, or argument."),
    NAMED(min, 1, 0, 0, 2, DECIDES | CALLS | NATIVE_VARARGS, names_extreme,
          "(*args, key=None, default=...)", "The smallest element, or argument."),
    ROW(next, 1, 2, DECIDES | CALLS, "(iterator, default=..., /)", "The next element."),
    ROW(oct, 1, 1, DECIDES, "(number, /)", "The number in octal, as 0o text."),
    ROW(ord, 1, 1, DECIDES, "(c, /)", "The code point of a character."),
    NAMED(pow, 2, 3, 0, 0, DEFERS, names_pow, "(base, exp, mod=None)",
          "base ** exp, or its rest when divided by mod."),
    NAMED(print, 0, 0, 0, 2, NATIVE_VARARGS, names_print, "(*args, sep=' ', end='\\n')",
          "Writes to the evaluation's diagnostics."),
    ROW(repr, 1, 1, DEFERS, "(obj, /)", "The text that shows obj exactly."),
    NAMED(round, 1, 2, 0, 0, DEFERS, names_round, "(number, ndigits=None)",
          "The nearest number with ndigits digits; halves go to the even one."),
    NAMED(sorted, 0, 0, 0, 2, DECIDES | CALLS | NATIVE_VARARGS | NATIVE_KWARGS, names_sorted,
          "(iterable, /, *, key=None, reverse=False)", "A new list of the elements in order."),
    NAMED(sum, 1, 2, 1, 0, DECIDES | CALLS, names_sum, "(iterable, /, start=0)",
          "The sum of start and the elements."),
    {.name = NULL},
};

static const struct type_info *const types[] = {
    &type_bool,  &type_dict, &type_enumerate, &type_filter, &type_float,    &type_frozenset,
    &type_int,   &type_list, &type_map,       &type_range,  &type_reversed, &type_set,
    &type_slice, &type_str,  &type_tuple,     &type_type,   &type_zip,
};
enum { TYPE_COUNT = sizeof types / sizeof *types };

const struct native_def *vm_builtins(void)
{
    return rows;
}

/* JSONDecodeError is json's own and has no name among the builtins. */
static bool is_named(const struct type_info *t)
{
    return t != &exc_JSONDecodeError;
}

static bool is(const char *have, str name)
{
    return have[0] == name.p[0] && strncmp(have, name.p, name.n) == 0 && have[name.n] == '\0';
}

static bool find(str name, val *ret)
{
    for (const struct native_def *row = rows; row->name; row++)
        if (is(row->name, name)) {
            *ret = val_native(row);
            return true;
        }
    for (size_t i = 0; i < TYPE_COUNT; i++)
        if (is(types[i]->name, name)) {
            *ret = val_type(types[i]);
            return true;
        }
    for (const struct type_info *const *t = value_exceptions; *t; t++)
        if (is((*t)->name, name) && is_named(*t)) {
            *ret = val_type(*t);
            return true;
        }
    return false;
}

bool builtins_find(str name, val *ret)
{
    val found;
    return name.n && find(name, ret ? ret : &found);
}

size_t builtins_names(str *ret, size_t max)
{
    size_t n = 0;
    for (const struct native_def *row = rows; row->name && n < max; row++)
        ret[n++] = str_of(row->name);
    for (size_t i = 0; i < TYPE_COUNT && n < max; i++)
        ret[n++] = str_of(types[i]->name);
    for (const struct type_info *const *t = value_exceptions; *t && n < max; t++)
        if (is_named(*t))
            ret[n++] = str_of((*t)->name);
    if (n < max)
        ret[n++] = STR("json");
    return n;
}
