/* bundle: a run as one file (runfile/runfile.h; docs/bundles.md), and back as a run of another
 * database. Both block.
 * Never in a bundle: secrets and their key, what a run hides, leases, caches, kept answers; files
 * in which a secret of the run stands. What is left out is told. */
#ifndef ENGINE_BUNDLE_H
#define ENGINE_BUNDLE_H
#include "base/vec.h"
#include "store/tables.h"

enum { BUNDLE_SECRET_SHORTEST = 8 /* bytes of a secret that a row is searched for */ };

struct bundle_report {
    struct arena arena;
    int64_t run_id, origin_id; /* here; there, of an import */
    str workflow;
    size_t rows, blobs;
    VEC(str) left_out; /* sentences */
};
void bundle_report_done(struct bundle_report *r);

/* Bytes so far, of the file. */
typedef void bundle_progress_fn(void *data, int64_t bytes);

struct bundle_export {
    struct store_reader *reader;
    const char *data_dir;
    int64_t run_id;
    const str *secrets; /* values that are known now */
    size_t secret_count;
    int fd;
    bundle_progress_fn *progress;
    void *data;
};
/* err run_not_final, run_has_owner, secret_in_bundle. */
bool bundle_export(const struct bundle_export *q, struct bundle_report *ret,
                   struct err *err) must_use;

struct bundle_import {
    struct store *store;
    struct store_reader *reader;
    const char *data_dir;
    int fd; /* read from its beginning, twice */
    bundle_progress_fn *progress;
    void *data;
};
/* All of it, or nothing. err bundle_foreign, bundle_newer, bundle_damaged. */
bool bundle_import(const struct bundle_import *q, struct bundle_report *ret,
                   struct err *err) must_use;

#endif
