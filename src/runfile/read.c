#include "runfile/runfile.h"
#include <nettle/sha2.h>
#include <sodium.h>
#include <stdio.h>
#include <zstd.h>

enum { IN_BYTES = 128 << 10, HEAD_BYTES = 9, WINDOW_LOG_MAX = 27, LINE_MAX_BYTES = 32 };

struct runfile_reader {
    runfile_get_fn *get;
    void *user;
    ZSTD_DCtx *zstd;
    ZSTD_inBuffer in;
    bool frame_ended;
    struct sha256_ctx hash;
    int64_t bytes;
    enum runfile_kind last; /* 0 before the first */
    struct buf payload;
    char chunk[IN_BYTES];
};

static bool damaged(struct err *err, const char *how)
{
    err_set(err, "bundle_damaged", "the bundle is damaged: %s", how);
    err_hint(err, "export the run again, or copy the file again");
    return false;
}

static bool fill(struct runfile_reader *r, bool *ret_more, struct err *err)
{
    size_t n = 0;
    if (r->in.pos < r->in.size) {
        *ret_more = true;
        return true;
    }
    if (!r->get(r->user, r->chunk, sizeof r->chunk, &n, err))
        return false;
    r->in = (ZSTD_inBuffer){r->chunk, n, 0};
    *ret_more = n > 0;
    return true;
}

/* ---- the first line ---- */

static bool take_line(struct runfile_reader *r, char line[LINE_MAX_BYTES], struct err *err)
{
    for (size_t i = 0; i < LINE_MAX_BYTES - 1; i++) {
        bool more;
        if (!fill(r, &more, err))
            return false;
        char c = more ? r->chunk[r->in.pos++] : '\n';
        if (c == '\n') {
            line[i] = '\0';
            return true;
        }
        line[i] = c;
    }
    line[LINE_MAX_BYTES - 1] = '\0';
    return true;
}

static bool check_line(const char *line, struct err *err)
{
    int version;
    char rest;
    if (sscanf(line, "plue-bundle %9d%c", &version, &rest) != 1 || version < 1) {
        err_set(err, "bundle_foreign", "the file is no run bundle");
        err_hint(err, "plue run export ID FILE writes one");
        return false;
    }
    if (version <= RUNFILE_VERSION)
        return true;
    err_set(err, "bundle_newer",
            "the bundle has version %d, and this program knows versions up to %d", version,
            RUNFILE_VERSION);
    err_hint(err, "use the version of plue that wrote it, or a newer one");
    return false;
}

bool runfile_open(runfile_get_fn *get, void *user, struct runfile_reader **ret, struct err *err)
{
    struct runfile_reader *r = mem_zalloc(sizeof *r);
    char line[LINE_MAX_BYTES];
    *r = (struct runfile_reader){.get = get, .user = user, .payload = BUF(RUNFILE_RECORD_MAX)};
    r->zstd = ZSTD_createDCtx();
    sha256_init(&r->hash);
    bool ok = r->zstd || err_set(err, "out_of_memory", "zstd cannot be started");
    if (ok)
        ZSTD_DCtx_setParameter(r->zstd, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
    if (!ok || !take_line(r, line, err) || !check_line(line, err)) {
        runfile_reader_free(r);
        return false;
    }
    *ret = r;
    return true;
}

void runfile_reader_free(struct runfile_reader *r)
{
    if (!r)
        return;
    ZSTD_freeDCtx(r->zstd);
    buf_done(&r->payload);
    free(r);
}

/* ---- bytes of the frame ---- */

static bool take(struct runfile_reader *r, char *to, size_t n, struct err *err)
{
    ZSTD_outBuffer out = {to, n, 0};
    while (out.pos < n) {
        bool more;
        if (!fill(r, &more, err))
            return false;
        if (r->frame_ended || !more)
            return damaged(err, "it was cut");
        size_t left = ZSTD_decompressStream(r->zstd, &out, &r->in);
        if (ZSTD_isError(left))
            return damaged(err, ZSTD_getErrorName(left));
        r->frame_ended = left == 0;
    }
    r->bytes += (int64_t)n;
    if (r->bytes <= (int64_t)RUNFILE_GIB_MAX << 30)
        return true;
    return err_set(err, "bundle_too_large", "it holds more than %d GiB", RUNFILE_GIB_MAX);
}

/* After the last record: the frame ends, and the file with it. */
static bool check_end(struct runfile_reader *r, struct err *err)
{
    char byte;
    bool more = true;
    while (!r->frame_ended) {
        ZSTD_outBuffer out = {&byte, 1, 0};
        if (!fill(r, &more, err))
            return false;
        if (!more)
            return damaged(err, "it was cut");
        size_t left = ZSTD_decompressStream(r->zstd, &out, &r->in);
        if (ZSTD_isError(left))
            return damaged(err, ZSTD_getErrorName(left));
        if (out.pos)
            return damaged(err, "something follows its end");
        r->frame_ended = left == 0;
    }
    if (!fill(r, &more, err))
        return false;
    return !more || damaged(err, "something follows its end");
}

/* ---- records ---- */

static bool may_follow(int last, char kind)
{
    static const struct {
        char kind;
        const char *after;
    } rows[] = {{'H', ""}, {'B', "HBD"}, {'D', "BD"}, {'R', "HBDR"}, {'E', "HBDR"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].kind == kind)
            return last ? strchr(rows[i].after, last) != NULL : kind == 'H';
    return false;
}

static bool check_hash(struct runfile_reader *r, str payload, struct err *err)
{
    unsigned char digest[SHA256_DIGEST_SIZE];
    char hex[RUNFILE_HASH_SIZE];
    sha256_digest(&r->hash, SHA256_DIGEST_SIZE, digest);
    sodium_bin2hex(hex, sizeof hex, digest, sizeof digest);
    return str_is(payload, hex) || damaged(err, "its bytes are not those that were written");
}

/* In pieces: a length that is a lie must not cost its memory. */
static bool take_payload(struct runfile_reader *r, uint64_t n, struct err *err)
{
    buf_reset(&r->payload);
    while (n) {
        size_t part = n < IN_BYTES ? (size_t)n : IN_BYTES;
        char *to = buf_reserve(&r->payload, part);
        if (!to || !take(r, to, part, err))
            return to ? false : damaged(err, "a record is too long");
        r->payload.n += part;
        n -= part;
    }
    return true;
}

bool runfile_next(struct runfile_reader *r, struct runfile_record *ret, struct err *err)
{
    char head[HEAD_BYTES];
    uint64_t n = 0;
    if (r->last == RUNFILE_END)
        return damaged(err, "something follows its end");
    if (!take(r, head, sizeof head, err))
        return false;
    for (int i = 1; i < HEAD_BYTES; i++)
        n = n << 8 | (unsigned char)head[i];
    if (!may_follow((int)r->last, head[0]))
        return damaged(err, "a record is not where it belongs");
    if (n > RUNFILE_RECORD_MAX)
        return damaged(err, "a record is too long");
    if (!take_payload(r, n, err))
        return false;
    str payload = buf_str(&r->payload);
    r->last = (enum runfile_kind)head[0];
    if (r->last == RUNFILE_END) {
        if (!check_hash(r, payload, err) || !check_end(r, err))
            return false;
    } else {
        sha256_update(&r->hash, sizeof head, (const uint8_t *)head);
        sha256_update(&r->hash, payload.n, (const uint8_t *)payload.p);
    }
    *ret = (struct runfile_record){r->last, payload};
    return true;
}
