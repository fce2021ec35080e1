/* A commit's files into an image: their bytes come from one git that is given all their names. */
#include "git/git.h"
#include "runner/commit_int.h"
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 200, ATTRIBUTES_MAX = 1 << 20, NAMES_MAX = 256 << 20 };

/* ---- objects, in the order in which they were asked for ---- */

struct objects {
    struct git_child git;
    FILE *out;
    int64_t left; /* of the one that is read */
};

static bool cut(struct err *err)
{
    return err_set(err, "git_failed", "git gives less of the commit's files than it lists");
}

/* names: each with a line end. */
static bool objects_open(struct objects *o, const char *git_option, str names, struct err *err)
{
    const char *args[] = {git_option, "cat-file", "--batch", "--buffer", NULL};
    auto_fd in = memfd_create("names", MFD_CLOEXEC);
    int e = in < 0 ? errno : fd_write_all(in, names.p, names.n);
    if (e || lseek(in, 0, SEEK_SET) < 0)
        return err_errno(err, "git_failed", e ? e : errno, "no memory for git's input");
    if (!git_spawn("/", args, in, &o->git, err))
        return false;
    o->out = fdopen(dup(o->git.out), "r");
    if (o->out)
        return true;
    err_errno(err, "git_failed", errno, "no descriptor for git");
    (void)!git_wait(&o->git, "/", err);
    return false;
}

/* good: what the caller made of them; whatever git says is no news where that is false. */
static bool objects_close(struct objects *o, bool good, struct err *err)
{
    auto_err failed = ERR_INIT;
    fclose(o->out);
    bool ended = git_wait(&o->git, "/", &failed);
    if (good && !ended)
        err_move(err, &failed);
    return good && ended;
}

/* The end of the last one, and the line before the next: "NAME blob SIZE". */
static bool objects_next(struct objects *o, struct err *err)
{
    char line[LINE_MAX_BYTES];
    long long size;
    if (!fgets(line, sizeof line, o->out) || sscanf(line, "%*s blob %lld", &size) != 1 || size < 0)
        return cut(err);
    o->left = size;
    return true;
}

static bool objects_get(void *user, void *p, size_t max, size_t *ret_n, struct err *err)
{
    struct objects *o = user;
    size_t wanted = (int64_t)max < o->left ? max : (size_t)o->left;
    *ret_n = fread(p, 1, wanted, o->out);
    o->left -= (int64_t)*ret_n;
    return *ret_n == wanted || cut(err);
}

static bool objects_skip_end(struct objects *o, struct err *err)
{
    return fgetc(o->out) == '\n' || cut(err);
}

static bool objects_read(struct objects *o, struct buf *ret, struct err *err)
{
    auto_free char *bytes = mem_alloc((size_t)o->left + 1);
    size_t n;
    if (!objects_get(o, bytes, (size_t)o->left, &n, err))
        return false;
    buf_add(ret, bytes, n);
    return true;
}

/* ---- attributes ---- */

static bool has_attributes(const struct commit_entry *e)
{
    str path = str_of(e->path);
    return (str_is(path, ".gitattributes") || str_ends(path, STR("/.gitattributes"))) &&
           !commit_is_link(e) && !commit_is_submodule(e);
}

static void add_name(struct buf *names, const struct commit_entry *e)
{
    buf_add_str(names, e->name);
    buf_add_byte(names, '\n');
}

static bool look_at_attributes(struct objects *o, size_t n, bool *ret, struct err *err)
{
    *ret = false;
    for (size_t i = 0; i < n && !*ret; i++) {
        auto_buf text = BUF(ATTRIBUTES_MAX);
        if (!objects_next(o, err))
            return false;
        *ret = o->left >= ATTRIBUTES_MAX;
        if (!*ret && (!objects_read(o, &text, err) || !objects_skip_end(o, err)))
            return false;
        *ret = *ret || seed_attributes_change_files(buf_str(&text));
    }
    return true;
}

bool commit_changes_files(const char *git_option, str list, bool *ret, struct err *err)
{
    auto_buf names = BUF(NAMES_MAX);
    auto_err ignored = ERR_INIT;
    struct objects o = {0};
    struct commit_entry e;
    size_t n = 0;
    *ret = false;
    while (commit_next(&list, &e))
        if (has_attributes(&e)) {
            add_name(&names, &e);
            n++;
        }
    if (!n)
        return true;
    if (!objects_open(&o, git_option, buf_str(&names), err))
        return false;
    bool good = look_at_attributes(&o, n, ret, err);
    return objects_close(&o, good, *ret ? &ignored : err) || (good && *ret);
}

/* ---- files ---- */

struct writing {
    struct objects objects;
    struct image_stream *image;
    struct source_notes *notes;
    char small[SMALL_BYTES];
};

static bool add_link(struct writing *w, const struct commit_entry *e, struct err *err)
{
    auto_buf target = BUF(COMMIT_LINK_MAX);
    if (w->objects.left < COMMIT_LINK_MAX && !objects_read(&w->objects, &target, err))
        return false;
    return commit_check_link(e->path, buf_str(&target), err) &&
           image_add_link(w->image, str_of(e->path), buf_str(&target), err);
}

/* With the modes that git gives them. */
static bool add_file(struct writing *w, const struct commit_entry *e, struct err *err)
{
    struct objects *o = &w->objects;
    unsigned mode = str_is(e->mode, "100755") ? 0755 : 0644;
    str path = str_of(e->path);
    size_t n;
    if (o->left >= SMALL_BYTES)
        return image_add_file(w->image, path, mode, o->left, objects_get, o, err);
    if (!objects_get(o, w->small, sizeof w->small, &n, err))
        return false;
    str bytes = str_make(w->small, n);
    if (n <= LFS_POINTER_MAX)
        source_note_file(w->notes, path, bytes);
    return image_add_bytes(w->image, path, mode, bytes, err);
}

static bool add_entry(struct writing *w, const struct commit_entry *e, struct err *err)
{
    commit_note(e, w->notes);
    if (commit_is_submodule(e)) /* an empty folder, as of git */
        return image_add_folder(w->image, str_of(e->path), 0755, err);
    return objects_next(&w->objects, err) &&
           (commit_is_link(e) ? add_link(w, e, err) : add_file(w, e, err)) &&
           objects_skip_end(&w->objects, err);
}

static bool add_all(struct writing *w, const char *git_option, str list, struct err *err)
{
    auto_buf names = BUF(NAMES_MAX);
    struct commit_entry e;
    bool good = true;
    for (str rest = list; commit_next(&rest, &e);)
        if (!commit_is_submodule(&e))
            add_name(&names, &e);
    if (names.overflow)
        return err_set(err, "workspace_too_large", "the commit has more files than can be named");
    if (!objects_open(&w->objects, git_option, buf_str(&names), err))
        return false;
    while (good && commit_next(&list, &e))
        good = add_entry(w, &e, err);
    return objects_close(&w->objects, good, err);
}

bool commit_write_image(const char *git_option, str list, const struct image_request *image,
                        struct source_notes *notes, struct err *err)
{
    auto_free struct writing *w = mem_zalloc(sizeof *w);
    w->notes = notes;
    w->image = image_stream_new(image);
    bool good = add_all(w, git_option, list, err) && image_stream_end(w->image, err);
    image_stream_free(w->image);
    return good;
}
