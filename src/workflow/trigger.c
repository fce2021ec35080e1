/* Triggers: what starts a workflow. Each is written as SPEC 21 shapes it; all keys, null if unset.
 */
#include "base/num.h"
#include "workflow/filter.h"
#include "workflow/workflow_int.h"
#include <strings.h>

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

/* What happens to them, as GitHub names it: types= of each trigger. */
static const char *const pull_request_types[] = {"assigned",
                                                 "unassigned",
                                                 "labeled",
                                                 "unlabeled",
                                                 "opened",
                                                 "edited",
                                                 "closed",
                                                 "reopened",
                                                 "locked",
                                                 "unlocked",
                                                 "synchronize",
                                                 "milestoned",
                                                 "enqueued",
                                                 "dequeued",
                                                 "demilestoned",
                                                 "review_requested",
                                                 "review_request_removed",
                                                 "ready_for_review",
                                                 "converted_to_draft",
                                                 "auto_merge_enabled",
                                                 "auto_merge_disabled",
                                                 NULL};
static const char *const issue_types[] = {
    "opened", "edited",   "deleted",    "transferred",  "pinned",  "unpinned",
    "closed", "reopened", "assigned",   "unassigned",   "labeled", "unlabeled",
    "locked", "unlocked", "milestoned", "demilestoned", NULL};
static const char *const release_types[] = {"published", "unpublished", "created",  "edited",
                                            "deleted",   "prereleased", "released", NULL};
static const char *const run_types[] = {"completed", "requested", "in_progress", NULL};

static const struct {
    const char *trigger;
    const char *const *types;
} known_types[] = {
    {"pull_request", pull_request_types},
    {"issues", issue_types},
    {"release", release_types},
    {"workflow_run", run_types},
};

static bool check_type(struct heap *h, const char *trigger, str word)
{
    enum { TYPES_MAX = 32 };
    str names[TYPES_MAX];
    size_t n = 0;
    for (size_t i = 0; i < sizeof known_types / sizeof *known_types; i++)
        for (const char *const *t = known_types[i].types;
             strcmp(known_types[i].trigger, trigger) == 0 && *t && n < TYPES_MAX; t++)
            names[n++] = str_of(*t);
    for (size_t i = 0; i < n; i++)
        if (str_eq(names[i], word))
            return true;
    long near = str_nearest(word, names, n);
    if (near >= 0)
        return heap_raise(h, &exc_ValueError,
                          "%s(types=): unknown type '%.*s'. Did you mean: '%.*s'?", trigger,
                          STR_ARG(word), STR_ARG(names[near]));
    auto_buf all = BUF(4096);
    for (size_t i = 0; i < n; i++)
        buf_addf(&all, "%s%.*s", i ? ", " : "", STR_ARG(names[i]));
    return heap_raise(h, &exc_ValueError, "%s(types=): unknown type '%.*s'; there are: %s", trigger,
                      STR_ARG(word), buf_c(&all));
}

static bool check_word(struct heap *h, const char *trigger, const char *key, str word)
{
    auto_err err = ERR_INIT;
    if (strcmp(key, "types") == 0)
        return check_type(h, trigger, word);
    if (strcmp(key, "workflows") == 0 || filter_check(word, &err))
        return true;
    return heap_raise(h, &exc_ValueError, "%s(%s=): %.*s", trigger, key, STR_ARG(err.message));
}

/* Exclusions alone would never let anything through. */
static bool check_some_positive(struct heap *h, const char *trigger, const char *key, const val *at,
                                uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (!str_starts(text_str(at[i]), STR("!")))
            return true;
    return n == 0 || heap_raise(h, &exc_ValueError,
                                "%s(%s=): patterns with ! only take away: write \"**\" before them",
                                trigger, key);
}

/* A list of texts, or null. */
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
    if (n > FILTER_PATTERNS_MAX)
        return heap_raise(h, &exc_ValueError, "%s(%s=) has more than %d entries", trigger, key,
                          FILTER_PATTERNS_MAX);
    json_begin_array(w);
    for (uint32_t i = 0; i < n; i++) {
        if (at[i].kind != V_STR)
            return heap_raise(h, &exc_TypeError, "%s(%s=) must be a list of texts, not of %s",
                              trigger, key, val_type_name(at[i]));
        if (!check_word(h, trigger, key, text_str(at[i])))
            return false;
        json_put_str(w, text_str(at[i]));
    }
    json_end_array(w);
    return strcmp(key, "workflows") == 0 || strcmp(key, "types") == 0 ||
           check_some_positive(h, trigger, key, at, n);
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

/* ---- cron ---- */

struct cron_field {
    const char *name;
    int low, high;
    const char *words; /* three letters each, from `low` */
};
static const struct cron_field cron_fields[] = {
    {"minute", 0, 59, NULL},
    {"hour", 0, 23, NULL},
    {"day of the month", 1, 31, NULL},
    {"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"},
    {"day of the week", 0, 7, "sunmontuewedthufrisat"},
};

/* A number or a word of the field; false where it is neither, or out of range. */
static bool cron_value(const struct cron_field *f, str s, int *ret)
{
    int64_t value;
    for (const char *w = f->words; w && *w && s.n == 3; w += 3) {
        if (strncasecmp(w, s.p, 3) == 0) {
            *ret = f->low + (int)(w - f->words) / 3;
            return true;
        }
    }
    if (!num_parse_int(s, &value) || s.p[0] == '+' || value < f->low || value > f->high)
        return false;
    *ret = (int)value;
    return true;
}

/* One of a field's parts between commas: a value, a range or a star, with an optional step. */
static bool cron_part(const struct cron_field *f, str part)
{
    size_t slash = str_find_byte(part, '/', 0);
    str range = str_sub(part, 0, slash);
    size_t dash = str_find_byte(range, '-', 0);
    int low, high;
    int64_t step;
    if (slash != SIZE_MAX && (!num_parse_int(str_sub(part, slash + 1, part.n), &step) || step < 1))
        return false;
    if (str_is(range, "*"))
        return true;
    if (!cron_value(f, str_sub(range, 0, dash), &low))
        return false;
    return dash == SIZE_MAX ||
           (cron_value(f, str_sub(range, dash + 1, range.n), &high) && low <= high);
}

/* Five fields, as crontab(5) has them. The first that is wrong in *ret_field, or NULL for a wrong
 * number of fields. */
static bool is_cron(str s, const struct cron_field **ret_field)
{
    str rest = s, field, part;
    size_t n = 0;
    *ret_field = NULL;
    while (str_next(&rest, ' ', &field)) {
        if (!field.n)
            continue;
        if (n == sizeof cron_fields / sizeof *cron_fields)
            return false;
        const struct cron_field *f = &cron_fields[n++];
        if (field.p[field.n - 1] == ',' || field.p[0] == ',') {
            *ret_field = f;
            return false;
        }
        while (str_next(&field, ',', &part)) {
            if (cron_part(f, part))
                continue;
            *ret_field = f;
            return false;
        }
    }
    return n == sizeof cron_fields / sizeof *cron_fields;
}

static const char *const schedule_keys[] = {"cron", NULL};
static bool native_schedule(struct heap *h, val *args, val *ret)
{
    const struct cron_field *wrong;
    if (args[0].kind != V_STR)
        return heap_raise(h, &exc_TypeError, "schedule() takes a text such as \"0 6 * * 1\"");
    str text = str_sub(text_str(args[0]), 0, 80);
    if (is_cron(text_str(args[0]), &wrong))
        return text_trigger(h, "schedule", "cron", args[0], ret);
    if (wrong)
        return heap_raise(h, &exc_ValueError,
                          "schedule('%.*s'): the %s must be from %d to %d, *, a range or a list",
                          STR_ARG(text), wrong->name, wrong->low, wrong->high);
    return heap_raise(
        h, &exc_ValueError,
        "schedule('%.*s'): five fields are wanted (minute hour day month weekday, in UTC)",
        STR_ARG(text));
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
