/* hub: live fan-out of durable events to many watchers, on one loop thread, without locks.
 * Publish after the store's callback, never before. A run that nobody watches costs one look-up.
 * A watcher has a cursor into its run's ring of recent events, whose JSON is made once for all.
 * When the ring has moved past the cursor the watcher is dropped from it (HUB_BEHIND): it reads the
 * store after hub_cursor(w) and comes back with hub_seek. Starting and resuming are the same road,
 * so no event is lost or repeated, and a slow watcher never slows a run. Refuses: more than
 * HUB_WATCHES_MAX watchers; watching without reading the store first. Callbacks only enqueue:
 * `wake` must not call the hub. */
#ifndef HUB_HUB_H
#define HUB_HUB_H
#include "diag/err.h"
#include "event/event.h"

struct hub;
struct hub_watch;

enum {
    HUB_RING_EVENTS = 4096,   /* per watched run */
    HUB_RING_BYTES = 4 << 20, /* per watched run; one event may pass it alone */
    HUB_WATCHES_MAX = 10000,
};

struct hub *hub_new(void);
/* Watchers must be closed before. */
void hub_free(struct hub *h);

/* Events of a run in order of seq. One that is not the successor of the last empties the ring, so
 * that all watchers fetch what is missing from the store. */
void hub_publish(struct hub *h, const struct event *e);

/* Called once when a watcher that had read all has something to read again. */
typedef void hub_wake(void *ctx, struct hub_watch *w);
/* Begins behind: the first hub_next says HUB_BEHIND with hub_cursor(w) == after_seq. */
bool hub_watch_open(struct hub *h, int64_t run_id, int64_t after_seq, hub_wake *wake, void *ctx,
                    struct hub_watch **ret, struct err *err) must_use;
void hub_watch_close(struct hub_watch *w);

enum hub_read { HUB_EVENT, HUB_EMPTY, HUB_BEHIND };
struct hub_event {
    int64_t seq;
    enum event_type type;
    str json; /* event_add_json, borrowed until the next call of the hub */
};
enum hub_read hub_next(struct hub_watch *w, struct hub_event *ret);
/* seq of the last event that the watcher has. */
int64_t hub_cursor(const struct hub_watch *w);
/* The watcher has read the store up to seq. */
void hub_seek(struct hub_watch *w, int64_t seq);

#endif
