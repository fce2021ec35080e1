/* room_int: what the files of plue-room share. It is linked alone: no other file of ours. */
#ifndef SANDBOX_ROOM_INT_H
#define SANDBOX_ROOM_INT_H
#include "sandbox/order.h"
#include "sandbox/room.h"
#include <linux/filter.h>
#include <signal.h>

struct room {
    int socket, self;         /* self: our own pidfd */
    struct sock_fprog filter; /* what steps may call */
};

/* NULL, or what failed with errno set. *ret_users: the user namespace that owns the room. */
const char *room_enter(const struct room_begin *b, const int *fds, int *ret_users);

/* What is blocked from the room's beginning, so that a step's first process loses none. */
void room_signals(sigset_t *ret_set);

/* Becomes the step's first process; never returns. */
_Noreturn void room_live(const struct room *r, const struct room_step *s, const int *fds);

/* Also for /proc/self/uid_map and the like. */
bool room_write(const char *path, const char *text);
/* One line for itself: "INSIDE OUTSIDE 1". */
bool room_map_self(const char *path, uint32_t inside, uint32_t outside);
bool room_drop_capabilities(void);

#endif
