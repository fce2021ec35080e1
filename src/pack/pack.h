/* pack: files of a folder as one stream of bytes, and back. Artifacts and caches are kept so; a
 * stream is written and read by this program alone.
 *     "plue-pack 1\n" { "F MODE SIZE LENGTH\n" path bytes | "L SIZE LENGTH\n" path target } "E\n"
 * A snapshot of a workspace is "plue-pack 2\n": links may lead anywhere, `.git` may be in it, and
 * there are folders, and paths that are gone, those below a folder before it:
 *     { ... | "D MODE LENGTH\n" path | "R LENGTH\n" path }
 * Refuses, when unpacking: paths that are absolute, have a `..`, or stand in .git; links where they
 * are not wanted, or that lead out; folders that are links; anything but files, links and folders.
 * A stream that was cut is an error. */
#ifndef PACK_PACK_H
#define PACK_PACK_H
#include "base/buf.h"
#include "diag/err.h"
#include <sys/types.h>

enum { PACK_PATH_MAX = 4000, PACK_FILES_MAX = 1000 * 1000 };

typedef bool pack_put_fn(void *user, const void *p, size_t n, struct err *err);
/* *ret_n 0 at the end. */
typedef bool pack_get_fn(void *user, void *p, size_t max, size_t *ret_n, struct err *err);

struct pack_count {
    size_t files;
    int64_t bytes;
    size_t left;    /* what was asked for and cannot be kept */
    str left_first; /* its path, borrowed during the call that is told */
};

/* ---- writing ---- */

struct pack_writer {
    pack_put_fn *put;
    void *user;
    struct pack_count count;
};
bool pack_begin(struct pack_writer *w, struct err *err) must_use;
bool pack_begin_snapshot(struct pack_writer *w, struct err *err) must_use;
/* The first `size` bytes of fd. */
bool pack_add_file(struct pack_writer *w, str path, unsigned mode, int64_t size, int fd,
                   struct err *err) must_use;
bool pack_add_link(struct pack_writer *w, str path, str target, struct err *err) must_use;
/* Of snapshots: */
bool pack_add_bytes(struct pack_writer *w, str path, unsigned mode, str bytes,
                    struct err *err) must_use;
bool pack_add_folder(struct pack_writer *w, str path, unsigned mode, struct err *err) must_use;
bool pack_add_removed(struct pack_writer *w, str path, struct err *err) must_use;
bool pack_end(struct pack_writer *w, struct err *err) must_use;

/* ---- reading ---- */

/* Takes files and links in place of the folder. */
struct pack_sink {
    /* Of what comes after so many of them; asked before each. */
    bool (*wants)(void *user, size_t before);
    /* Reads all `size` bytes of get. */
    bool (*file)(void *user, str path, unsigned mode, int64_t size, pack_get_fn *get, void *from,
                 struct err *err);
    bool (*link)(void *user, str path, str target, struct err *err);
    void *user;
};
struct pack_target {
    int folder;    /* descriptor; everything lands below it */
    bool links;    /* symbolic links are made; else they are an error */
    bool replace;  /* files that are there are replaced; else they are an error */
    bool snapshot; /* version 2 is what is wanted; else it is an error */
    bool give;     /* to this owner: */
    uid_t uid;
    gid_t gid;
    struct buf *paths;            /* files and links, each with a NUL after it; may be NULL */
    const struct pack_sink *sink; /* may be NULL */
};
bool pack_extract(const struct pack_target *t, pack_get_fn *get, void *user,
                  struct pack_count *ret_count, struct err *err) must_use;

/* Whether a link at path with this target stays below the top, by its text. */
bool pack_link_stays_inside(str path, str target);

#endif
