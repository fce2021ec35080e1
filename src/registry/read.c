/* Reading .plue: bounded, and nothing outside of the repository. */
#include "base/fd.h"
#include "base/vec.h"
#include "registry/registry.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

struct reading {
    struct registry *r;
    size_t files, bytes;
    bool full;
};

static struct err *unread(struct reading *d, str path)
{
    struct err *e = err_list_add(&d->r->unread);
    err_in_file(e, path, 0, 0);
    return e;
}

static void add_file(struct reading *d, const char *path)
{
    auto_buf text = BUF(REGISTRY_FILE_MAX);
    auto_buf full = BUF(1 << 16);
    buf_addf(&full, "%s/%s", d->r->root, path);
    int error = fd_read_file(AT_FDCWD, buf_c(&full), &text);
    if (error == EFBIG) {
        err_set(unread(d, str_of(path)), "file_too_large", "%s is larger than %d MiB", path,
                REGISTRY_FILE_MAX >> 20);
    } else if (error) {
        err_errno(unread(d, str_of(path)), "file_unreadable", error, "%s cannot be read", path);
    } else if (text.n > REGISTRY_BYTES_MAX - d->bytes) {
        d->full = true;
        err_set(unread(d, str_of(path)), "too_many_files",
                "the files below .plue are larger than "
                "%d MiB together",
                REGISTRY_BYTES_MAX >> 20);
    } else {
        d->bytes += text.n;
        bundle_add(d->r->bundle, str_of(path), buf_str(&text));
    }
}

static bool is_below(const char *path, const char *root)
{
    size_t n = strlen(root);
    return strncmp(path, root, n) == 0 && (path[n] == '/' || path[n] == 0 || n == 1);
}

/* A link may lead to anywhere in the repository, and nowhere else. */
static bool link_stays_inside(struct reading *d, const char *path, const char *full)
{
    auto_free char *target = realpath(full, NULL);
    if (target && is_below(target, d->r->root))
        return true;
    if (!target) {
        err_errno(unread(d, str_of(path)), "file_unreadable", errno,
                  "%s is a link that leads nowhere", path);
        return false;
    }
    struct err *e = unread(d, str_of(path));
    err_set(e, "link_leads_out", "%s is a link that leads out of the repository", path);
    err_hint(e, "copy the file into the repository");
    return false;
}

static void read_folder(struct reading *d, const char *path, int depth);

/* Programs, prompts, and what prompts include. */
bool registry_is_source(str path)
{
    return str_ends(path, STR(".py")) || str_ends(path, STR(".prompt.md")) ||
           (str_starts(path, STR(".plue/prompts/")) && str_rfind_byte(path, '.') != SIZE_MAX &&
            str_rfind_byte(path, '.') > str_rfind_byte(path, '/'));
}

static void read_entry(struct reading *d, const char *path, int depth)
{
    auto_buf full = BUF(1 << 16);
    struct stat st;
    bool is_source = registry_is_source(str_of(path));
    buf_addf(&full, "%s/%s", d->r->root, path);
    if (lstat(buf_c(&full), &st) != 0)
        return; /* removed since the folder was listed */
    if (S_ISLNK(st.st_mode)) {
        if (!link_stays_inside(d, path, buf_c(&full)) || stat(buf_c(&full), &st) != 0)
            return;
    }
    if (S_ISDIR(st.st_mode) && is_source)
        err_set(unread(d, str_of(path)), "file_unreadable", "%s is a folder, not a file", path);
    else if (S_ISDIR(st.st_mode))
        read_folder(d, path, depth + 1);
    else if (is_source && !S_ISREG(st.st_mode))
        err_set(unread(d, str_of(path)), "file_unreadable", "%s is not a regular file", path);
    else if (is_source)
        add_file(d, path);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void read_folder(struct reading *d, const char *path, int depth)
{
    auto_buf full = BUF(1 << 16);
    VEC(char *) names = {0};
    if (depth > REGISTRY_DEPTH_MAX) {
        err_set(unread(d, str_of(path)), "too_many_files", "%s: more than %d folders in each other",
                path, REGISTRY_DEPTH_MAX);
        return;
    }
    buf_addf(&full, "%s/%s", d->r->root, path);
    DIR *dir = opendir(buf_c(&full));
    if (!dir) {
        err_errno(unread(d, str_of(path)), "file_unreadable", errno, "%s cannot be read", path);
        return;
    }
    for (struct dirent *e; !d->full && (e = readdir(dir));) {
        if (e->d_name[0] == '.')
            continue;
        if (++d->files > REGISTRY_FILES_MAX) {
            d->full = true;
            err_set(unread(d, str_of(path)), "too_many_files", "more than %d files below .plue",
                    REGISTRY_FILES_MAX);
        }
        vec_push(&names, str_dup(str_of(e->d_name)));
    }
    closedir(dir);
    if (names.n)
        qsort(names.at, names.n, sizeof *names.at, by_name);
    for (size_t i = 0; i < names.n; i++) {
        auto_buf below = BUF(1 << 16);
        buf_addf(&below, "%s/%s", path, names.at[i]);
        if (!d->full)
            read_entry(d, buf_c(&below), depth);
        free(names.at[i]);
    }
    vec_done(&names);
}

bool registry_open(const char *root, struct registry *ret, struct err *err)
{
    char *real = realpath(root, NULL);
    if (!real)
        return err_errno(err, "file_unreadable", errno, "%s cannot be found", root);
    *ret = (struct registry){.root = real, .bundle = mem_zalloc(sizeof *ret->bundle)};
    struct reading d = {.r = ret};
    read_folder(&d, ".plue", 0);
    return true;
}

void registry_done(struct registry *r)
{
    if (r->bundle)
        bundle_done(r->bundle);
    free(r->bundle);
    free(r->root);
    err_list_done(&r->unread);
    *r = (struct registry){0};
}
