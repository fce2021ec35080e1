#include "base/fd.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

void fd_close(int *fd)
{
    if (*fd < 0)
        return;
    int saved = errno;
    close(*fd);
    errno = saved;
    *fd = -1;
}

int fd_write_all(int fd, const void *p, size_t n)
{
    const char *at = p;
    while (n) {
        ssize_t done = write(fd, at, n);
        if (done < 0) {
            if (errno == EINTR)
                continue;
            return errno;
        }
        at += done;
        n -= (size_t)done;
    }
    return 0;
}

/* Reads to the end, at first into what `expected` bytes and the end need. A regular file gives less
 * than it is asked for at its end alone; those of /proc do not, and say that they have no size. */
static int read_rest(int fd, size_t expected, struct buf *b)
{
    enum { CHUNK = 64 << 10 };
    bool sized = expected && expected != SIZE_MAX;
    size_t chunk = expected < CHUNK ? expected + 1 : CHUNK, start = b->n;
    for (;;) {
        size_t left = b->max - b->n;
        size_t room = left < chunk ? left : chunk;
        char past_end;
        char *to = room ? buf_reserve(b, room) : &past_end;
        ssize_t got = read(fd, to, room ? room : 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? errno : 0;
        if (!room)
            return EFBIG;
        b->n += (size_t)got;
        b->p[b->n] = '\0';
        if (sized && (size_t)got < room && b->n - start >= expected)
            return 0;
        chunk = (size_t)got < chunk ? chunk - (size_t)got : CHUNK;
    }
}

int fd_read_all(int fd, struct buf *b)
{
    return read_rest(fd, SIZE_MAX, b);
}

int fd_read_sized(int fd, size_t size, struct buf *b)
{
    return read_rest(fd, size, b);
}

int fd_read_file(int dirfd, const char *path, struct buf *b)
{
    struct stat st;
    auto_fd fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &st) < 0)
        return errno;
    if (S_ISDIR(st.st_mode))
        return EISDIR;
    if (!S_ISREG(st.st_mode))
        return EINVAL;
    return read_rest(fd, (size_t)st.st_size, b);
}

int fd_write_file(int dirfd, const char *path, str contents, unsigned mode)
{
    auto_buf temporary = BUF(4096);
    buf_addf(&temporary, "%s.%d.tmp", path, (int)getpid());
    if (temporary.overflow)
        return ENAMETOOLONG;
    auto_fd fd = openat(dirfd, buf_c(&temporary), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (fd < 0)
        return errno;
    int e = fd_write_all(fd, contents.p, contents.n);
    if (!e && fsync(fd) < 0)
        e = errno;
    if (!e && renameat(dirfd, buf_c(&temporary), dirfd, path) < 0)
        e = errno;
    if (e)
        unlinkat(dirfd, buf_c(&temporary), 0);
    return e;
}

int fd_make_dirs(int dirfd, const char *path, unsigned mode)
{
    auto_free char *copy = mem_dup(path, strlen(path));
    for (char *p = copy + 1; *copy; p++) {
        if (*p && *p != '/')
            continue;
        char end = *p;
        *p = '\0';
        if (mkdirat(dirfd, copy, mode) < 0 && errno != EEXIST)
            return errno;
        *p = end;
        if (!end)
            break;
    }
    return 0;
}
