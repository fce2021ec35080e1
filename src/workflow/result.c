/* JSON that comes from outside (events, inputs, results) as values: strings untrusted, objects
 * records. */
#include "workflow/workflow_int.h"

static bool of_json(struct heap *h, json_t *j, bool untrusted, val *ret);

static bool of_array(struct heap *h, json_t *j, bool untrusted, val *ret)
{
    uint32_t n = (uint32_t)json_array_size(j);
    if (!list_new(h, n, ret))
        return false;
    for (uint32_t i = 0; i < n; i++) {
        val item;
        if (!of_json(h, json_array_get(j, i), untrusted, &item) || !list_push(h, ret->list, item))
            return false;
    }
    return true;
}

static bool of_object(struct heap *h, json_t *j, bool untrusted, val *ret)
{
    const char *key;
    json_t *item;
    if (!dict_new(h, (uint32_t)json_object_size(j), ret))
        return false;
    json_object_foreach(j, key, item)
    {
        val v;
        if (!of_json(h, item, untrusted, &v) || !dict_set_str(h, ret->dict, str_of(key), v))
            return false;
    }
    ret->dict->h.flags |= OBJ_RECORD;
    return true;
}

static bool of_json(struct heap *h, json_t *j, bool untrusted, val *ret)
{
    if (!heap_enter(h))
        return false;
    bool ok = true;
    str text;
    switch (json_typeof(j)) {
    case JSON_OBJECT:
        ok = of_object(h, j, untrusted, ret);
        break;
    case JSON_ARRAY:
        ok = of_array(h, j, untrusted, ret);
        break;
    case JSON_STRING:
        text = str_make(json_string_value(j), json_string_length(j));
        ok = untrusted ? text_new_untrusted(h, text, ret) : text_new(h, text, ret);
        break;
    case JSON_INTEGER:
        *ret = val_int(json_integer_value(j));
        break;
    case JSON_REAL:
        *ret = val_float(json_real_value(j));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        *ret = val_bool(json_is_true(j));
        break;
    case JSON_NULL:
        *ret = VAL_NONE;
        break;
    }
    heap_leave(h);
    return ok;
}

bool val_of_json(struct heap *h, str json, bool untrusted, val *ret)
{
    json_error_t e;
    json_t *j = json_loadb(json.p, json.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, &e);
    if (!j)
        return heap_refuse(h, "invalid_json", NULL, "invalid JSON: %s (line %d, column %d)", e.text,
                           e.line, e.column);
    bool ok = of_json(h, j, untrusted, ret);
    json_decref(j);
    return ok;
}

static bool set_default(struct heap *h, struct dict_obj *d, const char *key, val v)
{
    return !val_is_unbound(dict_get_str(d, str_of(key))) || dict_set_str(h, d, str_of(key), v);
}

static bool word_is(val v, const char *word)
{
    return v.kind == V_STR && str_is(text_str(v), word);
}

/* Values that a step always has once it ran; a skipped one has none of them. */
static bool set_shell_defaults(struct heap *h, struct dict_obj *d)
{
    val empty, outputs;
    if (!text_new(h, STR(""), &empty) || !dict_new(h, 0, &outputs))
        return false;
    outputs.dict->h.flags |= OBJ_RECORD;
    return set_default(h, d, "stdout", empty) && set_default(h, d, "stderr", empty) &&
           set_default(h, d, "outputs", outputs);
}

static bool make_record(struct heap *h, str json, val *ret)
{
    if (!val_of_json(h, json, true, ret))
        return false;
    if (ret->kind != V_DICT)
        return heap_refuse(h, "invalid_result", NULL, "a step's result must be a JSON object");
    struct dict_obj *d = ret->dict;
    val outcome = dict_get_str(d, STR("outcome")), exit_code = dict_get_str(d, STR("exit_code"));
    if (val_is_unbound(outcome)) {
        bool failed = exit_code.kind == V_INT && exit_code.i != 0;
        if (!text_new(h, failed ? STR("failed") : STR("success"), &outcome))
            return false;
    }
    bool skipped = word_is(outcome, "skipped");
    bool ok =
        word_is(outcome, "success") || word_is(outcome, "cached") || word_is(outcome, "recorded");
    val duration = dict_get_str(d, STR("duration_ms"));
    duration = duration.kind == V_INT ? val_float((double)duration.i / 1000) : val_float(0);
    return dict_set_str(h, d, STR("outcome"), outcome) &&
           dict_set_str(h, d, STR("ok"), val_bool(ok)) &&
           dict_set_str(h, d, STR("failed"), val_bool(!ok && !skipped)) &&
           dict_set_str(h, d, STR("duration"), duration) &&
           set_default(h, d, "exit_code", ok ? val_int(0) : VAL_NONE) &&
           (skipped || set_shell_defaults(h, d));
}

/* Results come in any order, and some are never asked for: they are not the program's to pay. */
bool result_record(struct heap *h, str json, val *ret)
{
    int64_t fuel = h->fuel;
    bool ok = make_record(h, json, ret);
    h->fuel = fuel;
    return ok;
}
