#define PCRE2_CODE_UNIT_WIDTH 8
#include "types/pattern.h"
#include "base/buf.h"
#include "base/utf8.h"
#include <pcre2.h>

struct pattern {
    pcre2_code *code;
    pcre2_match_context *context;
};

struct translation {
    str text;
    size_t at;
    bool in_class;
    struct buf out;
    struct err *err;
};

static bool refuse(struct translation *t, const char *what)
{
    err_set(t->err, "invalid_pattern", "%s at character %zu of the pattern", what,
            utf8_length(str_sub(t->text, 0, t->at)) + 1);
    err_hint(t->err, "patterns are ECMAScript's regular expressions, in unicode mode");
    return false;
}

static int peek(const struct translation *t, size_t ahead)
{
    return t->at + ahead < t->text.n ? (unsigned char)t->text.p[t->at + ahead] : -1;
}

static int hex_digit(int c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_hex(struct translation *t, int digits, uint32_t *ret)
{
    uint32_t cp = 0;
    for (int i = 0; i < digits; i++) {
        int d = hex_digit(peek(t, (size_t)i));
        if (d < 0)
            return refuse(t, "an escape lacks hexadecimal digits");
        cp = cp * 16 + (uint32_t)d;
    }
    t->at += (size_t)digits;
    *ret = cp;
    return true;
}

static bool read_braced_hex(struct translation *t, uint32_t *ret)
{
    uint32_t cp = 0;
    t->at++;
    while (hex_digit(peek(t, 0)) >= 0 && cp <= 0x10FFFF)
        cp = cp * 16 + (uint32_t)hex_digit(peek(t, 0)), t->at++;
    if (peek(t, 0) != '}' || cp > 0x10FFFF)
        return refuse(t, "an escape is no code point");
    t->at++;
    *ret = cp;
    return true;
}

/* Behind \u. Two escapes of a surrogate pair are one character. */
static bool read_unicode(struct translation *t)
{
    uint32_t cp, low;
    if (peek(t, 0) == '{') {
        if (!read_braced_hex(t, &cp))
            return false;
    } else {
        if (!read_hex(t, 4, &cp))
            return false;
        if (cp >= 0xD800 && cp < 0xDC00 && peek(t, 0) == '\\' && peek(t, 1) == 'u') {
            t->at += 2;
            if (!read_hex(t, 4, &low) || low < 0xDC00 || low > 0xDFFF)
                return refuse(t, "a surrogate stands alone");
            cp = 0x10000 + ((cp - 0xD800) << 10) + (low - 0xDC00);
        }
    }
    if (cp >= 0xD800 && cp <= 0xDFFF)
        return refuse(t, "a surrogate stands alone");
    buf_addf(&t->out, "\\x{%x}", cp);
    return true;
}

/* The long names of general categories; scripts have the same names in both. */
static const struct {
    const char *name, *category;
} categories[] = {
    {"Letter", "L"},
    {"Cased_Letter", "L&"},
    {"Uppercase_Letter", "Lu"},
    {"Lowercase_Letter", "Ll"},
    {"Titlecase_Letter", "Lt"},
    {"Modifier_Letter", "Lm"},
    {"Other_Letter", "Lo"},
    {"Mark", "M"},
    {"Combining_Mark", "M"},
    {"Nonspacing_Mark", "Mn"},
    {"Spacing_Mark", "Mc"},
    {"Enclosing_Mark", "Me"},
    {"Number", "N"},
    {"Decimal_Number", "Nd"},
    {"digit", "Nd"},
    {"Letter_Number", "Nl"},
    {"Other_Number", "No"},
    {"Punctuation", "P"},
    {"punct", "P"},
    {"Connector_Punctuation", "Pc"},
    {"Dash_Punctuation", "Pd"},
    {"Open_Punctuation", "Ps"},
    {"Close_Punctuation", "Pe"},
    {"Initial_Punctuation", "Pi"},
    {"Final_Punctuation", "Pf"},
    {"Other_Punctuation", "Po"},
    {"Symbol", "S"},
    {"Math_Symbol", "Sm"},
    {"Currency_Symbol", "Sc"},
    {"Modifier_Symbol", "Sk"},
    {"Other_Symbol", "So"},
    {"Separator", "Z"},
    {"Space_Separator", "Zs"},
    {"Line_Separator", "Zl"},
    {"Paragraph_Separator", "Zp"},
    {"Other", "C"},
    {"Control", "Cc"},
    {"cntrl", "Cc"},
    {"Format", "Cf"},
    {"Unassigned", "Cn"},
    {"Private_Use", "Co"},
};

static bool read_property(struct translation *t, char letter)
{
    size_t end = str_find_byte(t->text, '}', t->at);
    if (peek(t, 0) != '{' || end == SIZE_MAX)
        return refuse(t, "\\p has no {property}");
    str name = str_sub(t->text, t->at + 1, end);
    static const char *const prefixes[] = {"General_Category=", "gc=", "Script=", "sc="};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (str_starts(name, str_of(prefixes[i])))
            name = str_sub(name, strlen(prefixes[i]), name.n);
    for (size_t i = 0; i < sizeof categories / sizeof *categories; i++)
        if (str_is(name, categories[i].name))
            name = str_of(categories[i].category);
    t->at = end + 1;
    buf_addf(&t->out, "\\%c{%.*s}", letter, STR_ARG(name));
    return true;
}

#define SPACES \
    "\\t\\n\\x{b}\\f\\r \\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}\\x{feff}"
#define NO_SPACES                                                                    \
    "\\x{0}-\\x{8}\\x{e}-\\x{1f}\\x{21}-\\x{9f}\\x{a1}-\\x{167f}\\x{1681}-\\x{1fff}" \
    "\\x{200b}-\\x{2027}\\x{202a}-\\x{202e}\\x{2030}-\\x{205e}\\x{2060}-\\x{2fff}"   \
    "\\x{3001}-\\x{fefe}\\x{ff00}-\\x{10ffff}"

static void add_spaces(struct translation *t, bool negated)
{
    if (!t->in_class)
        buf_add_c(&t->out, "[");
    buf_add_c(&t->out, negated ? NO_SPACES : SPACES);
    if (!t->in_class)
        buf_add_c(&t->out, "]");
}

static bool read_group_name(struct translation *t)
{
    size_t end = str_find_byte(t->text, '>', t->at);
    if (peek(t, 1) != '<' || end == SIZE_MAX)
        return refuse(t, "\\k has no <name>");
    buf_addf(&t->out, "\\k%.*s", STR_ARG(str_sub(t->text, t->at + 1, end + 1)));
    t->at = end + 1;
    return true;
}

/* At the character behind a backslash. */
static bool read_escape(struct translation *t)
{
    int c = peek(t, 0);
    if (c < 0)
        return refuse(t, "a backslash stands at the end");
    if (c == 'k' && !t->in_class)
        return read_group_name(t);
    t->at++;
    if (c == 'u')
        return read_unicode(t);
    if (c == 'p' || c == 'P')
        return read_property(t, (char)c);
    if (c == 's' || c == 'S') {
        add_spaces(t, c == 'S');
        return true;
    }
    uint32_t cp;
    if (c == 'x') {
        if (!read_hex(t, 2, &cp))
            return false;
        buf_addf(&t->out, "\\x{%x}", cp);
        return true;
    }
    if (c == 'c') {
        int letter = peek(t, 0) | 0x20;
        if (letter < 'a' || letter > 'z')
            return refuse(t, "\\c has no letter");
        t->at++;
        buf_addf(&t->out, "\\x{%x}", letter - 'a' + 1);
        return true;
    }
    if (c == '0' || c == 'v') {
        buf_add_c(&t->out, c == '0' ? "\\x{0}" : "\\x{b}");
        return true;
    }
    static const char letters[] = "dDwWnrtf", outside[] = "bB123456789",
                      signs[] = "^$\\.*+?()[]{}|/";
    bool known = strchr(letters, c) || strchr(signs, c) ||
                 (t->in_class && (c == '-' || c == 'b')) || (!t->in_class && strchr(outside, c));
    if (!known) {
        t->at--;
        return refuse(t, "ECMAScript has no such escape");
    }
    if (c == 'b' && t->in_class)
        buf_add_c(&t->out, "\\x{8}");
    else
        buf_addf(&t->out, "\\%c", c);
    return true;
}

static bool read_group(struct translation *t)
{
    static const char *const kinds[] = {"(?:", "(?=", "(?!", "(?<=", "(?<!"};
    str rest = str_sub(t->text, t->at, t->text.n);
    if (peek(t, 1) == '*')
        return refuse(t, "there is nothing to repeat");
    if (peek(t, 1) != '?') {
        buf_add_byte(&t->out, '(');
        t->at++;
        return true;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (str_starts(rest, str_of(kinds[i]))) {
            buf_add_c(&t->out, kinds[i]);
            t->at += strlen(kinds[i]);
            return true;
        }
    }
    if (peek(t, 2) != '<')
        return refuse(t, "ECMAScript has no such group");
    buf_add_c(&t->out, "(?<");
    t->at += 3;
    return true;
}

static bool read_class(struct translation *t)
{
    t->in_class = true;
    buf_add_byte(&t->out, '[');
    t->at++;
    if (peek(t, 0) == '^') {
        buf_add_byte(&t->out, '^');
        t->at++;
    }
    while (peek(t, 0) != ']') {
        int c = peek(t, 0);
        if (c < 0)
            return refuse(t, "a [ has no ]");
        t->at++;
        if (c == '\\') {
            if (!read_escape(t))
                return false;
        } else {
            if (c == '[')
                buf_add_byte(&t->out, '\\');
            buf_add_byte(&t->out, (char)c);
        }
    }
    t->at++;
    t->in_class = false;
    buf_add_byte(&t->out, ']');
    return true;
}

static bool read_quantifier(struct translation *t, int c)
{
    buf_add_byte(&t->out, (char)c);
    t->at++;
    if (peek(t, 0) == '?') {
        buf_add_byte(&t->out, '?');
        t->at++;
    }
    int next = peek(t, 0);
    return next == '+' || next == '*' || next == '?' ? refuse(t, "there is nothing to repeat")
                                                     : true;
}

static bool translate(struct translation *t)
{
    while (t->at < t->text.n) {
        int c = peek(t, 0);
        bool ok = true;
        if (c == '\\') {
            t->at++;
            ok = read_escape(t);
        } else if (c == '[') {
            ok = read_class(t);
        } else if (c == '(') {
            ok = read_group(t);
        } else if (c == '*' || c == '+' || c == '?' || (c == '}' && t->at)) {
            ok = read_quantifier(t, c);
        } else {
            if (c == '.')
                buf_add_c(&t->out, "[^\\n\\r\\x{2028}\\x{2029}]");
            else
                buf_add_byte(&t->out, (char)c);
            t->at++;
        }
        if (!ok)
            return false;
    }
    return true;
}

static struct pattern *compile(const struct translation *t, struct err *err)
{
    uint32_t options = PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_ALLOW_EMPTY_CLASS |
                       PCRE2_MATCH_UNSET_BACKREF | PCRE2_NEVER_BACKSLASH_C;
    int code;
    size_t at;
    pcre2_code *compiled =
        pcre2_compile((PCRE2_SPTR)buf_c(&t->out), t->out.n, options, &code, &at, NULL);
    if (!compiled) {
        char text[200];
        pcre2_get_error_message(code, (PCRE2_UCHAR *)text, sizeof text);
        err_set(err, "invalid_pattern", "the pattern cannot be read: %s", text);
        err_hint(err, "patterns are ECMAScript's regular expressions, in unicode mode");
        return NULL;
    }
    struct pattern *p = mem_zalloc(sizeof *p);
    p->code = compiled;
    p->context = pcre2_match_context_create(NULL);
    pcre2_set_match_limit(p->context, PATTERN_MATCH_MAX);
    /* Without it the interpreter does the same, slower. */
    (void)pcre2_jit_compile(compiled, PCRE2_JIT_COMPLETE);
    return p;
}

struct pattern *pattern_new(str text, struct err *err)
{
    struct translation t = {.text = text, .out = BUF(PATTERN_TEXT_MAX * 8), .err = err};
    struct pattern *p = NULL;

    if (text.n > PATTERN_TEXT_MAX)
        err_set(err, "invalid_pattern", "the pattern is longer than %d bytes", PATTERN_TEXT_MAX);
    else if (translate(&t) && t.out.overflow)
        err_set(err, "invalid_pattern", "the pattern is too long");
    else if (!err_is_set(err))
        p = compile(&t, err);
    buf_done(&t.out);
    return p;
}

void pattern_free(struct pattern *p)
{
    if (!p)
        return;
    pcre2_code_free(p->code);
    pcre2_match_context_free(p->context);
    free(p);
}

enum pattern_found pattern_search(const struct pattern *p, str text)
{
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    int found =
        pcre2_match(p->code, (PCRE2_SPTR)text.p, text.n, 0, PCRE2_NO_UTF_CHECK, data, p->context);
    if (found == PCRE2_ERROR_JIT_STACKLIMIT)
        found = pcre2_match(p->code, (PCRE2_SPTR)text.p, text.n, 0,
                            PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, data, p->context);
    pcre2_match_data_free(data);
    if (found >= 0)
        return PATTERN_YES;
    return found == PCRE2_ERROR_NOMATCH ? PATTERN_NO : PATTERN_LIMIT;
}
