#include "engine/receipt_int.h"
#include "llm/llm.h"

static void on_wake(uv_poll_t *p, int status, int events)
{
    struct engine *e = p->data;
    (void)status;
    (void)events;
    store_deliver(e->options.store);
}

/* What the loop's callbacks have decided is recorded, acted on and told before it waits again. */
static void on_turn(uv_prepare_t *p)
{
    struct engine *e = p->data;
    store_end_turn(e->options.store);
}

static void on_lease(uv_timer_t *t)
{
    struct engine *e = t->data;
    auto_err err = ERR_INIT;
    if (!e->active || e->halted)
        return;
    struct store_batch *b = store_batch_new(e->options.store);
    store_renew_leases(b, &e->self, clock_wall_ms());
    if (!store_submit(e->options.store, b, NULL, NULL, &err))
        store_batch_free(b);
}

/* ---- wishes of other processes ---- */

static void obey(struct engine *e, struct live_run *r, const struct store_command *c)
{
    auto_err err = ERR_INIT;
    struct store_batch *b = store_batch_new(e->options.store);
    store_finish_command(b, c->id, clock_wall_ms());
    if (!store_submit(e->options.store, b, NULL, NULL, &err))
        store_batch_free(b);
    json_t *data = json_loadb(c->data.p, c->data.n, 0, NULL);
    int64_t by = json_integer_value(json_object_get(data, "superseded_by"));
    json_decref(data);
    if (str_is(c->kind, "cancel") && by)
        run_yield(r, by);
    else if (str_is(c->kind, "cancel"))
        engine_cancel(e, r->id);
    else if (str_is(c->kind, "continue"))
        hold_continue(r, c->data);
}

/* A process can also die without a trace in the database. */
static void try_queued(struct engine *e, bool changed)
{
    if (!changed && ++e->quiet_ticks % QUEUE_LOOK_TICKS)
        return;
    for (struct live_run *r = e->runs, *next; r; r = next) {
        next = r->next;
        if (r->queued && !r->complete && !r->parent)
            run_try_to_begin(r);
    }
}

static void on_commands(uv_timer_t *t)
{
    struct engine *e = t->data;
    auto_err err = ERR_INIT;
    bool changed;
    if (e->halted)
        engine_let_go(e);
    if (!e->active || e->halted || !store_reader_changed(e->reader, &changed, &err))
        return;
    try_queued(e, changed);
    if (!changed)
        return;
    for (struct live_run *r = e->runs, *next; r; r = next) {
        auto_arena a = ARENA_INIT;
        struct store_command *commands;
        size_t n;
        next = r->next;
        if (r->complete || !r->id || r->parent ||
            !store_list_commands(e->reader, r->id, &a, &commands, &n, &err))
            continue;
        for (size_t i = 0; i < n; i++)
            obey(e, r, &commands[i]);
    }
    for (struct live_run *r = e->runs, *next; r; r = next) {
        next = r->next;
        approvals_look(r);
    }
}

/* ---- life ---- */

bool engine_new(const struct engine_options *options, struct engine **ret, struct err *err)
{
    struct engine *e = mem_zalloc(sizeof *e);
    e->options = *options;
    if (!e->options.slots)
        e->options.slots = uv_available_parallelism();
    if (!store_owner_self(&e->self, err) || !store_reader_open(options->store, &e->reader, err)) {
        free(e);
        return false;
    }
    uv_poll_init(options->loop, &e->wake, store_wake_fd(options->store));
    uv_prepare_init(options->loop, &e->turn);
    uv_timer_init(options->loop, &e->lease_timer);
    uv_timer_init(options->loop, &e->command_timer);
    e->wake.data = e->turn.data = e->lease_timer.data = e->command_timer.data = e;
    uv_poll_start(&e->wake, UV_READABLE, on_wake);
    uv_prepare_start(&e->turn, on_turn);
    store_set_turns(options->store, true);
    uv_timer_start(&e->lease_timer, on_lease, LEASE_EVERY_MS, LEASE_EVERY_MS);
    uv_timer_start(&e->command_timer, on_commands, COMMANDS_EVERY_MS, COMMANDS_EVERY_MS);
    /* The loop ends with its runs; these only serve them. */
    uv_unref((uv_handle_t *)&e->wake);
    uv_unref((uv_handle_t *)&e->turn);
    uv_unref((uv_handle_t *)&e->lease_timer);
    uv_unref((uv_handle_t *)&e->command_timer);
    *ret = e;
    return true;
}

static void handle_closed(uv_handle_t *h)
{
    struct engine *e = h->data;
    e->open_handles--;
}

void engine_free(struct engine *e)
{
    if (!e)
        return;
    uv_handle_t *handles[] = {(uv_handle_t *)&e->wake, (uv_handle_t *)&e->turn,
                              (uv_handle_t *)&e->lease_timer, (uv_handle_t *)&e->command_timer};
    store_set_turns(e->options.store, false);
    e->open_handles = sizeof handles / sizeof *handles;
    for (size_t i = 0; i < sizeof handles / sizeof *handles; i++)
        uv_close(handles[i], handle_closed);
    llm_free(e->llm);
    /* The loop must let go of the handles, which live in the engine; the caller's own may stay. */
    while (e->open_handles)
        uv_run(e->options.loop, UV_RUN_ONCE);
    store_reader_close(e->reader);
    blob_store_free(e->blobs);
    err_done(&e->failure);
    free(e);
}

size_t engine_active(const struct engine *e)
{
    return e->active;
}

/* ---- start ---- */

static void publish(void *ctx, const struct event *e)
{
    hub_publish(ctx, e);
}

static void begin(struct live_run *r)
{
    struct run_options options = hold_options(r, r->plan.timeout_ms);
    run_init(&r->core, &options);
    run_try_to_begin(r);
}

static void abandon(struct live_run *r)
{
    r->complete = true;
    r->ended = NULL;
    run_forget(r);
}

static void on_created(void *ctx, struct store_batch *b, struct err *err)
{
    struct live_run *r = ctx;
    struct engine *e = r->engine;
    r->pending--;
    if (!err) {
        r->id = store_batch_run_id(b);
        if (e->options.hub)
            store_batch_events(b, publish, e->options.hub);
    }
    if (r->created)
        r->created(r->ctx, r->id, err);
    if (err)
        abandon(r);
    else
        begin(r);
}

static void describe_run(struct live_run *r, struct store_run *row)
{
    const struct engine_request *q = &r->request;
    auto_buf kept = BUF(1 << 20);
    struct json_writer w = JSON_WRITER(&kept, false);
    json_begin_object(&w);
    json_key_c(&w, "path");
    json_put_str(&w, r->plan.path);
    json_key_c(&w, "source");
    json_put_str(&w, q->source);
    json_key_c(&w, "commit");
    json_put_str_or_null(&w, q->commit);
    if (q->base.n) {
        json_key_c(&w, "base");
        json_put_str(&w, q->base);
    }
    json_key_c(&w, "repository");
    json_put_raw(&w, q->repository_facts.n ? q->repository_facts : STR("{}"));
    json_key_c(&w, "sandbox");
    json_put_c(&w, q->sandbox_backend);
    if (q->replay_of) {
        json_key_c(&w, "replay_of");
        json_put_int(&w, q->replay_of);
    }
    if (q->replay_file.n) {
        json_key_c(&w, "replay_file");
        json_put_str(&w, q->replay_file);
    }
    if (q->fork.n) {
        json_key_c(&w, "fork");
        json_put_raw(&w, q->fork);
    }
    json_end_object(&w);
    r->kept = breaks_keep(&r->arena, buf_str(&kept), &q->breaks);
    *row = (struct store_run){
        .repository = q->repository,
        .workflow = r->plan.workflow,
        .status = RUN_QUEUED,
        .reason = record_first_reason(r),
        .trigger_type = q->trigger_type,
        .trigger_payload = q->event,
        .ref = q->ref,
        .sha = q->sha,
        .branch = q->branch,
        .actor = q->actor,
        .inputs = q->inputs,
        .plan_hash = receipt_of_live(r, NULL),
        .plan = r->kept,
        .evaluator = STR(PLUE_VERSION),
        .group = q->group,
        .policy = q->policy,
        .priority = q->priority,
        .created_at = clock_wall_ms(),
    };
}

bool engine_start(struct engine *e, const struct engine_request *request,
                  engine_created_fn *created, engine_ended_fn *ended, void *ctx, struct err *err)
{
    struct live_run *r = live_run_new(e, request);
    struct store_run row;
    r->created = created;
    r->ended = ended;
    r->ctx = ctx;
    run_take_plan(r);
    if (!engine_check_plan(&r->plan, err)) {
        abandon(r);
        return false;
    }
    describe_run(r, &row);
    struct store_batch *b = store_batch_new(e->options.store);
    store_create_run(b, &row);
    r->id = STORE_NEW_RUN;
    record_new_steps(r, b, 0);
    record_sources(r, b);
    store_take_lease(b, STORE_NEW_RUN, &e->self, clock_wall_ms());
    record_run_started(r, b);
    r->pending++;
    if (!store_submit(e->options.store, b, on_created, r, err)) {
        store_batch_free(b);
        r->pending--;
        abandon(r);
        return false;
    }
    return true;
}

/* Those of its tools' calls too. */
static void kill_all(struct engine *e, int64_t run_id)
{
    for (struct live_run *r = e->runs; r; r = r->next)
        for (uint32_t i = 0; r->id == run_id && i < r->step_count; i++)
            if (r->steps[i].process)
                runner_kill(r->steps[i].process, SIGKILL);
}

void engine_cancel(struct engine *e, int64_t run_id)
{
    for (struct live_run *r = e->runs; r; r = r->next) {
        if (r->id != run_id || r->complete || r->parent)
            continue;
        if (r->core.ending)
            kill_all(e, run_id);
        else
            run_tell(r, &(struct run_event){.kind = RUN_EVENT_CANCEL});
        return;
    }
}
