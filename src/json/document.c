#include "base/fd.h"
#include "base/num.h"
#include "base/utf8.h"
#include "json/json.h"
#include <errno.h>
#include <fcntl.h>

/* ---- reading ---- */

/* Line and column of a byte, both from 1. */
static void place_of(str text, size_t at, uint32_t *ret_line, uint32_t *ret_column)
{
    size_t start = 0;
    *ret_line = 1;
    if (at > text.n)
        at = text.n;
    for (size_t i = 0; i < at; i++) {
        if (text.p[i] == '\n') {
            start = i + 1;
            ++*ret_line;
        }
    }
    *ret_column = (uint32_t)utf8_length(str_sub(text, start, at)) + 1;
}

static void explain(struct err *err, enum json_error_code code)
{
    switch (code) {
    case json_error_duplicate_key:
        err_hint(err, "remove one of the two members with this key");
        break;
    case json_error_numeric_overflow:
        err_hint(err, "integers have 64 bits; write a larger one as a string");
        break;
    case json_error_end_of_input_expected:
        err_hint(err, "a document is one value; remove what follows it");
        break;
    case json_error_premature_end_of_input:
        err_hint(err, "close every bracket, brace and quote");
        break;
    case json_error_invalid_utf8:
        err_hint(err, "write the document in UTF-8");
        break;
    default:
        err_hint(err, "names and strings stand in \"double quotes\", no comma stands behind the "
                      "last member");
    }
}

/* jansson counts to the end of the token that it could not take, and quotes it: "near 'TOKEN'". */
static size_t error_offset(const json_error_t *e)
{
    size_t end = e->position > 0 ? (size_t)e->position : 0;
    const char *token = strstr(e->text, " near '"), *quote = token ? strrchr(token, '\'') : NULL;
    size_t n = token ? (size_t)(quote - (token + strlen(" near '"))) : 1;
    return n < end ? end - n : 0;
}

json_t *json_parse(str text, str path, unsigned flags, struct err *err)
{
    json_error_t e;
    uint32_t line, column;
    size_t options = JSON_DECODE_ANY | JSON_ALLOW_NUL;

    if (flags & JSON_UNIQUE_KEYS)
        options |= JSON_REJECT_DUPLICATES;
    size_t bad = utf8_invalid_at(text);
    if (bad != SIZE_MAX) {
        err_set(err, "invalid_json", "not valid JSON: byte 0x%02x is not UTF-8",
                (unsigned char)text.p[bad]);
        explain(err, json_error_invalid_utf8);
        place_of(text, bad, &line, &column);
        err_in_file(err, path, line, column);
        return NULL;
    }
    json_t *j = json_loadb(text.p, text.n, options, &e);
    if (j)
        return j;
    err_set(err, "invalid_json", "not valid JSON: %s", e.text);
    explain(err, json_error_code(&e));
    place_of(text, error_offset(&e), &line, &column);
    err_in_file(err, path, line, column);
    return NULL;
}

json_t *json_read_file(const char *path, unsigned flags, struct err *err)
{
    auto_buf text = BUF(JSON_FILE_MAX_BYTES);
    int failed = fd_read_file(AT_FDCWD, path, &text);
    if (failed) {
        err_errno(err, "file_unreadable", failed, "%s cannot be read", path);
        if (failed == EFBIG)
            err_hint(err, "JSON files are read up to %d MiB", JSON_FILE_MAX_BYTES >> 20);
        return NULL;
    }
    return json_parse(buf_str(&text), str_of(path), flags, err);
}

str json_get_text(const json_t *object, const char *key)
{
    return json_text_of(json_object_get(object, key));
}

/* ---- writing ---- */

static void put_object(struct json_writer *w, const json_t *j)
{
    json_begin_object(w);
    for (void *it = json_object_iter((json_t *)j); it;
         it = json_object_iter_next((json_t *)j, it)) {
        json_key(w, (str){json_object_iter_key(it), json_object_iter_key_len(it)});
        json_put(w, json_object_iter_value(it));
    }
    json_end_object(w);
}

void json_put(struct json_writer *w, const json_t *j)
{
    switch (json_typeof(j)) {
    case JSON_OBJECT:
        put_object(w, j);
        break;
    case JSON_ARRAY:
        json_begin_array(w);
        for (size_t i = 0; i < json_array_size(j); i++)
            json_put(w, json_array_get(j, i));
        json_end_array(w);
        break;
    case JSON_STRING:
        json_put_str(w, json_text_of(j));
        break;
    case JSON_INTEGER:
        json_put_int(w, json_integer_value(j));
        break;
    case JSON_REAL:
        json_put_double(w, json_real_value(j));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        json_put_bool(w, json_is_true(j));
        break;
    case JSON_NULL:
        json_put_null(w);
        break;
    }
}

/* ---- JSON Pointer ---- */

/* False for a token with a ~ that is no escape. */
static bool unescape(str token, struct buf *out)
{
    for (size_t i = 0; i < token.n; i++) {
        char c = token.p[i];
        if (c == '~') {
            if (++i == token.n || (token.p[i] != '0' && token.p[i] != '1'))
                return false;
            c = token.p[i] == '0' ? '~' : '/';
        }
        buf_add_byte(out, c);
    }
    return true;
}

static json_t *member(json_t *j, str token)
{
    int64_t index;
    if (json_is_object(j))
        return json_object_getn(j, token.p, token.n);
    if (!json_is_array(j) || token.n == 0 || token.p[0] < '0' || (token.n > 1 && token.p[0] == '0'))
        return NULL;
    return num_parse_int(token, &index) ? json_array_get(j, (size_t)index) : NULL;
}

json_t *json_pointer_get(json_t *root, str pointer)
{
    str rest = str_sub(pointer, 1, pointer.n), token;

    if (pointer.n == 0)
        return root;
    if (pointer.p[0] != '/')
        return NULL;
    for (bool more = true; more && root;) {
        size_t end = str_find_byte(rest, '/', 0);
        more = end != SIZE_MAX;
        auto_buf plain = BUF(BUF_TEXT_MAX);
        token = str_sub(rest, 0, end);
        if (!unescape(token, &plain))
            return NULL;
        root = member(root, buf_str(&plain));
        rest = more ? str_sub(rest, end + 1, rest.n) : STR("");
    }
    return root;
}

void json_pointer_add(struct buf *b, str token)
{
    buf_add_byte(b, '/');
    for (size_t i = 0; i < token.n; i++) {
        if (token.p[i] == '~')
            buf_add_c(b, "~0");
        else if (token.p[i] == '/')
            buf_add_c(b, "~1");
        else
            buf_add_byte(b, token.p[i]);
    }
}

void json_pointer_add_index(struct buf *b, size_t index)
{
    buf_add_byte(b, '/');
    buf_add_int(b, (int64_t)index);
}
