#include "vfs.h"
#include <pthread.h>
#include <sqlite3.h>
#include <string.h>

struct faulty_file {
    sqlite3_file base;
    sqlite3_file *real; /* in the same block, behind this */
};

static sqlite3_vfs *real_vfs, shim;
static sqlite3_io_methods methods;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    enum vfs_fault fault;
    long at, calls;
    bool stays, failed;
} armed;

static const char *const names[] = {"none", "write", "full", "short", "sync", "read"};

const char *vfs_fault_name(enum vfs_fault f)
{
    return names[f];
}

void vfs_arm(enum vfs_fault f, long n, bool stays)
{
    pthread_mutex_lock(&lock);
    armed.fault = f;
    armed.at = n;
    armed.stays = stays;
    armed.calls = 0;
    armed.failed = false;
    pthread_mutex_unlock(&lock);
}

long vfs_calls(void)
{
    pthread_mutex_lock(&lock);
    long n = armed.calls;
    pthread_mutex_unlock(&lock);
    return n;
}

bool vfs_has_failed(void)
{
    pthread_mutex_lock(&lock);
    bool failed = armed.failed;
    pthread_mutex_unlock(&lock);
    return failed;
}

/* What `call` (one of VFS_WRITE, VFS_SYNC, VFS_READ) must do now: VFS_NONE passes it on. */
static enum vfs_fault due(enum vfs_fault call)
{
    enum vfs_fault result = VFS_NONE;
    pthread_mutex_lock(&lock);
    bool writes = armed.fault == VFS_NONE || armed.fault == VFS_FULL || armed.fault == VFS_SHORT;
    if (armed.at && call == (writes ? VFS_WRITE : armed.fault)) {
        armed.calls++;
        bool fails = armed.stays ? armed.calls >= armed.at : armed.calls == armed.at;
        if (fails && armed.fault != VFS_NONE) {
            armed.failed = true;
            result = armed.fault;
        }
    }
    pthread_mutex_unlock(&lock);
    return result;
}

static sqlite3_file *real_of(sqlite3_file *f)
{
    return ((struct faulty_file *)f)->real;
}

/* ---- files ---- */

static int file_close(sqlite3_file *f)
{
    sqlite3_file *real = real_of(f);
    return real->pMethods ? real->pMethods->xClose(real) : SQLITE_OK;
}

static int file_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
    if (due(VFS_READ))
        return SQLITE_IOERR_READ;
    return real_of(f)->pMethods->xRead(real_of(f), p, n, at);
}

static int file_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    switch (due(VFS_WRITE)) {
    case VFS_NONE:
        return real_of(f)->pMethods->xWrite(real_of(f), p, n, at);
    case VFS_FULL:
        return SQLITE_FULL;
    case VFS_SHORT:
        if (n > 1)
            (void)real_of(f)->pMethods->xWrite(real_of(f), p, n / 2, at);
        return SQLITE_IOERR_WRITE;
    default:
        return SQLITE_IOERR_WRITE;
    }
}

static int file_truncate(sqlite3_file *f, sqlite3_int64 n)
{
    if (due(VFS_WRITE))
        return SQLITE_IOERR_TRUNCATE;
    return real_of(f)->pMethods->xTruncate(real_of(f), n);
}

static int file_sync(sqlite3_file *f, int flags)
{
    if (due(VFS_SYNC))
        return SQLITE_IOERR_FSYNC;
    return real_of(f)->pMethods->xSync(real_of(f), flags);
}

static int file_size(sqlite3_file *f, sqlite3_int64 *ret)
{
    return real_of(f)->pMethods->xFileSize(real_of(f), ret);
}

static int file_lock(sqlite3_file *f, int level)
{
    return real_of(f)->pMethods->xLock(real_of(f), level);
}

static int file_unlock(sqlite3_file *f, int level)
{
    return real_of(f)->pMethods->xUnlock(real_of(f), level);
}

static int file_check_lock(sqlite3_file *f, int *ret)
{
    return real_of(f)->pMethods->xCheckReservedLock(real_of(f), ret);
}

static int file_control(sqlite3_file *f, int op, void *arg)
{
    return real_of(f)->pMethods->xFileControl(real_of(f), op, arg);
}

static int file_sector(sqlite3_file *f)
{
    return real_of(f)->pMethods->xSectorSize(real_of(f));
}

static int file_traits(sqlite3_file *f)
{
    return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f));
}

static int shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **ret)
{
    if (extend && due(VFS_WRITE))
        return SQLITE_IOERR_SHMSIZE;
    return real_of(f)->pMethods->xShmMap(real_of(f), page, size, extend, ret);
}

static int shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
    return real_of(f)->pMethods->xShmLock(real_of(f), offset, n, flags);
}

static void shm_barrier(sqlite3_file *f)
{
    real_of(f)->pMethods->xShmBarrier(real_of(f));
}

static int shm_unmap(sqlite3_file *f, int remove)
{
    return real_of(f)->pMethods->xShmUnmap(real_of(f), remove);
}

static int vfs_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *ret_flags)
{
    struct faulty_file *file = (struct faulty_file *)f;
    (void)v;
    memset(f, 0, (size_t)shim.szOsFile);
    file->real = (sqlite3_file *)(file + 1);
    int code = real_vfs->xOpen(real_vfs, name, file->real, flags, ret_flags);
    if (file->real->pMethods)
        file->base.pMethods = &methods;
    return code;
}

/* Version 2: with shared memory for WAL, without mapped reads, which no fault could reach. */
void vfs_install(void)
{
    if (real_vfs)
        return;
    sqlite3_initialize();
    real_vfs = sqlite3_vfs_find(NULL);
    methods = (sqlite3_io_methods){.iVersion = 2,
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
                                   .xDeviceCharacteristics = file_traits,
                                   .xShmMap = shm_map,
                                   .xShmLock = shm_lock,
                                   .xShmBarrier = shm_barrier,
                                   .xShmUnmap = shm_unmap};
    shim = *real_vfs;
    shim.zName = "faulty";
    shim.pNext = NULL;
    shim.szOsFile = (int)sizeof(struct faulty_file) + real_vfs->szOsFile;
    shim.xOpen = vfs_open;
    sqlite3_vfs_register(&shim, 1);
}
