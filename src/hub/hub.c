#include "hub/hub.h"
#include "base/map.h"

struct entry {
    int64_t seq;
    enum event_type type;
    char *json; /* owned */
    size_t json_n;
};

/* Watchers are in one of two lists of their channel: those to wake, and the others. */
struct watch_list {
    struct hub_watch *first;
};

struct channel {
    struct hub *hub;
    int64_t run_id;     /* also the key in the hub's map */
    struct entry *ring; /* circular, cap is a power of two */
    size_t first, n, cap, bytes;
    struct watch_list waiting, others;
};

struct hub {
    struct map channels;
    size_t watches;
};

struct hub_watch {
    struct channel *channel;
    struct watch_list *list;
    struct hub_watch *prev, *next;
    int64_t cursor;
    bool behind;
    hub_wake *wake;
    void *ctx;
};

enum { RING_START = 64 };

static void list_add(struct watch_list *l, struct hub_watch *w)
{
    w->list = l;
    w->prev = NULL;
    w->next = l->first;
    if (w->next)
        w->next->prev = w;
    l->first = w;
}

static void list_remove(struct hub_watch *w)
{
    if (w->prev)
        w->prev->next = w->next;
    else
        w->list->first = w->next;
    if (w->next)
        w->next->prev = w->prev;
    w->list = NULL;
}

static void move_to(struct hub_watch *w, struct watch_list *l)
{
    if (w->list == l)
        return;
    list_remove(w);
    list_add(l, w);
}

/* ---- Channels ---- */

static str run_key(const int64_t *run_id)
{
    return str_make((const char *)run_id, sizeof *run_id);
}

static struct entry *entry_at(const struct channel *c, size_t i)
{
    return &c->ring[(c->first + i) & (c->cap - 1)];
}

static void drop_oldest(struct channel *c)
{
    struct entry *e = entry_at(c, 0);
    c->bytes -= e->json_n;
    free(e->json);
    c->first = (c->first + 1) & (c->cap - 1);
    c->n--;
}

static void grow(struct channel *c)
{
    size_t cap = c->cap ? c->cap * 2 : RING_START;
    struct entry *ring = mem_realloc_array(NULL, cap, sizeof *ring);
    for (size_t i = 0; i < c->n; i++)
        ring[i] = *entry_at(c, i);
    free(c->ring);
    c->ring = ring;
    c->cap = cap;
    c->first = 0;
}

static void channel_free(struct channel *c)
{
    while (c->n)
        drop_oldest(c);
    map_remove(&c->hub->channels, run_key(&c->run_id));
    free(c->ring);
    free(c);
}

static void channel_add(struct channel *c, const struct event *e)
{
    struct buf json = BUF(BUF_TEXT_MAX);
    event_add_json(&json, e);
    while (c->n && (c->n == HUB_RING_EVENTS || c->bytes + json.n > HUB_RING_BYTES))
        drop_oldest(c);
    if (c->n == c->cap)
        grow(c);
    struct entry *entry = entry_at(c, c->n++);
    *entry = (struct entry){.seq = e->seq, .type = e->type};
    entry->json = buf_take(&json, &entry->json_n);
    c->bytes += entry->json_n;
}

/* ---- The hub ---- */

struct hub *hub_new(void)
{
    return mem_zalloc(sizeof(struct hub));
}

void hub_free(struct hub *h)
{
    if (!h)
        return;
    map_done(&h->channels);
    free(h);
}

void hub_publish(struct hub *h, const struct event *e)
{
    struct channel *c = map_get(&h->channels, run_key(&e->run_id));
    if (!c)
        return;
    if (c->n && entry_at(c, c->n - 1)->seq + 1 != e->seq)
        while (c->n)
            drop_oldest(c);
    channel_add(c, e);
    for (struct hub_watch *w = c->waiting.first, *next; w; w = next) {
        next = w->next;
        if (w->cursor >= e->seq)
            continue;
        move_to(w, &c->others);
        w->wake(w->ctx, w);
    }
}

/* ---- Watchers ---- */

bool hub_watch_open(struct hub *h, int64_t run_id, int64_t after_seq, hub_wake *wake, void *ctx,
                    struct hub_watch **ret, struct err *err)
{
    if (h->watches >= HUB_WATCHES_MAX) {
        err_set(err, "too_many_watchers", "%d watchers follow runs already", HUB_WATCHES_MAX);
        err_hint(err, "close some of them, or ask for the run's events without following it");
        return false;
    }
    struct channel *c = map_get(&h->channels, run_key(&run_id));
    if (!c) {
        c = mem_zalloc(sizeof *c);
        c->hub = h;
        c->run_id = run_id;
        map_set(&h->channels, run_key(&c->run_id), c);
    }
    struct hub_watch *w = mem_zalloc(sizeof *w);
    *w = (struct hub_watch){
        .channel = c, .cursor = after_seq, .behind = true, .wake = wake, .ctx = ctx};
    list_add(&c->others, w);
    h->watches++;
    *ret = w;
    return true;
}

void hub_watch_close(struct hub_watch *w)
{
    if (!w)
        return;
    struct channel *c = w->channel;
    list_remove(w);
    c->hub->watches--;
    free(w);
    if (!c->waiting.first && !c->others.first)
        channel_free(c);
}

enum hub_read hub_next(struct hub_watch *w, struct hub_event *ret)
{
    const struct channel *c = w->channel;
    int64_t want = w->cursor + 1;

    if (w->behind)
        return HUB_BEHIND;
    if (c->n == 0 || want > entry_at(c, c->n - 1)->seq) {
        move_to(w, &w->channel->waiting);
        return HUB_EMPTY;
    }
    if (want < entry_at(c, 0)->seq) {
        w->behind = true;
        return HUB_BEHIND;
    }
    const struct entry *e = entry_at(c, (size_t)(want - entry_at(c, 0)->seq));
    *ret = (struct hub_event){e->seq, e->type, str_make(e->json, e->json_n)};
    w->cursor = want;
    return HUB_EVENT;
}

int64_t hub_cursor(const struct hub_watch *w)
{
    return w->cursor;
}

void hub_seek(struct hub_watch *w, int64_t seq)
{
    w->cursor = seq;
    w->behind = false;
    move_to(w, &w->channel->others);
}
