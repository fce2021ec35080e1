/* Triggers: what starts a workflow. Each is written as SPEC 21 shapes it; all keys, null if unset.
 */
#include "workflow/workflow_int.h"

static bool trigger_new(struct heap *h, const char *type, struct buf *json,
                        const struct type *inputs, val *ret)
{
    struct evaluation *e = evaluation_of(h);
    struct trigger_value *t = heap_new(h, V_OBJECT, sizeof *t);
    if (!t)
        return false;
    t->o.class = &class_trigger;
    t->type = str_of(type);
    t->json = arena_str(&e->arena, buf_str(json));
    t->inputs = inputs;
    *ret = val_obj(V_OBJECT, t);
    return true;
}

static bool trigger_repr(struct heap *h, struct object *o, val *ret)
{
    return text_printf(h, ret, "<trigger %.*s>", STR_ARG(((struct trigger_value *)o)->type));
}

const struct obj_class class_trigger = {
    .type = {.name = "trigger", .kind = V_OBJECT},
    .repr = trigger_repr,
};

/* A list of texts, or null; a single text counts as a list of one. */
static bool write_words(struct heap *h, struct json_writer *w, const char *trigger, const char *key,
                        val v)
{
    json_key_c(w, key);
    if (val_is_unbound(v) || v.kind == V_NONE) {
        json_put_null(w);
        return true;
    }
    if (v.kind != V_LIST && v.kind != V_TUPLE)
        return heap_raise(h, &exc_TypeError, "%s(%s=) must be a list of texts, not %s", trigger,
                          key, val_type_name(v));
    const val *at = v.kind == V_LIST ? v.list->at : v.tuple->at;
    uint32_t n = v.kind == V_LIST ? v.list->n : v.tuple->n;
    json_begin_array(w);
    for (uint32_t i = 0; i < n; i++) {
        if (at[i].kind != V_STR)
            return heap_raise(h, &exc_TypeError, "%s(%s=) must be a list of texts, not of %s",
                              trigger, key, val_type_name(at[i]));
        json_put_str(w, text_str(at[i]));
    }
    json_end_array(w);
    return true;
}

static bool word_trigger(struct heap *h, const char *type, const char *const *keys, val *args,
                         val *ret)
{
    auto_buf b = BUF(CONFIG_MAX);
    struct json_writer w = JSON_WRITER(&b, false);
    json_begin_object(&w);
    json_key_c(&w, "type");
    json_put_c(&w, type);
    for (uint32_t i = 0; keys[i]; i++)
        if (!write_words(h, &w, type, keys[i], args[i]))
            return false;
    json_end_object(&w);
    return trigger_new(h, type, &b, NULL, ret);
}

static bool text_trigger(struct heap *h, const char *type, const char *key, val v, val *ret)
{
    auto_buf b = BUF(CONFIG_MAX);
    struct json_writer w = JSON_WRITER(&b, false);
    if (!val_is_unbound(v) && v.kind != V_NONE && v.kind != V_STR)
        return heap_raise(h, &exc_TypeError, "%s(%s=) must be a text, not %s", type, key,
                          val_type_name(v));
    json_begin_object(&w);
    json_key_c(&w, "type");
    json_put_c(&w, type);
    json_key_c(&w, key);
    if (v.kind == V_STR)
        json_put_str(&w, text_str(v));
    else
        json_put_null(&w);
    json_end_object(&w);
    return trigger_new(h, type, &b, NULL, ret);
}

/* NAME(keys...): a trigger of lists of texts. */
#define WORD_TRIGGER(name, ...)                                    \
    static const char *const name##_keys[] = {__VA_ARGS__, NULL};  \
    static bool native_##name(struct heap *h, val *args, val *ret) \
    {                                                              \
        return word_trigger(h, #name, name##_keys, args, ret);     \
    }
WORD_TRIGGER(push, "branches", "tags", "paths")
WORD_TRIGGER(pull_request, "types", "branches", "paths")
WORD_TRIGGER(issues, "types")
WORD_TRIGGER(release, "types")
WORD_TRIGGER(workflow_run, "workflows", "types")

static const char *const issue_comment_keys[] = {"contains", NULL};
static bool native_issue_comment(struct heap *h, val *args, val *ret)
{
    return text_trigger(h, "issue_comment", "contains", args[0], ret);
}

/* Five fields, in digits, names, `*`, `,`, `-` and `/`; registry/ computes times from it. */
static bool is_cron(str s)
{
    uint32_t fields = 0;
    str rest = s, field;
    while (str_next(&rest, ' ', &field)) {
        if (!field.n)
            continue;
        fields++;
        for (size_t i = 0; i < field.n; i++) {
            char c = field.p[i];
            bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
            if (!letter && !(c >= '0' && c <= '9') && !strchr("*,-/", c))
                return false;
        }
    }
    return fields == 5;
}

static const char *const schedule_keys[] = {"cron", NULL};
static bool native_schedule(struct heap *h, val *args, val *ret)
{
    if (args[0].kind == V_STR && !is_cron(text_str(args[0])))
        return heap_raise(
            h, &exc_ValueError,
            "schedule() takes a cron expression of five fields (minute hour day month weekday, UTC), "
            "not '%.*s'",
            STR_ARG(str_sub(text_str(args[0]), 0, 80)));
    if (args[0].kind != V_STR)
        return heap_raise(h, &exc_TypeError, "schedule() takes a text such as \"0 6 * * 1\"");
    return text_trigger(h, "schedule", "cron", args[0], ret);
}

static const char *const manual_keys[] = {"inputs", NULL};
static bool native_manual(struct heap *h, val *args, val *ret)
{
    const struct type *inputs = NULL;
    auto_buf b = BUF(CONFIG_MAX);
    struct json_writer w = JSON_WRITER(&b, false);

    if (args[0].kind == V_DICT) {
        val type;
        if (!typed_object(h, args[0], "manual(inputs=)", &type))
            return false;
        inputs = ((struct type_value *)type.object)->type;
    } else if (!val_is_unbound(args[0]) && args[0].kind != V_NONE) {
        return heap_raise(h, &exc_TypeError,
                          "manual(inputs=) must be a dict of names and types, not %s",
                          val_type_name(args[0]));
    }
    json_begin_object(&w);
    json_key_c(&w, "type");
    json_put_c(&w, "manual");
    json_key_c(&w, "inputs");
    if (inputs)
        type_write_json_schema(&w, inputs);
    else
        json_put_null(&w);
    json_end_object(&w);
    return trigger_new(h, "manual", &b, inputs, ret);
}

#define ROW(trigger, count, first, text)                                                        \
    {                                                                                           \
        .name = #trigger, .fn = native_##trigger, .min = first, .max = count,                   \
        .names = trigger##_keys, .signature = text, .doc = "Starts the workflow on this event." \
    }
const struct native_def trigger_natives[] = {
    ROW(push, 3, 0, "(branches=None, tags=None, paths=None)"),
    ROW(pull_request, 3, 0, "(types=None, branches=None, paths=None)"),
    ROW(issue_comment, 1, 0, "(contains=None)"),
    ROW(issues, 1, 0, "(types=None)"),
    ROW(release, 1, 0, "(types=None)"),
    ROW(schedule, 1, 1, "(cron)"),
    ROW(manual, 1, 0, "(inputs=None)"),
    ROW(workflow_run, 2, 0, "(workflows=None, types=None)"),
    {0},
};
