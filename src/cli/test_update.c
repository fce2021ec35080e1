/* --update: what was planned written over what was expected, by replacing byte ranges of the file,
 * so that comments and layout stay. */
#include "cli/test_check.h"
#include "json/json.h"

struct edit {
    size_t from, to;
    str text; /* in the file's arena */
};
struct updating {
    struct test_file *file;
    str text;
    VEC(struct edit) edits;
};

/* ---- flow text ---- */

static bool is_plain(str s)
{
    static const char *const words[] = {"null", "true", "false", "Null", "NULL",
                                        "True", "TRUE", "False", "FALSE"};
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool inner = (c >= '0' && c <= '9') || strchr("-_./ ", c);
        if (!letter && !(i && inner))
            return false;
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (str_is(s, words[i]))
            return false;
    return s.n && s.p[s.n - 1] != ' ';
}

static void add_text(struct buf *b, str s)
{
    if (is_plain(s))
        buf_add_str(b, s);
    else
        json_add_quoted(b, s);
}

static void add_value(struct buf *b, const json_t *j)
{
    const char *key, *comma = "";
    json_t *item;
    if (json_is_object(j)) {
        buf_add_byte(b, '{');
        json_object_foreach((json_t *)j, key, item)
        {
            buf_add_c(b, comma);
            add_text(b, str_of(key));
            buf_add_c(b, ": ");
            add_value(b, item);
            comma = ", ";
        }
        buf_add_byte(b, '}');
    } else if (json_is_array(j)) {
        buf_add_byte(b, '[');
        for (size_t i = 0; i < json_array_size(j); i++) {
            buf_add_c(b, i ? ", " : "");
            add_value(b, json_array_get(j, i));
        }
        buf_add_byte(b, ']');
    } else if (json_is_string(j)) {
        add_text(b, json_text_of(j));
    } else {
        struct json_writer w = JSON_WRITER(b, false);
        json_put(&w, j);
    }
}

static void add_json(struct buf *b, str json)
{
    json_t *j = json_loadb(json.p, json.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    add_value(b, j);
    json_decref(j);
}

static void add_steps(struct buf *b, const struct plan *p)
{
    buf_add_byte(b, '[');
    for (uint32_t i = 0; i < p->step_count; i++)
        buf_addf(b, "%s%.*s", i ? ", " : "", STR_ARG(p->steps[i].id));
    buf_add_byte(b, ']');
}

static void add_awaits(struct buf *b, const struct plan *p)
{
    uint32_t n = p->end == PLAN_OPEN ? p->await_count : 0;
    buf_add_byte(b, '[');
    for (uint32_t i = 0; i < n; i++)
        buf_addf(b, "%s%.*s", i ? ", " : "", STR_ARG(p->steps[p->await_steps[i]].id));
    buf_add_byte(b, ']');
}

static void add_result(struct buf *b, const struct test_played *p)
{
    str outputs = p->resolved_outputs, reason = p->resolved_reason;
    buf_addf(b, "{status: %s", p->plan->end == PLAN_FAIL ? "fail" : "success");
    if (reason.n) {
        buf_add_c(b, ", reason: ");
        add_json(b, reason);
    }
    if (outputs.n && !str_eq(outputs, STR("{}"))) {
        buf_add_c(b, ", outputs: ");
        add_json(b, outputs);
    }
    buf_add_byte(b, '}');
}

/* ---- edits ---- */

static size_t end_of(const struct yaml_node *n)
{
    if (n->kind == YAML_SCALAR || n->flow || !n->n)
        return n->at.offset + (yaml_is_null(n) && !n->text.n ? 0 : n->at.length);
    return end_of(n->items[n->n - 1]);
}

static void replace(struct updating *u, const struct yaml_node *n, const struct buf *b)
{
    size_t from = n->at.offset, to = end_of(n);
    if (str_eq(str_sub(u->text, from, to), buf_str(b)))
        return;
    vec_push(&u->edits, (struct edit){from, to, arena_str(&u->file->arena, buf_str(b))});
}

/* Only the keys that it has. */
static void update_result(struct updating *u, const struct yaml_node *result,
                          const struct test_played *p)
{
    const struct yaml_node *old;
    auto_buf b = BUF(BUF_TEXT_MAX);
    if ((old = yaml_get(result, "status"))) {
        buf_add_c(&b, p->plan->end == PLAN_FAIL ? "fail" : "success");
        replace(u, old, &b);
    }
    if ((old = yaml_get(result, "reason"))) {
        buf_reset(&b);
        add_json(&b, p->resolved_reason.n ? p->resolved_reason : STR("null"));
        replace(u, old, &b);
    }
    if ((old = yaml_get(result, "outputs"))) {
        buf_reset(&b);
        add_json(&b, p->resolved_outputs.n ? p->resolved_outputs : STR("{}"));
        replace(u, old, &b);
    }
}

static void update_expect(struct updating *u, const struct yaml_node *x,
                          const struct test_played *p)
{
    const struct yaml_node *old;
    auto_buf b = BUF(BUF_TEXT_MAX);
    bool ended = p->plan->end == PLAN_SUCCESS || p->plan->end == PLAN_FAIL;
    if ((old = yaml_get(x, "steps"))) {
        add_steps(&b, p->plan);
        replace(u, old, &b);
    }
    if ((old = yaml_get(x, "awaits"))) {
        buf_reset(&b);
        add_awaits(&b, p->plan);
        replace(u, old, &b);
    }
    if (ended && yaml_get(x, "result"))
        update_result(u, yaml_get(x, "result"), p);
    if ((old = yaml_get(x, "run")) && p->end != REHEARSAL_STOPPED) {
        buf_reset(&b);
        buf_add_c(&b, run_status_name(rehearsal_run_status(p->rehearsal)));
        replace(u, old, &b);
    }
    if ((old = yaml_get(x, "error")) && p->plan->end == PLAN_ERROR && old->kind == YAML_SCALAR) {
        buf_reset(&b);
        add_text(&b, evaluation_error(p->found.evaluation)->message);
        replace(u, old, &b);
    }
}

static size_t column_of(str text, size_t at)
{
    size_t line = at;
    while (line && text.p[line - 1] != '\n')
        line--;
    return at - line;
}

/* Behind the last line of the case. */
static void add_expect(struct updating *u, const struct test_case *c, const struct test_played *p)
{
    size_t column = column_of(u->text, c->node->keys[0]->at.offset);
    size_t at = str_find_byte(u->text, '\n', end_of(c->node));
    const struct yaml_node *old = yaml_get(c->node, "expect");
    auto_buf b = BUF(BUF_TEXT_MAX);
    if (c->node->flow)
        return; /* no line of its own to write to */
    buf_add_byte(&b, '\n');
    if (!old) {
        buf_add_repeat(&b, ' ', column);
        buf_add_c(&b, "expect:\n");
    }
    buf_add_repeat(&b, ' ', column + 2);
    buf_add_c(&b, "steps: ");
    add_steps(&b, p->plan);
    buf_add_byte(&b, '\n');
    buf_add_repeat(&b, ' ', column + 2);
    if (p->plan->end == PLAN_OPEN) {
        buf_add_c(&b, "awaits: ");
        add_awaits(&b, p->plan);
    } else if (p->plan->end == PLAN_ERROR) {
        buf_add_c(&b, "error: ");
        add_text(&b, evaluation_error(p->found.evaluation)->message);
    } else {
        buf_add_c(&b, "result: ");
        add_result(&b, p);
    }
    at = at == SIZE_MAX ? u->text.n : at;
    vec_push(&u->edits, (struct edit){at, at, arena_str(&u->file->arena, buf_str(&b))});
}

static int by_offset(const void *a, const void *b)
{
    const struct edit *x = a, *y = b;
    return x->from < y->from ? -1 : x->from > y->from;
}

bool test_update(struct test_file *t, const struct test_played *played, struct buf *ret)
{
    struct updating u = {.file = t};
    size_t at = 0;
    if (!t->sources.n)
        return false;
    u.text = sources_get(&t->sources, 1)->text;
    for (size_t i = 0; i < t->cases.n; i++) {
        const struct test_case *c = &t->cases.at[i];
        if (!played[i].plan)
            continue;
        if (c->expect)
            update_expect(&u, c->expect, &played[i]);
        else
            add_expect(&u, c, &played[i]);
    }
    if (u.edits.n)
        qsort(u.edits.at, u.edits.n, sizeof *u.edits.at, by_offset);
    vec_each (e, &u.edits) {
        buf_add_str(ret, str_sub(u.text, at, e->from));
        buf_add_str(ret, e->text);
        at = e->to;
    }
    buf_add_str(ret, str_sub(u.text, at, u.text.n));
    bool changed = u.edits.n > 0;
    vec_done(&u.edits);
    return changed;
}
