/* The picture of a run: all of its rows once, then those that events have named since. A run of
 * many steps is looked at many times, and the loop that drives it waits meanwhile. */
#include "cli/progress_int.h"

enum { ROOM_MIN = 1 << 20 };

static bool load_run(struct progress *p)
{
    struct arena fresh = ARENA_INIT;
    struct store_run run;
    if (!store_load_run(p->reader, p->run_id, &fresh, &run, &p->unread)) {
        arena_done(&fresh);
        return false;
    }
    arena_done(&p->run_arena);
    p->run_arena = fresh;
    p->run = run;
    return true;
}

static bool load_steps(struct progress *p, enum store_step_load what)
{
    struct arena fresh = ARENA_INIT;
    struct store_step *steps;
    size_t n;
    int64_t seq;
    if (!store_last_seq(p->reader, p->run_id, &seq, &p->unread) ||
        !store_load_steps(p->reader, p->run_id, STORE_LAST, what, &fresh, &steps, &n, &p->unread)) {
        arena_done(&fresh);
        return false;
    }
    arena_done(&p->arena);
    map_done(&p->index);
    p->arena = fresh;
    p->index = (struct map){0};
    p->steps = steps;
    p->step_count = n;
    for (size_t i = 0; i < n; i++)
        map_set(&p->index, steps[i].key.step_id, &steps[i]);
    p->picture_seq = seq;
    p->whole_bytes = fresh.used;
    p->incomplete = false;
    return true;
}

/* False where all are to be loaded. */
static bool load_changed(struct progress *p)
{
    auto_arena list = ARENA_INIT;
    struct store_step *steps;
    size_t n;
    bool all;
    /* Texts that newer ones take the place of stay in the arena. */
    if (p->arena.used > 2 * p->whole_bytes + ROOM_MIN)
        return false;
    if (!store_load_changed_steps(p->reader, p->run_id, p->picture_seq, &p->arena, &list, &steps,
                                  &n, &all, &p->picture_seq, &p->unread))
        return true;
    for (size_t i = 0; i < n; i++) {
        struct store_step *known = map_get(&p->index, steps[i].key.step_id);
        if (known)
            *known = steps[i];
        all = all || !known;
    }
    return !all;
}

void picture_update(struct progress *p)
{
    err_reset(&p->unread);
    bool good = load_run(p);
    if (good && (!p->loaded || p->incomplete || !load_changed(p)))
        good = load_steps(p, STORE_STEPS_BRIEF);
    p->loaded = p->loaded || good;
}

bool picture_load(struct progress *p, enum store_step_load what)
{
    err_reset(&p->unread);
    p->loaded = load_run(p) && load_steps(p, what);
    return p->loaded;
}

void picture_done(struct progress *p)
{
    arena_done(&p->run_arena);
    arena_done(&p->arena);
    map_done(&p->index);
}
