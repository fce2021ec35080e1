/* Steps that need no process: log lines and the ends of actions. */
#include "engine/engine_int.h"

static bool find_result(void *data, str step_id, str *ret_json)
{
    struct live_run *r = data;
    uintptr_t at = (uintptr_t)map_get(&r->index, step_id);
    if (!at || !r->steps[at - 1].result)
        return false;
    *ret_json = str_make(r->steps[at - 1].result, r->steps[at - 1].result_n);
    return true;
}

void run_mask_secret(struct live_run *r, str name, str value)
{
    r = run_top(r);
    if (map_has(&r->masked, name))
        return;
    map_set(&r->masked, arena_str(&r->arena, name), r);
    mask_add(&r->mask, value);
}

/* Every secret that a step gets is masked from then on, in all steps' logs. */
static bool find_secret(void *data, str name, str *ret_value)
{
    struct live_run *r = data;
    const struct engine_options *o = &r->engine->options;
    if (!o->secret || !o->secret(o->data, name, ret_value))
        return false;
    run_mask_secret(r, name, *ret_value);
    return true;
}

void run_mask_known_secrets(struct live_run *r)
{
    const struct engine_options *o = &r->engine->options;
    str value;
    for (size_t i = 0; i < o->secret_count; i++)
        (void)(o->secret && o->secret(o->data, o->secret_names[i], &value) &&
               (run_mask_secret(r, o->secret_names[i], value), true));
}

void step_runner_id(struct live_run *r, uint32_t step, struct buf *ret)
{
    enum { WHOLE_MAX = 150, START = 117, HASH = 32 };
    str id = r->plan.steps[step].id;
    if (id.n <= WHOLE_MAX)
        buf_add_str(ret, id);
    else
        buf_addf(ret, "%.*s-%.*s", STR_ARG(str_sub(id, 0, START)),
                 STR_ARG(str_sub(plan_sha256(&r->arena, id), 0, HASH)));
    buf_addf(ret, ".%u", r->core.steps[step].tries);
}

const struct config *run_config(const struct live_run *r)
{
    static const struct config none;
    const struct config *c = r->engine->options.config;
    return c ? c : &none;
}

int64_t run_log_quota(const struct live_run *r)
{
    int64_t bytes = run_config(r)->log_bytes;
    return bytes ? bytes : CAPTURE_LOG_QUOTA;
}

const char *run_image(struct live_run *r)
{
    r = run_top(r);
    return r->plan.image.n ? arena_cstr(&r->arena, r->plan.image) : run_config(r)->default_image;
}

struct resolve_scope run_scope(struct live_run *r)
{
    return (struct resolve_scope){
        .data = r, .result = find_result, .secret = find_secret, .hash_files = workspace_find_hash};
}

static void log_text(struct live_run *r, uint32_t step, json_t *config)
{
    json_t *text = json_object_get(config, "text");
    auto_free char *dumped = json_is_string(text) ? NULL : json_dumps(text, JSON_ENCODE_ANY);
    str all = dumped ? str_of(dumped) : str_make(json_string_value(text), json_string_length(text)),
        line;
    auto_buf masked = BUF(CONFIG_RESOLVED_MAX);
    mask_apply(run_mask(r), all, &masked);
    all = buf_str(&masked);
    while (str_next(&all, '\n', &line))
        record_system_line(r, step, line);
}

/* An action's outputs are what its ctx.success was given; ctx.fail fails it. */
static bool end_action(struct live_run *r, uint32_t step, json_t *config)
{
    json_t *fail = json_object_get(config, "fail"), *outputs = json_object_get(config, "outputs");
    auto_err err = ERR_INIT;
    if (fail && !json_is_null(fail)) {
        auto_free char *text = json_is_string(fail) ? NULL : json_dumps(fail, JSON_ENCODE_ANY);
        err_set(&err, "action_failed", "%s", text ? text : json_string_value(fail));
        run_step_failed(r, step, REASON_CTX_FAIL, &err, true);
        return false;
    }
    free(r->steps[step].outputs);
    r->steps[step].outputs = json_is_object(outputs) ? json_dumps(outputs, JSON_COMPACT) : NULL;
    return true;
}

void simple_start(struct live_run *r, uint32_t step)
{
    const struct plan_step *p = &r->plan.steps[step];
    struct resolve_scope scope = run_scope(r);
    auto_buf b = BUF(CONFIG_RESOLVED_MAX);
    auto_err err = ERR_INIT;
    str config = p->config;
    json_error_t je;

    /* An action's secret inputs went to its steps; here they would only stand in the record. */
    json_t *raw = json_loadb(config.p, config.n, JSON_ALLOW_NUL, &je);
    json_object_del(raw, "inputs");
    auto_free char *text = json_dumps(raw, JSON_COMPACT);
    json_decref(raw);
    if (!resolve_json(&scope, str_of(text), &b, &err)) {
        run_step_failed(r, step, REASON_VALUE_ERROR, &err, true);
        return;
    }
    json_t *resolved = json_loadb(b.p, b.n, JSON_ALLOW_NUL, &je);
    bool ok = true;
    if (p->type == STEP_TYPE_LOG)
        log_text(r, step, resolved);
    else
        ok = end_action(r, step, resolved);
    json_decref(resolved);
    if (ok)
        run_step_done(r, step, OUTCOME_SUCCESS, REASON_NONE, true);
}

/* No forge is configured: what would have been sent is kept with the run, masked, and nothing is
 * called sent. */
void comment_start(struct live_run *r, uint32_t step)
{
    auto_err err = ERR_INIT;
    json_t *config = small_step_config(r, step, &err);
    auto_free char *kept = config ? json_dumps(config, JSON_COMPACT) : NULL;
    json_decref(config);
    if (kept)
        small_step_ends(r, step, OUTCOME_RECORDED, str_of(kept));
    else
        run_step_failed(r, step, REASON_VALUE_ERROR, &err, true);
}
