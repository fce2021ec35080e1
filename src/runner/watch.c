#include "runner/watch.h"
#include "base/fd.h"
#include <errno.h>
#include <sys/epoll.h>

enum { AT_ONCE = 64 };

/* One that an earlier one has ended meanwhile is left out. */
static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct watches *all = (struct watches *)((char *)poll - offsetof(struct watches, poll));
    struct epoll_event ready[AT_ONCE];
    int n = epoll_wait(all->list, ready, AT_ONCE, 0);
    (void)status, (void)events;
    for (int i = 0; i < n; i++) {
        const struct watch_place *place = &all->places.at[(uint32_t)ready[i].data.u64];
        struct watch *w = place->watch;
        if (w && place->turn == ready[i].data.u64 >> 32)
            w->fn(w->user, w);
    }
}

bool watches_open(struct watches *all, uv_loop_t *loop, struct err *err)
{
    all->list = epoll_create1(EPOLL_CLOEXEC);
    if (all->list < 0)
        return err_errno(err, "workspace_open", errno, "no descriptor to watch steps with");
    int e = uv_poll_init(loop, &all->poll, all->list);
    if (e < 0) {
        fd_close(&all->list);
        return err_errno(err, "workspace_open", -e, "steps cannot be watched");
    }
    uv_poll_start(&all->poll, UV_READABLE, on_ready);
    uv_unref((uv_handle_t *)&all->poll);
    return true;
}

void watches_close(struct watches *all, uv_close_cb closed)
{
    uv_poll_stop(&all->poll);
    fd_close(&all->list);
    vec_done(&all->places);
    vec_done(&all->unused);
    uv_close((uv_handle_t *)&all->poll, closed);
}

static struct epoll_event event_of(const struct watches *all, const struct watch *w,
                                   uint32_t events)
{
    uint64_t turn = all->places.at[w->place].turn;
    return (struct epoll_event){.events = events, .data.u64 = turn << 32 | w->place};
}

static bool begin(struct watches *all, struct watch *w, uint32_t events, struct err *err)
{
    if (!all->unused.n) {
        vec_push(&all->unused, (uint32_t)all->places.n);
        vec_push(&all->places, (struct watch_place){0});
    }
    w->place = vec_last(&all->unused);
    struct epoll_event event = event_of(all, w, events);
    if (epoll_ctl(all->list, EPOLL_CTL_ADD, w->fd, &event) < 0)
        return err_errno(err, "step_start", errno, "the step cannot be watched");
    all->places.at[vec_pop(&all->unused)].watch = w;
    w->all = all;
    if (all->count++ == 0)
        uv_ref((uv_handle_t *)&all->poll);
    return true;
}

bool watch_begin(struct watches *all, struct watch *w, int fd, watch_fn *fn, void *user,
                 struct err *err)
{
    *w = (struct watch){.fd = fd, .fn = fn, .user = user};
    return begin(all, w, EPOLLIN, err);
}

bool watch_begin_stream(struct watches *all, struct watch *w, int fd, watch_fn *fn, void *user,
                        struct err *err)
{
    *w = (struct watch){.fd = fd, .fn = fn, .user = user};
    return begin(all, w, EPOLLIN | EPOLLET, err);
}

void watch_again(struct watch *w)
{
    if (!w->all)
        return;
    struct epoll_event event = event_of(w->all, w, EPOLLIN | EPOLLET);
    epoll_ctl(w->all->list, EPOLL_CTL_MOD, w->fd, &event);
}

void watch_end(struct watch *w)
{
    if (!w->all)
        return;
    struct watch_place *place = &w->all->places.at[w->place];
    place->watch = NULL;
    place->turn++;
    vec_push(&w->all->unused, w->place);
    if (--w->all->count == 0)
        uv_unref((uv_handle_t *)&w->all->poll);
    w->all = NULL;
}
