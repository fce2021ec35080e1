#include "sandbox/args.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_TEXT_MAX = 4096, ETC_FILE_MAX = 1 << 20 };

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

enum etc_kind { ETC_COPY, ETC_BIND };
/* What programs need to find libraries, certificates, the time zone and their own settings. None
 * may hold a credential: pip.conf, npmrc and gitconfig are left out for that. Small files are
 * copied, which is cheaper than a mount and follows links out of /etc. */
static const struct {
    const char *path;
    enum etc_kind kind;
    bool network_only;
} host_etc[] = {
    {"/etc/ld.so.cache", ETC_COPY, false},     {"/etc/alternatives", ETC_BIND, false},
    {"/etc/ssl/certs", ETC_BIND, false},       {"/etc/ssl/openssl.cnf", ETC_COPY, false},
    {"/etc/pki/tls/certs", ETC_BIND, false},   {"/etc/localtime", ETC_COPY, false},
    {"/etc/os-release", ETC_COPY, false},      {"/etc/java-11-openjdk", ETC_BIND, false},
    {"/etc/java-17-openjdk", ETC_BIND, false}, {"/etc/java-21-openjdk", ETC_BIND, false},
    {"/etc/maven", ETC_BIND, false},           {"/etc/resolv.conf", ETC_COPY, true},
    {"/etc/services", ETC_COPY, true},         {"/etc/protocols", ETC_COPY, true},
};

static const char *const host_roots[] = {"/usr",   "/bin",   "/sbin",   "/lib",
                                         "/lib32", "/lib64", "/libx32", "/opt"};

/* A folder is bound, a link (/bin -> usr/bin) is made again, what is absent stays absent. host is
 * where the entry is now, seen where bwrap will find it. */
static void add_root_entry(struct args *a, const char *host, const char *seen, const char *inside)
{
    struct stat st;
    char target[PATH_TEXT_MAX];
    if (lstat(host, &st) < 0)
        return;
    if (S_ISDIR(st.st_mode) || S_ISREG(st.st_mode)) {
        args_add3(a, "--ro-bind", seen, inside);
    } else if (S_ISLNK(st.st_mode)) {
        ssize_t n = readlink(host, target, sizeof target - 1);
        if (n < 0)
            return;
        target[n] = '\0';
        args_add3(a, "--symlink", target, inside);
    }
}

static void add_etc_file(struct args *a, const char *path)
{
    struct stat st;
    char target[PATH_TEXT_MAX];
    ssize_t n = readlink(path, target, sizeof target - 1);
    target[n < 0 ? 0 : n] = '\0';
    if (strncmp(target, "/usr/", 5) == 0 || strncmp(target, "../usr/", 7) == 0) {
        args_add3(a, "--symlink", target, path);
        return;
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & S_IROTH) &&
        st.st_size <= ETC_FILE_MAX) {
        args_add2(a, "--perms", "0444");
        args_fd(a, "--file", fd, path);
    } else {
        fd_close(&fd);
    }
}

static void add_own_file(struct args *a, int memory_file, const char *path)
{
    args_add2(a, "--perms", "0444");
    args_fd(a, "--file", sandbox_reopen(memory_file), path);
}

void args_host_root(const struct sandbox *s, struct args *a, bool network)
{
    for (size_t i = 0; i < sizeof host_roots / sizeof *host_roots; i++)
        add_root_entry(a, host_roots[i], host_roots[i], host_roots[i]);
    for (size_t i = 0; i < sizeof host_etc / sizeof *host_etc; i++) {
        if (host_etc[i].network_only && !network)
            continue;
        if (host_etc[i].kind == ETC_COPY)
            add_etc_file(a, host_etc[i].path);
        else
            add_root_entry(a, host_etc[i].path, host_etc[i].path, host_etc[i].path);
    }
    add_own_file(a, s->passwd, "/etc/passwd");
    add_own_file(a, s->group, "/etc/group");
    add_own_file(a, s->nsswitch, "/etc/nsswitch.conf");
    if (network)
        add_etc_file(a, "/etc/hosts");
    else
        add_own_file(a, s->hosts, "/etc/hosts");
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
            add_root_entry(a, buf_c(&host), buf_c(&seen), buf_c(&seen) + root);
    }
    closedir(d);
    return true;
}
