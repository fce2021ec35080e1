/* Filters of text. */
#include "base/utf8.h"
#include "value/dict.h"
#include "value/list.h"
#include "value/ops.h"
#include "value/text.h"
#include "value/unicode.h"
#include "vm/filters_int.h"

/* ---- methods of str ---- */

static bool by_method(struct heap *h, const val *args, const char *name, val *ret)
{
    val text;
    return filter_text(h, args[0], &text) && filter_method(h, text, name, NULL, 0, ret);
}

static bool filter_upper(struct heap *h, val *args, val *ret)
{
    return by_method(h, args, "upper", ret);
}

static bool filter_lower(struct heap *h, val *args, val *ret)
{
    return by_method(h, args, "lower", ret);
}

static bool filter_capitalize(struct heap *h, val *args, val *ret)
{
    return by_method(h, args, "capitalize", ret);
}

static bool filter_string(struct heap *h, val *args, val *ret)
{
    return filter_text(h, args[0], ret);
}

static bool filter_trim(struct heap *h, val *args, val *ret)
{
    val text;
    return filter_text(h, args[0], &text) &&
           filter_method(h, text, "strip", args + 1, args[1].kind != V_UNBOUND, ret);
}

static bool filter_center(struct heap *h, val *args, val *ret)
{
    val text, width = args[1].kind == V_UNBOUND ? val_int(80) : args[1];
    return filter_text(h, args[0], &text) && filter_method(h, text, "center", &width, 1, ret);
}

static bool filter_replace(struct heap *h, val *args, val *ret)
{
    bool escapes = context_escapes(vm_of(h));
    val s = args[0], given[3] = {args[1], args[2], val_int(-1)};
    if (args[3].kind > V_NONE)
        given[2] = args[3];
    if (escapes && (val_is_markup(given[0]) || (val_is_markup(given[1]) && !val_is_markup(s)))) {
        if (!markup_escape(h, s, &s))
            return false;
    } else if (!filter_text(h, s, &s)) {
        return false;
    }
    if (!escapes && val_is_markup(s) && !text_new(h, text_str(s), &s))
        return false;
    return filter_text(h, given[0], &given[0]) && filter_text(h, given[1], &given[1]) &&
           filter_method(h, s, "replace", given, 3, ret);
}

static bool filter_format(struct heap *h, val *args, val *ret)
{
    val text;
    bool named = args[2].kind == V_DICT;
    if (args[1].tuple->n && named)
        return heap_raise(h, &exc_FilterArgumentError,
                          "can't handle positional and keyword arguments at the same time");
    if (args[0].kind == V_STR && !named && !val_is_markup(args[0]))
        return text_percent(h, args[0], args[1], ret);
    return filter_text(h, args[0], &text) &&
           op_binary(h, BINARY_MOD, text, named ? args[2] : args[1], ret);
}

/* ---- words ---- */

static bool separates_words(uint32_t c)
{
    return c == '-' || c == '(' || c == '{' || c == '[' || c == '<' || (c >= 9 && c <= 13) ||
           (c >= 0x1c && c <= 0x20) || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
           c == 0x205f || c == 0x3000;
}

static bool add_word(struct heap *h, struct text_builder *b, val text, size_t from, size_t to)
{
    val first, rest;
    size_t second = from;
    utf8_next(text_str(text), &second);
    if (!text_slice_bytes(h, text, from, second, &first) ||
        !text_slice_bytes(h, text, second, to, &rest) ||
        !filter_method(h, first, "upper", NULL, 0, &first) ||
        !filter_method(h, rest, "lower", NULL, 0, &rest))
        return false;
    text_builder_add_val(b, first);
    text_builder_add_val(b, rest);
    return heap_charge(h, 2);
}

static bool filter_title(struct heap *h, val *args, val *ret)
{
    val text;
    auto_text_builder b;
    text_builder_init(&b, h);
    if (!filter_text(h, args[0], &text))
        return false;
    str s = text_str(text);
    for (size_t at = 0; at < s.n;) {
        size_t from = at, end = at, next = at;
        while (next < s.n && separates_words(utf8_next(s, &next)))
            end = next;
        text_builder_add_part(&b, text, from, end);
        for (at = next = end; next < s.n && !separates_words(utf8_next(s, &next));)
            at = next;
        if (at > end && !add_word(h, &b, text, end, at))
            return false;
    }
    return text_builder_finish(&b, ret);
}

static bool is_word_char(struct heap *h, uint32_t c, bool *ret)
{
    char bytes[4];
    val one, is;
    *ret = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    if (c < 0x80)
        return true;
    if (!text_new(h, str_make(bytes, utf8_put(c, bytes)), &one) ||
        !filter_method(h, one, "isalnum", NULL, 0, &is))
        return false;
    *ret = is.b;
    return true;
}

static bool filter_wordcount(struct heap *h, val *args, val *ret)
{
    val text;
    bool inside = false, word;
    int64_t n = 0;
    if (!filter_text(h, args[0], &text))
        return false;
    str s = text_str(text);
    for (size_t at = 0; at < s.n; inside = word) {
        if (!is_word_char(h, utf8_next(s, &at), &word))
            return false;
        n += word && !inside;
    }
    *ret = val_int(n);
    return heap_charge(h, (int64_t)(s.n / 16));
}

/* ---- truncate and indent ---- */

static bool filter_truncate(struct heap *h, val *args, val *ret)
{
    int64_t length, leeway, n;
    bool kill;
    val end = args[3], head;
    if (!filter_int(h, args[1], 255, &length) || !filter_flag(h, args[2], false, &kill) ||
        !filter_int(h, args[4].kind == V_NONE ? VAL_UNBOUND : args[4], 5, &leeway) ||
        (end.kind == V_UNBOUND && !text_new(h, STR("..."), &end)) || !filter_text(h, end, &end))
        return false;
    if (length < end.s->points)
        return heap_raise(h, &exc_AssertionError, "expected length >= %u, got %lld", end.s->points,
                          (long long)length);
    if (leeway < 0)
        return heap_raise(h, &exc_AssertionError, "expected leeway >= 0, got %lld",
                          (long long)leeway);
    if (!val_len(h, args[0], &n))
        return false;
    *ret = args[0];
    if (n <= length + leeway)
        return true;
    if (args[0].kind != V_STR)
        return heap_raise(h, &exc_TypeError, "can only truncate text, not %s",
                          val_type_name(args[0]));
    size_t to = (size_t)(length - end.s->points);
    if (!text_slice(h, args[0], 0, to, &head))
        return false;
    if (!kill) {
        size_t space = str_rfind_byte(text_str(head), ' ');
        if (space != SIZE_MAX && !text_slice_bytes(h, head, 0, space, &head))
            return false;
    }
    if (val_is_markup(args[0]))
        return markup_of(h, head, &head) && op_binary(h, BINARY_ADD, head, end, ret);
    return op_binary(h, BINARY_ADD, head, end, ret);
}

static bool filter_indent(struct heap *h, val *args, val *ret)
{
    val newline, s, lines, indent = args[1].kind == V_UNBOUND ? val_int(4) : args[1];
    bool first, blank;
    auto_text_builder b;
    text_builder_init(&b, h);
    if (!filter_flag(h, args[2], false, &first) || !filter_flag(h, args[3], false, &blank))
        return false;
    if (indent.kind != V_STR) {
        int64_t n;
        val space;
        if (!filter_int(h, indent, 4, &n) || !text_new(h, STR(" "), &space) ||
            !text_repeat(h, space, n, &indent))
            return false;
    }
    if (!text_new(h, STR("\n"), &newline) || !op_inplace(h, BINARY_ADD, args[0], newline, &s) ||
        !filter_method(h, s, "splitlines", NULL, 0, &lines))
        return false;
    for (uint32_t i = 0; i < lines.list->n; i++) {
        val line = lines.list->at[i];
        if (i)
            text_builder_add(&b, STR("\n"));
        if (i ? blank || line.s->n : first)
            text_builder_add_val(&b, indent);
        text_builder_add_val(&b, line);
        if (!heap_charge(h, 1 + line.s->n / 64))
            return false;
    }
    return text_builder_finish(&b, ret) && (!val_is_markup(s) || markup_of(h, *ret, ret));
}

/* ---- pprint ---- */

enum { PPRINT_WIDTH = 80 };

static bool plain_repr(struct heap *h, val v, val *ret);

static bool sorted_pairs(struct heap *h, val dict, val *ret)
{
    val method, items;
    if (!val_getattr(h, dict, STR("items"), &method) || !val_call(h, method, NULL, 0, &items) ||
        !val_to_list(h, items, ret))
        return false;
    if (list_sort(h, ret->list, VAL_NONE, false))
        return true;
    if (h->fault.kind != FAULT_EXCEPTION)
        return false;
    heap_clear_fault(h); /* keys without an order: as they stand */
    return val_to_list(h, items, ret);
}

static bool add_repr(struct heap *h, struct text_builder *b, val v)
{
    val text;
    if (!plain_repr(h, v, &text))
        return false;
    text_builder_add_val(b, text);
    return true;
}

/* repr with the keys of dicts in order. */
static bool plain_repr(struct heap *h, val v, val *ret)
{
    val pairs;
    bool list = v.kind == V_LIST, tuple = v.kind == V_TUPLE;
    if (v.kind != V_DICT && !list && !tuple)
        return val_repr(h, v, ret);
    auto_text_builder b;
    text_builder_init(&b, h);
    if (!heap_enter(h))
        return false;
    bool ok = true;
    text_builder_add(&b, list ? STR("[") : tuple ? STR("(") : STR("{"));
    if (v.kind == V_DICT) {
        ok = sorted_pairs(h, v, &pairs);
        for (uint32_t i = 0; ok && i < pairs.list->n; i++) {
            if (i)
                text_builder_add(&b, STR(", "));
            ok = add_repr(h, &b, pairs.list->at[i].tuple->at[0]);
            text_builder_add(&b, STR(": "));
            ok = ok && add_repr(h, &b, pairs.list->at[i].tuple->at[1]);
        }
    } else {
        uint32_t n = list ? v.list->n : v.tuple->n;
        const val *at = list ? v.list->at : v.tuple->at;
        for (uint32_t i = 0; ok && i < n; i++) {
            if (i)
                text_builder_add(&b, STR(", "));
            ok = add_repr(h, &b, at[i]);
        }
        if (tuple && n == 1)
            text_builder_add(&b, STR(","));
    }
    text_builder_add(&b, list ? STR("]") : tuple ? STR(")") : STR("}"));
    heap_leave(h);
    return ok && text_builder_finish(&b, ret);
}

static bool pretty(struct heap *h, struct text_builder *b, val v, size_t indent, size_t allowance);

static void next_line(struct text_builder *b, size_t indent)
{
    text_builder_add(b, STR(",\n"));
    buf_add_repeat(&b->bytes, ' ', indent);
}

static bool pretty_items(struct heap *h, struct text_builder *b, const val *at, uint32_t n,
                         size_t indent, size_t allowance)
{
    for (uint32_t i = 0; i < n; i++) {
        if (i)
            next_line(b, indent + 1);
        if (!pretty(h, b, at[i], indent + 1, i + 1 == n ? allowance : 1))
            return false;
    }
    return true;
}

static bool pretty_dict(struct heap *h, struct text_builder *b, val dict, size_t indent,
                        size_t allowance)
{
    val pairs, key;
    if (!sorted_pairs(h, dict, &pairs))
        return false;
    uint32_t n = pairs.list->n;
    for (uint32_t i = 0; i < n; i++) {
        const val *pair = pairs.list->at[i].tuple->at;
        if (i)
            next_line(b, indent + 1);
        if (!plain_repr(h, pair[0], &key))
            return false;
        text_builder_add_val(b, key);
        text_builder_add(b, STR(": "));
        if (!pretty(h, b, pair[1], indent + key.s->points + 3, i + 1 == n ? allowance : 1))
            return false;
    }
    return true;
}

/* ---- long texts: as pprint, one literal for each line, or for as many words as fit ---- */

struct literals {
    struct heap *heap;
    val text;
    size_t indent, count;
    struct text_builder *out;
};

static bool literal_repr(struct literals *l, size_t from, size_t to, val *ret)
{
    val part;
    return text_slice_bytes(l->heap, l->text, from, to, &part) && val_repr(l->heap, part, ret);
}

static bool add_literal(struct literals *l, val repr)
{
    if (l->count++) {
        text_builder_add(l->out, STR("\n"));
        buf_add_repeat(&l->out->bytes, ' ', l->indent);
    }
    text_builder_add_val(l->out, repr);
    return heap_charge(l->heap, 1 + repr.s->n / 64);
}

/* Behind a word and the white space that follows it. */
static size_t word_end(str s, size_t at, size_t end)
{
    size_t next = at;
    while (next < end && !unicode_is_space(utf8_next(s, &next)))
        at = next;
    next = at;
    while (next < end && unicode_is_space(utf8_next(s, &next)))
        at = next;
    return at;
}

static bool add_words(struct literals *l, size_t from, size_t to, size_t width, size_t last_width)
{
    str s = text_str(l->text);
    size_t start = from;
    val repr;
    for (size_t at = from; at < to;) {
        size_t end = word_end(s, at, to);
        if (!literal_repr(l, start, end, &repr))
            return false;
        if (repr.s->points > (end == to ? last_width : width) && at > start) {
            if (!literal_repr(l, start, at, &repr) || !add_literal(l, repr))
                return false;
            start = at;
        }
        at = end;
    }
    return literal_repr(l, start, to, &repr) && add_literal(l, repr);
}

static bool pretty_text(struct heap *h, struct text_builder *b, val v, size_t indent,
                        size_t allowance, bool top)
{
    auto_text_builder out;
    struct literals l = {.heap = h, .text = v, .indent = indent + top, .out = &out};
    size_t width = PPRINT_WIDTH > l.indent ? PPRINT_WIDTH - l.indent : 0;
    size_t room = width > allowance + top ? width - allowance - top : 0;
    val lines, repr, keep = VAL_TRUE;
    text_builder_init(&out, h);
    if (!filter_method(h, v, "splitlines", &keep, 1, &lines))
        return false;
    size_t at = 0;
    for (uint32_t i = 0; i < lines.list->n; i++) {
        size_t end = at + lines.list->at[i].s->n;
        size_t last = i + 1 == lines.list->n ? room : width;
        if (!literal_repr(&l, at, end, &repr))
            return false;
        if (!(repr.s->points <= last ? add_literal(&l, repr) : add_words(&l, at, end, width, last)))
            return false;
        at = end;
    }
    bool parenthesis = top && l.count > 1;
    text_builder_add(b, parenthesis ? STR("(") : STR(""));
    if (!text_builder_finish(&out, &repr))
        return false;
    text_builder_add_val(b, repr);
    text_builder_add(b, parenthesis ? STR(")") : STR(""));
    return true;
}

static bool pretty(struct heap *h, struct text_builder *b, val v, size_t indent, size_t allowance)
{
    val text;
    bool ok;
    if (!plain_repr(h, v, &text))
        return false;
    bool is_text = v.kind == V_STR && !val_is_markup(v) && v.s->n;
    bool splits = is_text || v.kind == V_LIST || v.kind == V_TUPLE || v.kind == V_DICT;
    if (!splits || text.s->points + indent + allowance <= PPRINT_WIDTH) {
        text_builder_add_val(b, text);
        return true;
    }
    if (is_text)
        return pretty_text(h, b, v, indent, allowance, indent == 0 && allowance == 0);
    if (!heap_enter(h))
        return false;
    if (v.kind == V_DICT) {
        text_builder_add(b, STR("{"));
        ok = pretty_dict(h, b, v, indent, allowance + 1);
        text_builder_add(b, STR("}"));
    } else if (v.kind == V_LIST) {
        text_builder_add(b, STR("["));
        ok = pretty_items(h, b, v.list->at, v.list->n, indent, allowance + 1);
        text_builder_add(b, STR("]"));
    } else {
        str end = v.tuple->n == 1 ? STR(",)") : STR(")");
        text_builder_add(b, STR("("));
        ok = pretty_items(h, b, v.tuple->at, v.tuple->n, indent, allowance + end.n);
        text_builder_add(b, end);
    }
    heap_leave(h);
    return ok && heap_charge(h, 1);
}

static bool filter_pprint(struct heap *h, val *args, val *ret)
{
    auto_text_builder b;
    text_builder_init(&b, h);
    return pretty(h, &b, args[0], 0, 0) && text_builder_finish(&b, ret);
}

/* ---- the table ---- */

static const char *const trim_names[] = {"chars"}, *const center_names[] = {"width"},
                         *const replace_names[] = {"old", "new", "count"},
                         *const truncate_names[] = {"length", "killwords", "end", "leeway"},
                         *const indent_names[] = {"width", "first", "blank"},
                         *const wrap_names[] = {"width", "break_long_words", "wrapstring",
                                                "break_on_hyphens"};
const struct native_def filters_text[] = {
    {"upper", filter_upper, 0, 0, 0, 0, 0, NULL, "()", "In upper case."},
    {"lower", filter_lower, 0, 0, 0, 0, 0, NULL, "()", "In lower case."},
    {"capitalize", filter_capitalize, 0, 0, 0, 0, 0, NULL, "()",
     "The first character upper, the rest lower."},
    {"title", filter_title, 0, 0, 0, 0, 0, NULL, "()", "Each word as capitalize does."},
    {"string", filter_string, 0, 0, 0, 0, 0, NULL, "()", "As text; markup stays markup."},
    {"trim", filter_trim, 0, 1, 0, 0, 0, trim_names, "(chars=None)",
     "Without white space, or those characters, at both ends."},
    {"center", filter_center, 0, 1, 0, 0, 0, center_names, "(width=80)", "In the middle."},
    {"replace", filter_replace, 2, 3, 0, 0, 0, replace_names, "(old, new, count=None)",
     "With new for old, count times at most."},
    {"format", filter_format, 0, 0, 0, 0, NATIVE_VARARGS | NATIVE_KWARGS | NATIVE_SPARSE, NULL,
     "(*args, **kwargs)", "The value % args."},
    {"truncate", filter_truncate, 0, 4, 0, 0, 0, truncate_names,
     "(length=255, killwords=False, end='...', leeway=5)", "At most about that long."},
    {"wordwrap", filter_wordwrap, 0, 4, 0, 0, 0, wrap_names,
     "(width=79, break_long_words=True, wrapstring='\\n', break_on_hyphens=True)",
     "Lines of at most that width."},
    {"wordcount", filter_wordcount, 0, 0, 0, 0, 0, NULL, "()", "How many words there are."},
    {"indent", filter_indent, 0, 3, 0, 0, 0, indent_names, "(width=4, first=False, blank=False)",
     "Each line but the first moved right; width may be text."},
    {"pprint", filter_pprint, 0, 0, 0, 0, 0, NULL, "()", "repr over several lines."},
    {0}};
