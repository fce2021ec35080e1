#include "dialog/dialog_int.h"

static int64_t number_at(json_t *config, const char *key, int64_t fallback)
{
    json_t *j = json_object_get(config, key);
    return json_is_integer(j) ? json_integer_value(j) : fallback;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void add(struct dialog_worst *to, const struct dialog_worst *w, int64_t times)
{
    to->calls += times * w->calls;
    to->input_tokens += times * w->input_tokens;
    to->output_tokens += times * w->output_tokens;
    to->answers_usd += (double)times * w->answers_usd;
    to->usd += (double)times * w->usd;
    to->unpriced |= w->unpriced;
}

static void bound(struct dialog_worst *w, const struct budget *b)
{
    if (b->has_tokens) {
        w->output_tokens = least(w->output_tokens, b->tokens);
        w->input_tokens = least(w->input_tokens, b->tokens - w->output_tokens);
    }
    if (!b->has_usd)
        return;
    w->usd = w->unpriced || w->usd > b->usd ? b->usd : w->usd;
    w->answers_usd = w->unpriced || w->answers_usd > b->usd ? b->usd : w->answers_usd;
    w->unpriced = false;
}

bool dialog_worst_case(json_t *config, bool agent, const struct llm_client *c,
                       const struct dialog_worst *tool, struct dialog_worst *ret, struct err *err)
{
    struct budget budget;
    struct dialog_worst one = {0};
    int64_t turns = agent ? number_at(config, "max_turns", DIALOG_TURNS) : 1;
    if (!budget_read(json_object_get(config, "budget"), &budget, err))
        return false;
    one.calls = turns + number_at(config, "repairs", 0);
    struct llm_usage u = {.output = one.calls * number_at(config, "max_tokens", LLM_MAX_TOKENS),
                          .input = one.calls * (DIALOG_CONTEXT_MAX / DIALOG_BYTES_PER_TOKEN)};
    one.input_tokens = u.input;
    one.output_tokens = u.output;
    if (budget.has_tokens) { /* which bounds the money too */
        u.output = least(u.output, budget.tokens);
        u.input = least(u.input, budget.tokens - u.output);
    }
    one.unpriced = llm_cost(c, &u) < 0;
    if (!one.unpriced) {
        one.usd = llm_cost(c, &u);
        one.answers_usd = llm_cost(c, &(struct llm_usage){.output = u.output});
    }
    if (agent && tool)
        add(&one, tool, (turns - 1) * DIALOG_TURN_CALLS_MAX);
    bound(&one, &budget);
    *ret = (struct dialog_worst){0};
    add(ret, &one, 1 + number_at(config, "retries", 0));
    return true;
}
