#include "dialog/dialog_int.h"

bool budget_read(json_t *j, struct budget *ret, struct err *err)
{
    json_t *tokens = json_object_get(j, "tokens"), *usd = json_object_get(j, "usd");
    struct budget b = {0};
    if (json_is_number(j))
        usd = j;
    bool known = !j || json_is_null(j) || json_is_number(j) ||
                 (json_is_object(j) && json_object_size(j) == (size_t)(!!tokens + !!usd));
    if (!known || (tokens && !json_is_integer(tokens)) || (usd && !json_is_number(usd))) {
        err_set(err, "invalid_budget", "budget= is {tokens: N, usd: X}, or a number of US dollars");
        return false;
    }
    b.has_tokens = tokens != NULL;
    b.tokens = json_integer_value(tokens);
    b.has_usd = usd != NULL;
    b.usd = json_number_value(usd);
    *ret = b;
    return true;
}

bool budget_reserve(const struct budget *b, const struct dialog_spent *spent,
                    const struct others *others, const struct llm_client *c, size_t bytes,
                    int64_t max_tokens, struct err *err)
{
    const struct llm_usage *u = &spent->usage;
    struct llm_usage worst = {.input = (int64_t)(bytes / DIALOG_BYTES_PER_TOKEN) + 1,
                              .output = max_tokens};
    int64_t used = u->input + u->output + u->cache_read + u->cache_write + others->tokens;
    if (b->has_tokens && used + worst.input + worst.output > b->tokens) {
        err_set(err, "budget_exceeded",
                "the next call may take %lld tokens, and %lld of the budget's %lld are left",
                (long long)(worst.input + worst.output), (long long)(b->tokens - used),
                (long long)b->tokens);
        err_hint(err, "raise budget=, or lower max_tokens");
        return false;
    }
    if (!b->has_usd)
        return true;
    double cost = llm_cost(c, &worst), spent_usd = llm_cost(c, u) + others->usd;
    if (cost < 0 || others->unknown) {
        err_set(err, "budget_exceeded",
                "the budget is in US dollars, and the prices of %.*s are unknown",
                STR_ARG(cost < 0 ? c->name : STR("a model that its tools asked")));
        err_hint(err, "give it prices under clients: in .plue/config.yaml, or a budget in tokens");
        return false;
    }
    if (spent_usd + cost <= b->usd)
        return true;
    err_set(err, "budget_exceeded",
            "the next call may cost $%.4f, and $%.4f of the budget's $%.4f is left", cost,
            b->usd - spent_usd, b->usd);
    err_hint(err, "raise budget=, or lower max_tokens");
    return false;
}
