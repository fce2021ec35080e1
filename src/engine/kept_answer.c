/* Answers of models where a prompt says `cache: true`: kept once they fitted, given again to the
 * same request. */
#include "base/clock.h"
#include "engine/engine_int.h"
#include "json/json.h"

enum { KEPT_ANSWER_MAX = 1 << 20 };

json_t *kept_answer_find(struct live_run *r, uint32_t step, const char *sha256, str base_url)
{
    auto_arena a = ARENA_INIT;
    auto_err err = ERR_INIT;
    auto_buf line = BUF(4096);
    struct store_model_answer kept;
    bool has;
    if (r->core.steps[step].tries > 1) /* the last one may be what failed */
        return NULL;
    if (!store_find_model_answer(r->engine->reader, str_of(sha256), base_url, &a, &kept, &has,
                                 &err)) {
        buf_addf(&line, "kept answers cannot be read, the model is asked: %.*s",
                 STR_ARG(err.message));
        record_system_line(r, step, buf_str(&line));
        return NULL;
    }
    json_t *answer = has ? json_loadb(kept.answer.p, kept.answer.n, JSON_ALLOW_NUL, NULL) : NULL;
    if (!answer)
        return NULL;
    buf_addf(&line, "answered without the model: the same request was answered in run %lld, %.*s, ",
             (long long)kept.run_id, STR_ARG(kept.step_id));
    clock_add_rfc3339(&line, kept.created_at);
    record_system_line(r, step, buf_str(&line));
    return answer;
}

void kept_answer_put(struct live_run *r, uint32_t step, const char *sha256, str base_url,
                     str client, json_t *answer)
{
    auto_free char *text = json_dumps(answer, JSON_COMPACT);
    auto_buf masked = BUF(2 * KEPT_ANSWER_MAX);
    str s = str_of(text ? text : "");
    if (!s.n || s.n > KEPT_ANSWER_MAX)
        return;
    mask_apply(run_mask(r), s, &masked);
    if (!str_eq(s, buf_str(&masked))) /* with a secret in it, it belongs to this run alone */
        return;
    struct store_batch *b = store_batch_new(r->engine->options.store);
    struct store_model_answer row = {.request_sha256 = str_of(sha256),
                                     .base_url = base_url,
                                     .client = client,
                                     .answer = s,
                                     .run_id = r->id,
                                     .step_id = r->plan.steps[step].id,
                                     .created_at = clock_wall_ms()};
    store_put_model_answer(b, &row);
    run_submit(r, b, run_nothing, NULL);
}
