#include "base/buf.h"
#include "pack/pack.h"
#include <errno.h>
#include <unistd.h>

enum { CHUNK = 64 << 10 };

static bool put(struct pack_writer *w, str s, struct err *err)
{
    return w->put(w->user, s.p, s.n, err);
}

bool pack_begin(struct pack_writer *w, struct err *err)
{
    return put(w, STR("plue-pack 1\n"), err);
}

bool pack_begin_snapshot(struct pack_writer *w, struct err *err)
{
    return put(w, STR("plue-pack 2\n"), err);
}

static bool put_head(struct pack_writer *w, const char *head, str path, struct err *err)
{
    if (++w->count.files > PACK_FILES_MAX)
        return err_set(err, "pack_too_large", "more than %d files are to be kept", PACK_FILES_MAX);
    if (path.n > PACK_PATH_MAX)
        return err_set(err, "pack_too_large", "a path is longer than %d bytes", PACK_PATH_MAX);
    return put(w, str_of(head), err) && put(w, path, err);
}

bool pack_add_file(struct pack_writer *w, str path, unsigned mode, int64_t size, int fd,
                   struct err *err)
{
    auto_buf head = BUF(200);
    buf_addf(&head, "F %o %lld %zu\n", mode & 0777, (long long)size, path.n);
    if (!put_head(w, buf_c(&head), path, err))
        return false;
    auto_free char *chunk = mem_alloc(CHUNK);
    while (size > 0) {
        ssize_t n = read(fd, chunk, size < CHUNK ? (size_t)size : CHUNK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(err, "file_access", errno, "cannot read '%.*s'", STR_ARG(path));
        if (n == 0) {
            err_set(err, "file_changed", "'%.*s' became shorter while it was kept", STR_ARG(path));
            err_hint(err, "let no step write what another one's artifacts or cache keep");
            return false;
        }
        if (!w->put(w->user, chunk, (size_t)n, err))
            return false;
        w->count.bytes += n;
        size -= n;
    }
    return true;
}

bool pack_add_bytes(struct pack_writer *w, str path, unsigned mode, str bytes, struct err *err)
{
    auto_buf head = BUF(200);
    buf_addf(&head, "F %o %zu %zu\n", mode & 0777, bytes.n, path.n);
    w->count.bytes += (int64_t)bytes.n;
    return put_head(w, buf_c(&head), path, err) && (!bytes.n || put(w, bytes, err));
}

bool pack_add_folder(struct pack_writer *w, str path, unsigned mode, struct err *err)
{
    auto_buf head = BUF(200);
    buf_addf(&head, "D %o %zu\n", mode & 0777, path.n);
    return put_head(w, buf_c(&head), path, err);
}

bool pack_add_removed(struct pack_writer *w, str path, struct err *err)
{
    auto_buf head = BUF(200);
    buf_addf(&head, "R %zu\n", path.n);
    return put_head(w, buf_c(&head), path, err);
}

bool pack_add_link(struct pack_writer *w, str path, str target, struct err *err)
{
    auto_buf head = BUF(200);
    buf_addf(&head, "L %zu %zu\n", target.n, path.n);
    return put_head(w, buf_c(&head), path, err) && put(w, target, err);
}

bool pack_end(struct pack_writer *w, struct err *err)
{
    return put(w, STR("E\n"), err);
}
