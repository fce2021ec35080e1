#include "engine/replay.h"
#include "dialog/dialog.h"
#include "engine/call_record_int.h"
#include "vm/render.h"
#include "json/json.h"
#include <unistd.h>

static bool check(const struct recovery *v, struct store_reader *reader, struct err *err)
{
    int64_t calls = 0;
    if (!run_status_is_final(v->run.status)) {
        err_set(err, "run_not_final", "run %lld has not ended: it is %s", (long long)v->run.id,
                run_status_name(v->run.status));
        err_hint(err, "plue run watch %lld waits for it", (long long)v->run.id);
        return false;
    }
    if (!store_count_llm_calls(reader, v->run.id, &calls, err))
        return false;
    if (calls)
        return true;
    err_set(err, "no_record", "run %lld has no record of a model's answers", (long long)v->run.id);
    err_hint(err, "no model has answered in it; plue run rerun %lld runs it again",
             (long long)v->run.id);
    return false;
}

/* ---- a fork ---- */

static const struct store_step *find_step(const struct recovery *v, str id)
{
    for (size_t i = 0; i < v->step_count; i++)
        if (str_eq(v->steps[i].key.step_id, id))
            return &v->steps[i];
    return NULL;
}

/* The step that is meant; where none is named there must be one alone. */
static const struct store_step *choose_step(const struct recovery *v, str wanted, struct err *err)
{
    const struct store_step *found = wanted.n ? find_step(v, wanted) : NULL;
    auto_buf names = BUF(1 << 16);
    size_t count = 0;
    for (size_t i = 0; i < v->step_count; i++) {
        const struct store_step *s = &v->steps[i];
        if (s->type != STEP_TYPE_AGENT && s->type != STEP_TYPE_LLM)
            continue;
        buf_addf(&names, "%s%.*s", count++ ? ", " : "", STR_ARG(s->key.step_id));
        if (!wanted.n)
            found = s;
    }
    if (found && (found->type == STEP_TYPE_AGENT || found->type == STEP_TYPE_LLM) &&
        (wanted.n || count == 1))
        return found;
    for (size_t i = 0; wanted.n && i < v->nested_count; i++)
        if (str_eq(v->nested[i].key.step_id, wanted)) {
            err_set(err, "invalid_option",
                    "--step %.*s: it is a step of a tool that an agent called", STR_ARG(wanted));
            err_hint(err, "fork the agent, with --result for what the tool gives: one of %s",
                     buf_c(&names));
            return NULL;
        }
    if (wanted.n)
        err_set(err, "invalid_option", "--step %.*s: it is no step of run %lld that asks a model",
                STR_ARG(wanted), (long long)v->run.id);
    else
        err_set(err, "invalid_option", "--fork-at: several steps of run %lld ask a model",
                (long long)v->run.id);
    err_hint(err, "add --step with one of: %s", buf_c(&names));
    return NULL;
}

static json_t *results_before(json_t *calls, int64_t turn, json_t **ret_blocks)
{
    json_t *request = json_object_get(json_array_get(calls, (size_t)turn - 1), "request");
    json_t *messages = json_object_get(request, "messages");
    size_t n = json_array_size(messages);
    *ret_blocks = n < 2 ? NULL : json_object_get(json_array_get(messages, n - 2), "content");
    return n < 2 ? NULL : json_object_get(json_array_get(messages, n - 1), "content");
}

/* One that a tool has answered. */
static bool is_call(json_t *block)
{
    return str_is(json_get_text(block, "type"), "tool_use") &&
           !str_is(json_get_text(block, "name"), DIALOG_FINAL_TOOL);
}

/* Each named result must be one of the turn's. */
static bool check_results(json_t *calls, const struct replay_fork *f, struct err *err)
{
    json_t *blocks = NULL, *results = results_before(calls, f->turn, &blocks), *block, *text;
    const char *name;
    size_t i;
    auto_buf names = BUF(1 << 16);
    json_array_foreach(blocks, i, block)
    {
        if (is_call(block))
            buf_addf(&names, "%s%.*s (%.*s)", names.n ? ", " : "",
                     STR_ARG(json_get_text(block, "name")), STR_ARG(json_get_text(block, "id")));
    }
    json_object_foreach(f->results, name, text)
    {
        bool found = false;
        json_array_foreach(results ? blocks : NULL, i, block)
        {
            found = found || (is_call(block) && (str_is(json_get_text(block, "name"), name) ||
                                                 str_is(json_get_text(block, "id"), name)));
        }
        if (found)
            continue;
        err_set(err, "invalid_option", "--result %s: turn %lld made no such call", name,
                (long long)f->turn - 1);
        err_hint(err, "it called: %s", names.n ? buf_c(&names) : "nothing");
        return false;
    }
    return true;
}

static bool check_turn(struct store_reader *reader, const struct recovery *v, str step,
                       const struct replay_fork *f, struct err *err)
{
    json_t *record = call_record_load(reader, v->run.id, step, err);
    json_t *calls = json_object_get(record, "calls");
    long long turns = (long long)json_array_size(calls);
    bool ok = record && f->turn <= turns;
    if (record && !ok) {
        err_set(err, "invalid_option", "--fork-at %lld: the step '%.*s' had %lld turn%s",
                (long long)f->turn, STR_ARG(step), turns, turns == 1 ? "" : "s");
        err_hint(err, "give a turn from 1 to %lld", turns);
    }
    ok = ok && check_results(calls, f, err);
    json_decref(record);
    return ok;
}

static bool read_source(void *data, str path, str *ret_text)
{
    const struct recovery *v = data;
    for (size_t i = 0; i < v->source_count; i++)
        if (str_eq(v->sources[i].path, path)) {
            *ret_text = v->sources[i].text;
            return true;
        }
    return false;
}

static bool check_prompt(struct recovery *v, str path, struct err *err)
{
    struct err_list errors = {0};
    struct sources sources = {0};
    struct place p;
    struct render_options options = {.limits = render_limits(), .undefined = UNDEFINED_STRICT};
    struct renderer *r = renderer_new(&options);
    str text;
    bool ok = prompt_load(&v->arena, &sources, path, read_source, v, &errors) &&
              read_source(v, path, &text);
    struct sources *from = ok ? renderer_sources(r) : &sources;
    ok = ok && render_check(r, path, text, prompt_body_at(text), &errors);
    if (!ok && errors.n) {
        err_move(err, &errors.at[0]);
        if (!err->file.n && sources_place(from, err->at, &p))
            err_in_file(err, p.path, p.line, p.column);
        err->at = POS_NONE;
    }
    err_list_done(&errors);
    sources_done(&sources);
    renderer_free(r);
    return ok;
}

/* The file in the prompt's place is part of the new run's sources, as any other. */
static bool replace_prompt(struct recovery *v, const struct store_step *step, str text,
                           struct err *err)
{
    json_t *config = json_loadb(step->config.p, step->config.n, JSON_ALLOW_NUL, NULL);
    str path = json_get_text(config, "prompt_path");
    bool found = false;
    for (size_t i = 0; i < v->source_count; i++) {
        struct store_source *s = &v->sources[i];
        if (!str_eq(s->path, path))
            continue;
        found = true;
        s->text = arena_str(&v->arena, text);
        s->sha256 = plan_sha256(&v->arena, text);
    }
    if (!found)
        err_set(err, "file_missing", "run %lld has kept no prompt %.*s", (long long)v->run.id,
                STR_ARG(path));
    found = found && check_prompt(v, path, err);
    json_decref(config);
    return found;
}

static bool check_client(const struct recovery *v, str name, struct err *err)
{
    auto_free char *root = str_dup(v->run.repository);
    struct llm_clients clients = {0};
    struct llm_client found;
    bool ok = !name.n || (llm_clients_open(&clients, root, err) &&
                          llm_clients_find(&clients, name, &found, err));
    llm_clients_done(&clients);
    return ok;
}

static bool fork_of(struct engine *e, struct recovery *v, const struct replay_fork *f, str *ret,
                    struct err *err)
{
    const struct store_step *step = choose_step(v, f->step, err);
    if (!step || !check_client(v, f->client, err) ||
        !check_turn(e->reader, v, step->key.step_id, f, err) ||
        (f->prompt.n && !replace_prompt(v, step, f->prompt, err)))
        return false;
    json_t *j =
        json_pack("{s:s%, s:I, s:s%, s:b, s:O?}", "step", step->key.step_id.p, step->key.step_id.n,
                  "turn", (json_int_t)f->turn, "client", f->client.p ? f->client.p : "",
                  f->client.n, "prompt", f->prompt.n > 0, "results", f->results);
    auto_free char *text = json_dumps(j, JSON_COMPACT);
    json_decref(j);
    *ret = arena_str(&v->arena, opt_str(text));
    return true;
}

/* A prompt that was put in may be one that the workflow cannot call. */
static bool start_evaluation(struct evaluation *e, const struct definition *d,
                             const struct evaluation_request *q, const struct replay_fork *f,
                             struct err *err)
{
    struct place p;
    if (evaluation_start(e, d, q) != EVALUATION_FAILED || !f->prompt.n)
        return true;
    err_move(err, evaluation_error(e));
    if (!err->file.n && sources_place(evaluation_sources(e), err->at, &p))
        err_in_file(err, p.path, p.line, p.column);
    err->at = POS_NONE;
    return false;
}

bool engine_replay(struct engine *e, int64_t run_id, const struct replay_fork *fork,
                   const char *backend, engine_created_fn *created, engine_ended_fn *ended,
                   void *ctx, struct err *err)
{
    cleanup(recovery_done) struct recovery v = {0};
    const struct definition *d;
    struct bundle *bundle = NULL;
    struct evaluation *evaluation = NULL;
    auto_free char *facts = NULL;
    str forked = STR("");
    if (!recovery_load(e->reader, run_id, &v, err) || !check(&v, e->reader, err) ||
        (fork->turn && !fork_of(e, &v, fork, &forked, err)))
        return false;
    struct engine_request q = recovery_request(&v, &facts);
    struct evaluation_request asked = {.event = v.run.trigger_payload,
                                       .repository = q.repository_facts};
    if (!recovery_load_evaluation(&v, &bundle, &evaluation, &d, err) ||
        !start_evaluation(evaluation, d, &asked, fork, err)) {
        evaluation_free(evaluation);
        bundle_done(bundle);
        free(bundle);
        return false;
    }
    q.evaluation = evaluation;
    q.bundle = bundle;
    q.group = q.policy = STR(""); /* it takes nobody's place */
    q.sandbox_backend = backend;
    q.replay_of = run_id;
    q.replay_file = STR(""); /* what the run had of a file is in its own record */
    q.changes = STR("");
    q.filled = 0;
    if (q.source.n && access(q.source.p, F_OK) == 0)
        q.base = STR(""); /* what it began with is for where its repository is not */
    q.fork = forked;
    return engine_start(e, &q, created, ended, ctx, err);
}
