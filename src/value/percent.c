/* format % values: printf's language as Python has it. */
#include "base/utf8.h"
#include "value/format_int.h"
#include "value/ops.h"
#include "value/text_int.h"
#include "value/types.h"
#include <float.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>

enum percent_flag {
    PERCENT_LEFT = 1,
    PERCENT_SIGN = 2,
    PERCENT_BLANK = 4,
    PERCENT_ALTERNATE = 8,
    PERCENT_ZERO = 16,
};

struct percent {
    val waits_for; /* a deferred number, or V_UNBOUND */
    struct heap *h;
    val text;
    str s;
    size_t at;
    val args;            /* the tuple, or the single value */
    int64_t next;        /* index in the tuple; single value: -1 until it is taken */
    bool is_mapping;     /* args may be asked for keys, and need not be used up */
    text_filter *escape; /* of what is put in as text, or NULL */
    struct format_parts out;
};
struct directive {
    unsigned flags;
    int64_t width, precision; /* precision -1: not given */
    uint32_t type;
};

static bool incomplete(const struct percent *p)
{
    return heap_raise(p->h, &exc_ValueError, "incomplete format");
}

/* ---- arguments ---- */

static bool next_value(struct percent *p, val *ret)
{
    if (p->next < 0) {
        p->next = INT64_MAX;
        *ret = p->args;
        return true;
    }
    if (p->args.kind == V_TUPLE && p->next < p->args.tuple->n) {
        *ret = p->args.tuple->at[p->next++];
        return true;
    }
    return heap_raise(p->h, &exc_TypeError, "not enough arguments for format string");
}

/* What CPython calls a mapping: whatever can be subscripted, but for tuples and strings. */
static bool is_mapping(val v)
{
    return v.kind == V_DICT || v.kind == V_LIST || v.kind == V_RANGE ||
           (v.kind == V_OBJECT && v.object->class->getitem);
}

/* "(key)": the value of the key is the next argument. */
static bool take_key(struct percent *p, val mapping)
{
    size_t start = ++p->at;
    int open = 1;
    val key;

    if (!is_mapping(mapping))
        return heap_raise(p->h, &exc_TypeError, "format requires a mapping");
    while (open > 0 && p->at < p->s.n) {
        char c = p->s.p[p->at++];
        open += c == '(' ? 1 : c == ')' ? -1 : 0;
    }
    if (open > 0)
        return heap_raise(p->h, &exc_ValueError, "incomplete format key");
    p->next = -1;
    return text_slice_bytes(p->h, p->text, start, p->at - 1, &key) &&
           val_getitem(p->h, mapping, key, &p->args);
}

/* ---- directives ---- */

static bool take_star(struct percent *p, int64_t *ret)
{
    val v;
    p->at++;
    if (!next_value(p, &v) || !val_decide(p->h, v, &v))
        return false;
    if (!val_is_int(v))
        return heap_raise(p->h, &exc_TypeError, "* wants int");
    *ret = v.i;
    return true;
}

static bool take_digits(struct percent *p, int64_t max, const char *what, int64_t *ret)
{
    int64_t value = 0;
    for (; p->at < p->s.n && p->s.p[p->at] >= '0' && p->s.p[p->at] <= '9'; p->at++) {
        int digit = p->s.p[p->at] - '0';
        if (value > (max - digit) / 10)
            return heap_raise(p->h, &exc_ValueError, "%s too big", what);
        value = value * 10 + digit;
    }
    *ret = value;
    return true;
}

static bool take_width(struct percent *p, struct directive *d)
{
    if (p->at < p->s.n && p->s.p[p->at] == '*') {
        if (!take_star(p, &d->width))
            return false;
        if (d->width < 0) {
            d->flags |= PERCENT_LEFT;
            d->width = d->width == INT64_MIN ? INT64_MAX : -d->width;
        }
        return true;
    }
    return take_digits(p, INT64_MAX, "width", &d->width);
}

static bool take_precision(struct percent *p, struct directive *d)
{
    if (p->at >= p->s.n || p->s.p[p->at] != '.')
        return true;
    p->at++;
    if (p->at < p->s.n && p->s.p[p->at] == '*') {
        if (!take_star(p, &d->precision))
            return false;
        if (d->precision > INT_MAX)
            return heap_raise(p->h, &exc_OverflowError, "Python int too large to convert to C int");
        if (d->precision < 0)
            d->precision = 0;
        return true;
    }
    return take_digits(p, INT_MAX, "precision", &d->precision);
}

static bool take_directive(struct percent *p, val mapping, struct directive *d)
{
    static const char flags[] = "-+ #0";
    const char *flag;

    *d = (struct directive){.precision = -1};
    if (p->at < p->s.n && p->s.p[p->at] == '(' && !take_key(p, mapping))
        return false;
    for (; p->at < p->s.n && p->s.p[p->at] && (flag = strchr(flags, p->s.p[p->at])); p->at++)
        d->flags |= 1u << (flag - flags);
    if (!take_width(p, d) || !take_precision(p, d))
        return false;
    if (p->at < p->s.n && (p->s.p[p->at] == 'h' || p->s.p[p->at] == 'l' || p->s.p[p->at] == 'L'))
        p->at++;
    if (p->at >= p->s.n)
        return incomplete(p);
    d->type = utf8_next(p->s, &p->at);
    return true;
}

/* ---- numbers ---- */

struct percent_number {
    bool negative;
    const char *prefix;
    int64_t zeros; /* before the digits */
    str text;
};

static bool add_number(struct percent *p, const struct directive *d, const struct percent_number *n)
{
    struct text_builder *b = &p->out.b;
    char sign = n->negative                ? '-'
                : d->flags & PERCENT_SIGN  ? '+'
                : d->flags & PERCENT_BLANK ? ' '
                                           : 0;
    int64_t padding = d->width - n->zeros - (int64_t)(n->text.n + strlen(n->prefix) + (sign != 0));
    bool left = d->flags & PERCENT_LEFT, zero = d->flags & PERCENT_ZERO;

    if (!left && !zero && !format_fill(b, ' ', padding))
        return false;
    if (sign)
        buf_add_byte(&b->bytes, sign);
    buf_add_c(&b->bytes, n->prefix);
    if (!left && zero && !format_fill(b, '0', padding))
        return false;
    if (!format_fill(b, '0', n->zeros))
        return false;
    text_builder_add(b, n->text);
    return !left || format_fill(b, ' ', padding);
}

/* %d takes floats, cutting them; %x and %o do not. A float past 64 bits stays one: its digits
 * are all that is asked for. */
static bool to_integer(struct percent *p, uint32_t type, val v, val *ret)
{
    bool decimal = type == 'd' || type == 'i' || type == 'u';

    *ret = v;
    if (val_is_int(v))
        return true;
    if (!decimal || v.kind != V_FLOAT)
        return heap_raise(p->h, &exc_TypeError, "%%%c format: %s is required, not %s", (int)type,
                          decimal ? "a real number" : "an integer", val_type_name(v));
    if (isnan(v.f))
        return heap_raise(p->h, &exc_ValueError, "cannot convert float NaN to integer");
    if (isinf(v.f))
        return heap_raise(p->h, &exc_OverflowError, "cannot convert float infinity to integer");
    if (v.f > -0x1p63 && v.f < 0x1p63)
        *ret = val_int((int64_t)v.f);
    return true;
}

static bool add_integer(struct percent *p, const struct directive *d, val v)
{
    char room[66], large[DBL_MAX_10_EXP + 3];
    bool upper = d->type == 'X', hex = upper || d->type == 'x', octal = d->type == 'o';
    struct percent_number n = {.prefix = ""};

    if (!to_integer(p, d->type, v, &v))
        return false;
    if (v.kind == V_FLOAT) {
        n.negative = v.f < 0;
        n.text = (str){large, (size_t)snprintf(large, sizeof large, "%.0f", fabs(v.f))};
    } else {
        n.negative = v.i < 0;
        n.text = format_int_digits(room, v.i, hex ? 16 : octal ? 8 : 10, upper);
    }
    if (d->flags & PERCENT_ALTERNATE)
        n.prefix = upper ? "0X" : hex ? "0x" : octal ? "0o" : "";
    if (d->precision > (int64_t)n.text.n)
        n.zeros = d->precision - (int64_t)n.text.n;
    return add_number(p, d, &n);
}

static bool add_float(struct percent *p, const struct directive *d, val v)
{
    bool upper = d->type == 'E' || d->type == 'F' || d->type == 'G';
    auto_text_builder text;

    text_builder_init(&text, p->h);
    if (v.kind != V_FLOAT && !val_is_int(v))
        return heap_raise(p->h, &exc_TypeError, "must be real number, not %s", val_type_name(v));
    double x = v.kind == V_FLOAT ? v.f : (double)v.i;
    if (!format_double(&text, x, (char)(d->type | 0x20), d->precision < 0 ? 6 : d->precision,
                       d->flags & PERCENT_ALTERNATE, false))
        return false;
    for (size_t i = 0; upper && i < text.bytes.n; i++)
        if (text.bytes.p[i] >= 'a' && text.bytes.p[i] <= 'z')
            text.bytes.p[i] = (char)(text.bytes.p[i] - 'a' + 'A');
    struct percent_number n = {
        .negative = signbit(x) && !isnan(x), .prefix = "", .text = buf_str(&text.bytes)};
    return add_number(p, d, &n);
}

/* ---- text ---- */

static bool add_text(struct percent *p, const struct directive *d, val v)
{
    struct text_builder *b = &p->out.b;
    size_t end = v.s->n;
    int64_t points = v.s->points;

    if (d->precision >= 0 && d->precision < points) {
        if (!text_offset(p->h, v.s, (size_t)d->precision, &end))
            return false;
        points = d->precision;
    }
    bool left = d->flags & PERCENT_LEFT;
    if (!left && !format_fill(b, ' ', d->width - points))
        return false;
    text_builder_add_part(b, v, 0, end);
    return text_charge_copy(p->h, end) && (!left || format_fill(b, ' ', d->width - points));
}

/* The same width and precision, in the words of format(). */
static bool add_deferred(struct percent *p, const struct directive *d, val v)
{
    auto_buf text = BUF(64);
    val spec, part;

    if (d->width > 0)
        buf_addf(&text, "%c%" PRId64, d->flags & PERCENT_LEFT ? '<' : '>', d->width);
    if (d->precision >= 0)
        buf_addf(&text, ".%" PRId64, d->precision);
    return text_new(p->h, buf_str(&text), &spec) &&
           val_format(p->h, v, (char)d->type, spec, &part) && format_parts_add(&p->out, part);
}

static bool add_character(struct percent *p, struct directive *d, val v)
{
    char bytes[4];

    d->precision = -1;
    if (v.kind == V_STR && v.s->points == 1)
        return add_text(p, d, v);
    if (!val_is_int(v))
        return heap_raise(p->h, &exc_TypeError, "%%c requires int or char");
    if (v.i < 0 || v.i > 0x10FFFF)
        return heap_raise(p->h, &exc_OverflowError, "%%c arg not in range(0x110000)");
    if (v.i >= 0xD800 && v.i <= 0xDFFF)
        return heap_refuse(p->h, "not_supported", "a string holds whole characters only",
                           "the surrogate 0x%x is not a character", (unsigned)v.i);
    return text_new(p->h, str_make(bytes, utf8_put((uint32_t)v.i, bytes)), &v) && add_text(p, d, v);
}

static bool unsupported(struct percent *p, uint32_t type)
{
    size_t index = utf8_length(str_sub(p->s, 0, p->at)) - 1;
    return heap_raise(p->h, &exc_ValueError,
                      "unsupported format character '%c' (0x%x) at index %zu",
                      type >= 31 && type <= 126 ? (int)type : '?', type, index);
}

static bool add_directive(struct percent *p, struct directive *d, val v)
{
    bool text = d->type == 's' || d->type == 'r' || d->type == 'a';

    if (text && val_is_deferred(v))
        return add_deferred(p, d, v);
    if (d->type >= 0x80 || !d->type ||
        !strchr("srac"
                "diuoxX"
                "eEfFgG",
                (int)d->type))
        return unsupported(p, d->type);
    if (val_is_deferred(v)) {
        /* A number that is not known yet: the whole operation waits for it. */
        p->waits_for = v;
        return false;
    }
    if (text) {
        bool ok = d->type == 's'   ? val_str(p->h, v, &v)
                  : d->type == 'r' ? val_repr(p->h, v, &v)
                                   : val_ascii(p->h, v, &v);
        return ok && (!p->escape || p->escape(p->h, v, &v)) && add_text(p, d, v);
    }
    if (d->type == 'c')
        return add_character(p, d, v);
    return strchr("diuoxX", (int)d->type) ? add_integer(p, d, v) : add_float(p, d, v);
}

static bool run(struct percent *p, val mapping)
{
    struct directive d;
    val v;

    while (p->at < p->s.n) {
        size_t percent = str_find_byte(p->s, '%', p->at);
        size_t end = percent < p->s.n ? percent : p->s.n;
        text_builder_add_part(&p->out.b, p->text, p->at, end);
        if (end == p->s.n)
            break;
        p->at = end + 1;
        if (p->at < p->s.n && p->s.p[p->at] == '%') {
            text_builder_add_part(&p->out.b, p->text, p->at, p->at + 1);
            p->at++;
            continue;
        }
        if (p->at >= p->s.n)
            return incomplete(p);
        if (!heap_charge(p->h, 1) || !take_directive(p, mapping, &d) || !next_value(p, &v) ||
            !add_directive(p, &d, v))
            return false;
    }
    return true;
}

/* ---- most formats: %d of integers and %s of text, short, with a width at most ---- */

enum { QUICK_MAX = 256, QUICK_WIDTH_MAX = 100 };

struct quick {
    char out[QUICK_MAX];
    size_t n;
    bool too_long, ascii;
};

static void quick_add(struct quick *q, str s)
{
    if (s.n > sizeof q->out - q->n) {
        q->too_long = true;
        return;
    }
    memcpy(q->out + q->n, s.p, s.n);
    q->n += s.n;
}

static void quick_fill(struct quick *q, char c, size_t n)
{
    if (n > sizeof q->out - q->n) {
        q->too_long = true;
        return;
    }
    memset(q->out + q->n, c, n);
    q->n += n;
}

static void quick_int(struct quick *q, int64_t i, size_t width, unsigned flags)
{
    bool left = flags & PERCENT_LEFT, zero = flags & PERCENT_ZERO && !left;
    uint64_t u = i < 0 ? 0 - (uint64_t)i : (uint64_t)i;
    size_t n = 1 + (i < 0);
    for (uint64_t rest = u; rest >= 10; rest /= 10)
        n++;
    size_t total = n < width ? width : n, at = left ? n : total;
    char *p = q->out + q->n;
    if (total > sizeof q->out - q->n) {
        q->too_long = true;
        return;
    }
    memset(p, zero ? '0' : ' ', total);
    do
        p[--at] = (char)('0' + u % 10);
    while (u /= 10);
    if (i < 0)
        p[zero ? 0 : at - 1] = '-';
    q->n += total;
}

static void quick_text(struct quick *q, val v, size_t width, unsigned flags)
{
    size_t padding = width > v.s->points ? width - v.s->points : 0;
    if (!(flags & PERCENT_LEFT))
        quick_fill(q, ' ', padding);
    quick_add(q, text_str(v));
    q->ascii = q->ascii && v.s->n == v.s->points;
    if (flags & PERCENT_LEFT)
        quick_fill(q, ' ', padding);
}

/* The directive behind a %; false: none of these. */
static bool quick_directive(struct quick *q, str s, size_t *at, val v)
{
    unsigned flags = 0;
    size_t width = 0, i = *at;
    for (; i < s.n && (s.p[i] == '-' || s.p[i] == '0'); i++)
        flags |= s.p[i] == '-' ? PERCENT_LEFT : PERCENT_ZERO;
    for (; i < s.n && s.p[i] >= '0' && s.p[i] <= '9' && width < QUICK_WIDTH_MAX; i++)
        width = width * 10 + (size_t)(s.p[i] - '0');
    if (i == s.n || width >= QUICK_WIDTH_MAX)
        return false;
    if (v.kind == V_INT && (s.p[i] == 'd' || (s.p[i] == 's' && !(flags & PERCENT_ZERO))))
        quick_int(q, v.i, width, flags);
    else if (v.kind == V_STR && !v.s->taint && s.p[i] == 's')
        quick_text(q, v, width, flags);
    else
        return false;
    *at = i + 1;
    return true;
}

/* False: not one of these formats, and nothing has been done. */
static bool quick_percent(struct quick *q, val format, const val *args, uint32_t n)
{
    str s = text_str(format);
    uint32_t next = 0;
    if (format.s->taint || s.n >= QUICK_MAX)
        return false;
    for (size_t at = 0; at < s.n;) {
        size_t start = at;
        while (at < s.n && s.p[at] != '%')
            at++;
        quick_add(q, str_sub(s, start, at));
        if (at++ == s.n)
            break;
        if (next == n || !quick_directive(q, s, &at, args[next++]) || q->too_long)
            return false;
    }
    return next == n && !q->too_long;
}

bool text_percent(struct heap *h, val format, val args, val *ret)
{
    return text_percent_filtered(h, format, args, NULL, ret);
}

bool text_percent_filtered(struct heap *h, val format, val args, text_filter *escape, val *ret)
{
    bool many = args.kind == V_TUPLE;
    struct quick q;
    q.n = 0;
    q.too_long = false;
    q.ascii = format.s->n == format.s->points;
    if (!escape &&
        quick_percent(&q, format, many ? args.tuple->at : &args, many ? args.tuple->n : 1)) {
        str text = str_make(q.out, q.n);
        return heap_charge(h, many ? args.tuple->n : 1) && text_charge_scan(h, format.s->n) &&
               (q.ascii ? text_new_points(h, text, q.n, ret) : text_new(h, text, ret));
    }
    struct percent p = {
        .h = h,
        .text = format,
        .s = text_str(format),
        .args = args,
        .next = args.kind == V_TUPLE ? 0 : -1,
        .is_mapping = is_mapping(args),
        .escape = escape,
    };
    format_parts_init(&p.out, h);
    p.waits_for = VAL_UNBOUND;
    bool ok = run(&p, args) && text_charge_scan(h, p.s.n);
    if (!val_is_unbound(p.waits_for)) {
        const struct obj_class *class = p.waits_for.object->class;
        format_parts_done(&p.out);
        return class->binary ? class->binary(h, BINARY_MOD, format, args, ret)
                             : class->decide(h, p.waits_for.object, ret);
    }
    bool unused = p.args.kind == V_TUPLE && p.next >= 0 && p.next != INT64_MAX
                      ? p.next < p.args.tuple->n
                      : p.next < 0;
    if (ok && unused && !p.is_mapping)
        ok = heap_raise(h, &exc_TypeError, "not all arguments converted during string formatting");
    ok = ok && format_parts_finish(&p.out, ret);
    format_parts_done(&p.out);
    return ok;
}
