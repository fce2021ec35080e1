/* watch: descriptors of a run's steps on the loop. The loop's own polls cost six calls of the
 * kernel for each descriptor of a step that is over in a millisecond; here they are one of the
 * loop's, with a list of their own behind it. */
#ifndef RUNNER_WATCH_H
#define RUNNER_WATCH_H
#include "base/vec.h"
#include "diag/err.h"
#include <uv.h>

struct watch;
typedef void watch_fn(void *user, struct watch *w);

/* The place of one watch, by which the kernel names it: what it tells of an earlier one is known by
 * its turn. */
struct watch_place {
    struct watch *watch; /* or NULL */
    uint32_t turn;
};
struct watches {
    int list; /* an epoll descriptor */
    size_t count;
    uv_poll_t poll; /* keeps the loop alive while there are any */
    VEC(struct watch_place) places;
    VEC(uint32_t) unused;
};
struct watch {
    struct watches *all; /* NULL: it is not watched */
    uint32_t place;
    int fd;
    watch_fn *fn;
    void *user;
};

bool watches_open(struct watches *all, uv_loop_t *loop, struct err *err) must_use;
/* None is left; then closed is called, with all->poll, whose data is the caller's. */
void watches_close(struct watches *all, uv_close_cb closed);

/* Calls fn whenever fd is readable or at its end. */
bool watch_begin(struct watches *all, struct watch *w, int fd, watch_fn *fn, void *user,
                 struct err *err) must_use;
/* The same for a pipe, but fn is called once for what has come: it reads until there is nothing, or
 * asks to be called again for the rest. */
bool watch_begin_stream(struct watches *all, struct watch *w, int fd, watch_fn *fn, void *user,
                        struct err *err) must_use;
void watch_again(struct watch *w);
/* fd is to be closed before the loop goes round: that takes it off the list. More than once is
 * fine. */
void watch_end(struct watch *w);

#endif
