/* Steps that read and write the workspace: read, write, glob, exists. What is seen is what is there
 * when the run reaches them. */
#include "base/glob.h"
#include "base/utf8.h"
#include "engine/engine_int.h"

enum {
    FILE_READ_MAX = 1 << 20,     /* bytes that ctx.read gives */
    GLOB_PATHS_MAX = 100 * 1000, /* paths that ctx.glob gives */
};

/* ---- what small steps share ---- */

json_t *small_step_config(struct live_run *r, uint32_t step, struct err *err)
{
    struct resolve_scope scope = run_scope(r);
    auto_buf b = BUF(CONFIG_RESOLVED_MAX);
    r->resolving = step;
    if (!resolve_json(&scope, r->plan.steps[step].config, &b, err))
        return NULL;
    json_t *config = json_loadb(b.p, b.n, JSON_ALLOW_NUL, NULL);
    if (!config)
        err_set(err, "invalid_json", "the step's arguments are no JSON object");
    return config;
}

void small_step_done(struct live_run *r, uint32_t step, str json)
{
    small_step_ends(r, step, OUTCOME_SUCCESS, json);
}

void small_step_ends(struct live_run *r, uint32_t step, enum outcome outcome, str json)
{
    struct live_step *l = &r->steps[step];
    auto_buf masked = BUF(RESULT_MAX / 2);
    auto_err err = ERR_INIT;
    mask_apply(run_mask(r), json, &masked);
    if (masked.overflow) {
        err_set(&err, "result_too_large", "the step's value takes more than %d MiB as JSON",
                RESULT_MAX >> 21);
        err_hint(&err, "let a shell step handle what is so large");
        run_step_failed(r, step, REASON_VALUE_ERROR, &err, true);
        return;
    }
    free(l->output);
    l->output = json.n ? buf_take(&masked, NULL) : NULL;
    run_step_done(r, step, outcome, REASON_NONE, true);
}

/* ---- one call of the runner ---- */

struct file_call {
    struct live_run *run;
    uint32_t step;
    char *text; /* path or pattern; owned */
};

static struct file_call *call_new(struct live_run *r, uint32_t step, const char *text)
{
    struct file_call *c = mem_alloc(sizeof *c);
    *c = (struct file_call){r, step, str_dup(str_of(text))};
    r->pending++;
    return c;
}

static void call_free(struct file_call *c)
{
    struct live_run *r = c->run;
    free(c->text);
    free(c);
    r->pending--;
    run_forget(r);
}

static void on_read(void *user, str bytes, const struct err *err)
{
    struct file_call *c = user;
    auto_err not_text = ERR_INIT;
    auto_buf json = BUF(RESULT_MAX);
    struct json_writer w = JSON_WRITER(&json, false);

    if (!err && (utf8_invalid_at(bytes) != SIZE_MAX || memchr(bytes.p, '\0', bytes.n))) {
        err_set(&not_text, "file_not_text", "'%s' is not UTF-8 text", c->text);
        err_hint(&not_text, "ctx.read gives text; let a shell step read other files");
        err = &not_text;
    }
    if (err) {
        step_failed_by(c->run, c->step, REASON_VALUE_ERROR, err);
    } else {
        json_put_str(&w, bytes);
        small_step_done(c->run, c->step, buf_str(&json));
    }
    call_free(c);
}

static void on_looked(void *user, str bytes, const struct err *err)
{
    struct file_call *c = user;
    bool missing = err && strcmp(err->code, "file_missing") == 0;
    bool there = !err || strcmp(err->code, "file_too_large") == 0 ||
                 strcmp(err->code, "file_is_folder") == 0;
    (void)bytes;
    if (there || missing)
        small_step_done(c->run, c->step, there ? STR("true") : STR("false"));
    else
        step_failed_by(c->run, c->step, REASON_VALUE_ERROR, err);
    call_free(c);
}

static void on_written(void *user, const struct err *err)
{
    struct file_call *c = user;
    if (err)
        step_failed_by(c->run, c->step, REASON_VALUE_ERROR, err);
    else
        small_step_done(c->run, c->step, STR(""));
    call_free(c);
}

static void on_listed(void *user, const struct runner_entry *entries, size_t n,
                      const struct err *err)
{
    struct file_call *c = user;
    auto_buf json = BUF(RESULT_MAX);
    auto_err many = ERR_INIT;
    struct json_writer w = JSON_WRITER(&json, false);
    str pattern = str_of(c->text);
    size_t found = 0;

    json_begin_array(&w);
    for (size_t i = 0; !err && i < n; i++) {
        if (entries[i].kind == RUNNER_DIR || !glob_match(pattern, entries[i].path))
            continue;
        if (++found > GLOB_PATHS_MAX) {
            err_set(&many, "list_too_long", "more than %d files match '%s'", GLOB_PATHS_MAX,
                    c->text);
            err_hint(&many, "make the pattern narrower");
            err = &many;
        }
        json_put_str(&w, entries[i].path);
    }
    json_end_array(&w);
    if (err)
        step_failed_by(c->run, c->step, REASON_VALUE_ERROR, err);
    else
        small_step_done(c->run, c->step, buf_str(&json));
    call_free(c);
}

/* ---- the start ---- */

/* A text without NUL; false with err. */
static bool text_argument(json_t *config, const char *key, const char **ret, struct err *err)
{
    json_t *v = json_object_get(config, key);
    const char *text = json_string_value(v);
    if (!text || !*text || strlen(text) != json_string_length(v))
        return err_set(err, "invalid_argument", "%s= must be a text that is not empty", key);
    *ret = text;
    return true;
}

static void write_content(struct live_run *r, uint32_t step, const char *path, json_t *content)
{
    auto_free char *dumped =
        json_is_string(content) ? NULL : json_dumps(content, JSON_ENCODE_ANY | JSON_INDENT(2));
    str text =
        dumped ? str_of(dumped) : str_make(json_string_value(content), json_string_length(content));
    runner_write(r->workspace, path, text, 0, on_written, call_new(r, step, path));
}

void file_launch(struct live_run *r, uint32_t step)
{
    auto_err err = ERR_INIT;
    json_t *config = small_step_config(r, step, &err);
    const char *op = json_string_value(json_object_get(config, "op")), *text = NULL;
    bool globs = op && strcmp(op, "glob") == 0;

    if (!config && workspace_fetches_hash(r, step))
        return;
    if (!config || !text_argument(config, globs ? "pattern" : "path", &text, &err)) {
        run_step_failed(r, step, REASON_VALUE_ERROR, &err, true);
    } else if (globs) {
        runner_list(r->workspace, "", on_listed, call_new(r, step, text));
    } else if (strcmp(op, "read") == 0) {
        runner_read(r->workspace, text, FILE_READ_MAX, on_read, call_new(r, step, text));
    } else if (strcmp(op, "exists") == 0) {
        runner_read(r->workspace, text, 1, on_looked, call_new(r, step, text));
    } else {
        write_content(r, step, text, json_object_get(config, "content"));
    }
    json_decref(config);
}
