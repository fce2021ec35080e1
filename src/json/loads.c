/* json.loads: a scanner with CPython's order of checks, so that its errors are CPython's. */
#include "base/num.h"
#include "base/utf8.h"
#include "value/dict.h"
#include "value/list.h"
#include "value/text.h"
#include "value/types.h"
#include "json/module_int.h"
#include "json/value.h"

enum { SCAN_BYTES_PER_STEP = 8 };

struct scanner {
    struct heap *h;
    str s;
    size_t at;
    unsigned flags;
    struct buf scratch; /* of strings with escapes */
    size_t surrogate;   /* the first lone one; judged last, since CPython takes it */
};

/* ---- errors ---- */

static bool set_extra(struct heap *h, val exc, const char *msg, val doc, const int64_t place[3])
{
    val extra, text;
    if (!dict_new(h, 5, &extra) || !text_new(h, str_of(msg), &text) ||
        !dict_set_str(h, extra.dict, STR("msg"), text) ||
        !dict_set_str(h, extra.dict, STR("doc"), doc) ||
        !dict_set_str(h, extra.dict, STR("pos"), val_int(place[0])) ||
        !dict_set_str(h, extra.dict, STR("lineno"), val_int(place[1])) ||
        !dict_set_str(h, extra.dict, STR("colno"), val_int(place[2])))
        return false;
    exc.exc->extra = extra;
    return true;
}

/* JSONDecodeError at a byte; places count code points. */
static bool fail(struct scanner *sc, const char *msg, size_t at)
{
    str before = str_sub(sc->s, 0, at);
    int64_t line = 1;
    size_t start = 0;
    val exc, message, doc;

    for (size_t i = 0; i < before.n; i++) {
        if (before.p[i] == '\n') {
            line++;
            start = i + 1;
        }
    }
    const int64_t place[] = {(int64_t)utf8_length(before), line,
                             (int64_t)utf8_length(str_sub(before, start, before.n)) + 1};
    bool ok = text_printf(sc->h, &message, "%s: line %lld column %lld (char %lld)", msg,
                          (long long)place[1], (long long)place[2], (long long)place[0]) &&
              (sc->flags & JSON_UNTRUSTED ? text_new_untrusted(sc->h, sc->s, &doc)
                                          : text_new(sc->h, sc->s, &doc)) &&
              heap_exception(sc->h, &exc_JSONDecodeError, &message, 1, &exc) &&
              set_extra(sc->h, exc, msg, doc, place);
    return ok && heap_raise_val(sc->h, exc);
}

static bool expecting_value(struct scanner *sc, size_t at)
{
    return fail(sc, "Expecting value", at);
}

/* ---- tokens ---- */

static void skip_space(struct scanner *sc)
{
    while (sc->at < sc->s.n && (sc->s.p[sc->at] == ' ' || sc->s.p[sc->at] == '\t' ||
                                sc->s.p[sc->at] == '\n' || sc->s.p[sc->at] == '\r'))
        sc->at++;
}

static bool is_at(const struct scanner *sc, char c)
{
    return sc->at < sc->s.n && sc->s.p[sc->at] == c;
}

static bool is_digit(const struct scanner *sc, size_t at)
{
    return at < sc->s.n && sc->s.p[at] >= '0' && sc->s.p[at] <= '9';
}

static bool take_word(struct scanner *sc, const char *word)
{
    if (!str_starts(str_sub(sc->s, sc->at, sc->s.n), str_of(word)))
        return false;
    sc->at += strlen(word);
    return true;
}

static bool scan_number(struct scanner *sc, val *ret)
{
    size_t start = sc->at, at = start;
    bool is_float = false;
    int64_t i;
    double d;

    at += at < sc->s.n && sc->s.p[at] == '-';
    if (!is_digit(sc, at))
        return expecting_value(sc, start);
    if (sc->s.p[at] == '0')
        at++;
    else
        while (is_digit(sc, at))
            at++;
    if (at < sc->s.n && sc->s.p[at] == '.' && is_digit(sc, at + 1)) {
        is_float = true;
        for (at++; is_digit(sc, at);)
            at++;
    }
    if (at < sc->s.n && (sc->s.p[at] == 'e' || sc->s.p[at] == 'E')) {
        size_t e = at + 1;
        if (e < sc->s.n && (sc->s.p[e] == '+' || sc->s.p[e] == '-'))
            e++;
        if (is_digit(sc, e)) {
            is_float = true;
            for (at = e; is_digit(sc, at);)
                at++;
        }
    }
    str text = str_sub(sc->s, start, at);
    sc->at = at;
    if (is_float) {
        if (!num_parse_double(text, &d))
            return expecting_value(sc, start);
        *ret = val_float(d);
        return true;
    }
    if (!num_parse_int(text, &i))
        return heap_raise(sc->h, &exc_OverflowError,
                          "integer overflow: the number does not fit in 64 bits");
    *ret = val_int(i);
    return true;
}

/* Four hexadecimal digits at `at`; false where they are not. */
static bool read_hex(const struct scanner *sc, size_t at, uint32_t *ret)
{
    uint32_t value = 0;
    for (size_t i = at; i < at + 4; i++) {
        char c = i < sc->s.n ? sc->s.p[i] : ' ';
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return false;
        value = value << 4 | (uint32_t)digit;
    }
    *ret = value;
    return at + 4 < sc->s.n; /* the closing quote is still to come */
}

/* sc->at stands on the u, and behind the escape afterwards. */
static bool scan_unicode_escape(struct scanner *sc)
{
    static const char bad[] = "Invalid \\uXXXX escape";
    uint32_t cp, low;
    size_t u = sc->at;
    char bytes[4];

    if (!read_hex(sc, u + 1, &cp))
        return fail(sc, bad, u);
    sc->at += 5;
    if (cp >= 0xD800 && cp <= 0xDBFF && is_at(sc, '\\') && sc->at + 1 < sc->s.n &&
        sc->s.p[sc->at + 1] == 'u') {
        if (!read_hex(sc, sc->at + 2, &low))
            return fail(sc, bad, sc->at + 1);
        if (low >= 0xDC00 && low <= 0xDFFF) {
            cp = 0x10000 + ((cp - 0xD800) << 10) + (low - 0xDC00);
            sc->at += 6;
        }
    }
    if (cp >= 0xD800 && cp <= 0xDFFF) {
        sc->surrogate = u < sc->surrogate ? u : sc->surrogate;
        return true;
    }
    buf_add(&sc->scratch, bytes, utf8_put(cp, bytes));
    return true;
}

static bool scan_escape(struct scanner *sc)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *found = sc->s.p[sc->at] ? strchr(from, sc->s.p[sc->at]) : NULL;

    if (sc->s.p[sc->at] == 'u')
        return scan_unicode_escape(sc);
    if (!found)
        return fail(sc, "Invalid \\escape", sc->at - 1);
    buf_add_byte(&sc->scratch, to[found - from]);
    sc->at++;
    return true;
}

static bool make_text(struct scanner *sc, str s, val *ret)
{
    if (!heap_charge(sc->h, (int64_t)(s.n / SCAN_BYTES_PER_STEP)))
        return false;
    return sc->flags & JSON_UNTRUSTED ? text_new_untrusted(sc->h, s, ret) : text_new(sc->h, s, ret);
}

/* sc->at stands on the opening quote, and behind the closing one afterwards. */
static bool scan_string(struct scanner *sc, val *ret)
{
    size_t begin = sc->at++, from = sc->at;
    bool escaped = false;

    buf_reset(&sc->scratch);
    for (;;) {
        unsigned char c = 0;
        while (sc->at < sc->s.n && (c = (unsigned char)sc->s.p[sc->at]) != '"' && c != '\\') {
            if (c < 0x20)
                return fail(sc, "Invalid control character at", sc->at);
            sc->at++;
        }
        if (sc->at == sc->s.n)
            return fail(sc, "Unterminated string starting at", begin);
        str chunk = str_sub(sc->s, from, sc->at++);
        if (c == '"' && !escaped)
            return make_text(sc, chunk, ret);
        buf_add_str(&sc->scratch, chunk);
        if (c == '"')
            return make_text(sc, buf_str(&sc->scratch), ret);
        escaped = true;
        if (sc->at == sc->s.n)
            return fail(sc, "Unterminated string starting at", begin);
        if (!scan_escape(sc))
            return false;
        from = sc->at;
    }
}

/* ---- values ---- */

static bool scan_value(struct scanner *sc, val *ret);

static bool scan_member(struct scanner *sc, struct dict_obj *d)
{
    val key, value;
    if (!is_at(sc, '"'))
        return fail(sc, "Expecting property name enclosed in double quotes", sc->at);
    if (!scan_string(sc, &key))
        return false;
    skip_space(sc);
    if (!is_at(sc, ':'))
        return fail(sc, "Expecting ':' delimiter", sc->at);
    sc->at++;
    skip_space(sc);
    return scan_value(sc, &value) && dict_set(sc->h, d, key, value);
}

/* Members up to the closing bracket; sc->at stands behind the opening one. */
static bool scan_members(struct scanner *sc, val into, char close)
{
    skip_space(sc);
    while (!is_at(sc, close)) {
        val item;
        bool ok = into.kind == V_DICT ? scan_member(sc, into.dict)
                                      : scan_value(sc, &item) && list_push(sc->h, into.list, item);
        if (!ok)
            return false;
        skip_space(sc);
        if (is_at(sc, close))
            break;
        if (!is_at(sc, ','))
            return fail(sc, "Expecting ',' delimiter", sc->at);
        sc->at++;
        skip_space(sc);
        /* A comma promises one more member. */
        if (is_at(sc, close))
            return into.kind == V_DICT
                       ? fail(sc, "Expecting property name enclosed in double quotes", sc->at)
                       : expecting_value(sc, sc->at);
    }
    sc->at++;
    return true;
}

static bool scan_container(struct scanner *sc, bool is_dict, val *ret)
{
    sc->at++;
    if (!(is_dict ? dict_new(sc->h, 0, ret) : list_new(sc->h, 0, ret)) || !heap_enter(sc->h))
        return false;
    if (is_dict && sc->flags & JSON_RECORDS)
        ret->o->flags |= OBJ_RECORD;
    bool ok = scan_members(sc, *ret, is_dict ? '}' : ']');
    heap_leave(sc->h);
    return ok;
}

static bool scan_value(struct scanner *sc, val *ret)
{
    static const struct {
        const char *word;
        val value;
    } words[] = {
        {"null", {.kind = V_NONE}},
        {"true", {.kind = V_BOOL, .i = 1}},
        {"false", {.kind = V_BOOL, .i = 0}},
        {"NaN", {.kind = V_FLOAT, .f = __builtin_nan("")}},
        {"Infinity", {.kind = V_FLOAT, .f = __builtin_inf()}},
        {"-Infinity", {.kind = V_FLOAT, .f = -__builtin_inf()}},
    };
    char c = sc->at < sc->s.n ? sc->s.p[sc->at] : ' ';

    if (!heap_charge(sc->h, 1))
        return false;
    if (c == '"')
        return scan_string(sc, ret);
    if (c == '{' || c == '[')
        return scan_container(sc, c == '{', ret);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (words[i].word[0] == c && take_word(sc, words[i].word)) {
            *ret = words[i].value;
            return true;
        }
    }
    return scan_number(sc, ret);
}

bool json_read_val(struct heap *h, str text, unsigned flags, val *ret)
{
    struct scanner sc = {h, text, 0, flags, BUF(h->limits.bytes), SIZE_MAX};
    bool ok;

    if (str_starts(text, STR("\xEF\xBB\xBF"))) {
        ok = fail(&sc, "Unexpected UTF-8 BOM (decode using utf-8-sig)", 0);
    } else {
        skip_space(&sc);
        ok = scan_value(&sc, ret);
        skip_space(&sc);
        if (ok && sc.at < text.n)
            ok = fail(&sc, "Extra data", sc.at);
        if (ok && sc.surrogate != SIZE_MAX)
            ok = fail(&sc, "Invalid \\uXXXX escape", sc.surrogate);
    }
    buf_done(&sc.scratch);
    return ok;
}

bool json_loads_native(struct heap *h, val *args, val *ret)
{
    static const char *const names[] = {"s"};
    static const struct json_params params = {"loads",
                                              "JSONDecoder",
                                              names,
                                              1,
                                              {"cls", "object_hook", "parse_float", "parse_int",
                                               "parse_constant", "object_pairs_hook", "strict"}};
    val s;

    if (!json_bind(h, &params, args, &s))
        return false;
    if (s.kind != V_STR)
        return heap_raise(h, &exc_TypeError,
                          "the JSON object must be str, bytes or bytearray, not %s",
                          val_type_name(s));
    return json_read_val(h, text_str(s), text_is_trusted(s) ? 0 : JSON_UNTRUSTED, ret);
}
