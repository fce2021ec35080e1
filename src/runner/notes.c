/* What is odd about the files that a workspace is filled with, for the run to say. */
#include "runner/local_int.h"

enum { PATH_SHOWN_MAX = 200 };

void source_notes_done(struct source_notes *n)
{
    buf_done(&n->taken);
    free(n->submodule);
    free(n->pointer);
}

static void take(char **first, size_t *count, char **more, size_t more_count)
{
    if (!*count) {
        *first = *more;
        *more = NULL;
    }
    *count += more_count;
}

void source_notes_take(struct source_notes *n, struct source_notes *more)
{
    take(&n->submodule, &n->submodules, &more->submodule, more->submodules);
    take(&n->pointer, &n->pointers, &more->pointer, more->pointers);
    source_notes_done(more);
}

static void note(char **first, size_t *count, str path)
{
    if (!(*count)++)
        *first = str_dup(str_sub(path, 0, PATH_SHOWN_MAX));
}

void source_note_submodule(struct source_notes *n, str path)
{
    note(&n->submodule, &n->submodules, path);
}

void source_note_file(struct source_notes *n, str path, str text)
{
    if (text.n <= LFS_POINTER_MAX &&
        str_starts(text, STR("version https://git-lfs.github.com/spec/")))
        note(&n->pointer, &n->pointers, path);
}

static void add(struct buf *b, const char *before, const char *first, size_t count,
                const char *after)
{
    if (!count)
        return;
    buf_addf(b, "%s%s%s", b->n ? "\n" : "", before, first);
    if (count > 1)
        buf_addf(b, " (and %zu more)", count - 1);
    buf_add_c(b, after);
}

void source_notes_add_text(const struct source_notes *n, struct buf *b)
{
    add(b, "a submodule has no files here: ", n->submodule, n->submodules,
        "; a run takes along what git submodule update --init has put into the working tree");
    add(b, "a Git LFS pointer stands where a file should: ", n->pointer, n->pointers,
        "; git lfs pull fetches the files, and a run of the working tree takes them along then");
}
