/* What an answer says, in words and in money. */
#include "llm/llm_int.h"
#include "json/json.h"

static const char *const stops[LLM_STOP_COUNT] = {"end",     "tool_use", "max_tokens",
                                                  "refusal", "pause",    "context"};

const char *llm_stop_name(enum llm_stop s)
{
    return stops[s];
}

bool llm_stop_parse(str s, enum llm_stop *ret)
{
    for (int i = 0; i < LLM_STOP_COUNT; i++)
        if (str_is(s, stops[i])) {
            *ret = (enum llm_stop)i;
            return true;
        }
    return false;
}

void llm_answer_text(const struct llm_answer *a, struct buf *ret)
{
    json_t *block;
    size_t i;
    json_array_foreach(a->content, i, block) if (str_is(json_get_text(block, "type"), "text"))
        buf_add_str(ret, json_get_text(block, "text"));
}

double llm_cost(const struct llm_client *c, const struct llm_usage *u)
{
    const struct llm_prices *p = &c->prices;
    if (!p->known)
        return -1;
    return ((double)u->input * p->input + (double)u->output * p->output +
            (double)u->cache_read * p->cache_read + (double)u->cache_write * p->cache_write) /
           1e6;
}
