#include "blob/blob.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/fd.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <nettle/sha2.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

enum { CHUNK = 128 << 10, LEVEL = 3, DIGEST = SHA256_DIGEST_SIZE };

struct blob_store {
    int folder;
    char *path;
};

bool blob_store_open(const char *data_dir, struct blob_store **ret, struct err *err)
{
    auto_buf path = BUF(PATH_MAX - 1);
    buf_addf(&path, "%s/blobs", data_dir);
    int e = path.overflow ? ENAMETOOLONG : fd_make_dirs(AT_FDCWD, buf_c(&path), 0700);
    auto_fd fd = e ? -1 : open(buf_c(&path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(err, "blob_failed", e ? e : errno, "cannot open %s", buf_c(&path));
    struct blob_store *s = mem_zalloc(sizeof *s);
    s->folder = fd_steal(&fd);
    s->path = buf_take(&path, NULL);
    *ret = s;
    return true;
}

void blob_store_free(struct blob_store *s)
{
    if (!s)
        return;
    fd_close(&s->folder);
    free(s->path);
    free(s);
}

/* "ab/cdef...": 256 folders. */
static void place_of(const char *sha256, char ret[BLOB_NAME_SIZE + 1])
{
    snprintf(ret, BLOB_NAME_SIZE + 1, "%.2s/%.62s", sha256, sha256 + 2);
}

static bool is_name(const char *s)
{
    return strlen(s) == 2 * DIGEST && strspn(s, "0123456789abcdef") == 2 * DIGEST;
}

void blob_remove(struct blob_store *s, const char *sha256)
{
    char place[BLOB_NAME_SIZE + 1];
    place_of(sha256, place);
    if (is_name(sha256))
        unlinkat(s->folder, place, 0);
}

static bool is_older(int folder, const char *place, int64_t ms)
{
    struct stat st;
    return fstatat(folder, place, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
           clock_wall_ms() - (int64_t)st.st_mtim.tv_sec * 1000 > ms;
}

void blob_remove_old(struct blob_store *s, const char *sha256)
{
    char place[BLOB_NAME_SIZE + 1];
    place_of(sha256, place);
    if (is_name(sha256) && is_older(s->folder, place, BLOB_YOUNG_MS))
        unlinkat(s->folder, place, 0);
}

static bool each_left_of(struct blob_store *s, unsigned first, blob_name_fn *fn, void *ctx,
                         struct err *err)
{
    char folder[3], name[BLOB_NAME_SIZE];
    bool ok = true;
    snprintf(folder, sizeof folder, "%02x", first);
    auto_fd fd = openat(s->folder, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(dup(fd)) : NULL;
    for (struct dirent *e; ok && dir && (e = readdir(dir));) {
        snprintf(name, sizeof name, "%s%.62s", folder, e->d_name);
        if (is_name(name) && is_older(fd, e->d_name, BLOB_LEFT_MS))
            ok = fn(ctx, name, err);
    }
    if (dir)
        closedir(dir);
    return ok;
}

bool blob_each_left(struct blob_store *s, blob_name_fn *fn, void *ctx, struct err *err)
{
    bool ok = true;
    for (unsigned first = 0; ok && first < 256; first++)
        ok = each_left_of(s, first, fn, ctx, err);
    return ok;
}

/* ---- writing ---- */

struct blob_writer {
    struct blob_store *store;
    int fd; /* without a name until it is whole */
    ZSTD_CCtx *zstd;
    struct sha256_ctx hash;
    int64_t bytes, stored;
    char out[CHUNK];
};

bool blob_create(struct blob_store *s, struct blob_writer **ret, struct err *err)
{
    struct blob_writer *w = mem_zalloc(sizeof *w);
    w->store = s;
    w->fd = openat(s->folder, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    w->zstd = ZSTD_createCCtx();
    if (w->fd < 0 || !w->zstd) {
        err_errno(err, "blob_failed", w->fd < 0 ? errno : ENOMEM, "cannot write to %s", s->path);
        blob_abandon(w);
        return false;
    }
    ZSTD_CCtx_setParameter(w->zstd, ZSTD_c_compressionLevel, LEVEL);
    ZSTD_CCtx_setParameter(w->zstd, ZSTD_c_checksumFlag, 1);
    sha256_init(&w->hash);
    *ret = w;
    return true;
}

static bool compress(struct blob_writer *w, const void *p, size_t n, ZSTD_EndDirective end,
                     struct err *err)
{
    ZSTD_inBuffer in = {p, n, 0};
    size_t left;
    do {
        ZSTD_outBuffer out = {w->out, sizeof w->out, 0};
        left = ZSTD_compressStream2(w->zstd, &out, &in, end);
        if (ZSTD_isError(left))
            return err_set(err, "blob_failed", "zstd: %s", ZSTD_getErrorName(left));
        int e = fd_write_all(w->fd, w->out, out.pos);
        if (e)
            return err_errno(err, e == ENOSPC ? "disk_full" : "blob_failed", e,
                             "cannot write to %s", w->store->path);
        w->stored += (int64_t)out.pos;
    } while (end == ZSTD_e_end ? left > 0 : in.pos < in.size);
    return true;
}

bool blob_write(struct blob_writer *w, const void *p, size_t n, struct err *err)
{
    w->bytes += (int64_t)n;
    if (w->bytes > ((int64_t)BLOB_MIB_MAX << 20)) {
        err_set(err, "blob_too_large", "more than %d GiB are to be kept as one",
                BLOB_MIB_MAX >> 10);
        err_hint(err, "keep fewer or smaller files");
        return false;
    }
    sha256_update(&w->hash, n, p);
    return compress(w, p, n, ZSTD_e_continue, err);
}

/* Gives the file its name; one that is there already has the same bytes. */
static int name_it(struct blob_writer *w, const char *sha256)
{
    char place[BLOB_NAME_SIZE + 1], self[64];
    place_of(sha256, place);
    place[2] = '\0';
    if (mkdirat(w->store->folder, place, 0700) < 0 && errno != EEXIST)
        return errno;
    auto_fd folder = openat(w->store->folder, place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0 || fsync(w->fd) < 0)
        return errno;
    snprintf(self, sizeof self, "/proc/self/fd/%d", w->fd);
    /* What had the name could be damaged: the new one takes its place. */
    unlinkat(folder, place + 3, 0);
    if (linkat(AT_FDCWD, self, folder, place + 3, AT_SYMLINK_FOLLOW) < 0 && errno != EEXIST)
        return errno;
    return fsync(folder) < 0 || fsync(w->store->folder) < 0 ? errno : 0;
}

bool blob_finish(struct blob_writer *w, struct blob_info *ret, struct err *err)
{
    unsigned char digest[DIGEST];
    struct blob_info info = {.bytes = w->bytes};
    bool ok = compress(w, NULL, 0, ZSTD_e_end, err);
    sha256_digest(&w->hash, SHA256_DIGEST_SIZE, digest);
    sodium_bin2hex(info.sha256, sizeof info.sha256, digest, DIGEST);
    info.stored = w->stored;
    int e = ok ? name_it(w, info.sha256) : 0;
    if (e)
        ok = err_errno(err, e == ENOSPC ? "disk_full" : "blob_failed", e, "cannot keep %s in %s",
                       info.sha256, w->store->path);
    blob_abandon(w);
    if (ok)
        *ret = info;
    return ok;
}

void blob_abandon(struct blob_writer *w)
{
    if (!w)
        return;
    fd_close(&w->fd);
    ZSTD_freeCCtx(w->zstd);
    free(w);
}

/* ---- reading ---- */

struct blob_reader {
    int fd;
    ZSTD_DCtx *zstd;
    ZSTD_inBuffer in;
    bool frame_open;
    char sha256[BLOB_NAME_SIZE];
    char chunk[CHUNK];
};

static bool damaged(const struct blob_reader *r, struct err *err)
{
    err_set(err, "blob_damaged", "the kept bytes %s are damaged: they are not what their name says",
            r->sha256);
    err_hint(err, "check the disk; a run that makes them again replaces them");
    return false;
}

bool blob_read(struct blob_reader *r, void *p, size_t max, size_t *ret_n, struct err *err)
{
    ZSTD_outBuffer out = {p, max, 0};
    while (out.pos == 0) {
        if (r->in.pos == r->in.size) {
            ssize_t n = read(r->fd, r->chunk, sizeof r->chunk);
            if (n < 0 && errno == EINTR)
                continue;
            if (n < 0)
                return err_errno(err, "blob_failed", errno, "cannot read the blob %s", r->sha256);
            if (n == 0 && r->frame_open)
                return damaged(r, err);
            if (n == 0)
                break;
            r->in = (ZSTD_inBuffer){r->chunk, (size_t)n, 0};
        }
        size_t left = ZSTD_decompressStream(r->zstd, &out, &r->in);
        if (ZSTD_isError(left))
            return damaged(r, err);
        r->frame_open = left != 0;
    }
    *ret_n = out.pos;
    return true;
}

static bool is_whole(struct blob_reader *r, struct err *err)
{
    struct sha256_ctx hash;
    unsigned char digest[DIGEST];
    char hex[BLOB_NAME_SIZE];
    auto_free char *bytes = mem_alloc(CHUNK);
    size_t n;
    sha256_init(&hash);
    do {
        if (!blob_read(r, bytes, CHUNK, &n, err))
            return false;
        sha256_update(&hash, n, (const uint8_t *)bytes);
    } while (n);
    sha256_digest(&hash, SHA256_DIGEST_SIZE, digest);
    sodium_bin2hex(hex, sizeof hex, digest, DIGEST);
    return strcmp(hex, r->sha256) == 0 || damaged(r, err);
}

static bool rewind_reader(struct blob_reader *r, struct err *err)
{
    r->in = (ZSTD_inBuffer){0};
    r->frame_open = true;
    ZSTD_DCtx_reset(r->zstd, ZSTD_reset_session_only);
    if (lseek(r->fd, 0, SEEK_SET) < 0)
        return err_errno(err, "blob_failed", errno, "cannot read the blob %s", r->sha256);
    return true;
}

bool blob_open(struct blob_store *s, const char *sha256, struct blob_reader **ret, struct err *err)
{
    char place[BLOB_NAME_SIZE + 1];
    if (!is_name(sha256))
        return err_set(err, "blob_missing", "'%s' names no kept bytes", sha256);
    place_of(sha256, place);
    struct blob_reader *r = mem_zalloc(sizeof *r);
    snprintf(r->sha256, sizeof r->sha256, "%s", sha256);
    r->frame_open = true;
    r->zstd = ZSTD_createDCtx();
    r->fd = openat(s->folder, place, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    bool ok = r->fd >= 0 && r->zstd;
    if (!ok) {
        err_errno(err, errno == ENOENT ? "blob_missing" : "blob_failed", errno,
                  "the kept bytes %s cannot be opened in %s", sha256, s->path);
        err_hint(
            err,
            "they were removed, or the database was restored without the folder blobs/ beside it: put "
            "that back, or let a run make them again");
    }
    ok = ok && is_whole(r, err) && rewind_reader(r, err);
    if (!ok) {
        blob_close(r);
        return false;
    }
    *ret = r;
    return true;
}

void blob_close(struct blob_reader *r)
{
    if (!r)
        return;
    fd_close(&r->fd);
    ZSTD_freeDCtx(r->zstd);
    free(r);
}
