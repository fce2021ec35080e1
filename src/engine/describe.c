/* What a step's row says beside its state and reason: what exactly it waits for. */
#include "engine/engine_int.h"

enum { TEXT_MAX = 64 << 10 };

static void add_retry(const struct live_step *l, struct buf *b)
{
    buf_addf(b, "%s, at ", reason_sentence(REASON_WAITING_FOR_RETRY));
    clock_add_rfc3339(b, l->retry_at);
}

void step_describe(struct live_run *r, uint32_t step)
{
    const struct step_state *s = &r->core.steps[step];
    struct live_step *l = &r->steps[step];
    auto_buf text = BUF(TEXT_MAX);
    if (step_is_held(s))
        hold_describe(r, step, &text);
    else if (s->reason == REASON_WAITING_FOR_RETRY)
        add_retry(l, &text);
    free(l->reason_text);
    l->reason_text = text.n ? buf_take(&text, NULL) : NULL;
}
