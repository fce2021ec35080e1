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

struct dialog_cost budget_worst(const struct llm_client *c, size_t bytes, int64_t max_tokens)
{
    struct llm_usage worst = {.input = (int64_t)(bytes / DIALOG_BYTES_PER_TOKEN) + 1,
                              .output = max_tokens};
    return (struct dialog_cost){worst.input + worst.output, llm_cost(c, &worst)};
}

static bool fits_tokens(int64_t worst, int64_t left, int64_t all, struct err *err)
{
    if (worst <= left)
        return true;
    err_set(err, "budget_exceeded",
            "the next call may take %lld tokens, and %lld of the budget's %lld are left",
            (long long)worst, (long long)left, (long long)all);
    err_hint(err, "raise budget=, or lower max_tokens");
    return false;
}

static bool fits_usd(double worst, double left, double all, struct err *err)
{
    if (worst <= left)
        return true;
    err_set(err, "budget_exceeded",
            "the next call may cost $%.4f, and $%.4f of the budget's $%.4f is left", worst, left,
            all);
    err_hint(err, "raise budget=, or lower max_tokens");
    return false;
}

bool budget_reserve(const struct budget *b, const struct dialog_spent *spent,
                    const struct others *others, const struct llm_client *c,
                    const struct dialog_cost *worst, struct err *err)
{
    const struct llm_usage *u = &spent->usage;
    int64_t used = u->input + u->output + u->cache_read + u->cache_write + others->spent.tokens +
                   others->held.tokens;
    if (b->has_tokens && !fits_tokens(worst->tokens, b->tokens - used, b->tokens, err))
        return false;
    if (!b->has_usd)
        return true;
    double own = llm_cost(c, u);
    if (worst->usd < 0 || own < 0 || others->unknown) {
        err_set(err, "budget_exceeded",
                "the budget is in US dollars, and the prices of %.*s are unknown",
                STR_ARG(own < 0 ? c->name : STR("a model that its tools ask")));
        err_hint(err, "give it prices under clients: in .plue/config.yaml, or a budget in tokens");
        return false;
    }
    return fits_usd(worst->usd, b->usd - own - others->spent.usd - others->held.usd, b->usd, err);
}
