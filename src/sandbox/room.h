/* room: what the engine (warm.c) and plue-room, a program of its own, say to each other. plue-room
 * stands in a finished root, in a user and a mount namespace made once, and starts one step after
 * the other in namespaces of their own. It holds nothing of the engine's memory: it was executed
 * with an empty environment, and no value of a step reaches it, only the step's own first process.
 */
#ifndef SANDBOX_ROOM_H
#define SANDBOX_ROOM_H
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define ROOM_SHM_BYTES "268435456" /* of /dev/shm */

enum {
    ROOM_NAME_BYTES = 256,
    ROOM_PATH_BYTES = 128,
    ROOM_SEEN_ID = 1000,    /* SANDBOX_UID and SANDBOX_GID */
    ROOM_NOT_STARTED = '!', /* as NURSERY_NOT_STARTED: in a report, before the wait status */
};

/* First, once: where to stand. With fds. */
enum { ROOM_BEGIN_MOUNT, ROOM_BEGIN_SECCOMP, ROOM_BEGIN_USER, ROOM_BEGIN_FDS };
struct room_begin {
    uint32_t uid, gid; /* of steps, on the host */
    bool drop;         /* started by root; otherwise ROOM_BEGIN_USER is there */
    bool host_network;
    char root[ROOM_PATH_BYTES]; /* in the mount namespace: a finished root, read-only */
    char workspace[ROOM_PATH_BYTES], tmp[ROOM_PATH_BYTES], files[ROOM_PATH_BYTES];
};

/* Then steps. With fds, the control groups' doors last. */
enum { ROOM_IN, ROOM_OUT, ROOM_ERR, ROOM_REPORT, ROOM_ORDER, ROOM_FIXED_FDS };
struct room_step {
    bool network; /* its namespace follows the fixed descriptors */
    uint32_t cgroups;
    uint64_t processes, data; /* soft limits of each process; 0 where a control group keeps them */
    char files[ROOM_NAME_BYTES]; /* name of its folder, at /plue; or empty */
};

/* To both. With one descriptor where nothing failed: room_begin's user namespace, or the pidfd of
 * the step's first process. */
struct room_reply {
    pid_t pid;
    int failed; /* an errno */
    char what[ROOM_PATH_BYTES];
};

#endif
