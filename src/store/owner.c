/* Who a process is, from /proc: a pid comes back, a pid with its start time does not. */
#include "base/fd.h"
#include "base/num.h"
#include "store/tables.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { STAT_MAX = 4096, START_TIME_FIELD = 22, STATE_FIELD = 3 };

/* The fields after the name, which is in parentheses and may hold anything. */
static bool parse_stat(str text, char *ret_state, int64_t *ret_start)
{
    size_t end = str_rfind_byte(text, ')');
    if (end == (size_t)-1)
        return false;
    str rest = str_sub(text, end + 2, text.n), part;
    for (int field = STATE_FIELD; str_next(&rest, ' ', &part); field++) {
        if (field == STATE_FIELD && part.n)
            *ret_state = part.p[0];
        if (field == START_TIME_FIELD)
            return num_parse_int(part, ret_start);
    }
    return false;
}

/* False where there is no such process, or only its remains. */
static bool find_start_time(int64_t pid, int64_t *ret)
{
    char path[64], state = '?';
    auto_buf b = BUF(STAT_MAX);
    snprintf(path, sizeof path, "/proc/%lld/stat", (long long)pid);
    return fd_read_file(AT_FDCWD, path, &b) == 0 && parse_stat(buf_str(&b), &state, ret) &&
           state != 'Z' && state != 'X';
}

static bool read_boot_id(char *ret)
{
    auto_buf b = BUF(STORE_OWNER_TEXT_MAX - 1);
    if (fd_read_file(AT_FDCWD, "/proc/sys/kernel/random/boot_id", &b) != 0)
        return false;
    str id = str_trim(buf_str(&b));
    memcpy(ret, id.p, id.n);
    ret[id.n] = '\0';
    return id.n > 0;
}

bool store_owner_self(struct store_owner *ret, struct err *err)
{
    struct store_owner o = {.pid = getpid()};
    struct stat space;
    struct utsname names;

    if (!find_start_time(o.pid, &o.start_time) || !read_boot_id(o.boot_id) ||
        stat("/proc/self/ns/pid", &space) < 0 || uname(&names) < 0) {
        err_errno(err, "system_failed", errno, "/proc does not tell who this process is");
        err_hint(err, "mount /proc: a run's owner is known by it");
        return false;
    }
    o.pid_space = (int64_t)space.st_ino;
    snprintf(o.machine, sizeof o.machine, "%.*s", (int)sizeof o.machine - 1, names.nodename);
    *ret = o;
    return true;
}

enum store_liveness store_owner_look(const struct store_owner *o, const struct store_owner *self)
{
    int64_t start_time;
    if (strcmp(o->boot_id, self->boot_id) != 0)
        return strcmp(o->machine, self->machine) == 0 ? STORE_OWNER_DEAD : STORE_OWNER_UNSEEN;
    if (o->pid_space != self->pid_space)
        return STORE_OWNER_UNSEEN;
    return find_start_time(o->pid, &start_time) && start_time == o->start_time ? STORE_OWNER_ALIVE
                                                                               : STORE_OWNER_DEAD;
}

bool store_lease_is_free(const struct store_lease *l, const struct store_owner *self, int64_t now)
{
    switch (store_owner_look(&l->owner, self)) {
    case STORE_OWNER_ALIVE:
        return false;
    case STORE_OWNER_DEAD:
        return true;
    case STORE_OWNER_UNSEEN:
        return l->expires_at <= now;
    }
    return false;
}
