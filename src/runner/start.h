/* start: what a workspace began with, kept beside it: its files as one stream (pack/pack.h, a
 * snapshot), and how each of them looked, by which what steps have changed is found. Blocks. */
#ifndef RUNNER_START_H
#define RUNNER_START_H
#include "base/buf.h"
#include "base/vec.h"
#include "diag/err.h"
#include <sys/stat.h>

/* ---- while it is filled ---- */

struct start_record;
/* stream: its files are kept too, as far as they are no larger than a snapshot may be. Keeps dir,
 * the folder that the workspace stands in, and err. */
bool start_begin(const char *dir, bool stream, struct start_record **ret, struct err *err) must_use;
/* Folders before what is in them; bytes: a file's contents, or where a link leads. */
bool start_folder(struct start_record *s, str path, const struct stat *st) must_use;
bool start_file(struct start_record *s, str path, const struct stat *st, str bytes) must_use;
/* The two halves of it: its contents, and, in its turn among the others, how it looks. */
bool start_bytes(struct start_record *s, str path, const struct stat *st, str bytes) must_use;
void start_note(struct start_record *s, str path, const struct stat *st);
/* Forgets what was added, and looks at all that stands below root. */
bool start_walk(struct start_record *s, int root) must_use;
/* Once nothing more is done to the files, and the repository is there. */
bool start_end(struct start_record *s, int root) must_use;
/* The stream was given up. */
bool start_is_too_large(const struct start_record *s);
void start_free(struct start_record *s);

/* ---- afterwards ---- */

/* -1 where there is no stream (any more). */
int start_open_source(const char *dir);
void start_forget_source(const char *dir);

struct start_entry {
    char kind; /* F, D, L, or O for what is none of them */
    bool seen; /* the reader's */
    unsigned mode;
    int64_t size, changed_ns;
    str path; /* followed by a NUL */
};
typedef VEC(struct start_entry) start_list;
/* Folders before what is in them. The paths stand in text, which the caller frees, as ret. */
bool start_read(const char *dir, struct buf *text, start_list *ret, struct err *err) must_use;

#endif
