#include "sandbox/root.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ETC_FILE_MAX = 1 << 20, PATH_TEXT_MAX = 4096 };
#define ROOT_OPTIONS "mode=0755,size=32m"

enum etc_kind { ETC_COPY, ETC_BIND };
/* What programs need to find libraries, certificates, the time zone and their own settings. None
 * may hold a credential: pip.conf, npmrc and gitconfig are left out for that. Small files are
 * copied, which is cheaper than a mount and follows links out of /etc. */
static const struct {
    const char *path;
    enum etc_kind kind;
    bool network_only;
} host_etc[] = {
    {"/etc/ld.so.cache", ETC_COPY, false},
    {"/etc/alternatives", ETC_BIND, false},
    {"/etc/ssl/certs", ETC_BIND, false},
    {"/etc/ssl/openssl.cnf", ETC_COPY, false},
    {"/etc/pki/tls/certs", ETC_BIND, false},
    {"/etc/localtime", ETC_COPY, false},
    {"/etc/os-release", ETC_COPY, false},
    {"/etc/java-11-openjdk", ETC_BIND, false},
    {"/etc/java-17-openjdk", ETC_BIND, false},
    {"/etc/java-21-openjdk", ETC_BIND, false},
    {"/etc/maven", ETC_BIND, false},
    {"/etc/resolv.conf", ETC_COPY, true},
    {"/etc/services", ETC_COPY, true},
    {"/etc/protocols", ETC_COPY, true},
    {"/etc/hosts", ETC_COPY, true},
};

static const char *const host_roots[] = {"/usr",   "/bin",   "/sbin",   "/lib",
                                         "/lib32", "/lib64", "/libx32", "/opt"};

static const struct {
    const char *path, *text;
    bool isolated_only; /* where the host's own is not copied */
} own_etc[] = {
    {"/etc/passwd",
     "root:x:0:0:root:/nonexistent:/usr/sbin/nologin\n"
     "plue:x:1000:1000:plue:/tmp/home:/bin/sh\n"
     "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
     false},
    {"/etc/group", "root:x:0:\nplue:x:1000:\nnogroup:x:65534:\n", false},
    {"/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n", false},
    {"/etc/hosts", "127.0.0.1 localhost plue\n::1 localhost\n", true},
};

/* ---- the list ---- */

void root_done(struct root *r)
{
    vec_done(&r->entries);
    arena_done(&r->arena);
}

static void add(struct root *r, enum root_kind kind, const char *at, const char *source, str bytes)
{
    struct root_entry entry = {
        .kind = kind, .at = arena_cstr(&r->arena, str_of(at)), .bytes = bytes};
    if (source)
        entry.source = arena_cstr(&r->arena, str_of(source));
    vec_push(&r->entries, entry);
}

void root_add_host(struct root *r, const char *host, const char *seen, const char *at)
{
    struct stat st;
    char target[PATH_TEXT_MAX];
    if (lstat(host, &st) < 0)
        return;
    if (S_ISDIR(st.st_mode) || S_ISREG(st.st_mode)) {
        add(r, ROOT_BIND, at, seen, (str){0});
    } else if (S_ISLNK(st.st_mode)) {
        ssize_t n = readlink(host, target, sizeof target - 1);
        if (n < 0)
            return;
        target[n] = '\0';
        add(r, ROOT_LINK, at, target, (str){0});
    }
}

static void add_etc_copy(struct root *r, const char *path)
{
    struct stat st;
    char target[PATH_TEXT_MAX];
    ssize_t n = readlink(path, target, sizeof target - 1);
    target[n < 0 ? 0 : n] = '\0';
    if (strncmp(target, "/usr/", 5) == 0 || strncmp(target, "../usr/", 7) == 0) {
        add(r, ROOT_LINK, path, target, (str){0});
        return;
    }
    auto_buf bytes = BUF(ETC_FILE_MAX);
    auto_fd fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & S_IROTH) &&
        fd_read_all(fd, &bytes) == 0)
        add(r, ROOT_FILE, path, NULL, arena_str(&r->arena, buf_str(&bytes)));
}

static void add_folders(struct root *r)
{
    static const char *const folders[] = {"/etc", "/etc/ssl", "/etc/pki", "/etc/pki/tls"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        add(r, ROOT_FOLDER, folders[i], NULL, (str){0});
}

void root_of_host(struct root *r, bool network)
{
    for (size_t i = 0; i < sizeof host_roots / sizeof *host_roots; i++)
        root_add_host(r, host_roots[i], host_roots[i], host_roots[i]);
    add_folders(r);
    for (size_t i = 0; i < sizeof host_etc / sizeof *host_etc; i++) {
        if (host_etc[i].network_only && !network)
            continue;
        if (host_etc[i].kind == ETC_COPY)
            add_etc_copy(r, host_etc[i].path);
        else
            root_add_host(r, host_etc[i].path, host_etc[i].path, host_etc[i].path);
    }
    for (size_t i = 0; i < sizeof own_etc / sizeof *own_etc; i++)
        if (!own_etc[i].isolated_only || !network)
            add(r, ROOT_FILE, own_etc[i].path, NULL, str_of(own_etc[i].text));
}

/* ---- building, in a child ---- */

/* Without the C library's formatting, which may allocate. */
IN_CHILD static const char *join(char path[PATH_TEXT_MAX], const char *top, const char *at)
{
    size_t n = 0;
    for (const char *p = top; *p && n < PATH_TEXT_MAX - 1; p++)
        path[n++] = *p;
    for (const char *p = at; *p && n < PATH_TEXT_MAX - 1; p++)
        path[n++] = *p;
    path[n] = '\0';
    return path;
}

IN_CHILD static bool build_file(const char *path, str bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
    while (fd >= 0 && bytes.n) {
        ssize_t n = write(fd, bytes.p, bytes.n);
        if (n < 0)
            break;
        bytes = (str){bytes.p + n, bytes.n - (size_t)n};
    }
    return fd >= 0 && close(fd) == 0 && !bytes.n;
}

IN_CHILD static bool build_bind(const char *source, const char *path)
{
    struct stat st;
    if (stat(source, &st) < 0)
        return errno == ENOENT; /* gone since the list was made */
    int made = S_ISDIR(st.st_mode) ? mkdir(path, 0755) : mknod(path, S_IFREG | 0444, 0);
    return made == 0 && mount(source, path, NULL, MS_BIND | MS_REC, NULL) == 0;
}

IN_CHILD static bool build_entry(const struct root_entry *e, const char *path)
{
    switch (e->kind) {
    case ROOT_FOLDER:
        return mkdir(path, 0755) == 0;
    case ROOT_BIND:
        return build_bind(e->source, path);
    case ROOT_LINK:
        return symlink(e->source, path) == 0;
    case ROOT_FILE:
        return build_file(path, e->bytes);
    }
    return false;
}

IN_CHILD const char *root_build(const struct root *r, const char *top)
{
    static const char *const covered[] = {"/proc", "/dev", "/tmp", "/workspace", "/plue"};
    char path[PATH_TEXT_MAX];
    if (mkdir(top, 0755) < 0 ||
        mount("tmpfs", top, "tmpfs", MS_NOSUID | MS_NODEV, ROOT_OPTIONS) < 0)
        return top;
    for (size_t i = 0; i < sizeof covered / sizeof *covered; i++)
        if (mkdir(join(path, top, covered[i]), 0755) < 0)
            return covered[i];
    for (size_t i = 0; i < r->entries.n; i++)
        if (!build_entry(&r->entries.at[i], join(path, top, r->entries.at[i].at)))
            return r->entries.at[i].at;
    /* Where the kernel does not know the call, bwrap makes each mount read-only by itself. */
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV};
    if (mount_setattr(AT_FDCWD, top, AT_RECURSIVE, &attr, sizeof attr) < 0 && errno != ENOSYS)
        return "making it read-only";
    return NULL;
}
