/* runfile: a run bundle, one file: a line that says what it is, then one zstd frame of records.
 *     "plue-bundle 1\n" zstd( { KIND LENGTH payload } )
 * KIND is a byte, LENGTH eight, the highest first. In this order:
 *     H  once; a JSON object
 *     B  the name of a blob, its SHA-256 in hex; then its bytes:
 *     D  a piece of them
 *     R  a row; a JSON array [table, value, ...]
 *     E  once; the SHA-256 in hex of all that stands before this record in the frame
 * A reader takes nothing for granted: what was cut, changed, put in another order or is longer than
 * the bounds is an error. Knows nothing of tables and of what a blob holds. */
#ifndef RUNFILE_RUNFILE_H
#define RUNFILE_RUNFILE_H
#include "base/buf.h"
#include "diag/err.h"

enum {
    RUNFILE_VERSION = 1,
    RUNFILE_RECORD_MAX = 64 << 20, /* bytes of one record */
    RUNFILE_PIECE = 256 << 10,     /* bytes of a blob in one record, as they are written */
    RUNFILE_GIB_MAX = 64,          /* of a whole bundle, before compression */
    RUNFILE_HASH_SIZE = 65,
};

enum runfile_kind {
    RUNFILE_HEADER = 'H',
    RUNFILE_BLOB = 'B',
    RUNFILE_DATA = 'D',
    RUNFILE_ROW = 'R',
    RUNFILE_END = 'E',
};

/* ---- writing ---- */

struct runfile_writer;
/* fd stays the caller's. */
bool runfile_create(int fd, struct runfile_writer **ret, struct err *err) must_use;
/* Not for RUNFILE_END. */
bool runfile_put(struct runfile_writer *w, enum runfile_kind kind, str payload,
                 struct err *err) must_use;
bool runfile_finish(struct runfile_writer *w, struct err *err) must_use;
/* Bytes so far, compressed. */
int64_t runfile_written(const struct runfile_writer *w);
void runfile_writer_free(struct runfile_writer *w);

/* ---- reading ---- */

/* *ret_n 0 at the end. */
typedef bool runfile_get_fn(void *user, void *p, size_t max, size_t *ret_n, struct err *err);

struct runfile_record {
    enum runfile_kind kind;
    str payload; /* borrowed until the next one */
};
struct runfile_reader;
/* err bundle_foreign, bundle_newer. */
bool runfile_open(runfile_get_fn *get, void *user, struct runfile_reader **ret,
                  struct err *err) must_use;
/* The record RUNFILE_END comes when all before it has been checked, and nothing follows it. err
 * bundle_damaged, bundle_too_large. */
bool runfile_next(struct runfile_reader *r, struct runfile_record *ret, struct err *err) must_use;
void runfile_reader_free(struct runfile_reader *r);

#endif
