/* The size of a workspace is measured, not kept by the kernel: while steps run, once a second if
 * their file system has filled up enough since the last time for it to matter, and every ten in any
 * case.
 */
#include "runner/local_int.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
    PERIOD_MS = 1000,
    PERIODS_MAX = 10, /* measured at least once in so many */
    NESTING_MAX = 500,
    ENTRY_BYTES = 1024,        /* at least, so that empty files count too */
    DISK_FULL_BYTES = 1 << 20, /* less than this is left */
    GROWTH_PART = 16,          /* measured again when a sixteenth of the limit was written */
};

struct measuring {
    uv_work_t work;
    struct local_workspace *w;
    int64_t bytes;
    bool too_deep;
};

/* What is nested too deeply counts as too much: else it would be a place to hide. */
static int64_t folder_size(int parent, const char *name, int64_t limit, int depth, bool *ret_deep)
{
    struct stat st;
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    *ret_deep = *ret_deep || depth > NESTING_MAX;
    DIR *d = fd < 0 || *ret_deep ? NULL : fdopendir(fd);
    int64_t bytes = 0;
    if (!d) {
        fd_close(&fd);
        return *ret_deep ? limit + 1 : 0;
    }
    for (struct dirent *e; bytes <= limit && (e = readdir(d));) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
            fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        int64_t own = (int64_t)st.st_blocks * 512;
        bytes += own > ENTRY_BYTES ? own : ENTRY_BYTES;
        if (S_ISDIR(st.st_mode))
            bytes += folder_size(fd, e->d_name, limit - bytes, depth + 1, ret_deep);
    }
    closedir(d);
    return bytes;
}

static void measure_work(uv_work_t *work)
{
    struct measuring *m = work->data;
    m->bytes = folder_size(m->w->root, ".", m->w->quota.limit, 0, &m->too_deep);
}

static void measure_done(uv_work_t *work, int status)
{
    struct measuring *m = work->data;
    struct local_workspace *w = m->w;
    w->quota.measuring = false;
    w->quota.too_deep = m->too_deep;
    if (status == 0 && m->bytes > w->quota.limit)
        local_workspace_full(w);
    free(m);
    local_release(w);
}

bool quota_disk_is_full(const struct local_workspace *w)
{
    struct statvfs fs;
    return fstatvfs(w->root, &fs) == 0 &&
           (fs.f_bavail * fs.f_frsize < DISK_FULL_BYTES || (fs.f_files && !fs.f_favail));
}

/* Bytes in use on the workspace's file system, its files counted as here; -1 where it cannot be
 * said. */
static int64_t used_bytes(int root)
{
    struct statvfs fs;
    if (fstatvfs(root, &fs) < 0)
        return -1;
    return (int64_t)(fs.f_blocks - fs.f_bfree) * (int64_t)fs.f_frsize +
           (int64_t)(fs.f_files - fs.f_ffree) * ENTRY_BYTES;
}

static void on_period(uv_timer_t *timer)
{
    struct local_workspace *w = timer->data;
    int64_t used = used_bytes(w->root);
    if (!w->steps || w->quota.measuring)
        return;
    /* Others that free space hide what is written here: hence a look now and then in any case. */
    bool due = ++w->quota.periods % PERIODS_MAX == 0;
    if (used >= 0 && used < w->quota.used_then)
        w->quota.used_then = used;
    if (!due && used >= 0 && used - w->quota.used_then < w->quota.limit / GROWTH_PART)
        return;
    w->quota.used_then = used;
    w->quota.measuring = true;
    struct measuring *m = mem_zalloc(sizeof *m);
    m->w = w;
    m->work.data = m;
    w->busy++;
    uv_queue_work(w->local->loop, &m->work, measure_work, measure_done);
}

void quota_start(struct local_workspace *w, int64_t limit)
{
    struct quota *q = &w->quota;
    q->limit = limit;
    q->used_then = used_bytes(w->root);
    q->timer.data = w;
    uv_timer_init(w->local->loop, &q->timer);
    uv_timer_start(&q->timer, on_period, PERIOD_MS, PERIOD_MS);
    uv_unref((uv_handle_t *)&q->timer);
}
