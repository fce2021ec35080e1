/* Steps that ask a model, once or in turns with tools: what it says becomes the step's log, its
 * answer the step's value, and each call a row of llm_usage. */
#include "engine/replayed_int.h"
#include "engine/speech_int.h"
#include "json/json.h"
#include <math.h>

struct llm_step {
    struct sink sink;
    uv_timer_t *stopping;
    struct dialog *dialog; /* NULL once it was dropped */
    struct agent *agent;   /* of a prompt of type agent; else NULL */
    struct speech *speech;
    struct arena arena; /* the prompt */
    struct sources sources;
    struct llm_clients clients;
    struct llm_client client; /* where answers are kept; borrows from clients */
    struct call_before before;
    struct replayed *replayed; /* where a run is replayed; else NULL */
    /* Until it is asked: */
    struct dialog_request q;
    struct dialog_listener listener;
    json_t *config;
    struct dialog_cost held; /* in the budgets of the agents above, while is_held */
    bool is_held;
    bool opening; /* what the tools need is being started */
    /* Its end, while that is ended: */
    json_t *value;
    struct err err;
};

static void timer_closed(uv_handle_t *h)
{
    free(h);
}

static void release(struct llm_step *s);

static void step_free(struct llm_step *s)
{
    release(s);
    if (s->stopping)
        uv_close((uv_handle_t *)s->stopping, timer_closed);
    agent_free(s->agent);
    speech_free(s->speech);
    json_decref(s->q.turns);
    json_decref(s->config);
    json_decref(s->value);
    err_done(&s->err);
    replayed_free(s->replayed);
    call_before_done(&s->before);
    llm_clients_done(&s->clients);
    sources_done(&s->sources);
    arena_done(&s->arena);
    free(s);
}

/* ---- while it is asked ---- */

static void said(void *user, const struct llm_event *e)
{
    struct llm_step *s = user;
    speech_add(s->speech, e);
}

static void turn_began(void *user, int64_t turn, int64_t max_turns)
{
    struct llm_step *s = user;
    s->sink.run->steps[s->sink.step].spent.turns = turn;
    speech_turn(s->speech, turn, max_turns);
}

/* ---- what a tool's models cost is its agents' too ---- */

static struct dialog *dialog_above(struct live_run **r)
{
    for (struct live_run *at = *r; at->parent; at = at->parent) {
        struct llm_step *agent = at->parent->steps[at->parent_step].llm;
        *r = at->parent;
        if (agent && agent->dialog)
            return agent->dialog;
    }
    return NULL;
}

static void release(struct llm_step *s)
{
    struct live_run *r = s->sink.run;
    struct dialog *d;
    while (s->is_held && (d = dialog_above(&r)))
        dialog_release(d, &s->held);
    s->is_held = false;
}

static bool reserve(void *user, const struct dialog_cost *worst, struct err *err)
{
    struct llm_step *s = user;
    struct live_run *r = s->sink.run, *undo = r;
    struct dialog *d, *refused = NULL;
    while (!refused && (d = dialog_above(&r)))
        if (!dialog_reserve(d, worst, err))
            refused = d;
    while (refused && (d = dialog_above(&undo)) && d != refused)
        dialog_release(d, worst);
    s->held = *worst;
    s->is_held = !refused;
    return !refused;
}

static void charge_agents(struct llm_step *s, const struct llm_usage *u, double usd)
{
    struct live_run *r = s->sink.run;
    struct dialog_cost cost = {u->input + u->output + u->cache_read + u->cache_write, usd};
    struct dialog *d;
    while ((d = dialog_above(&r)))
        dialog_charge(d, &cost);
}

static void add_spent(struct live_step *l, const struct llm_usage *u, double usd)
{
    l->spent.tokens_in += u->input + u->cache_read + u->cache_write;
    l->spent.tokens_out += u->output;
    l->spent.micro_usd += usd < 0 ? 0 : llround(usd * 1e6);
}

static void called(void *user, const struct llm_client *c, const struct llm_request *q,
                   const struct llm_answer *a)
{
    struct llm_step *s = user;
    struct live_run *r = s->sink.run;
    double usd = llm_cost(c, &a->usage);
    release(s);
    call_record(r, s->sink.step, &s->before, c, q, a, NULL);
    speech_pause(s->speech);
    if (a->was_kept) {
        if (s->replayed) /* budgets end where they ended */
            charge_agents(s, &a->usage, usd);
        return;
    }
    add_spent(&r->steps[s->sink.step], &a->usage, usd);
    struct store_batch *b = store_batch_new(r->engine->options.store);
    struct store_llm_usage row = {.run_id = r->id,
                                  .attempt = r->attempt,
                                  .step_id = r->plan.steps[s->sink.step].id,
                                  .try = r->core.steps[s->sink.step].tries,
                                  .client = c->name,
                                  .model = a->model.n ? a->model : c->model,
                                  .stop = str_of(llm_stop_name(a->stop)),
                                  .input_tokens = a->usage.input,
                                  .output_tokens = a->usage.output,
                                  .cache_read_tokens = a->usage.cache_read,
                                  .cache_write_tokens = a->usage.cache_write,
                                  .cost_microusd = usd < 0 ? -1 : llround(usd * 1e6),
                                  .requests = a->tries,
                                  .first_token_ms = a->first_token_ms,
                                  .whole_ms = a->whole_ms,
                                  .created_at = clock_wall_ms()};
    charge_agents(s, &a->usage, usd);
    store_add_llm_usage(b, &row);
    run_submit(r, b, run_nothing, NULL);
}

static void call_failed(void *user, const struct llm_client *c, const struct llm_request *q,
                        const struct err *err)
{
    struct llm_step *s = user;
    call_record(s->sink.run, s->sink.step, &s->before, c, q, NULL, err);
}

static void calls_tools(void *user, json_t *calls, json_t *answer, const struct dialog_spent *spent)
{
    struct llm_step *s = user;
    agent_call(s->agent, s->dialog, calls, answer, spent);
}

static void report(struct llm_step *s, const struct dialog_spent *spent)
{
    auto_buf line = BUF(4096);
    if (!spent->calls)
        return;
    buf_addf(&line, "%d call%s, %lld tokens in, %lld out", spent->calls,
             spent->calls == 1 ? "" : "s",
             (long long)(spent->usage.input + spent->usage.cache_read + spent->usage.cache_write),
             (long long)spent->usage.output);
    if (spent->usd >= 0)
        buf_addf(&line, ", $%.6f", spent->usd);
    record_system_line(s->sink.run, s->sink.step, buf_str(&line));
}

/* What another try may mend: not a prompt, a key or a request that is wrong. */
static bool is_final(const char *code)
{
    static const char *const passing[] = {
        "llm_rate_limited",  "llm_overloaded", "llm_server_error", "llm_connect", "llm_timeout",
        "llm_stream_broken", "llm_bad_answer", "llm_bad_output",   "llm_no_json", "llm_dns"};
    for (size_t i = 0; i < sizeof passing / sizeof *passing; i++)
        if (strcmp(code, passing[i]) == 0)
            return false;
    return true;
}

static void leave(struct live_run *r, struct llm_step *s)
{
    r->steps[s->sink.step].llm = NULL;
    step_free(s);
    r->pending--;
    run_forget(r);
}

static void finish(void *user)
{
    struct llm_step *s = user;
    struct live_run *r = s->sink.run;
    r->steps[s->sink.step].llm = NULL;
    if (s->agent)
        agent_record_unused(s->agent);
    auto_free char *json = s->value ? json_dumps(s->value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    if (json)
        small_step_done(r, s->sink.step, str_of(json));
    else
        run_step_failed(r, s->sink.step, REASON_MODEL_FAILED, &s->err, is_final(s->err.code));
    leave(r, s);
}

/* What it ends as is known; it ends when nothing of it runs. */
static void conclude(struct llm_step *s)
{
    if (!s->agent || !agent_close(s->agent, finish, s))
        finish(s);
}

static void answered(void *user, json_t *value, const struct dialog_spent *spent, struct err *err)
{
    struct llm_step *s = user;
    s->dialog = NULL;
    release(s);
    speech_pause(s->speech);
    report(s, spent);
    if (!value)
        err_move(&s->err, err);
    else if (!s->replayed || replayed_ended(s->replayed, &s->err))
        s->value = json_incref(value);
    conclude(s);
}

struct speech *llm_step_speech(struct live_run *r, uint32_t step)
{
    return r->steps[step].llm ? r->steps[step].llm->speech : NULL;
}

struct agent *llm_step_agent(struct live_run *r, uint32_t step)
{
    return r->steps[step].llm ? r->steps[step].llm->agent : NULL;
}

/* ---- its end by others ---- */

static void stopped(uv_timer_t *t)
{
    struct llm_step *s = t->data;
    struct live_run *r = s->sink.run;
    auto_err err = ERR_INIT;
    err_set(&err, "cancelled", "the model was asked when the step was cancelled");
    r->steps[s->sink.step].llm = NULL;
    run_step_failed(r, s->sink.step, REASON_RUN_CANCELLED, &err, false);
    leave(r, s);
}

static void tools_ended(void *user)
{
    struct llm_step *s = user;
    uv_timer_start(s->stopping, stopped, 0, 0);
}

void llm_step_stop(struct live_run *r, uint32_t step)
{
    struct llm_step *s = r->steps[step].llm;
    if (!s->dialog && !s->opening)
        return;
    if (s->dialog)
        dialog_cancel(s->dialog);
    release(s);
    s->dialog = NULL;
    s->opening = false;
    if (!s->agent || !agent_stop(s->agent, tools_ended, s))
        uv_timer_start(s->stopping, stopped, 0, 0);
}

/* ---- the start ---- */

static bool read_bundle(void *data, str path, str *ret_text)
{
    const struct bundle_file *f = bundle_find(data, path);
    if (f)
        *ret_text = f->text;
    return f != NULL;
}

static bool first_error(struct err_list *errors, struct err *err)
{
    if (errors->n)
        err_move(err, &errors->at[0]);
    err_list_done(errors);
    return false;
}

static str find_key(struct live_run *r, str name)
{
    struct resolve_scope scope = run_scope(r);
    str value = STR("");
    const char *variable;
    if (!name.n || scope.secret(scope.data, name, &value))
        return value;
    if ((variable = getenv(arena_cstr(&r->arena, name))) && *variable) {
        value = str_of(variable);
        run_mask_secret(r, name, value);
    }
    return value;
}

static bool load_prompt(struct live_run *r, struct llm_step *s, json_t *config,
                        struct dialog_request *q, struct err *err)
{
    str path = json_get_text(config, "prompt_path");
    struct err_list errors = {0};
    q->prompt = prompt_load(&s->arena, &s->sources, path, read_bundle, r->bundle, &errors);
    if (!q->prompt || !read_bundle(r->bundle, path, &q->text)) {
        first_error(&errors, err);
        return err_is_set(err)
                   ? false
                   : err_set(err, "file_missing", "there is no prompt %.*s", STR_ARG(path));
    }
    return true;
}

static json_t *find_kept(void *user, const char *sha256)
{
    struct llm_step *s = user;
    return kept_answer_find(s->sink.run, s->sink.step, sha256, s->client.base_url);
}

static void keep(void *user, const char *sha256, json_t *answer)
{
    struct llm_step *s = user;
    kept_answer_put(s->sink.run, s->sink.step, sha256, s->client.base_url, s->client.name, answer);
}

static json_t *recorded(void *user, const struct llm_client *c, const struct llm_request *q,
                        struct err *err)
{
    struct llm_step *s = user;
    return replayed_answer(s->replayed, c, q, err);
}

void llm_step_results(struct live_run *r, uint32_t step, json_t *results)
{
    struct llm_step *s = r->steps[step].llm;
    if (s->replayed)
        replayed_results(s->replayed, results);
}

static bool choose_source(struct live_run *r, struct llm_step *s, struct err *err)
{
    s->listener = (struct dialog_listener){.turn = turn_began,
                                           .event = said,
                                           .called = called,
                                           .failed = call_failed,
                                           .calls = calls_tools,
                                           .reserve = reserve,
                                           .done = answered,
                                           .data = s};
    if (r->request.replay_of || r->request.replay_file.n) {
        if (!(s->replayed = replayed_new(s->sink, err)))
            return false;
        s->listener.recorded = recorded;
        if (replayed_client(s->replayed).n &&
            !llm_clients_find(&s->clients, replayed_client(s->replayed), &s->q.client, err))
            return false;
    } else if (json_is_true(json_object_get(s->config, "cache"))) {
        s->client = s->q.client;
        s->listener.find = find_kept;
        s->listener.keep = keep;
    }
    return true;
}

static bool has_tool(json_t *config, const char *name)
{
    json_t *tool;
    size_t i;
    json_array_foreach(json_object_get(config, "tools"), i, tool)
    {
        if (str_is(json_get_text(tool, "name"), name))
            return true;
    }
    return false;
}

static bool prepare(struct live_run *r, struct llm_step *s, struct err *err)
{
    json_t *config = s->config, *temperature = json_object_get(config, "temperature");
    struct dialog_request *q = &s->q;
    q->root = arena_cstr(&r->arena, r->request.repository);
    if (!load_prompt(r, s, config, q, err) || !llm_clients_open(&s->clients, q->root, err) ||
        !llm_clients_find(&s->clients, json_get_text(config, "client"), &q->client, err) ||
        !choose_source(r, s, err))
        return false;
    q->inputs = json_object_get(config, "inputs");
    q->key = find_key(r, q->client.key_name);
    q->max_tokens = json_integer_value(json_object_get(config, "max_tokens"));
    q->repairs = json_integer_value(json_object_get(config, "repairs"));
    q->has_temperature = json_is_number(temperature);
    q->temperature = json_number_value(temperature);
    q->budget = json_object_get(config, "budget");
    q->max_turns = json_integer_value(json_object_get(config, "max_turns"));
    if (!r->engine->llm)
        r->engine->llm = llm_new(r->engine->options.loop);
    if (!q->prompt->agent)
        return true;
    struct agent_search search = {.off = s->replayed && !r->request.fork.n};
    llm_clients_search(&s->clients, &search.url, &search.key_name);
    search.key = has_tool(config, "websearch") ? find_key(r, search.key_name) : STR("");
    s->agent = agent_new(s->sink, s->speech, config, &search, err);
    if (!s->agent || !agent_take_up(s->agent, q, err))
        return false;
    if (s->replayed && q->turns)
        replayed_go_on(s->replayed, q->turns);
    return true;
}

static bool ask(struct llm_step *s, struct err *err)
{
    json_t *tools = s->agent ? agent_tools(s->agent, err) : NULL;
    if (s->agent && !tools)
        return false;
    s->q.tools = tools;
    s->dialog = dialog_start(s->sink.run->engine->llm, &s->q, &s->listener, err);
    s->q.tools = NULL;
    json_decref(tools);
    if (s->dialog && s->agent)
        agent_go_on(s->agent, s->dialog);
    return s->dialog != NULL;
}

static void opened(void *user, const struct err *err)
{
    struct llm_step *s = user;
    s->opening = false;
    if (err) {
        err_set(&s->err, err->code, "%.*s", STR_ARG(err->message));
        err_hint(&s->err, "%.*s", STR_ARG(err->hint));
    }
    if (err || !ask(s, &s->err))
        conclude(s);
}

static bool begin(struct live_run *r, struct llm_step *s, struct err *err)
{
    if (!prepare(r, s, err))
        return false;
    s->opening = s->agent && agent_open(s->agent, opened, s);
    return s->opening || ask(s, err);
}

void llm_step_start(struct live_run *r, uint32_t step)
{
    auto_err err = ERR_INIT;
    step_reset_try(r, step);
    struct llm_step *s = mem_zalloc(sizeof *s);
    s->sink = (struct sink){r, step};
    s->speech = speech_new(s->sink);
    s->config = small_step_config(r, step, &err);
    if (!s->config || !begin(r, s, &err)) {
        bool value = !s->config;
        step_free(s);
        run_step_failed(r, step, value ? REASON_VALUE_ERROR : REASON_MODEL_FAILED, &err, true);
        return;
    }
    s->stopping = mem_zalloc(sizeof *s->stopping);
    uv_timer_init(r->engine->options.loop, s->stopping);
    s->stopping->data = s;
    r->steps[step].llm = s;
    r->pending++;
    if (r->core.steps[step].killing) /* a cancel that came while the start was being recorded */
        llm_step_stop(r, step);
}
