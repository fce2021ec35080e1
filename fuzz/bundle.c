/* Bytes are a mode, then a stream: as the frame of a bundle that is put into zstd here, or as a
 * file. What is read to its end can be written again, and reads the same. */
#include "base/fd.h"
#include "runfile/runfile.h"
#include <assert.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zstd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool get(void *user, void *p, size_t max, size_t *ret_n, struct err *err)
{
    str *rest = user;
    (void)err;
    *ret_n = rest->n < max ? rest->n : max;
    memcpy(p, rest->p, *ret_n);
    *rest = str_sub(*rest, *ret_n, rest->n);
    return true;
}

/* All records into ret; false where it is refused, with an error of our own. */
static bool read_all(str file, struct runfile_writer *w, struct buf *ret)
{
    auto_err err = ERR_INIT;
    struct runfile_reader *r;
    struct runfile_record record = {0};
    if (!runfile_open(get, &file, &r, &err)) {
        assert(err.code && strncmp(err.code, "bundle_", 7) == 0);
        return false;
    }
    bool ok = true;
    while (ok && record.kind != RUNFILE_END) {
        ok = runfile_next(r, &record, &err);
        assert(ok || strncmp(err.code, "bundle_", 7) == 0);
        if (!ok || record.kind == RUNFILE_END)
            continue;
        buf_add_byte(ret, (char)record.kind);
        buf_add_str(ret, record.payload);
        if (w)
            assert(runfile_put(w, record.kind, record.payload, &err));
    }
    assert(!ok || !file.n);
    runfile_reader_free(r);
    return ok;
}

static void write_again(str file, const struct buf *before)
{
    auto_err err = ERR_INIT;
    auto_fd fd = memfd_create("bundle", MFD_CLOEXEC);
    struct runfile_writer *w;
    auto_buf records = BUF(BUF_TEXT_MAX), text = BUF(BUF_TEXT_MAX), after = BUF(BUF_TEXT_MAX);
    assert(runfile_create(fd, &w, &err));
    assert(read_all(file, w, &records) && runfile_finish(w, &err));
    runfile_writer_free(w);
    assert(lseek(fd, 0, SEEK_SET) == 0 && fd_read_all(fd, &text) == 0);
    assert(read_all(buf_str(&text), NULL, &after));
    assert(str_eq(buf_str(&after), buf_str(before)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_buf file = BUF(BUF_TEXT_MAX), records = BUF(BUF_TEXT_MAX);
    if (!size)
        return 0;
    str bytes = {(const char *)data + 1, size - 1};
    if (data[0] % 4) {
        buf_add_c(&file, "plue-bundle 1\n");
        size_t room = ZSTD_compressBound(bytes.n);
        char *to = buf_reserve(&file, room);
        file.n += ZSTD_compress(to, room, bytes.p, bytes.n, 1);
    } else {
        buf_add_str(&file, bytes);
    }
    if (read_all(buf_str(&file), NULL, &records))
        write_again(buf_str(&file), &records);
    return 0;
}
