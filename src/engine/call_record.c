#include "engine/call_record_int.h"
#include "engine/replay.h"
#include "json/json.h"

void call_before_done(struct call_before *b)
{
    json_decref(b->request);
    vec_done(&b->hashes);
    arena_done(&b->arena);
}

/* ---- recording ---- */

static str hash_of(struct arena *a, const json_t *message)
{
    auto_free char *text = json_dumps(message, JSON_COMPACT | JSON_SORT_KEYS);
    return plan_sha256(a, opt_str(text));
}

/* How many messages are those of the call before; the hashes become this call's. */
static size_t same_messages(struct call_before *before, json_t *messages)
{
    auto_arena now = ARENA_INIT;
    size_t i, same = 0;
    json_t *message;
    json_array_foreach(messages, i, message)
    {
        str hash = hash_of(&now, message);
        bool known = i < before->hashes.n;
        if (known && str_eq(before->hashes.at[i], hash)) {
            same += same == i;
            continue;
        }
        hash = arena_str(&before->arena, hash);
        if (known)
            before->hashes.at[i] = hash;
        else
            vec_push(&before->hashes, hash);
    }
    return same;
}

/* Takes out what the call before asked too. */
static void leave_out_known(json_t *request, const json_t *before)
{
    const char *key;
    json_t *value;
    void *next;
    json_object_foreach_safe(request, next, key, value)
    {
        if (strcmp(key, "messages") != 0 && json_equal(value, json_object_get(before, key)))
            json_object_del(request, key);
    }
}

static json_t *new_messages(json_t *messages, size_t from)
{
    json_t *rest = json_array();
    for (size_t i = from; i < json_array_size(messages); i++)
        json_array_append(rest, json_array_get(messages, i));
    return rest;
}

static json_t *describe(struct call_before *before, const struct llm_client *c,
                        const struct llm_request *q, const struct llm_answer *a,
                        const struct err *failed)
{
    struct llm_request rest = *q;
    size_t same = same_messages(before, q->messages);
    rest.messages = new_messages(q->messages, same);
    json_t *call = llm_record_call(c, &rest, a, failed),
           *request = json_object_get(call, "request");
    json_t *whole = json_copy(request);
    json_decref(rest.messages);
    json_object_del(call, "request_sha256");
    json_object_set_new(call, "messages_before", json_integer((json_int_t)same));
    leave_out_known(request, before->request);
    json_object_del(whole, "messages");
    json_decref(before->request);
    before->request = whole;
    return call;
}

/* The record's text without secrets; empty where it cannot be kept. */
static void masked_text(struct live_run *r, const json_t *call, struct buf *ret)
{
    auto_free char *text = json_dumps(call, JSON_COMPACT);
    str s = opt_str(text);
    struct live_run *top = run_top(r);
    if (!s.n || s.n > CALL_RECORD_MAX || top->call_bytes + s.n > CALL_RECORDS_MAX)
        return;
    mask_apply(&top->mask, s, ret);
    json_t *still =
        ret->n <= CALL_RECORD_MAX ? json_loadb(ret->p, ret->n, JSON_ALLOW_NUL, NULL) : NULL;
    if (!still) /* a secret was part of what makes it JSON */
        ret->n = 0;
    json_decref(still);
    top->call_bytes += ret->n;
}

void call_record(struct live_run *r, uint32_t step, struct call_before *before,
                 const struct llm_client *c, const struct llm_request *q,
                 const struct llm_answer *a, const struct err *failed)
{
    auto_buf text = BUF(2 * CALL_RECORD_MAX);
    char sha256[LLM_REQUEST_HASH];
    json_t *call = describe(before, c, q, a, failed);
    llm_request_hash(c, q, sha256);
    masked_text(r, call, &text);
    json_decref(call);
    if (!text.n)
        record_system_line(r, step,
                           STR("this call is too large to be recorded: no replay of the step"));
    struct store_batch *b = store_batch_new(r->engine->options.store);
    struct store_llm_call row = {.run_id = r->id,
                                 .attempt = r->attempt,
                                 .step_id = r->plan.steps[step].id,
                                 .try = r->core.steps[step].tries,
                                 .request_sha256 = str_of(sha256),
                                 .record = buf_str(&text),
                                 .created_at = clock_wall_ms()};
    store_add_llm_call(b, &row);
    run_submit(r, b, run_nothing, NULL);
}

/* ---- reading ---- */

static bool not_whole(int64_t run_id, str step_id, struct err *err)
{
    err_set(err, "no_record", "the record of step '%.*s' in run %lld is not whole",
            STR_ARG(step_id), (long long)run_id);
    err_hint(err, "a call that is too large is not kept; start the run anew");
    return false;
}

/* The whole request: what the call says, over what the one before said. */
static bool complete(json_t *call, json_t *before)
{
    json_t *request = json_object_get(call, "request"), *said = json_object_get(before, "messages");
    json_t *added = json_object_get(request, "messages");
    json_int_t same = json_integer_value(json_object_get(call, "messages_before"));
    if (!json_is_object(request) || !json_is_array(added) || same < 0 ||
        (size_t)same > json_array_size(said))
        return false;
    json_t *messages = json_array();
    for (size_t i = 0; i < (size_t)same; i++)
        json_array_append(messages, json_array_get(said, i));
    json_array_extend(messages, added);
    json_object_update_missing(request, before);
    json_object_set_new(request, "messages", messages);
    json_object_del(call, "messages_before");
    return true;
}

static bool add_call(json_t *calls, const struct store_llm_call *row)
{
    json_t *call = json_loadb(row->record.p, row->record.n, JSON_ALLOW_NUL, NULL);
    json_t *last = json_array_get(calls, json_array_size(calls) - 1);
    json_t *nothing = json_object();
    bool ok = call && complete(call, last ? json_object_get(last, "request") : nothing);
    json_decref(nothing);
    if (ok)
        json_object_set_new(call, "request_sha256",
                            json_stringn(row->request_sha256.p, row->request_sha256.n));
    if (ok)
        json_array_append(calls, call);
    json_decref(call);
    return ok;
}

/* Where a process has died between an answer and the turn that it begins, the same was asked again:
 * the first answer is nobody's. Else no request is like another, since each says more. */
static void leave_out_lost(json_t *calls)
{
    for (size_t i = 0; i + 1 < json_array_size(calls);)
        if (str_eq(json_get_text(json_array_get(calls, i), "request_sha256"),
                   json_get_text(json_array_get(calls, i + 1), "request_sha256")))
            json_array_remove(calls, i);
        else
            i++;
}

/* A later try asks from the first message again: what was before it is no part of the last one. */
static void keep_last_conversation(json_t *calls)
{
    size_t first = 0, i;
    json_t *call;
    json_array_foreach(calls, i, call)
    {
        if (json_array_size(json_object_get(json_object_get(call, "request"), "messages")) == 1)
            first = i;
    }
    for (; first; first--)
        json_array_remove(calls, 0);
}

json_t *call_record_load(struct store_reader *reader, int64_t run_id, str step_id, struct err *err)
{
    auto_arena a = ARENA_INIT;
    auto_buf where = BUF(4096);
    struct store_llm_call *rows;
    size_t n;
    if (!store_list_llm_calls(reader, run_id, step_id, &a, &rows, &n, err))
        return NULL;
    json_t *record = llm_record_new(), *calls = json_object_get(record, "calls");
    bool ok = true;
    for (size_t i = 0; i < n && ok; i++)
        ok = add_call(calls, &rows[i]) || not_whole(run_id, step_id, err);
    leave_out_lost(calls);
    keep_last_conversation(calls);
    buf_addf(&where, "run %lld, step %.*s", (long long)run_id, STR_ARG(step_id));
    if (ok && !n)
        ok = err_set(err, "no_record", "run %lld has no record of a model's calls in step '%.*s'",
                     (long long)run_id, STR_ARG(step_id));
    if (ok && llm_record_check(record, buf_str(&where), err))
        return record;
    json_decref(record);
    return NULL;
}

/* ---- records of whole runs, in files ---- */

static bool add_step(json_t *steps, struct store_reader *reader, int64_t run_id, str id,
                     struct err *err)
{
    auto_err none = ERR_INIT;
    json_t *record = call_record_load(reader, run_id, id, &none);
    if (!record && strcmp(none.code, "no_record") != 0)
        return err_move(err, &none), false;
    if (record)
        json_object_setn(steps, id.p, id.n, record);
    json_object_del(record, "format");
    json_object_del(record, "version");
    json_decref(record);
    return true;
}

json_t *engine_record(struct store_reader *reader, int64_t run_id, struct err *err)
{
    auto_arena a = ARENA_INIT;
    struct store_run run;
    struct store_step *rows;
    size_t n;
    if (!store_load_run(reader, run_id, &a, &run, err) ||
        !store_load_steps(reader, run_id, STORE_LAST, STORE_STEPS_BRIEF, &a, &rows, &n, err))
        return NULL;
    json_t *record = llm_record_new(), *steps = json_object();
    json_object_del(record, "calls");
    json_object_set_new(record, "workflow", json_stringn(run.workflow.p, run.workflow.n));
    json_object_set_new(record, "steps", steps);
    bool ok = true;
    for (size_t i = 0; i < n && ok; i++)
        if (rows[i].type == STEP_TYPE_AGENT || rows[i].type == STEP_TYPE_LLM)
            ok = add_step(steps, reader, run_id, rows[i].key.step_id, err);
    if (ok && !json_object_size(steps))
        ok = err_set(err, "no_record", "run %lld has no record of a model's answers",
                     (long long)run_id);
    if (ok)
        return record;
    json_decref(record);
    return NULL;
}

static json_t *read_file(const char *path, struct err *err)
{
    json_t *file = json_read_file(path, JSON_UNIQUE_KEYS, err);
    if (!file || json_is_object(json_object_get(file, "steps")))
        return file;
    err_set(err, "invalid_record", "%s is no record of a run", path);
    err_hint(err, "plue workflow run NAME --record FILE makes one");
    json_decref(file);
    return NULL;
}

static bool check_step(json_t *file, const char *path, json_t *step, str id, struct err *err)
{
    auto_buf where = BUF(1 << 16);
    buf_addf(&where, "%s, step %.*s", path, STR_ARG(id));
    json_object_set(step, "format", json_object_get(file, "format"));
    json_object_set(step, "version", json_object_get(file, "version"));
    return llm_record_check(step, buf_str(&where), err);
}

json_t *call_record_read(const char *path, str step_id, struct err *err)
{
    json_t *file = read_file(path, err);
    json_t *step = json_object_getn(json_object_get(file, "steps"), step_id.p, step_id.n);
    if (file && !step) {
        err_set(err, "llm_replay_diverged", "%s has nothing of a step '%.*s'", path,
                STR_ARG(step_id));
        err_hint(err, "the workflow goes another way than when it was recorded: record it anew");
    }
    if (step && !check_step(file, path, step, step_id, err))
        step = NULL;
    json_incref(step);
    json_decref(file);
    return step;
}

bool engine_record_check(const char *path, struct err *err)
{
    json_t *file = read_file(path, err), *step;
    const char *id;
    bool ok = file != NULL;
    json_object_foreach(json_object_get(file, "steps"), id, step)
    {
        ok = ok && check_step(file, path, step, str_of(id), err);
    }
    json_decref(file);
    return ok;
}
