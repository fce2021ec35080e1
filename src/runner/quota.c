/* The size of a workspace is measured, not kept by the kernel: once a second while steps run, if
 * their file system has filled up enough since the last time for it to matter. */
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
    NESTING_MAX = 200,
    GROWTH_PART = 16, /* measured again when a sixteenth of the limit was written */
};

struct measuring {
    uv_work_t work;
    struct local_workspace *w;
    int64_t bytes;
};

static int64_t folder_size(int parent, const char *name, int64_t limit, int depth)
{
    struct stat st;
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *d = fd < 0 || depth > NESTING_MAX ? NULL : fdopendir(fd);
    int64_t bytes = 0;
    if (!d) {
        fd_close(&fd);
        return 0;
    }
    for (struct dirent *e; bytes <= limit && (e = readdir(d));) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
            fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        bytes += (int64_t)st.st_blocks * 512;
        if (S_ISDIR(st.st_mode))
            bytes += folder_size(fd, e->d_name, limit - bytes, depth + 1);
    }
    closedir(d);
    return bytes;
}

static void measure_work(uv_work_t *work)
{
    struct measuring *m = work->data;
    m->bytes = folder_size(m->w->root, ".", m->w->quota.limit, 0);
}

static void measure_done(uv_work_t *work, int status)
{
    struct measuring *m = work->data;
    struct local_workspace *w = m->w;
    w->quota.measuring = false;
    if (status == 0 && m->bytes > w->quota.limit)
        local_workspace_full(w);
    free(m);
    local_release(w);
}

/* Bytes in use on the workspace's file system; -1 where it cannot be said. */
static int64_t used_bytes(int root)
{
    struct statvfs fs;
    if (fstatvfs(root, &fs) < 0)
        return -1;
    return (int64_t)(fs.f_blocks - fs.f_bfree) * (int64_t)fs.f_frsize;
}

static void on_period(uv_timer_t *timer)
{
    struct local_workspace *w = timer->data;
    int64_t used = used_bytes(w->root);
    if (!w->steps || w->quota.measuring ||
        (used >= 0 && used - w->quota.used_then < w->quota.limit / GROWTH_PART))
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
