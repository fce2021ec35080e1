/* Differences as JSON and as lines for people. */
#include "plan/diff.h"
#include <jansson.h>

enum { VALUE_SHOWN_MAX = 400 };

static const struct {
    const char *word; /* in JSON */
    const char *mark, *color;
} kinds[] = {
    [PLAN_CHANGE_PLAN] = {"plan_changed", "~", "\x1b[33m"},
    [PLAN_CHANGE_STEP_ADDED] = {"step_added", "+", "\x1b[32m"},
    [PLAN_CHANGE_STEP_REMOVED] = {"step_removed", "-", "\x1b[31m"},
    [PLAN_CHANGE_STEP] = {"step_changed", "~", "\x1b[33m"},
    [PLAN_CHANGE_EDGE_ADDED] = {"edge_added", "~", "\x1b[33m"},
    [PLAN_CHANGE_EDGE_REMOVED] = {"edge_removed", "~", "\x1b[33m"},
    [PLAN_CHANGE_SECRET_ADDED] = {"secret_added", "!", "\x1b[1;31m"},
    [PLAN_CHANGE_SECRET_REMOVED] = {"secret_removed", "!", "\x1b[32m"},
    [PLAN_CHANGE_EGRESS_ADDED] = {"egress_added", "!", "\x1b[1;31m"},
    [PLAN_CHANGE_EGRESS_REMOVED] = {"egress_removed", "!", "\x1b[32m"},
};

static void put_raw_or_null(struct json_writer *w, const char *key, str json)
{
    json_key_c(w, key);
    json_put_raw(w, json.n ? json : STR("null"));
}

void plan_diff_put_json(struct json_writer *w, const struct plan_diff *d)
{
    json_begin_array(w);
    for (size_t i = 0; i < d->changes.n; i++) {
        const struct plan_change *c = &d->changes.at[i];
        json_begin_object(w);
        json_key_c(w, "change");
        json_put_c(w, kinds[c->kind].word);
        json_key_c(w, "step");
        json_put_str_or_null(w, c->step);
        json_key_c(w, "field");
        json_put_str_or_null(w, c->field);
        put_raw_or_null(w, "from", c->was);
        put_raw_or_null(w, "to", c->is);
        json_end_object(w);
    }
    json_end_array(w);
}

/* ---- text ---- */

static void add_value(struct buf *b, str json)
{
    str shown = json.n ? json : STR("null");
    size_t n = shown.n > VALUE_SHOWN_MAX ? VALUE_SHOWN_MAX : shown.n;
    while (n < shown.n && n && ((unsigned char)shown.p[n] & 0xC0) == 0x80)
        n--;
    buf_addf(b, "%.*s%s", (int)n, shown.p, n < shown.n ? " ..." : "");
}

/* The text of a string, or of the expression that a deferred value is. */
static json_t *load_text(str json, str *ret)
{
    json_t *j = json.n ? json_loadb(json.p, json.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL) : NULL;
    *ret = json_is_string(j) ? str_make(json_string_value(j), json_string_length(j)) : STR("");
    return j;
}

static size_t count_lines(str text)
{
    size_t n = 0;
    for (str line; str_next(&text, '\n', &line);)
        n++;
    return n;
}

static str line_at(str text, size_t index)
{
    str line = STR("");
    for (size_t i = 0; i <= index && str_next(&text, '\n', &line); i++)
        ;
    return line;
}

static void add_lines(struct buf *b, char mark, str text, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        buf_addf(b, "          %c %.*s\n", mark, STR_ARG(line_at(text, i)));
}

/* Scripts of several lines: only the lines between what is equal at both ends. */
static bool add_script(struct buf *b, str was_json, str is_json)
{
    str was, is;
    json_t *a = load_text(was_json, &was), *c = load_text(is_json, &is);
    bool script = was.n && is.n && (str_has(was, STR("\n")) || str_has(is, STR("\n")));
    size_t n = count_lines(was), m = count_lines(is), head = 0, tail = 0;
    while (script && head < n && head < m && str_eq(line_at(was, head), line_at(is, head)))
        head++;
    while (script && tail < n - head && tail < m - head &&
           str_eq(line_at(was, n - 1 - tail), line_at(is, m - 1 - tail)))
        tail++;
    if (script) {
        buf_add_byte(b, '\n');
        add_lines(b, '-', was, head, n - tail);
        add_lines(b, '+', is, head, m - tail);
    }
    json_decref(a);
    json_decref(c);
    return script;
}

static void add_change_of(struct buf *b, const struct plan_change *c)
{
    buf_addf(b, "%.*s:", STR_ARG(c->field));
    if (add_script(b, c->was, c->is))
        return;
    buf_add_byte(b, ' ');
    add_value(b, c->was);
    buf_add_c(b, " -> ");
    add_value(b, c->is);
    buf_add_byte(b, '\n');
}

static str bare(str json)
{
    return json.n >= 2 ? str_sub(json, 1, json.n - 1) : json;
}

static void add_new_step(struct buf *b, const struct plan_change *c)
{
    str json = c->is.n ? c->is : c->was;
    json_t *step = json_loadb(json.p, json.n, JSON_ALLOW_NUL, NULL);
    const char *type = json_string_value(json_object_get(step, "type"));
    const json_t *cmd = json_object_get(json_object_get(step, "config"), "cmd");
    const char *text = json_string_value(cmd);
    if (!text)
        text = json_string_value(json_object_get(cmd, "$expr"));
    buf_addf(b, "step %.*s (%s)", STR_ARG(c->step), type ? type : "?");
    if (text) {
        str rest = str_trim(str_of(text)), line = STR("");
        (void)str_next(&rest, '\n', &line);
        buf_add_c(b, ": ");
        add_value(b, line);
        buf_add_c(b, rest.n ? " ..." : "");
    }
    buf_add_byte(b, '\n');
    json_decref(step);
}

static void add_grant(struct buf *b, const struct plan_change *c)
{
    bool secret = c->kind == PLAN_CHANGE_SECRET_ADDED || c->kind == PLAN_CHANGE_SECRET_REMOVED;
    bool added = c->is.n > 0;
    str name = bare(added ? c->is : c->was);
    buf_addf(b, "%s %.*s: ", secret ? "secret" : "network", STR_ARG(name));
    if (c->step.n)
        buf_addf(b, "step %.*s ", STR_ARG(c->step));
    else
        buf_add_c(b, "every step ");
    buf_add_c(b, added ? "gets it now\n" : "gets it no more\n");
}

static void add_one(struct buf *b, const struct plan_change *c)
{
    switch (c->kind) {
    case PLAN_CHANGE_STEP_ADDED:
    case PLAN_CHANGE_STEP_REMOVED:
        add_new_step(b, c);
        break;
    case PLAN_CHANGE_STEP:
        buf_addf(b, "step %.*s: ", STR_ARG(c->step));
        add_change_of(b, c);
        break;
    case PLAN_CHANGE_PLAN:
        add_change_of(b, c);
        break;
    case PLAN_CHANGE_EDGE_ADDED:
        buf_addf(b, "step %.*s: waits for %.*s now\n", STR_ARG(c->step), STR_ARG(bare(c->is)));
        break;
    case PLAN_CHANGE_EDGE_REMOVED:
        buf_addf(b, "step %.*s: waits no more for %.*s\n", STR_ARG(c->step), STR_ARG(bare(c->was)));
        break;
    default:
        add_grant(b, c);
    }
}

void plan_diff_add_text(struct buf *b, const struct plan_diff *d, bool color)
{
    for (size_t i = 0; i < d->changes.n; i++) {
        const struct plan_change *c = &d->changes.at[i];
        buf_addf(b, "  %s%s%s ", color ? kinds[c->kind].color : "", kinds[c->kind].mark,
                 color ? "\x1b[0m" : "");
        add_one(b, c);
    }
}
