#include "cli/worst.h"
#include "engine/engine.h"
#include "prompt/prompt.h"
#include "json/json.h"

struct count {
    struct worst_case *worst;
    struct llm_clients clients;
    const struct bundle *bundle;
};

static void note(struct worst_case *w, str *names, size_t *n, str name)
{
    for (size_t i = 0; i < *n; i++)
        if (str_eq(names[i], name))
            return;
    if (*n < WORST_NAMES_MAX)
        names[(*n)++] = arena_str(&w->arena, name);
}

/* ---- tools ---- */

static void put_text(json_t *to, const char *key, str text)
{
    if (text.n)
        json_object_set_new(to, key, json_stringn(text.p, text.n));
}

/* A prompt that is called as a tool, as a plan's step would have it. */
static json_t *config_of(const struct prompt *p)
{
    json_t *j = json_object(), *tools = json_array();
    put_text(j, "client", p->client);
    if (p->max_turns)
        json_object_set_new(j, "max_turns", json_integer(p->max_turns));
    if (p->max_tokens)
        json_object_set_new(j, "max_tokens", json_integer(p->max_tokens));
    json_object_set_new(j, "repairs", json_integer(p->repairs));
    if (p->budget.n)
        json_object_set_new(j, "budget",
                            json_loadb(p->budget.p, p->budget.n, JSON_DECODE_ANY, NULL));
    for (uint32_t i = 0; i < p->tool_count; i++) {
        json_t *tool = json_object();
        put_text(tool, "name", p->tools[i].name);
        put_text(tool, "path", p->tools[i].path);
        json_array_append_new(tools, tool);
    }
    json_object_set_new(j, "tools", tools);
    return j;
}

static bool count_config(struct count *c, json_t *config, bool agent, unsigned depth,
                         struct dialog_worst *ret, struct err *err);

static bool count_tool(struct count *c, str name, unsigned depth, struct dialog_worst *ret,
                       struct err *err)
{
    struct worst_case *w = c->worst;
    struct evaluation *e = evaluation_new(c->bundle, NULL);
    struct err_list errors = {0};
    struct tool_facts facts;
    bool ok = evaluation_load_tool(e, name, &facts, &errors);
    if (!ok && errors.n)
        err_move(err, &errors.at[0]);
    err_list_done(&errors);
    if (ok && facts.prompt) {
        json_t *config = config_of(facts.prompt);
        ok = count_config(c, config, facts.prompt->agent, depth, ret, err);
        json_decref(config);
    } else if (ok) {
        note(w, w->uncounted, &w->uncounted_count, name);
    }
    evaluation_free(e);
    return ok;
}

static double dearest(double a, double b)
{
    return a > b ? a : b;
}

static void take_dearest(struct dialog_worst *to, const struct dialog_worst *w)
{
    to->calls = w->calls > to->calls ? w->calls : to->calls;
    to->input_tokens = w->input_tokens > to->input_tokens ? w->input_tokens : to->input_tokens;
    to->output_tokens = w->output_tokens > to->output_tokens ? w->output_tokens : to->output_tokens;
    to->answers_usd = dearest(w->answers_usd, to->answers_usd);
    to->usd = dearest(w->usd, to->usd);
    to->unpriced |= w->unpriced;
}

static bool count_tools(struct count *c, json_t *tools, unsigned depth, struct dialog_worst *ret,
                        struct err *err)
{
    json_t *tool;
    size_t i;
    json_array_foreach(tools, i, tool)
    {
        struct dialog_worst w = {0};
        if (!json_get_text(tool, "path").n || depth == 0)
            continue;
        if (!count_tool(c, json_get_text(tool, "name"), depth - 1, &w, err))
            return false;
        take_dearest(ret, &w);
    }
    return true;
}

/* ---- steps ---- */

static bool count_config(struct count *c, json_t *config, bool agent, unsigned depth,
                         struct dialog_worst *ret, struct err *err)
{
    struct worst_case *w = c->worst;
    struct llm_client client = {0};
    struct dialog_worst tools = {0};
    auto_err unknown = ERR_INIT;
    str name = json_get_text(config, "client");
    /* Where the plan is made need not be where it runs. */
    if (!llm_clients_find(&c->clients, name, &client, &unknown))
        client = (struct llm_client){.name = arena_str(&w->arena, name)};
    if (!count_tools(c, json_object_get(config, "tools"), depth, &tools, err) ||
        !dialog_worst_case(config, agent, &client, &tools, ret, err))
        return false;
    if (!client.prices.known && ret->unpriced)
        note(w, w->unpriced, &w->unpriced_count, client.name);
    return true;
}

static bool count_step(struct count *c, const struct plan_step *step, struct err *err)
{
    struct worst_case *w = c->worst;
    struct dialog_worst one;
    json_t *config = json_loadb(step->config.p, step->config.n, JSON_ALLOW_NUL, NULL);
    bool ok =
        count_config(c, config, step->type == STEP_TYPE_AGENT, ENGINE_TOOLS_DEPTH_MAX, &one, err);
    json_decref(config);
    if (!ok)
        return false;
    w->steps++;
    w->all.calls += one.calls;
    w->all.input_tokens += one.input_tokens;
    w->all.output_tokens += one.output_tokens;
    w->all.answers_usd += one.answers_usd;
    w->all.usd += one.usd;
    return true;
}

bool worst_case_of(const struct plan *p, const char *root, const struct bundle *bundle,
                   struct worst_case *ret, struct err *err)
{
    *ret = (struct worst_case){.open = p->end == PLAN_OPEN};
    struct count c = {.worst = ret, .bundle = bundle};
    bool ok = true, loaded = false;
    for (uint32_t i = 0; i < p->step_count && ok; i++) {
        enum step_type type = p->steps[i].type;
        if (type != STEP_TYPE_LLM && type != STEP_TYPE_AGENT)
            continue;
        ok = (loaded || llm_clients_open(&c.clients, root, err)) &&
             (loaded = true, count_step(&c, &p->steps[i], err));
    }
    if (loaded)
        llm_clients_done(&c.clients);
    return ok;
}

void worst_case_done(struct worst_case *w)
{
    arena_done(&w->arena);
}

/* ---- what is said ---- */

/* 1234567 as 1,234,567 */
static void add_grouped(struct buf *b, int64_t n)
{
    if (n >= 1000) {
        add_grouped(b, n / 1000);
        buf_addf(b, ",%03d", (int)(n % 1000));
    } else {
        buf_addf(b, "%d", (int)n);
    }
}

static void add_names(struct buf *b, const str *names, size_t n, const char *before)
{
    for (size_t i = 0; i < n; i++)
        buf_addf(b, "%s%s%.*s", i ? ", " : "", before, STR_ARG(names[i]));
}

void worst_case_add(struct buf *b, const struct worst_case *w)
{
    if (!w->steps)
        return;
    buf_addf(b, "\nAt worst %zu step%s that ask%s models make%s%s ", w->steps,
             w->steps == 1 ? "" : "s", w->steps == 1 ? "s" : "", w->steps == 1 ? "s" : "",
             w->open ? ", so far," : "");
    add_grouped(b, w->all.calls);
    buf_addf(b, " call%s with ", w->all.calls == 1 ? "" : "s");
    add_grouped(b, w->all.output_tokens);
    buf_addf(b, " tokens of answers: $%.2f, and $%.2f with full contexts.\n", w->all.answers_usd,
             w->all.usd);
    if (w->unpriced_count) {
        buf_add_c(b, "The prices of ");
        add_names(b, w->unpriced, w->unpriced_count, "");
        buf_add_c(b, " are unknown and not counted: give them under clients: in "
                     ".plue/config.yaml.\n");
    }
    if (w->uncounted_count) {
        buf_add_c(b, "What the functions ");
        add_names(b, w->uncounted, w->uncounted_count, "//tools:");
        buf_add_c(b, " ask of models is not counted, where no budget= bounds it.\n");
    }
}

static void put_names(struct json_writer *w, const char *key, const str *names, size_t n)
{
    json_key_c(w, key);
    json_begin_array(w);
    for (size_t i = 0; i < n; i++)
        json_put_str(w, names[i]);
    json_end_array(w);
}

void worst_case_put(struct json_writer *w, const struct worst_case *c)
{
    if (!c->steps) {
        json_put_null(w);
        return;
    }
    json_begin_object(w);
    json_key_c(w, "steps");
    json_put_int(w, (int64_t)c->steps);
    json_key_c(w, "calls");
    json_put_int(w, c->all.calls);
    json_key_c(w, "input_tokens");
    json_put_int(w, c->all.input_tokens);
    json_key_c(w, "output_tokens");
    json_put_int(w, c->all.output_tokens);
    json_key_c(w, "answers_usd");
    json_put_double(w, c->all.answers_usd);
    json_key_c(w, "usd");
    json_put_double(w, c->all.usd);
    put_names(w, "unpriced", c->unpriced, c->unpriced_count);
    put_names(w, "uncounted", c->uncounted, c->uncounted_count);
    json_end_object(w);
}
