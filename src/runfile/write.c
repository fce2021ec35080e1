#include "base/fd.h"
#include "runfile/runfile.h"
#include <errno.h>
#include <nettle/sha2.h>
#include <sodium.h>
#include <stdio.h>
#include <zstd.h>

enum { OUT_BYTES = 128 << 10, LEVEL = 3, HEAD_BYTES = 9 };

struct runfile_writer {
    int fd;
    ZSTD_CCtx *zstd;
    struct sha256_ctx hash;
    int64_t bytes, written;
    char out[OUT_BYTES];
};

static bool write_out(struct runfile_writer *w, const char *p, size_t n, struct err *err)
{
    int e = fd_write_all(w->fd, p, n);
    w->written += (int64_t)n;
    return !e ||
           err_errno(err, e == ENOSPC ? "disk_full" : "file_access", e, "cannot write the bundle");
}

bool runfile_create(int fd, struct runfile_writer **ret, struct err *err)
{
    struct runfile_writer *w = mem_zalloc(sizeof *w);
    char line[40];
    w->fd = fd;
    w->zstd = ZSTD_createCCtx();
    sha256_init(&w->hash);
    int n = snprintf(line, sizeof line, "plue-bundle %d\n", RUNFILE_VERSION);
    if (!w->zstd || !write_out(w, line, (size_t)n, err)) {
        if (!w->zstd)
            err_errno(err, "file_access", ENOMEM, "cannot write the bundle");
        runfile_writer_free(w);
        return false;
    }
    ZSTD_CCtx_setParameter(w->zstd, ZSTD_c_compressionLevel, LEVEL);
    ZSTD_CCtx_setParameter(w->zstd, ZSTD_c_checksumFlag, 1);
    *ret = w;
    return true;
}

static bool compress(struct runfile_writer *w, const void *p, size_t n, ZSTD_EndDirective end,
                     struct err *err)
{
    ZSTD_inBuffer in = {p, n, 0};
    size_t left;
    do {
        ZSTD_outBuffer out = {w->out, sizeof w->out, 0};
        left = ZSTD_compressStream2(w->zstd, &out, &in, end);
        if (ZSTD_isError(left))
            return err_set(err, "file_access", "zstd: %s", ZSTD_getErrorName(left));
        if (!write_out(w, w->out, out.pos, err))
            return false;
    } while (end == ZSTD_e_end ? left > 0 : in.pos < in.size);
    return true;
}

static bool put(struct runfile_writer *w, enum runfile_kind kind, str payload, struct err *err)
{
    char head[HEAD_BYTES] = {(char)kind};
    for (int i = 0; i < 8; i++)
        head[1 + i] = (char)((uint64_t)payload.n >> (56 - 8 * i));
    w->bytes += (int64_t)payload.n + HEAD_BYTES;
    if (payload.n > RUNFILE_RECORD_MAX)
        return err_set(err, "bundle_too_large", "one record has more than %d MiB",
                       RUNFILE_RECORD_MAX >> 20);
    if (w->bytes > (int64_t)RUNFILE_GIB_MAX << 30)
        return err_set(err, "bundle_too_large", "it would hold more than %d GiB", RUNFILE_GIB_MAX);
    if (kind != RUNFILE_END) {
        sha256_update(&w->hash, sizeof head, (const uint8_t *)head);
        sha256_update(&w->hash, payload.n, (const uint8_t *)payload.p);
    }
    return compress(w, head, sizeof head, ZSTD_e_continue, err) &&
           compress(w, payload.p, payload.n, ZSTD_e_continue, err);
}

bool runfile_put(struct runfile_writer *w, enum runfile_kind kind, str payload, struct err *err)
{
    return put(w, kind, payload, err);
}

bool runfile_finish(struct runfile_writer *w, struct err *err)
{
    unsigned char digest[SHA256_DIGEST_SIZE];
    char hex[RUNFILE_HASH_SIZE];
    sha256_digest(&w->hash, SHA256_DIGEST_SIZE, digest);
    sodium_bin2hex(hex, sizeof hex, digest, sizeof digest);
    return put(w, RUNFILE_END, str_of(hex), err) && compress(w, NULL, 0, ZSTD_e_end, err);
}

int64_t runfile_written(const struct runfile_writer *w)
{
    return w->written;
}

void runfile_writer_free(struct runfile_writer *w)
{
    if (!w)
        return;
    ZSTD_freeCCtx(w->zstd);
    free(w);
}
