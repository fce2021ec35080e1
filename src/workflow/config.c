/* Values as the JSON of a step's config. Literal text is never read as an expression again. */
#include "base/num.h"
#include "workflow/deferred.h"
#include "workflow/namespace.h"
#include <math.h>

static bool write_items(struct heap *h, struct json_writer *w, const val *at, uint32_t n,
                        const char *what, int flags)
{
    json_begin_array(w);
    for (uint32_t i = 0; i < n; i++)
        if (!write_value(h, w, at[i], what, flags))
            return false;
    json_end_array(w);
    return true;
}

static bool write_dict(struct heap *h, struct json_writer *w, struct dict_obj *d, const char *what,
                       int flags)
{
    uint32_t at = 0;
    bool looks_special = !val_is_unbound(dict_get_str(d, STR("$expr"))) ||
                         !val_is_unbound(dict_get_str(d, STR("$literal")));
    if (looks_special) {
        json_begin_object(w);
        json_key_c(w, "$literal");
    }
    json_begin_object(w);
    for (struct dict_entry *e; (e = dict_next(d, &at));) {
        if (e->key.kind != V_STR)
            return heap_raise(h, &exc_TypeError, "%s: keys must be texts, not %s", what,
                              val_type_name(e->key));
        json_key(w, text_str(e->key));
        if (!write_value(h, w, e->value, what, flags))
            return false;
    }
    json_end_object(w);
    if (looks_special)
        json_end_object(w);
    return true;
}

static bool write_expr(struct heap *h, struct json_writer *w, val v, const char *what, int flags)
{
    if (deferred_of(v)->secret && !(flags & JSON_ALLOW_SECRETS))
        return heap_refuse(
            h, "secret_misused", "pass it in env= and use it there as $NAME",
            "%s: a secret may only stand in a step's env or in an action's secret input", what);
    auto_buf text = BUF(EXPR_TEXT_MAX * 2);
    if (!deferred_add_text(h, &text, v))
        return false;
    json_begin_object(w);
    json_key_c(w, "$expr");
    json_put_str(w, buf_str(&text));
    json_end_object(w);
    return true;
}

static bool write_object(struct heap *h, struct json_writer *w, val v, const char *what, int flags)
{
    if (is_deferred(v))
        return write_expr(h, w, v, what, flags);
    if (v.object->class == &class_option)
        return write_value(h, w, ((struct option_value *)v.object)->fields, what, flags);
    if (v.object->class == &class_namespace)
        return write_value(h, w, ((struct namespace_value *)v.object)->fields, what, flags);
    if (v.object->class == &class_handle)
        return heap_raise(h, &exc_TypeError,
                          "%s: a step is not a value: use one of its results, as .stdout", what);
    return heap_raise(h, &exc_TypeError, "%s: a value of type %s cannot stand in a plan", what,
                      val_type_name(v));
}

static bool write_inside(struct heap *h, struct json_writer *w, val v, const char *what, int flags)
{
    switch (v.kind) {
    case V_NONE:
        json_put_null(w);
        return true;
    case V_BOOL:
        json_put_bool(w, v.i != 0);
        return true;
    case V_INT:
        json_put_int(w, v.i);
        return true;
    case V_FLOAT:
        if (!isfinite(v.f))
            return heap_raise(h, &exc_ValueError, "%s: nan and infinities cannot stand in a plan",
                              what);
        json_put_double(w, v.f);
        return true;
    case V_STR:
        json_put_str(w, text_str(v));
        return true;
    case V_LIST:
        return write_items(h, w, v.list->at, v.list->n, what, flags);
    case V_TUPLE:
        return write_items(h, w, v.tuple->at, v.tuple->n, what, flags);
    case V_DICT:
        return write_dict(h, w, v.dict, what, flags);
    case V_OBJECT:
        return write_object(h, w, v, what, flags);
    case V_SET:
    case V_FROZENSET:
        return heap_raise(h, &exc_TypeError, "%s: a set has no order: use sorted(...)", what);
    default:
        return heap_raise(h, &exc_TypeError, "%s: a value of type %s cannot stand in a plan", what,
                          val_type_name(v));
    }
}

bool write_value(struct heap *h, struct json_writer *w, val v, const char *what, int flags)
{
    if (w->out->overflow)
        return heap_limit(h, "config_too_large", "%s: the step's arguments are larger than %d MiB",
                          what, CONFIG_MAX >> 20);
    if (!heap_charge(h, 1) || !heap_enter(h))
        return false;
    bool ok = write_inside(h, w, v, what, flags);
    heap_leave(h);
    return ok;
}

bool write_field(struct heap *h, struct json_writer *w, const char *key, val v, const char *what,
                 int flags)
{
    json_key_c(w, key);
    return write_value(h, w, val_is_unbound(v) ? VAL_NONE : v, what, flags);
}

/* ---- commands ---- */

static enum shell_dialect dialect_of(str shell)
{
    return str_is(shell, "python3") ? SHELL_PYTHON3 : str_is(shell, "sh") ? SHELL_SH : SHELL_BASH;
}

static bool refuse_command(struct heap *h, const struct shell_problem *p)
{
    return heap_refuse(h, p->code, p->hint, "cmd: %s", p->message);
}

/* Warnings for lint: what is safe from becoming code and still unwise. */
static void warn_of_command(struct heap *h, const struct shell_parts *parts,
                            enum shell_dialect dialect)
{
    struct evaluation *e = evaluation_of(h);
    auto_shell_warnings found = {0};
    shell_lint(dialect, parts->at, parts->n, &found);
    for (size_t i = 0; i < found.n; i++) {
        struct err *w = err_list_add(&e->warnings);
        err_at(w, found.at[i].code, vm_here(e->vm), "cmd: %s", found.at[i].message);
        err_hint(w, "%s", found.at[i].hint);
    }
}

static bool write_known_command(struct heap *h, struct json_writer *w,
                                const struct shell_parts *parts, enum shell_dialect dialect)
{
    struct shell_problem problem = {0};
    auto_buf out = BUF(CONFIG_MAX);
    if (!shell_quote(dialect, parts->at, parts->n, &out, &problem))
        return refuse_command(h, &problem);
    if (out.overflow)
        return heap_limit(h, "config_too_large", "cmd is larger than %d MiB", CONFIG_MAX >> 20);
    json_put_str(w, buf_str(&out));
    return true;
}

bool write_command(struct heap *h, struct json_writer *w, val cmd, str shell)
{
    struct shell_problem problem = {0};
    cleanup(shell_parts_done) struct shell_parts parts = {0};

    if (cmd.kind != V_STR && !is_deferred(cmd))
        return heap_raise(h, &exc_TypeError, "ctx.run(cmd=) must be a text, not %s",
                          val_type_name(cmd));
    json_key_c(w, "cmd");
    if (cmd.kind == V_STR && text_is_trusted(cmd)) {
        json_put_str(w, text_str(cmd));
        return true;
    }
    if (!shell_parts_of(h, cmd, &parts))
        return false;
    warn_of_command(h, &parts, dialect_of(shell));
    if (cmd.kind == V_STR)
        return write_known_command(h, w, &parts, dialect_of(shell));
    if (!deferred_of(cmd)->secret && !shell_check(dialect_of(shell), parts.at, parts.n, &problem))
        return refuse_command(h, &problem);
    return write_expr(h, w, cmd, "ctx.run(cmd=)", 0);
}

/* ---- durations ---- */

bool parse_duration(struct heap *h, val v, const char *what, int64_t *ret_ms)
{
    int64_t ms = -1;
    if (v.kind == V_INT && v.i <= INT64_MAX / 1000)
        ms = v.i * 1000;
    else if (v.kind == V_FLOAT && v.f >= 0 && v.f < 1e12)
        ms = (int64_t)(v.f * 1000);
    else if (v.kind == V_STR && !num_parse_duration(text_str(v), &ms))
        ms = -1;
    if (ms <= 0)
        return heap_raise(
            h, &exc_ValueError,
            "%s must be a positive number of seconds or a text such as \"90s\" or \"1h30m\"", what);
    *ret_ms = ms;
    return true;
}
