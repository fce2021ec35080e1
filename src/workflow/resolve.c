#include "workflow/resolve.h"
#include "workflow/namespace.h"
#include "json/writer.h"
#include <stdio.h>

enum { RESOLVE_DEPTH_MAX = 100 };

/* One expression's evaluation: a machine of its own with a million instructions. */
struct resolving {
    const struct resolve_scope *scope;
    struct vm *vm;
    struct err *err;
};

static struct resolving *resolving_of(struct heap *h)
{
    return h->host;
}

/* ---- the names of an expression: steps, secrets, untrusted, raw, hash_files ---- */

/* What a step never had: the same exception as while planning. */
static bool missing_result(struct heap *h, struct namespace_value *n, str name, val *ret)
{
    val outcome = dict_get_str(n->fields.dict, STR("outcome")),
        id = dict_get_str(n->fields.dict, STR(" id"));
    bool skipped = outcome.kind == V_STR && str_is(text_str(outcome), "skipped");
    (void)ret;
    heap_raise(h, &exc_StepFailed, "step '%.*s' %s%.*s, so it has no %.*s", STR_ARG(text_str(id)),
               skipped ? "was " : "",
               STR_ARG(outcome.kind == V_STR ? text_str(outcome) : STR("failed")), STR_ARG(name));
    return false;
}

static bool step_result(struct heap *h, str id, val *ret)
{
    struct resolving *r = resolving_of(h);
    str json;
    val record, name;
    if (!r->scope->result(r->scope->data, id, &json))
        return heap_refuse(h, "result_missing", NULL, "step '%.*s' has no result yet", STR_ARG(id));
    if (!result_record(h, json, &record) || !text_new(h, id, &name) ||
        !dict_set_str(h, record.dict, STR(" id"), name) ||
        !namespace_new(h, "a step", record, NULL, ret))
        return false;
    ((struct namespace_value *)ret->object)->lazy = missing_result;
    return true;
}

static bool steps_getattr(struct heap *h, struct object *o, str name, val *ret)
{
    (void)o;
    return step_result(h, name, ret);
}

static bool steps_getitem(struct heap *h, struct object *o, val key, val *ret)
{
    (void)o;
    if (key.kind != V_STR)
        return heap_raise(h, &exc_TypeError, "steps[...] takes an id, not %s", val_type_name(key));
    return step_result(h, text_str(key), ret);
}

static bool secrets_getattr(struct heap *h, struct object *o, str name, val *ret)
{
    struct resolving *r = resolving_of(h);
    str value;
    (void)o;
    if (!r->scope->secret || !r->scope->secret(r->scope->data, name, &value)) {
        char hint[400];
        int n = (int)(name.n < 100 ? name.n : 100);
        snprintf(hint, sizeof hint,
                 "`plue secret set %.*s` keeps one; or set PLUE_SECRET_%.*s in the environment, or "
                 "write it to a file for --secret-file",
                 n, name.p, n, name.p);
        return heap_refuse(h, "secret_missing", hint, "there is no secret named '%.*s'",
                           STR_ARG(name));
    }
    return text_new(h, value, ret);
}

static const struct obj_class class_steps = {
    .type = {.name = "steps", .kind = V_OBJECT},
    .getattr = steps_getattr,
    .getitem = steps_getitem,
};
static const struct obj_class class_secret_names = {
    .type = {.name = "secrets", .kind = V_OBJECT},
    .getattr = secrets_getattr,
};

static bool native_untrusted(struct heap *h, val *args, val *ret)
{
    return text_set_trust(h, args[0], false, ret);
}

static bool native_raw(struct heap *h, val *args, val *ret)
{
    val text = args[0];
    if (text.kind != V_STR && !val_str(h, text, &text))
        return false;
    return text_set_trust(h, text, true, ret);
}

static bool native_hash_files(struct heap *h, val *args, val *ret)
{
    struct resolving *r = resolving_of(h);
    const struct tuple_obj *patterns = args[0].tuple;
    auto_buf hash = BUF(256);
    auto_err err = ERR_INIT;
    if (!r->scope->hash_files)
        return heap_refuse(h, "not_built", NULL, "hash_files has no executor in this version");
    auto_free str *texts = mem_realloc_array(NULL, patterns->n, sizeof *texts);
    for (uint32_t i = 0; i < patterns->n; i++)
        texts[i] = text_str(patterns->at[i]);
    if (!r->scope->hash_files(r->scope->data, texts, patterns->n, &hash, &err))
        return heap_refuse(h, "hash_files_failed", NULL, "hash_files: %.*s", STR_ARG(err.message));
    return text_new(h, buf_str(&hash), ret);
}

static const struct native_def expression_natives[] = {
    {.name = "untrusted", .fn = native_untrusted, .min = 1, .max = 1, .positional_only = 1},
    {.name = "raw", .fn = native_raw, .min = 1, .max = 1, .positional_only = 1},
    {.name = "hash_files", .fn = native_hash_files, .flags = NATIVE_VARARGS},
    {0},
};

static bool plain_object(struct heap *h, const struct obj_class *class, val *ret)
{
    struct object *o = heap_new(h, V_OBJECT, sizeof *o);
    if (!o)
        return false;
    o->class = class;
    *ret = val_obj(V_OBJECT, o);
    return true;
}

static bool expression_global(void *data, struct vm *vm, str name, val *ret)
{
    (void)data;
    *ret = VAL_UNBOUND;
    if (str_is(name, "steps"))
        return plain_object(vm_heap(vm), &class_steps, ret);
    if (str_is(name, "secrets"))
        return plain_object(vm_heap(vm), &class_secret_names, ret);
    const struct native_def *def = find_native(expression_natives, name);
    if (def)
        *ret = val_native(def);
    return true;
}

/* ---- one expression ---- */

static void name_error(struct resolving *r, str text)
{
    val exception = vm_exception(r->vm);
    bool failed_step = exception.kind == V_EXC && exception.exc->type == &exc_StepFailed;
    struct err *e = vm_error(r->vm);
    if (exception.kind == V_EXC)
        err_set(r->err, failed_step ? "step_failed" : "value_error",
                "%.*s, in the deferred value %.*s", STR_ARG(e->message),
                STR_ARG(str_sub(text, 0, 200)));
    else
        err_move(r->err, e);
}

static bool evaluate_text(struct resolving *r, str text, val *ret)
{
    struct vm_host host = {.data = r, .global = expression_global};
    struct heap_limits limits = heap_default_limits;
    struct err_list errors = {.max = 1};

    limits.instructions = EXPR_INSTRUCTIONS;
    r->vm = vm_new(&limits, &host);
    vm_heap(r->vm)->host = r;
    uint32_t source = sources_add(vm_sources(r->vm), STR("deferred value"), text, POS_NONE);
    struct vm_code *code = vm_compile_expr(r->vm, source, &errors);
    bool ok = code && vm_run(r->vm, code) == VM_DONE;
    if (ok)
        *ret = vm_result(r->vm);
    else if (!code)
        err_move(r->err, &errors.at[0]);
    else
        name_error(r, text);
    err_list_done(&errors);
    return ok;
}

/* Moves the fault of a write into the error. */
static bool take_fault(struct resolving *r)
{
    struct fault *f = &vm_heap(r->vm)->fault;
    if (f->kind == FAULT_EXCEPTION)
        return err_set(r->err, "value_error", "a deferred value cannot be written as JSON");
    err_move(r->err, &f->err);
    return false;
}

static bool write_resolved(struct resolving *r, struct json_writer *w, str text)
{
    val v;
    bool ok = evaluate_text(r, text, &v);
    if (ok && !write_value(vm_heap(r->vm), w, v, "deferred value", 0))
        ok = take_fault(r);
    vm_free(r->vm);
    return ok;
}

/* ---- JSON with expressions in it ---- */

static bool resolve_node(struct resolving *r, json_t *j, struct json_writer *w, int depth);

static bool resolve_members(struct resolving *r, json_t *j, struct json_writer *w, int depth)
{
    const char *key;
    json_t *item;
    json_begin_object(w);
    json_object_foreach(j, key, item)
    {
        json_key(w, str_of(key));
        if (!resolve_node(r, item, w, depth + 1))
            return false;
    }
    json_end_object(w);
    return true;
}

static bool resolve_object(struct resolving *r, json_t *j, struct json_writer *w, int depth)
{
    json_t *expr = json_object_get(j, "$expr"), *literal = json_object_get(j, "$literal");
    if (json_object_size(j) == 1 && json_is_string(expr))
        return write_resolved(r, w, str_make(json_string_value(expr), json_string_length(expr)));
    if (json_object_size(j) == 1 && json_is_object(literal))
        return resolve_members(r, literal, w, depth);
    return resolve_members(r, j, w, depth);
}

static bool resolve_node(struct resolving *r, json_t *j, struct json_writer *w, int depth)
{
    if (depth > RESOLVE_DEPTH_MAX)
        return err_set(r->err, "nested_too_deep", "a config is nested more than %d levels deep",
                       RESOLVE_DEPTH_MAX);
    switch (json_typeof(j)) {
    case JSON_OBJECT:
        return resolve_object(r, j, w, depth);
    case JSON_ARRAY:
        json_begin_array(w);
        for (size_t i = 0; i < json_array_size(j); i++)
            if (!resolve_node(r, json_array_get(j, i), w, depth + 1))
                return false;
        json_end_array(w);
        return true;
    case JSON_STRING:
        json_put_str(w, str_make(json_string_value(j), json_string_length(j)));
        return true;
    case JSON_INTEGER:
        json_put_int(w, json_integer_value(j));
        return true;
    case JSON_REAL:
        json_put_double(w, json_real_value(j));
        return true;
    case JSON_NULL:
        json_put_null(w);
        return true;
    default:
        json_put_bool(w, json_is_true(j));
        return true;
    }
}

static json_t *load(str text, struct err *err)
{
    json_error_t e;
    json_t *j = json_loadb(text.p, text.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, &e);
    if (!j)
        err_set(err, "invalid_json", "a step's config is not JSON: %s", e.text);
    return j;
}

static bool resolve_into(const struct resolve_scope *scope, json_t *config, struct buf *ret,
                         struct err *err)
{
    struct resolving r = {.scope = scope, .err = err};
    struct json_writer w = JSON_WRITER(ret, false);
    bool ok = resolve_node(&r, config, &w, 0);
    if (ok && ret->overflow)
        return err_set(err, "config_too_large", "the step's arguments are larger than %zu bytes",
                       ret->max);
    return ok;
}

bool resolve_json(const struct resolve_scope *scope, str config, struct buf *ret, struct err *err)
{
    json_t *j = load(config, err);
    bool ok = j && resolve_into(scope, j, ret, err);
    json_decref(j);
    return ok;
}

/* Anything but what it says by itself; what is nested too deep is looked at by resolve_node. */
static bool is_deferred(json_t *j, int depth)
{
    const char *key;
    json_t *item;
    if (depth > RESOLVE_DEPTH_MAX)
        return true;
    for (size_t i = 0; i < json_array_size(j); i++)
        if (is_deferred(json_array_get(j, i), depth + 1))
            return true;
    json_object_foreach(j, key, item)
    {
        if (key[0] == '$' || is_deferred(item, depth + 1))
            return true;
    }
    return false;
}

bool resolve_tree(const struct resolve_scope *scope, json_t *config, size_t max, json_t **ret,
                  struct err *err)
{
    auto_buf text = BUF(max);
    if (!is_deferred(config, 0)) {
        *ret = config;
        return true;
    }
    bool ok = resolve_into(scope, config, &text, err);
    json_decref(config);
    *ret = ok ? load(buf_str(&text), err) : NULL;
    return *ret != NULL;
}

/* ---- commands ---- */

static bool quote(struct resolving *r, val v, enum shell_dialect dialect, struct buf *ret)
{
    struct shell_problem problem = {0};
    struct heap *h = vm_heap(r->vm);
    val text = v;
    if (v.kind != V_STR && !val_str(h, v, &text))
        return take_fault(r);
    const struct taint *t = text.s->taint;
    uint32_t n = 0, holes = t ? t->n : 0;
    auto_free struct shell_part *parts = mem_zalloc(sizeof *parts * (2 * (size_t)holes + 1));
    size_t at = 0;
    for (uint32_t i = 0; i < holes; i++) {
        if (t->at[i][0] > at)
            parts[n++] = (struct shell_part){.text = str_sub(text_str(text), at, t->at[i][0])};
        parts[n++] = (struct shell_part){.text = str_sub(text_str(text), t->at[i][0], t->at[i][1]),
                                         .untrusted = true};
        at = t->at[i][1];
    }
    if (at < text.s->n)
        parts[n++] = (struct shell_part){.text = str_sub(text_str(text), at, text.s->n)};
    if (shell_quote(dialect, parts, n, ret, &problem))
        return true;
    err_set(r->err, "unsafe_command", "cmd: %s", problem.message);
    err_hint(r->err, "%s", problem.hint);
    return false;
}

bool resolve_command(const struct resolve_scope *scope, json_t *config, enum shell_dialect dialect,
                     struct buf *ret, struct err *err)
{
    struct resolving r = {.scope = scope, .err = err};
    json_t *cmd = json_object_get(config, "cmd"), *expr = json_object_get(cmd, "$expr");
    bool ok = false;
    if (json_is_string(cmd)) {
        buf_add(ret, json_string_value(cmd), json_string_length(cmd));
        ok = true;
    } else if (json_is_string(expr)) {
        val v;
        ok = evaluate_text(&r, str_make(json_string_value(expr), json_string_length(expr)), &v) &&
             quote(&r, v, dialect, ret);
        vm_free(r.vm);
    } else {
        err_set(err, "invalid_json", "a shell step's config has no cmd");
    }
    if (ok && ret->overflow)
        return err_set(err, "config_too_large", "cmd is larger than %zu bytes", ret->max);
    return ok;
}
