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

bool dialog_worst_case(json_t *config, bool agent, const struct llm_client *c,
                       struct dialog_worst *ret, struct err *err)
{
    struct budget budget;
    int64_t tries = 1 + number_at(config, "retries", 0);
    int64_t calls = (agent ? number_at(config, "max_turns", DIALOG_TURNS) : 1) +
                    number_at(config, "repairs", 0);
    if (!budget_read(json_object_get(config, "budget"), &budget, err))
        return false;
    struct llm_usage u = {.output = calls * number_at(config, "max_tokens", LLM_MAX_TOKENS),
                          .input = calls * (DIALOG_CONTEXT_MAX / DIALOG_BYTES_PER_TOKEN)};
    if (budget.has_tokens) {
        u.output = least(u.output, budget.tokens);
        u.input = least(u.input, budget.tokens - u.output);
    }
    *ret =
        (struct dialog_worst){.calls = tries * calls,
                              .output_tokens = tries * u.output,
                              .answers_usd = llm_cost(c, &(struct llm_usage){.output = u.output}),
                              .usd = llm_cost(c, &u)};
    if (budget.has_usd && (ret->usd < 0 || ret->usd > budget.usd))
        ret->usd = budget.usd;
    if (budget.has_usd && (ret->answers_usd < 0 || ret->answers_usd > budget.usd))
        ret->answers_usd = budget.usd;
    ret->answers_usd *= (double)tries;
    ret->usd *= (double)tries;
    return true;
}
