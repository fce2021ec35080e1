#include "cli/worst.h"
#include "base/fd.h"
#include "config/config.h"
#include "dialog/dialog.h"
#include "json/json.h"
#include <fcntl.h>

struct sum {
    size_t steps;
    struct dialog_worst all;
    str unpriced; /* a client whose prices are unknown; empty: none */
};

static bool load_clients(const char *root, struct llm_clients *ret, struct err *err)
{
    auto_buf text = BUF(CONFIG_FILE_MAX), path = BUF(1 << 16);
    struct err_list errors = {0};
    buf_addf(&path, "%s/.plue/config.yaml", root);
    (void)fd_read_file(AT_FDCWD, buf_c(&path), &text); /* absent: nothing is configured */
    bool ok = llm_clients_init(ret, buf_str(&text), STR(".plue/config.yaml"), &errors);
    if (!ok && errors.n)
        err_move(err, &errors.at[0]);
    err_list_done(&errors);
    return ok;
}

static bool add_step(struct sum *s, struct llm_clients *clients, const struct plan_step *step,
                     struct err *err)
{
    struct llm_client client = {0};
    struct dialog_worst w;
    auto_err unknown = ERR_INIT;
    json_t *config = json_loadb(step->config.p, step->config.n, JSON_ALLOW_NUL, NULL);
    str name = json_get_text(config, "client");
    /* Where the plan is made need not be where it runs. */
    if (!llm_clients_find(clients, name, &client, &unknown))
        client = (struct llm_client){.name = arena_str(&clients->arena, name)};
    bool ok = dialog_worst_case(config, step->type == STEP_TYPE_AGENT, &client, &w, err);
    json_decref(config);
    if (!ok)
        return false;
    s->steps++;
    s->all.calls += w.calls;
    s->all.output_tokens += w.output_tokens;
    if (w.usd < 0) {
        s->unpriced = client.name;
        return true;
    }
    s->all.answers_usd += w.answers_usd;
    s->all.usd += w.usd;
    return true;
}

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

static void add_sum(struct buf *b, const struct sum *s, bool open)
{
    buf_addf(b, "\nAt worst %zu step%s that ask%s models make%s%s ", s->steps,
             s->steps == 1 ? "" : "s", s->steps == 1 ? "s" : "", s->steps == 1 ? "s" : "",
             open ? ", so far," : "");
    add_grouped(b, s->all.calls);
    buf_addf(b, " call%s with ", s->all.calls == 1 ? "" : "s");
    add_grouped(b, s->all.output_tokens);
    buf_addf(b, " tokens of answers: $%.2f, and $%.2f with full contexts.\n", s->all.answers_usd,
             s->all.usd);
    if (s->unpriced.n)
        buf_addf(b,
                 "The prices of %.*s are unknown and not counted: give them under clients: in "
                 ".plue/config.yaml.\n",
                 STR_ARG(s->unpriced));
}

bool worst_add(struct buf *b, const struct plan *p, const char *root, struct err *err)
{
    struct llm_clients clients = {0};
    struct sum sum = {0};
    bool ok = true, loaded = false;
    for (uint32_t i = 0; i < p->step_count && ok; i++) {
        enum step_type type = p->steps[i].type;
        if (type != STEP_TYPE_LLM && type != STEP_TYPE_AGENT)
            continue;
        ok = (loaded || load_clients(root, &clients, err)) &&
             (loaded = true, add_step(&sum, &clients, &p->steps[i], err));
    }
    if (ok && sum.steps)
        add_sum(b, &sum, p->end == PLAN_OPEN);
    if (loaded)
        llm_clients_done(&clients);
    return ok;
}
