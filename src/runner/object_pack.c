#include "runner/object_pack.h"
#include "base/fd.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

enum {
    FLUSH_BYTES = 1 << 20,
    OUT_MAX = 256 << 20,
    STORED_MAX = 65535, /* bytes of a block of deflate that is stored */
    INDEX_MAX = 512 << 20,
    COUNT_AT = 8, /* where the header has the number of objects */
};

static bool fail(struct object_pack *p, int errnum)
{
    return err_errno(p->err, "workspace_open", errnum, "cannot write the workspace's repository");
}

static bool flush(struct object_pack *p, bool now)
{
    if (p->out.overflow)
        return fail(p, EFBIG);
    if (!now && p->out.n < FLUSH_BYTES)
        return true;
    int e = fd_write_all(p->fd, p->out.p, p->out.n);
    buf_reset(&p->out);
    return !e || fail(p, e);
}

bool object_pack_begin(struct object_pack *p, int objects_dir, struct err *err)
{
    p->err = err;
    p->out = BUF(OUT_MAX);
    p->fd = openat(objects_dir, "new", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
    if (p->fd < 0)
        return fail(p, errno);
    buf_add_c(&p->out, "PACK");
    put_be32(&p->out, 2);
    put_be32(&p->out, 0);
    p->offset = (uint32_t)p->out.n;
    return true;
}

/* ---- one object ---- */

/* A zlib stream of stored blocks. */
static void put_stored(struct buf *b, str bytes)
{
    uLong sum = adler32_z(adler32_z(0, NULL, 0), (const Bytef *)bytes.p, bytes.n);
    buf_add_str(b, STR("\x78\x01"));
    do {
        size_t n = bytes.n < STORED_MAX ? bytes.n : STORED_MAX;
        char head[] = {n == bytes.n, (char)n, (char)(n >> 8), (char)~n, (char)(~n >> 8)};
        buf_add_str(b, str_make(head, sizeof head));
        buf_add_str(b, str_sub(bytes, 0, n));
        bytes = str_sub(bytes, n, bytes.n);
    } while (bytes.n);
    put_be32(b, (uint32_t)sum);
}

static void put_head(struct buf *b, enum object_type type, size_t n)
{
    uint8_t byte = (uint8_t)((unsigned)type << 4 | (n & 15));
    for (n >>= 4; n; n >>= 7) {
        buf_add_byte(b, (char)(byte | 0x80));
        byte = n & 0x7f;
    }
    buf_add_byte(b, (char)byte);
}

void object_make(struct object *o, enum object_type type, str bytes)
{
    static const char *const names[] = {"", "commit", "tree", "blob"};
    char head[32];
    struct sha1_ctx s;
    int n = snprintf(head, sizeof head, "%s %zu", names[type], bytes.n);
    sha1_init(&s);
    sha1_update(&s, (size_t)n + 1, (const uint8_t *)head);
    if (bytes.n)
        sha1_update(&s, bytes.n, (const uint8_t *)bytes.p);
    sha1_digest(&s, SHA1_DIGEST_SIZE, o->name);
    o->packed.max = OUT_MAX;
    buf_reset(&o->packed);
    put_head(&o->packed, type, bytes.n);
    put_stored(&o->packed, bytes);
    o->crc = (uint32_t)crc32_z(0, (const Bytef *)o->packed.p, o->packed.n);
}

void object_done(struct object *o)
{
    buf_done(&o->packed);
}

bool object_pack_put(struct object_pack *p, const struct object *o)
{
    str name = str_make((const char *)o->name, SHA1_DIGEST_SIZE);
    if (map_has(&p->known, name))
        return true;
    map_set(&p->known, arena_str(&p->arena, name), p);
    buf_add_str(&p->out, buf_str(&o->packed));
    if (o->packed.overflow || p->out.overflow)
        return fail(p, EFBIG);
    struct packed_object entry = {.offset = p->offset, .crc = o->crc};
    memcpy(entry.name, o->name, SHA1_DIGEST_SIZE);
    vec_push(&p->objects, entry);
    p->offset += (uint32_t)o->packed.n;
    return flush(p, false);
}

bool object_pack_add(struct object_pack *p, enum object_type type, str bytes,
                     uint8_t ret[SHA1_DIGEST_SIZE])
{
    object_make(&p->scratch, type, bytes);
    memcpy(ret, p->scratch.name, SHA1_DIGEST_SIZE);
    return object_pack_put(p, &p->scratch);
}

/* ---- the end ---- */

/* The number of objects is known now; the trailer is the hash of all before it. */
static bool finish_pack(struct object_pack *p, uint8_t ret[SHA1_DIGEST_SIZE])
{
    auto_buf count = BUF(8);
    auto_free char *chunk = mem_alloc(FLUSH_BYTES);
    struct sha1_ctx s;
    put_be32(&count, (uint32_t)p->objects.n);
    if (!flush(p, true))
        return false;
    if (pwrite(p->fd, count.p, count.n, COUNT_AT) < 0)
        return fail(p, errno);
    sha1_init(&s);
    for (off_t at = 0;;) {
        ssize_t n = pread(p->fd, chunk, FLUSH_BYTES, at);
        if (n < 0)
            return fail(p, errno);
        if (n == 0)
            break;
        sha1_update(&s, (size_t)n, (const uint8_t *)chunk);
        at += n;
    }
    sha1_digest(&s, SHA1_DIGEST_SIZE, ret);
    int e = fd_write_all(p->fd, ret, SHA1_DIGEST_SIZE);
    return !e || fail(p, e);
}

static int by_name(const void *a, const void *b)
{
    return memcmp(((const struct packed_object *)a)->name, ((const struct packed_object *)b)->name,
                  SHA1_DIGEST_SIZE);
}

static void put_index(struct object_pack *p, const uint8_t trailer[SHA1_DIGEST_SIZE], struct buf *b)
{
    uint8_t sum[SHA1_DIGEST_SIZE];
    struct sha1_ctx s;
    size_t below = 0;
    if (p->objects.n)
        qsort(p->objects.at, p->objects.n, sizeof *p->objects.at, by_name);
    buf_add_str(b, STR("\377tOc"));
    put_be32(b, 2);
    for (unsigned first = 0; first < 256; first++) {
        while (below < p->objects.n && p->objects.at[below].name[0] <= first)
            below++;
        put_be32(b, (uint32_t)below);
    }
    vec_each (o, &p->objects)
        buf_add_str(b, str_make((const char *)o->name, SHA1_DIGEST_SIZE));
    vec_each (o, &p->objects)
        put_be32(b, o->crc);
    vec_each (o, &p->objects)
        put_be32(b, o->offset);
    buf_add_str(b, str_make((const char *)trailer, SHA1_DIGEST_SIZE));
    sha1_init(&s);
    sha1_update(&s, b->n, (const uint8_t *)b->p);
    sha1_digest(&s, SHA1_DIGEST_SIZE, sum);
    buf_add_str(b, str_make((const char *)sum, SHA1_DIGEST_SIZE));
}

bool object_pack_end(struct object_pack *p, int objects_dir)
{
    uint8_t trailer[SHA1_DIGEST_SIZE];
    char path[80], hex[2 * SHA1_DIGEST_SIZE + 1];
    auto_buf index = BUF(INDEX_MAX);
    if (!finish_pack(p, trailer))
        return false;
    for (size_t i = 0; i < SHA1_DIGEST_SIZE; i++)
        snprintf(hex + 2 * i, 3, "%02x", trailer[i]);
    put_index(p, trailer, &index);
    snprintf(path, sizeof path, "pack/pack-%s.pack", hex);
    if (index.overflow || renameat(objects_dir, "new", objects_dir, path) < 0)
        return fail(p, index.overflow ? EFBIG : errno);
    snprintf(path, sizeof path, "pack/pack-%s.idx", hex);
    auto_fd fd = openat(objects_dir, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
    int e = fd < 0 ? errno : fd_write_all(fd, index.p, index.n);
    return !e || fail(p, e);
}

void object_pack_done(struct object_pack *p)
{
    fd_close(&p->fd);
    buf_done(&p->out);
    object_done(&p->scratch);
    vec_done(&p->objects);
    map_done(&p->known);
    arena_done(&p->arena);
}
