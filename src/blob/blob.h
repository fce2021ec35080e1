/* blob: bytes kept under the name of their content, SHA-256 in hex, compressed by zstd. A blob has
 * its name only when it is whole and on the disk; what is damaged is found by its hash when it is
 * read. Equal bytes are kept once. Knows nothing of who refers to a blob. Blocks. */
#ifndef BLOB_BLOB_H
#define BLOB_BLOB_H
#include "diag/err.h"
#include <stdint.h>

enum {
    BLOB_NAME_SIZE = 65,
    BLOB_MIB_MAX = 10 << 10, /* of one blob, before compression */
    BLOB_YOUNG_MS = 10 * 60 * 1000,
    BLOB_LEFT_MS = 24 * 60 * 60 * 1000, /* who it is for has been said by then */
};
struct blob_info {
    char sha256[BLOB_NAME_SIZE];
    int64_t bytes, stored;
};

struct blob_store;
bool blob_store_open(const char *data_dir, struct blob_store **ret, struct err *err) must_use;
void blob_store_free(struct blob_store *s);
/* Absent is fine. */
void blob_remove(struct blob_store *s, const char *sha256);
/* Unless it was written within the last BLOB_YOUNG_MS: its writer may not have said yet who it is
 * for. */
void blob_remove_old(struct blob_store *s, const char *sha256);

/* Calls fn with the name of each that was written more than BLOB_LEFT_MS ago, until it fails. */
typedef bool blob_name_fn(void *ctx, const char *sha256, struct err *err);
bool blob_each_left(struct blob_store *s, blob_name_fn *fn, void *ctx, struct err *err) must_use;

struct blob_writer;
bool blob_create(struct blob_store *s, struct blob_writer **ret, struct err *err) must_use;
bool blob_write(struct blob_writer *w, const void *p, size_t n, struct err *err) must_use;
/* Makes it durable. Frees w in any case. */
bool blob_finish(struct blob_writer *w, struct blob_info *ret, struct err *err) must_use;
void blob_abandon(struct blob_writer *w);

struct blob_reader;
/* Reads it once to see whether it is what its name says: blob_missing, blob_damaged. */
bool blob_open(struct blob_store *s, const char *sha256, struct blob_reader **ret,
               struct err *err) must_use;
/* *ret_n 0 at the end. */
bool blob_read(struct blob_reader *r, void *p, size_t max, size_t *ret_n, struct err *err) must_use;
void blob_close(struct blob_reader *r);

#endif
