#include "cli/prompt_result.h"
#include "base/fd.h"
#include "json/json.h"
#include <fcntl.h>

void prompt_add_shown(struct buf *b, str text)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        bool c1 = c == 0xc2 && i + 1 < text.n && (unsigned char)text.p[i + 1] < 0xa0;
        if (c1 || (c < ' ' && c != '\n' && c != '\t') || c == 0x7f) {
            buf_add_byte(b, '?');
            i += c1;
        } else {
            buf_add_byte(b, text.p[i]);
        }
    }
}

static void add_json(struct buf *b, const json_t *j)
{
    auto_free char *text = json_dumps(j, JSON_INDENT(2) | JSON_ENCODE_ANY);
    buf_add_c(b, text ? text : "nothing");
}

static json_t *read_expected(const struct prompt_result *r, const char *file, struct err *err)
{
    auto_buf text = BUF(JSON_FILE_MAX_BYTES);
    if (r->prompt->output)
        return json_read_file(file, JSON_UNIQUE_KEYS, err);
    int e = fd_read_file(AT_FDCWD, file, &text);
    str s = str_trim(buf_str(&text));
    json_t *j = e ? NULL : json_stringn(s.n ? s.p : "", s.n);
    if (e)
        err_errno(err, "file_unreadable", e, "%s cannot be read", file);
    else if (!j)
        err_set(err, "file_not_text", "%s is not UTF-8", file);
    return j;
}

bool prompt_result_check(const struct prompt_result *r, struct err *err)
{
    const char *file = cli_value(r->cli, "expect");
    auto_buf where = BUF(1 << 16), wanted = BUF(CLI_OUTPUT_MAX), found = BUF(CLI_OUTPUT_MAX);
    if (!file)
        return true;
    json_t *expected = read_expected(r, file, err), *value = json_incref(r->value);
    if (json_is_string(value)) { /* white space around it says nothing */
        str s = str_trim(json_text_of(value));
        json_t *trimmed = json_stringn(s.n ? s.p : "", s.n);
        json_decref(value);
        value = trimmed;
    }
    if (expected && json_difference(expected, value, &where)) {
        add_json(&wanted, json_pointer_get(expected, buf_str(&where)));
        add_json(&found, json_pointer_get(value, buf_str(&where)));
        err_set(err, "output_differs", "the answer is not what %s expects%s%s: %s, and not %s",
                file, where.n ? ": at " : "", buf_c(&where), buf_c(&found), buf_c(&wanted));
    }
    json_decref(expected);
    json_decref(value);
    return !err_is_set(err);
}

static void put_usage(struct json_writer *w, const struct prompt_result *r)
{
    json_key_c(w, "usage");
    json_begin_object(w);
    json_key_c(w, "input_tokens");
    json_put_int(w, r->input);
    json_key_c(w, "output_tokens");
    json_put_int(w, r->output);
    json_key_c(w, "cost_usd");
    if (r->usd < 0)
        json_put_null(w);
    else
        json_put_double(w, r->usd);
    json_end_object(w);
}

static void out_json(const struct prompt_result *r)
{
    auto_buf b = BUF(CLI_OUTPUT_MAX);
    struct json_writer w = JSON_WRITER(&b, true);
    json_begin_object(&w);
    json_key_c(&w, "prompt");
    json_put_str(&w, r->prompt->name);
    json_key_c(&w, "client");
    json_put_str(&w, r->client);
    json_key_c(&w, "model");
    json_put_str(&w, r->model);
    json_key_c(&w, "output");
    json_put(&w, r->value);
    json_key_c(&w, "turns");
    if (r->prompt->agent)
        json_put_int(&w, r->turns);
    else
        json_put_null(&w);
    json_key_c(&w, "calls");
    json_put_int(&w, r->calls);
    put_usage(&w, r);
    json_key_c(&w, "duration_ms");
    json_put_int(&w, r->took_ms);
    json_end_object(&w);
    cli_out_json(r->cli, &b);
}

static void out_text(const struct prompt_result *r)
{
    auto_buf b = BUF(CLI_OUTPUT_MAX), shown = BUF(CLI_OUTPUT_MAX);
    if (!json_is_string(r->value))
        add_json(&b, r->value);
    else if (!r->cli->live || !r->cli->err_live) /* else it stands there already */
        buf_add_str(&b, json_text_of(r->value));
    if (b.n && b.p[b.n - 1] != '\n')
        buf_add_byte(&b, '\n');
    if (r->cli->live)
        prompt_add_shown(&shown, buf_str(&b));
    cli_out(r->cli, buf_str(r->cli->live ? &shown : &b));
}

static void add_count(struct buf *b, int64_t n, const char *what)
{
    buf_addf(b, ", %lld %s%s", (long long)n, what, n == 1 ? "" : "s");
}

void prompt_result_tell(const struct prompt_result *r)
{
    auto_buf b = BUF(4096);
    if (r->cli->json || (!r->calls && !r->turns))
        return;
    buf_add_str(&b, r->client);
    if (r->turns)
        add_count(&b, r->turns, "turn");
    if (r->calls || !r->replayed)
        add_count(&b, r->calls, "call");
    buf_add_c(&b, r->replayed ? " replayed" : "");
    if (r->calls)
        buf_addf(&b, ", %lld tokens in, %lld out", (long long)r->input, (long long)r->output);
    if (r->calls && r->usd >= 0)
        buf_addf(&b, ", $%.6f", r->usd);
    cli_note("%s", buf_c(&b));
}

void prompt_result_out(const struct prompt_result *r)
{
    if (r->cli->json)
        out_json(r);
    else
        out_text(r);
}

void prompt_result_done(struct prompt_result *r)
{
    json_decref(r->value);
}
