#include "store/frames.h"
#include <sqlite3.h>
#include <stdbool.h>
#include <string.h>

enum { HEADER_BYTES = 24 };

struct frames_file {
    sqlite3_file base;
    sqlite3_file *real; /* in the same block, behind this */
    bool joins, was_read;
    bool holds;
    unsigned char header[HEADER_BYTES]; /* what waits for its page, and where it belongs */
    sqlite3_int64 at;
    unsigned char *frame;
    int room; /* of frame */
};
struct frames_vfs {
    sqlite3_vfs base;
    sqlite3_vfs *real;
};

static struct frames_file *to_frames(sqlite3_file *f)
{
    return (struct frames_file *)f;
}

/* ---- What waits ---- */

/* Whatever the outcome is, nothing waits afterwards: after an error SQLite writes frames anew. */
static int let_go(struct frames_file *f)
{
    f->was_read = false;
    if (!f->holds)
        return SQLITE_OK;
    f->holds = false;
    return f->real->pMethods->xWrite(f->real, f->header, HEADER_BYTES, f->at);
}

static int write_frame(struct frames_file *f, const void *page, int n)
{
    f->holds = false;
    if (f->room < HEADER_BYTES + n) {
        unsigned char *grown = sqlite3_realloc(f->frame, HEADER_BYTES + n);
        if (!grown)
            return SQLITE_IOERR_NOMEM;
        f->frame = grown;
        f->room = HEADER_BYTES + n;
    }
    memcpy(f->frame, f->header, HEADER_BYTES);
    memcpy(f->frame + HEADER_BYTES, page, (size_t)n);
    return f->real->pMethods->xWrite(f->real, f->frame, HEADER_BYTES + n, f->at);
}

/* ---- Files ---- */

static int file_write(sqlite3_file *file, const void *p, int n, sqlite3_int64 at)
{
    struct frames_file *f = to_frames(file);
    bool is_header = f->joins && n == HEADER_BYTES && !f->was_read;
    if (f->holds && at == f->at + HEADER_BYTES)
        return write_frame(f, p, n);
    int code = let_go(f);
    if (code != SQLITE_OK)
        return code;
    if (!is_header)
        return f->real->pMethods->xWrite(f->real, p, n, at);
    memcpy(f->header, p, HEADER_BYTES);
    f->at = at;
    f->holds = true;
    return SQLITE_OK;
}

static int file_read(sqlite3_file *file, void *p, int n, sqlite3_int64 at)
{
    struct frames_file *f = to_frames(file);
    int code = let_go(f);
    f->was_read = true;
    return code != SQLITE_OK ? code : f->real->pMethods->xRead(f->real, p, n, at);
}

static int file_close(sqlite3_file *file)
{
    struct frames_file *f = to_frames(file);
    int code = let_go(f), closed = f->real->pMethods->xClose(f->real);
    sqlite3_free(f->frame);
    return code != SQLITE_OK ? code : closed;
}

/* The method of the real file, after what waits. */
#define AFTER(file, method, ...)             \
    struct frames_file *f = to_frames(file); \
    int code = let_go(f);                    \
    return code != SQLITE_OK ? code : f->real->pMethods->method(f->real, __VA_ARGS__)

static int file_truncate(sqlite3_file *file, sqlite3_int64 n)
{
    AFTER(file, xTruncate, n);
}

static int file_sync(sqlite3_file *file, int flags)
{
    AFTER(file, xSync, flags);
}

static int file_size(sqlite3_file *file, sqlite3_int64 *ret)
{
    AFTER(file, xFileSize, ret);
}

static int file_lock(sqlite3_file *file, int level)
{
    AFTER(file, xLock, level);
}

static int file_unlock(sqlite3_file *file, int level)
{
    AFTER(file, xUnlock, level);
}

static int file_check_lock(sqlite3_file *file, int *ret)
{
    AFTER(file, xCheckReservedLock, ret);
}

static int file_control(sqlite3_file *file, int op, void *arg)
{
    AFTER(file, xFileControl, op, arg);
}

/* These two could not say that the write failed, and do not look at what is written. */
static int file_sector(sqlite3_file *file)
{
    sqlite3_file *real = to_frames(file)->real;
    return real->pMethods->xSectorSize(real);
}

static int file_traits(sqlite3_file *file)
{
    sqlite3_file *real = to_frames(file)->real;
    return real->pMethods->xDeviceCharacteristics(real);
}

/* Version 1: shared memory and mapped reads are asked of the database's file, not of its journal.
 */
static const sqlite3_io_methods methods = {.iVersion = 1,
                                           .xClose = file_close,
                                           .xRead = file_read,
                                           .xWrite = file_write,
                                           .xTruncate = file_truncate,
                                           .xSync = file_sync,
                                           .xFileSize = file_size,
                                           .xLock = file_lock,
                                           .xUnlock = file_unlock,
                                           .xCheckReservedLock = file_check_lock,
                                           .xFileControl = file_control,
                                           .xSectorSize = file_sector,
                                           .xDeviceCharacteristics = file_traits};

/* ---- The VFS ---- */

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                    int *ret_flags)
{
    sqlite3_vfs *real = ((struct frames_vfs *)vfs)->real;
    if (!(flags & SQLITE_OPEN_WAL))
        return real->xOpen(real, name, file, flags, ret_flags);

    struct frames_file *f = to_frames(file);
    memset(f, 0, (size_t)vfs->szOsFile);
    f->real = (sqlite3_file *)(f + 1);
    int code = real->xOpen(real, name, f->real, flags, ret_flags);
    if (f->real->pMethods)
        f->base.pMethods = &methods; /* SQLite closes it, also where it could not be opened */
    if (code == SQLITE_OK)
        f->joins =
            f->real->pMethods->xDeviceCharacteristics(f->real) & SQLITE_IOCAP_POWERSAFE_OVERWRITE;
    return code;
}

void frames_register(void)
{
    static struct frames_vfs frames; /* SQLite keeps it as long as the process lives */
    frames.real = sqlite3_vfs_find(NULL);
    if (!frames.real)
        return;
    frames.base = *frames.real;
    frames.base.zName = FRAMES_VFS;
    frames.base.pNext = NULL;
    frames.base.szOsFile += (int)sizeof(struct frames_file);
    frames.base.xOpen = vfs_open;
    sqlite3_vfs_register(&frames.base, 0);
}
