/* fd: file descriptors and whole files. Errors are errno values, for the caller to word. */
#ifndef BASE_FD_H
#define BASE_FD_H
#include "base/buf.h"

static inline void fd_closep(int *fd);
#define auto_fd cleanup(fd_closep) int
/* Closes unless negative, keeps errno, sets to -1. */
void fd_close(int *fd);
static inline void fd_closep(int *fd)
{
    fd_close(fd);
}
static inline int fd_steal(int *fd)
{
    int taken = *fd;
    *fd = -1;
    return taken;
}

/* Writes all n bytes, retrying; 0 or an errno. */
int fd_write_all(int fd, const void *p, size_t n);
/* Appends until end of file; 0 or an errno; EFBIG past b's maximum. */
int fd_read_all(int fd, struct buf *b);
/* The same of a regular file, which fstat says has that size. */
int fd_read_sized(int fd, size_t size, struct buf *b);
/* Reads a regular file below dirfd (AT_FDCWD allowed), no FIFO or device; 0 or an errno. */
int fd_read_file(int dirfd, const char *path, struct buf *b);
/* Writes a new file beside path and renames it over path, synced; 0 or an errno. */
int fd_write_file(int dirfd, const char *path, str contents, unsigned mode);
/* mkdir -p below dirfd; 0 or an errno. */
int fd_make_dirs(int dirfd, const char *path, unsigned mode);

#endif
