#include "json/writer.h"
#include "base/num.h"
#include <math.h>

static void break_line(struct json_writer *w)
{
    buf_add_byte(w->out, '\n');
    buf_add_repeat(w->out, ' ', 2 * (size_t)w->depth);
}

/* Comma and white space before a value or key. */
static void separate(struct json_writer *w)
{
    if (w->after_key) {
        w->after_key = false;
        return;
    }
    if (w->depth == 0)
        return;
    if (!w->first)
        buf_add_byte(w->out, ',');
    if (w->indent)
        break_line(w);
    else if (!w->first)
        buf_add_byte(w->out, ' ');
    w->first = false;
}

static void begin(struct json_writer *w, char open)
{
    separate(w);
    buf_add_byte(w->out, open);
    w->depth++;
    w->first = true;
}

static void end(struct json_writer *w, char close)
{
    w->depth--;
    if (!w->first && w->indent)
        break_line(w);
    buf_add_byte(w->out, close);
    w->first = false;
}

void json_begin_object(struct json_writer *w)
{
    begin(w, '{');
}
void json_end_object(struct json_writer *w)
{
    end(w, '}');
}
void json_begin_array(struct json_writer *w)
{
    begin(w, '[');
}
void json_end_array(struct json_writer *w)
{
    end(w, ']');
}

void json_add_quoted(struct buf *b, str s)
{
    static const char hex[] = "0123456789abcdef";
    static const bool must_escape[256] = {
        [0 ... 0x1F] = true, ['"'] = true, ['\\'] = true, [0x7F] = true};
    size_t from = 0;

    buf_reserve(b, s.n + 2);
    if (b->overflow)
        return;
    buf_add_byte(b, '"');
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (!must_escape[c])
            continue;
        buf_add(b, s.p + from, i - from);
        from = i + 1;
        switch (c) {
        case '"':
            buf_add_c(b, "\\\"");
            break;
        case '\\':
            buf_add_c(b, "\\\\");
            break;
        case '\n':
            buf_add_c(b, "\\n");
            break;
        case '\r':
            buf_add_c(b, "\\r");
            break;
        case '\t':
            buf_add_c(b, "\\t");
            break;
        default:
            buf_add_c(b, "\\u00");
            buf_add_byte(b, hex[c >> 4]);
            buf_add_byte(b, hex[c & 15]);
        }
    }
    buf_add(b, s.p + from, s.n - from);
    buf_add_byte(b, '"');
}

void json_key(struct json_writer *w, str key)
{
    separate(w);
    json_add_quoted(w->out, key);
    buf_add_c(w->out, ": ");
    w->after_key = true;
}

void json_put_str(struct json_writer *w, str s)
{
    separate(w);
    json_add_quoted(w->out, s);
}

void json_put_c(struct json_writer *w, const char *s)
{
    if (s)
        json_put_str(w, str_of(s));
    else
        json_put_null(w);
}

void json_put_str_or_null(struct json_writer *w, str s)
{
    if (s.n)
        json_put_str(w, s);
    else
        json_put_null(w);
}

void json_put_int(struct json_writer *w, int64_t i)
{
    separate(w);
    buf_add_int(w->out, i);
}

void json_put_double(struct json_writer *w, double d)
{
    if (!isfinite(d)) {
        json_put_null(w);
        return;
    }
    separate(w);
    num_add_double(w->out, d);
}

void json_put_bool(struct json_writer *w, bool b)
{
    separate(w);
    buf_add_c(w->out, b ? "true" : "false");
}

void json_put_null(struct json_writer *w)
{
    separate(w);
    buf_add_c(w->out, "null");
}

/* Copies a string token of JSON text and returns the offset behind it. */
static size_t copy_string(struct json_writer *w, str text, size_t i)
{
    size_t from = i++;
    while (i < text.n && text.p[i] != '"')
        i += text.p[i] == '\\' ? 2 : 1;
    i = i < text.n ? i + 1 : text.n;
    buf_add(w->out, text.p + from, i - from);
    return i;
}

static void raw_indented(struct json_writer *w, str text)
{
    for (size_t i = 0; i < text.n;) {
        char c = text.p[i];
        if (c == '{' || c == '[') {
            begin(w, c);
            i++;
        } else if (c == '}' || c == ']') {
            end(w, c);
            i++;
        } else if (c == ':') {
            buf_add_c(w->out, ": ");
            w->after_key = true;
            i++;
        } else if (c == ',' || c == ' ' || c == '\n' || c == '\r' || c == '\t') {
            i++;
        } else {
            separate(w);
            if (c == '"') {
                i = copy_string(w, text, i);
                continue;
            }
            while (i < text.n && !strchr(",]} \n\r\t", text.p[i]))
                buf_add_byte(w->out, text.p[i++]);
        }
    }
}

void json_put_raw(struct json_writer *w, str text)
{
    if (w->indent) {
        raw_indented(w, text);
        return;
    }
    separate(w);
    buf_add_str(w->out, text);
}
