#include "sandbox/args.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_TEXT_MAX = 4096 };

void args_done(struct args *a)
{
    buf_done(&a->text);
    for (size_t i = 0; i < a->fd_count; i++)
        fd_close(&a->fds[i]);
}

void args_add(struct args *a, const char *arg)
{
    buf_add(&a->text, arg, strlen(arg) + 1);
}

void args_add2(struct args *a, const char *option, const char *value)
{
    args_add(a, option);
    args_add(a, value);
}

void args_add3(struct args *a, const char *option, const char *first, const char *second)
{
    args_add2(a, option, first);
    args_add(a, second);
}

void args_fd(struct args *a, const char *option, int fd, const char *dest)
{
    if (fd < 0 || a->fd_count == SPAWN_FDS_MAX - 1) {
        if (!a->failed)
            a->failed = fd < 0 ? errno : EMFILE;
        fd_close(&fd);
        return;
    }
    a->fds[a->fd_count++] = fd;
    args_add(a, option);
    buf_add_int(&a->text, fd);
    buf_add_byte(&a->text, '\0');
    if (dest)
        args_add(a, dest);
}

/* A step's own /dev, /proc and folders are mounted by bwrap in any case. */
static void add_entry(struct args *a, const struct root_entry *e)
{
    switch (e->kind) {
    case ROOT_FOLDER:
        args_add2(a, "--perms", "0755");
        args_add2(a, "--dir", e->at);
        break;
    case ROOT_BIND:
        args_add3(a, "--ro-bind", e->source, e->at);
        break;
    case ROOT_LINK:
        args_add3(a, "--symlink", e->source, e->at);
        break;
    case ROOT_FILE:
        args_add2(a, "--perms", "0444");
        args_fd(a, "--file", sandbox_memory_file("plue-etc", e->bytes), e->at);
        break;
    }
}

static void add_root(struct args *a, const struct root *r)
{
    for (size_t i = 0; i < r->entries.n; i++)
        add_entry(a, &r->entries.at[i]);
}

void args_host_root(struct args *a)
{
    cleanup(root_done) struct root r = {0};
    root_of_host(&r, true);
    add_root(a, &r);
}

static bool is_ours(const char *name)
{
    static const char *const ours[] = {".", "..", "dev", "proc", "sys", "tmp", "workspace", "plue"};
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (strcmp(name, ours[i]) == 0)
            return true;
    return false;
}

void args_image_path(const char *images_dir, const char *image, struct buf *path)
{
    buf_addf(path, "%s/", images_dir ? images_dir : "");
    for (const char *p = image; *p; p++)
        buf_add_byte(path, *p == '/' ? '_' : *p);
}

bool args_image_is_name(const char *image)
{
    return *image && *image != '.' && *image != '/' && strlen(image) < 256;
}

bool args_image_root(const struct sandbox *s, struct args *a, const char *image, struct err *err)
{
    auto_buf path = BUF(PATH_TEXT_MAX);
    cleanup(root_done) struct root r = {0};
    args_image_path(s->images_dir, image, &path);
    DIR *d = s->images_dir && args_image_is_name(image) ? opendir(buf_c(&path)) : NULL;
    if (!d) {
        err_set(err, "image_missing", "there is no image '%s' for the bubblewrap sandbox", image);
        err_hint(err,
                 "unpack its file system into %s, choose a backend that has images, or leave "
                 "image= out to use the host's programs",
                 s->images_dir ? buf_c(&path) : "the images folder");
        return false;
    }
    for (struct dirent *e; (e = readdir(d));) {
        auto_buf host = BUF(PATH_TEXT_MAX), seen = BUF(PATH_TEXT_MAX);
        if (is_ours(e->d_name))
            continue;
        buf_addf(&host, "%s/%s", buf_c(&path), e->d_name);
        args_image_path(SPACE_IMAGES, image, &seen);
        size_t root = seen.n;
        buf_addf(&seen, "/%s", e->d_name);
        if (!host.overflow && !seen.overflow)
            root_add_host(&r, buf_c(&host), buf_c(&seen), buf_c(&seen) + root);
    }
    closedir(d);
    add_root(a, &r);
    return true;
}
