/* Agents' tools on behalf of a step: each call and what it gave stand in the step's log, and the
 * model gets what it may see: secrets of the run are masked. */
#include "engine/agent_int.h"
#include "json/json.h"

enum {
    AGENT_NOTED_MAX = 2000, /* bytes of a line of an MCP server in the log */
};

static struct store_batch *new_batch(struct agent *a)
{
    return store_batch_new(a->sink.run->engine->options.store);
}

void agent_mask(struct agent *a, str text, struct buf *ret)
{
    mask_apply(run_mask(a->sink.run), text, ret);
}

static void put_result(struct agent *a, size_t place, str text, bool is_error)
{
    agent_put_result(json_array_get(a->results, place), text, is_error);
}

/* In a replay the model gets what was recorded, and so does a try that goes on after a crash. */
static void take_recorded(struct agent *a)
{
    struct live_run *r = a->sink.run;
    if (!r->request.replay_of && !r->request.replay_file.n)
        return;
    llm_step_results(r, a->sink.step, a->results);
    struct store_batch *b = new_batch(a);
    agent_record_turn(a, b);
    run_submit(r, b, run_nothing, NULL);
}

static void give(struct agent *a)
{
    take_recorded(a);
    struct dialog *d = a->dialog;
    json_t *results = a->results;
    a->dialog = NULL;
    a->results = NULL;
    dialog_give(d, results);
}

/* ---- what is recorded first ---- */

struct recorded_turn {
    uint32_t step, try;
    int64_t turn;
};

/* The agent whose turn is recorded now; NULL where it is gone. */
static struct agent *agent_of(struct live_run *r, const struct recorded_turn *t)
{
    struct agent *a = llm_step_agent(r, t->step);
    bool same = a && a->dialog && a->turns == t->turn && r->core.steps[t->step].tries == t->try;
    return same ? a : NULL;
}

static void submit(struct agent *a, struct store_batch *b,
                   void (*durable)(struct live_run *r, void *data))
{
    struct recorded_turn *t = mem_alloc(sizeof *t);
    *t =
        (struct recorded_turn){a->sink.step, a->sink.run->core.steps[a->sink.step].tries, a->turns};
    run_submit(a->sink.run, b, durable, t);
}

static void submit_turn(struct agent *a, void (*durable)(struct live_run *r, void *data))
{
    struct store_batch *b = new_batch(a);
    agent_record_turn(a, b);
    submit(a, b, durable);
}

/* What the calls gave is recorded: now the model may hear of it. A kill between the two would have
 * it told of a call that was interrupted. */
static void give_recorded(struct live_run *r, void *data)
{
    struct agent *a = agent_of(r, data);
    if (a)
        give(a);
}

/* ---- calls ---- */

static void end_servers(struct agent *a)
{
    if (!tools_close(a->tools, a->idle, a->user))
        a->idle(a->user);
}

static void called(void *user, str result, bool is_error)
{
    struct agent_call *c = user;
    struct agent *a = c->agent;
    c->nested = NULL;
    auto_buf masked = BUF(4 << 20);
    agent_mask(a, result, &masked);
    put_result(a, c->place, buf_str(&masked), is_error);
    struct store_batch *b = new_batch(a);
    speech_add_result(a->speech, b, &c->told, is_error ? SPEECH_FAILED : SPEECH_GAVE,
                      buf_str(&masked));
    if (a->dialog)
        agent_record_turn(a, b);
    bool last = --a->running == 0, stopped = !a->dialog;
    submit(a, b, last ? give_recorded : run_nothing);
    if (last && stopped && a->idle)
        end_servers(a);
}

static void refuse(struct agent *a, struct agent_call *c, const struct err *err)
{
    auto_buf text = BUF(16 << 10), masked = BUF(64 << 10);
    struct store_batch *b = new_batch(a);
    buf_addf(&text, "%.*s", STR_ARG(err->message));
    if (err->hint.n)
        buf_addf(&text, " (%.*s)", STR_ARG(err->hint));
    agent_mask(a, buf_str(&text), &masked);
    put_result(a, c->place, buf_str(&masked), true);
    speech_add_result(a->speech, b, &c->told, SPEECH_REFUSED, buf_str(&masked));
    run_submit(a->sink.run, b, run_nothing, NULL);
}

static bool is_own(const struct agent *a, str name)
{
    json_t *tool;
    size_t i;
    json_array_foreach(a->own, i, tool)
    {
        if (str_eq(json_get_text(tool, "name"), name))
            return true;
    }
    return false;
}

/* By its number what is recorded of it is found again. */
static void record_number(struct agent *a, struct agent_call *c)
{
    struct store_batch *b = new_batch(a);
    agent_number_call(a, c->place, nested_next(a->sink.run, a->sink.step));
    agent_record_turn(a, b);
    run_submit(a->sink.run, b, run_nothing, NULL);
}

static bool carry_out(struct agent *a, struct agent_call *c, json_t *input, struct err *err)
{
    struct nested_request q = {c->told.name, input, agent_call_number(a, c->place)};
    if (!is_own(a, c->told.name))
        return tools_call(a->tools, c->told.name, input, called, c, err);
    if (!q.number && agent_has_prompt(a, c->told.name))
        record_number(a, c);
    c->nested = nested_start(a->sink.run, a->sink.step, &q, called, c, err);
    if (c->nested)
        vec_push(&a->calls, c);
    return c->nested != NULL;
}

static struct agent_call *new_call(struct agent *a, size_t place, json_t *call)
{
    struct agent_call *c = arena_alloc(&a->arena, sizeof *c);
    struct speech_call told = {arena_str(&a->arena, json_get_text(call, "id")),
                               arena_str(&a->arena, json_get_text(call, "name"))};
    *c = (struct agent_call){a, place, told, NULL};
    return c;
}

static struct agent_call *tell_call(struct agent *a, struct store_batch *b, size_t place,
                                    json_t *call)
{
    auto_buf masked = BUF(LLM_ANSWER_MAX);
    struct agent_call *c = new_call(a, place, call);
    agent_note_call(a, c->told.name);
    auto_free char *text =
        json_dumps(json_object_get(call, "input"), JSON_COMPACT | JSON_ENCODE_ANY);
    agent_mask(a, opt_str(text), &masked);
    speech_add_call(a->speech, b, &c->told, buf_str(&masked));
    return c;
}

static void begin(struct agent *a, struct agent_call *c, json_t *input)
{
    auto_err err = ERR_INIT;
    if (c->place >= DIALOG_TURN_CALLS_MAX)
        err_set(&err, "too_many_calls", "one answer may call at most %d tools",
                DIALOG_TURN_CALLS_MAX);
    else if (carry_out(a, c, input, &err))
        a->running++;
    if (err_is_set(&err))
        refuse(a, c, &err);
}

/* The calls are recorded: now they may begin, unless the agent is gone. */
static void begin_all(struct live_run *r, void *data)
{
    struct agent *a = agent_of(r, data);
    json_t *call;
    size_t i;
    if (!a)
        return;
    VEC(struct agent_call *) told = {0};
    struct store_batch *b = new_batch(a);
    json_t *calls = a->turn;
    a->turn = NULL;
    json_array_foreach(calls, i, call)
    {
        vec_push(&told, tell_call(a, b, i, call));
    }
    run_submit(r, b, run_nothing, NULL);
    json_array_foreach(calls, i, call)
    {
        begin(a, told.at[i], json_object_get(call, "input"));
    }
    vec_done(&told);
    json_decref(calls);
    if (!a->running)
        submit_turn(a, give_recorded);
}

/* A call that cannot go on was interrupted, as any other is; one that has not begun, begins. */
static void go_on(struct agent *a, size_t place, json_t *call)
{
    auto_err err = ERR_INIT;
    auto_buf line = BUF(RESULT_MAX);
    if (!agent_call_number(a, place)) {
        struct store_batch *b = new_batch(a);
        struct agent_call *fresh = tell_call(a, b, place, call);
        run_submit(a->sink.run, b, run_nothing, NULL);
        begin(a, fresh, json_object_get(call, "input"));
        return;
    }
    struct agent_call *c = new_call(a, place, call);
    if (carry_out(a, c, json_object_get(call, "input"), &err)) {
        a->running++;
        return;
    }
    agent_put_interrupted(json_array_get(a->results, place));
    buf_addf(&line, "%.*s does not go on: %.*s", STR_ARG(c->told.name), STR_ARG(err.message));
    record_system_line(a->sink.run, a->sink.step, buf_str(&line));
}

static void go_on_all(struct live_run *r, void *data)
{
    struct agent *a = agent_of(r, data);
    json_t *call;
    size_t i;
    if (!a)
        return;
    json_t *calls = a->turn;
    a->turn = NULL;
    json_array_foreach(calls, i, call)
    {
        if (!json_object_get(json_array_get(a->results, i), "content"))
            go_on(a, i, call);
    }
    json_decref(calls);
    if (!a->running)
        submit_turn(a, give_recorded);
}

void agent_go_on(struct agent *a, struct dialog *d)
{
    if (!a->turn)
        return;
    a->dialog = d;
    submit_turn(a, go_on_all);
}

void agent_call(struct agent *a, struct dialog *d, json_t *calls, json_t *answer,
                const struct dialog_spent *spent)
{
    a->dialog = d;
    agent_begin_turn(a, calls, answer, spent);
    submit_turn(a, begin_all);
}

bool agent_stop(struct agent *a, void (*idle)(void *user), void *user)
{
    a->dialog = NULL;
    a->idle = idle;
    a->user = user;
    tools_stop(a->tools);
    for (size_t i = 0; i < a->calls.n; i++)
        if (a->calls.at[i]->nested)
            nested_stop(a->calls.at[i]->nested);
    return a->running > 0 || tools_close(a->tools, idle, user);
}

bool agent_open(struct agent *a, void (*ready)(void *user, const struct err *err), void *user)
{
    return tools_open(a->tools, ready, user);
}

bool agent_close(struct agent *a, void (*closed)(void *user), void *user)
{
    return tools_close(a->tools, closed, user);
}

/* Models refuse two tools of one name, and which of them was meant nobody could say. */
static bool check_names(json_t *all, struct err *err)
{
    auto_map names = {0};
    json_t *tool;
    size_t i;
    json_array_foreach(all, i, tool)
    {
        str name = json_get_text(tool, "name");
        if (map_has(&names, name)) {
            err_set(err, "duplicate_tool", "two tools are called '%.*s'", STR_ARG(name));
            err_hint(err, "tools of an MCP server are called SERVER__TOOL: call the server or the "
                          "tool of the repository otherwise");
            return false;
        }
        map_set(&names, name, tool);
    }
    return true;
}

json_t *agent_tools(const struct agent *a, struct err *err)
{
    json_t *all = tools_describe(a->tools);
    json_array_extend(all, a->own);
    if (check_names(all, err))
        return all;
    json_decref(all);
    return NULL;
}

/* What an MCP server says beside its answers. */
static void noted(void *user, str server, str line)
{
    struct agent *a = user;
    auto_buf text = BUF(8 * AGENT_NOTED_MAX), masked = BUF(16 * AGENT_NOTED_MAX);
    size_t shown = line.n < AGENT_NOTED_MAX ? line.n : AGENT_NOTED_MAX;
    buf_addf(&text, "%.*s: ", STR_ARG(server));
    capture_add_valid(&text, str_sub(line, 0, shown));
    agent_mask(a, buf_str(&text), &masked);
    struct log_line kept = {
        .time_ms = clock_wall_ms(), .stream = LOG_SYSTEM, .text = buf_str(&masked)};
    step_keep_lines(&a->sink, &kept, 1); /* a flood ends at the log's quota */
}

static bool describe_own(struct agent *a, json_t *tools, struct err *err)
{
    json_t *tool, *described;
    size_t i;
    a->own = json_array();
    json_array_foreach(tools, i, tool)
    {
        if (!json_is_string(json_object_get(tool, "path")))
            continue;
        str name = json_get_text(tool, "name");
        bool is_prompt;
        if (!(described = nested_describe(a->sink.run, name, &is_prompt, err)))
            return false;
        if (is_prompt)
            vec_push(&a->prompts, arena_str(&a->arena, name));
        json_array_append_new(a->own, described);
    }
    return true;
}

/* "OWNER/NAME" or "NAME", as ctx.repo says it. */
static void repository_name(const struct live_run *r, struct buf *ret)
{
    str facts = r->request.repository_facts;
    json_t *j = json_loadb(facts.p, facts.n, JSON_ALLOW_NUL, NULL);
    str owner = json_get_text(j, "owner"), name = json_get_text(j, "name");
    if (owner.n)
        buf_addf(ret, "%.*s/", STR_ARG(owner));
    buf_add_str(ret, name);
    json_decref(j);
}

struct agent *agent_new(struct sink sink, struct speech *speech, json_t *config,
                        const struct agent_search *search, struct err *err)
{
    struct live_run *r = sink.run;
    auto_buf id = BUF(4096), name = BUF(4096);
    struct agent *a = mem_zalloc(sizeof *a);
    a->sink = sink;
    a->speech = speech;
    a->calls_before = nested_next(r, sink.step) - 1;
    step_runner_id(r, sink.step, &id);
    repository_name(r, &name);
    VEC(const char *) env = {0}, path = {0};
    for (size_t i = 0; i < r->env.n; i++)
        vec_push(&env, r->env.at[i]);
    vec_push(&env, NULL);
    for (size_t i = 0; i < r->path.n; i++)
        vec_push(&path, r->path.at[i]);
    vec_push(&path, NULL);
    struct tools_options options = {.workspace = r->workspace,
                                    .loop = r->engine->options.loop,
                                    .repository = arena_cstr(&a->arena, r->request.repository),
                                    .repository_name = buf_str(&name),
                                    .step = buf_c(&id),
                                    .image = run_image(r),
                                    .env = env.at,
                                    .path = path.at,
                                    .tools = json_object_get(config, "tools"),
                                    .search_url = search->url,
                                    .search_key_name = search->key_name,
                                    .search_key = search->key,
                                    .search_off = search->off,
                                    .noted = noted,
                                    .host_unused = agent_note_unused_host,
                                    .user = a};
    a->tools = tools_new(&options, err);
    vec_done(&env);
    vec_done(&path);
    agent_note_granted(a, options.tools);
    if (a->tools && describe_own(a, options.tools, err))
        return a;
    agent_free(a);
    return NULL;
}

void agent_free(struct agent *a)
{
    if (!a)
        return;
    tools_free(a->tools);
    vec_done(&a->calls);
    vec_done(&a->granted);
    vec_done(&a->prompts);
    vec_done(&a->unused);
    json_decref(a->own);
    json_decref(a->turn);
    json_decref(a->results);
    free(a->answer);
    free(a->usage);
    arena_done(&a->arena);
    free(a);
}
