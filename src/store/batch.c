#include "store/store_int.h"

struct store_batch *store_batch_new(struct store *s)
{
    (void)s;
    return mem_zalloc(sizeof(struct store_batch));
}

void store_batch_free(struct store_batch *b)
{
    if (!b)
        return;
    vec_done(&b->ops);
    vec_done(&b->events);
    err_done(&b->err);
    arena_done(&b->arena);
    free(b);
}

bool store_batch_is_empty(const struct store_batch *b)
{
    return b->ops.n == 0;
}

int64_t store_batch_run_id(const struct store_batch *b)
{
    return b->run_id;
}

void *batch_payload(struct store_batch *b, size_t size)
{
    return arena_alloc(&b->arena, size);
}

void batch_add(struct store_batch *b, store_apply *apply, void *payload)
{
    vec_push(&b->ops, (struct store_op){apply, payload});
}

str batch_str(struct store_batch *b, str s)
{
    return arena_str(&b->arena, s);
}

struct store_step_key batch_key(struct store_batch *b, const struct store_step_key *key)
{
    struct store_step_key copy = *key;
    copy.step_id = batch_str(b, key->step_id);
    return copy;
}

size_t batch_bytes(const struct store_batch *b)
{
    return sizeof *b + b->arena.used + b->ops.cap * sizeof *b->ops.at +
           b->events.cap * sizeof *b->events.at;
}

void batch_list_add(struct batch_list *l, struct store_batch *b)
{
    b->next = NULL;
    if (l->last)
        l->last->next = b;
    else
        l->first = b;
    l->last = b;
}

struct store_batch *batch_list_take(struct batch_list *l)
{
    struct store_batch *b = l->first;
    if (b) {
        l->first = b->next;
        if (!l->first)
            l->last = NULL;
        b->next = NULL;
    }
    return b;
}

static void give_lines(const struct log_append *l, store_event_fn *fn, void *ctx)
{
    for (size_t i = 0; i < l->n; i++) {
        struct event e = {.run_id = l->key.run_id,
                          .seq = l->lines[i].seq,
                          .time_ms = l->lines[i].time_ms,
                          .type = EVENT_STEP_OUTPUT,
                          .step_id = l->key.step_id,
                          .line = &l->lines[i]};
        fn(ctx, &e);
    }
}

void store_batch_events(const struct store_batch *b, store_event_fn *fn, void *ctx)
{
    for (size_t i = 0; i < b->events.n; i++) {
        const struct batch_event *e = &b->events.at[i];
        if (e->event)
            fn(ctx, e->event);
        else
            give_lines(e->log, fn, ctx);
    }
}
