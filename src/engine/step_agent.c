/* Agents' tools on behalf of a step: each call and what it gave stand in the step's log, and the
 * model gets what it may see: secrets of the run are masked. */
#include "engine/speech_int.h"
#include "tools/tools.h"
#include "json/json.h"

enum {
    AGENT_NOTED_MAX = 2000, /* bytes of a line of an MCP server in the log */
};

struct agent_tool {
    str name; /* as the plan has it */
    bool used;
};
struct agent;
struct agent_call {
    struct agent *agent;
    size_t place;
    struct speech_call told; /* in the agent's arena */
    struct live_run *nested; /* of a tool of the repository, while it runs */
};
struct agent {
    struct sink sink;
    struct speech *speech;
    struct tools *tools;
    json_t *own;                    /* descriptions of the repository's tools */
    VEC(struct agent_tool) granted; /* names in the arena */
    VEC(struct agent_call *) calls; /* of this turn, to such tools */
    struct arena arena;
    struct dialog *dialog; /* that waits for results; NULL: none, or it was dropped */
    json_t *results;
    json_t *turn; /* the calls, until they are recorded */
    int64_t turns;
    char *answer, *usage; /* JSON, of this turn */
    size_t running;
    void (*idle)(void *user);
    void *user;
};

static void masked_text(struct agent *a, str text, struct buf *ret)
{
    mask_apply(run_mask(a->sink.run), text, ret);
}

static void put_result(struct agent *a, size_t place, str text, bool is_error)
{
    json_t *block = json_array_get(a->results, place);
    json_object_set_new(block, "content", json_stringn(text.p, text.n));
    json_object_set_new(block, "is_error", json_boolean(is_error));
}

static void give(struct agent *a)
{
    struct dialog *d = a->dialog;
    json_t *results = a->results;
    a->dialog = NULL;
    a->results = NULL;
    llm_step_results(a->sink.run, a->sink.step, results);
    dialog_give(d, results);
}

/* ---- the transcript ---- */

static char *masked_json(struct agent *a, json_t *j)
{
    auto_free char *text = json_dumps(j, JSON_COMPACT);
    auto_buf masked = BUF(LLM_ANSWER_MAX);
    masked_text(a, opt_str(text), &masked);
    return buf_take(&masked, NULL);
}

static void put_turn(struct agent *a, struct store_batch *b, int64_t turn, str answer,
                     json_t *results, str usage)
{
    auto_free char *text = json_dumps(results, JSON_COMPACT);
    struct store_turn row = {.key = record_key(a->sink.run, a->sink.step),
                             .turn = turn,
                             .answer = answer,
                             .results = opt_str(text),
                             .usage = usage,
                             .created_at = clock_wall_ms()};
    store_put_turn(b, &row);
}

static struct store_batch *new_batch(struct agent *a)
{
    return store_batch_new(a->sink.run->engine->options.store);
}

static void record_turn(struct agent *a, struct store_batch *b)
{
    put_turn(a, b, a->turns, opt_str(a->answer), a->results, opt_str(a->usage));
}

static json_t *usage_json(const struct dialog_spent *s)
{
    return json_pack("{s:i, s:I, s:I, s:I, s:I}", "calls", s->calls, "input",
                     (json_int_t)s->usage.input, "output", (json_int_t)s->usage.output,
                     "cache_read", (json_int_t)s->usage.cache_read, "cache_write",
                     (json_int_t)s->usage.cache_write);
}

static int64_t int_at(json_t *j, const char *key)
{
    return json_integer_value(json_object_get(j, key));
}

static struct dialog_spent read_usage(str text)
{
    json_t *j = json_loadb(text.p, text.n, 0, NULL);
    struct dialog_spent s = {.calls = (int)int_at(j, "calls"),
                             .usage = {.input = int_at(j, "input"),
                                       .output = int_at(j, "output"),
                                       .cache_read = int_at(j, "cache_read"),
                                       .cache_write = int_at(j, "cache_write")}};
    json_decref(j);
    return s;
}

/* What had begun is not repeated silently: the model is told, and decides. */
static size_t mark_interrupted(json_t *results)
{
    size_t i, marked = 0;
    json_t *block;
    json_array_foreach(results, i, block)
    {
        if (json_object_get(block, "content"))
            continue;
        json_object_set_new(block, "content",
                            json_string(AGENT_INTERRUPTED
                                        "What it did until then may have taken effect: look before "
                                        "you repeat it."));
        json_object_set_new(block, "is_error", json_true());
        marked++;
    }
    return marked;
}

/* ---- what was granted ---- */

static void note_granted(struct agent *a, json_t *tools)
{
    for (size_t i = 0; i < json_array_size(tools); i++) {
        str name = json_get_text(json_array_get(tools, i), "name");
        vec_push(&a->granted, (struct agent_tool){arena_str(&a->arena, name), false});
    }
}

/* Tools of an MCP server are called by the server's name and their own. */
static void note_call(struct agent *a, str name)
{
    vec_each (t, &a->granted)
        t->used |= str_eq(t->name, name) ||
                   (str_starts(name, t->name) &&
                    str_starts(str_sub(name, t->name.n, name.n), STR(TOOLS_SERVER_SEPARATOR)));
}

static void note_earlier_calls(struct agent *a, json_t *answer)
{
    for (size_t i = 0; i < json_array_size(answer); i++)
        if (str_is(json_get_text(json_array_get(answer, i), "type"), "tool_use"))
            note_call(a, json_get_text(json_array_get(answer, i), "name"));
}

void agent_record_unused(struct agent *a)
{
    struct live_run *r = a->sink.run;
    struct store_batch *b = NULL;
    vec_each (t, &a->granted) {
        struct store_grant g = {
            .key = record_key(r, a->sink.step), .kind = STR("tool"), .name = t->name};
        if (t->used)
            continue;
        if (!b)
            b = store_batch_new(r->engine->options.store);
        store_add_unused_grant(b, &g);
    }
    if (b)
        run_submit(r, b, run_nothing, NULL);
}

bool agent_take_up(struct agent *a, json_t **ret_turns, struct dialog_spent *ret_spent,
                   struct err *err)
{
    auto_arena arena = ARENA_INIT;
    auto_buf line = BUF(200);
    struct live_run *r = a->sink.run;
    struct store_step_key key = record_key(r, a->sink.step);
    struct store_turn *turns;
    size_t n, marked = 0;
    if (!store_load_interrupted_turns(r->engine->reader, &key, &arena, &turns, &n, err))
        return false;
    if (!n)
        return true;
    struct store_batch *b = store_batch_new(r->engine->options.store);
    *ret_turns = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *answer = json_loadb(turns[i].answer.p, turns[i].answer.n, JSON_ALLOW_NUL, NULL);
        json_t *results = json_loadb(turns[i].results.p, turns[i].results.n, JSON_ALLOW_NUL, NULL);
        marked = mark_interrupted(results);
        note_earlier_calls(a, answer);
        put_turn(a, b, turns[i].turn, turns[i].answer, results, turns[i].usage);
        json_array_append_new(*ret_turns,
                              json_pack("{s:o, s:o}", "answer", answer, "results", results));
    }
    run_submit(r, b, run_nothing, NULL);
    a->turns = turns[n - 1].turn;
    *ret_spent = read_usage(turns[n - 1].usage);
    buf_addf(&line, "goes on after turn %lld of the try that was interrupted; %zu of its calls %s",
             (long long)a->turns, marked, marked ? "had begun and not ended" : "were under way");
    record_system_line(r, a->sink.step, buf_str(&line));
    return true;
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
    masked_text(a, result, &masked);
    put_result(a, c->place, buf_str(&masked), is_error);
    struct store_batch *b = new_batch(a);
    speech_add_result(a->speech, b, &c->told, is_error ? SPEECH_FAILED : SPEECH_GAVE,
                      buf_str(&masked));
    if (a->dialog)
        record_turn(a, b);
    run_submit(a->sink.run, b, run_nothing, NULL);
    if (--a->running)
        return;
    if (a->dialog)
        give(a);
    else if (a->idle)
        end_servers(a);
}

static void refuse(struct agent *a, struct agent_call *c, const struct err *err)
{
    auto_buf text = BUF(16 << 10), masked = BUF(64 << 10);
    struct store_batch *b = new_batch(a);
    buf_addf(&text, "%.*s", STR_ARG(err->message));
    if (err->hint.n)
        buf_addf(&text, " (%.*s)", STR_ARG(err->hint));
    masked_text(a, buf_str(&text), &masked);
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

static bool carry_out(struct agent *a, struct agent_call *c, json_t *input, struct err *err)
{
    if (!is_own(a, c->told.name))
        return tools_call(a->tools, c->told.name, input, called, c, err);
    c->nested = nested_start(a->sink.run, a->sink.step, c->told.name, input, called, c, err);
    if (c->nested)
        vec_push(&a->calls, c);
    return c->nested != NULL;
}

static struct agent_call *tell_call(struct agent *a, struct store_batch *b, size_t place,
                                    json_t *call)
{
    auto_buf masked = BUF(LLM_ANSWER_MAX);
    struct agent_call *c = arena_alloc(&a->arena, sizeof *c);
    struct speech_call told = {arena_str(&a->arena, json_get_text(call, "id")),
                               arena_str(&a->arena, json_get_text(call, "name"))};
    *c = (struct agent_call){a, place, told, NULL};
    note_call(a, told.name);
    auto_free char *text =
        json_dumps(json_object_get(call, "input"), JSON_COMPACT | JSON_ENCODE_ANY);
    masked_text(a, opt_str(text), &masked);
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

struct recorded_turn {
    uint32_t step, try;
    int64_t turn;
};

/* The calls are recorded: now they may begin, unless the agent is gone. */
static void begin_all(struct live_run *r, void *data)
{
    const struct recorded_turn *t = data;
    struct agent *a = llm_step_agent(r, t->step);
    json_t *call;
    size_t i;
    if (!a || !a->dialog || a->turns != t->turn || r->core.steps[t->step].tries != t->try)
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
        give(a);
}

void agent_call(struct agent *a, struct dialog *d, json_t *calls, json_t *answer,
                const struct dialog_spent *spent)
{
    json_t *call, *usage = usage_json(spent);
    size_t i;
    a->dialog = d;
    a->calls.n = 0;
    a->turns++;
    a->turn = json_deep_copy(calls);
    a->results = json_array();
    json_array_foreach(calls, i, call)
    {
        json_array_append_new(a->results, json_pack("{s:s, s:O?}", "type", "tool_result",
                                                    "tool_use_id", json_object_get(call, "id")));
    }
    free(a->answer);
    free(a->usage);
    a->answer = masked_json(a, answer);
    a->usage = json_dumps(usage, JSON_COMPACT);
    json_decref(usage);
    struct recorded_turn *t = mem_alloc(sizeof *t);
    *t =
        (struct recorded_turn){a->sink.step, a->sink.run->core.steps[a->sink.step].tries, a->turns};
    struct store_batch *b = new_batch(a);
    record_turn(a, b);
    run_submit(a->sink.run, b, begin_all, t);
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
    masked_text(a, buf_str(&text), &masked);
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
        if (!(described = nested_describe(a->sink.run, json_get_text(tool, "name"), err)))
            return false;
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
                                    .user = a};
    a->tools = tools_new(&options, err);
    vec_done(&env);
    vec_done(&path);
    note_granted(a, options.tools);
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
    json_decref(a->own);
    json_decref(a->turn);
    json_decref(a->results);
    free(a->answer);
    free(a->usage);
    arena_done(&a->arena);
    free(a);
}
