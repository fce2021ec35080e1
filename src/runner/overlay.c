#include "runner/overlay.h"
#include "base/fd.h"
#include "erofs/erofs.h"
#include "runner/local_int.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/loop.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOOP_TRIES = 20, OPTIONS_MAX = 256, PROBE_MAX = 100 };
#define PATH BUF(PATH_MAX - 1)
#define PROBE "overlay-probe"

enum task { FOLDERS, IMAGE, ABOVE, CHANGES };
static const struct {
    const char *what, *hint;
} tasks[] = {
    [FOLDERS] = {"make the folders of", "root must be able to write there"},
    [IMAGE] = {"mount the image in", "the kernel needs erofs, before Linux 6.12 with loop devices "
                                     "(modprobe erofs loop), and Plue the right to mount "
                                     "(CAP_SYS_ADMIN)"},
    [ABOVE] = {"mount an overlay in", "the kernel needs overlay (modprobe overlay), and the data "
                                      "folder an ordinary file system (ext4, xfs, btrfs)"},
    [CHANGES] = {"change files below an overlay in",
                 "the data folder needs a file system with extended attributes (ext4, xfs, "
                 "btrfs): --data-dir DIR"},
};

/* The errno is the kernel's. */
static bool fail(enum task task, const char *dir, struct err *err)
{
    err_errno(err, "workspace_mount", errno, "cannot %s %s", tasks[task].what, dir);
    err_hint(err, "%s", tasks[task].hint);
    return false;
}

static void join(const char *dir, const char *name, struct buf *ret)
{
    buf_addf(ret, "%s/%s", dir, name);
}

/* ---- the image ---- */

/* A kernel before 6.12 mounts block devices only, and later ones no file of a tmpfs: this one ends
 * with its last use. */
static bool open_loop(int image, int *ret_loop, char *ret_path, size_t size)
{
    auto_fd control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    struct loop_config config = {.fd = (uint32_t)image, .block_size = 4096};
    config.info.lo_flags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR;
    if (control < 0)
        return false;
    for (int i = 0; i < LOOP_TRIES; i++) {
        int n = ioctl(control, LOOP_CTL_GET_FREE);
        if (n < 0)
            return false;
        snprintf(ret_path, size, "/dev/loop%d", n);
        auto_fd loop = open(ret_path, O_RDONLY | O_CLOEXEC);
        if (loop >= 0 && ioctl(loop, LOOP_CONFIGURE, &config) == 0) {
            *ret_loop = fd_steal(&loop);
            return true;
        }
        if (loop < 0 || errno != EBUSY) /* another program was quicker */
            return false;
    }
    return false;
}

static bool mount_image(const char *path, const char *at)
{
    const unsigned long flags = MS_RDONLY | MS_NOSUID | MS_NODEV;
    char device[32];
    auto_fd loop = -1;
    if (mount(path, at, "erofs", flags, NULL) == 0)
        return true;
    auto_fd image = open(path, O_RDONLY | O_CLOEXEC);
    return image >= 0 && open_loop(image, &loop, device, sizeof device) &&
           mount(device, at, "erofs", flags, NULL) == 0;
}

/* ---- both as one ---- */

/* By descriptors, since a path may have a comma or a colon. */
static bool mount_above(const char *dir, const char *lower, const char *at)
{
    char options[OPTIONS_MAX];
    auto_fd top = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    auto_fd below = open(lower, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (top < 0 || below < 0)
        return false;
    snprintf(options, sizeof options,
             "lowerdir=/proc/self/fd/%d,upperdir=/proc/self/fd/%d/upper,"
             "workdir=/proc/self/fd/%d/work,redirect_dir=on,xino=auto",
             below, top, top);
    return mount("plue", at, "overlay", MS_NOSUID | MS_NODEV, options) == 0;
}

/* The image's own mount goes: the overlay has one of its own of it. */
static bool attach(const char *dir, struct err *err)
{
    auto_buf image = PATH, lower = PATH, at = PATH;
    join(dir, "image", &image);
    join(dir, "lower", &lower);
    join(dir, "workspace", &at);
    if (mkdir(buf_c(&lower), 0700) < 0 && errno != EEXIST)
        return fail(FOLDERS, dir, err);
    if (!mount_image(buf_c(&image), buf_c(&lower)))
        return fail(IMAGE, dir, err);
    bool good = mount_above(dir, buf_c(&lower), buf_c(&at)) || fail(ABOVE, dir, err);
    umount2(buf_c(&lower), MNT_DETACH);
    rmdir(buf_c(&lower));
    return good;
}

bool overlay_begin(const char *dir, struct err *err)
{
    auto_buf at = PATH, upper = PATH, work = PATH;
    struct stat st;
    join(dir, "workspace", &at);
    join(dir, "upper", &upper);
    join(dir, "work", &work);
    if (stat(buf_c(&at), &st) < 0 || rename(buf_c(&at), buf_c(&upper)) < 0 ||
        mkdir(buf_c(&work), 0700) < 0 || mkdir(buf_c(&at), st.st_mode & 07777) < 0)
        return fail(FOLDERS, dir, err);
    return attach(dir, err);
}

static bool has_image(const char *dir)
{
    auto_buf image = PATH;
    join(dir, "image", &image);
    return access(buf_c(&image), F_OK) == 0;
}

bool overlay_go_on(const char *dir, struct err *err)
{
    auto_buf at = PATH;
    struct stat outside, inside;
    join(dir, "workspace", &at);
    if (!has_image(dir))
        return true;
    if (stat(dir, &outside) < 0 || stat(buf_c(&at), &inside) < 0)
        return fail(FOLDERS, dir, err);
    return inside.st_dev != outside.st_dev || attach(dir, err);
}

static void end(const char *dir)
{
    auto_buf at = PATH, lower = PATH;
    if (!has_image(dir))
        return;
    join(dir, "workspace", &at);
    join(dir, "lower", &lower);
    umount2(buf_c(&at), MNT_DETACH | UMOUNT_NOFOLLOW);
    umount2(buf_c(&lower), MNT_DETACH | UMOUNT_NOFOLLOW);
}

/* The program may have been killed while it tried. */
void overlay_end(const char *dir)
{
    auto_buf tried = PATH;
    join(dir, PROBE, &tried);
    end(buf_c(&tried));
    end(dir);
}

/* ---- whether it works here ---- */

static bool make_probe(const char *dir, struct err *err)
{
    auto_buf path = PATH;
    struct erofs_image *image = NULL;
    join(dir, "image", &path);
    auto_fd fd = open(buf_c(&path), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail(FOLDERS, dir, err);
    bool good = erofs_begin(fd, 0, 0, &image, err);
    struct erofs_part *part = good ? erofs_part_new(image) : NULL;
    good = good && erofs_add_file(part, STR("a/b"), 0644, STR("as it was\n"), NULL, err);
    good = (!part || erofs_part_end(part, err)) && good && erofs_end(image, err);
    erofs_free(image);
    return good;
}

/* What steps do: a file of the image is read, its folder renamed, and the file replaced. */
static bool use_probe(const char *dir, struct err *err)
{
    auto_buf text = BUF(PROBE_MAX), before = PATH, after = PATH, file = PATH;
    join(dir, "workspace/a", &before);
    join(dir, "workspace/c", &after);
    join(dir, "workspace/c/b", &file);
    errno = rename(buf_c(&before), buf_c(&after)) < 0 ? errno : 0;
    if (!errno)
        errno = fd_read_file(AT_FDCWD, buf_c(&file), &text);
    if (!errno && !str_is(buf_str(&text), "as it was\n"))
        errno = EIO;
    if (!errno)
        errno = fd_write_file(AT_FDCWD, buf_c(&file), STR("changed\n"), 0600);
    return !errno || fail(CHANGES, dir, err);
}

static bool probe(const char *dir, struct err *err)
{
    auto_buf at = PATH;
    join(dir, "workspace", &at);
    if (mkdir(dir, 0700) < 0 || mkdir(buf_c(&at), 0700) < 0)
        return fail(FOLDERS, dir, err);
    return make_probe(dir, err) && overlay_begin(dir, err) && use_probe(dir, err);
}

static bool is_root(struct err *err)
{
    if (geteuid() == 0)
        return true;
    err_set(err, "workspace_mount",
            "only root can mount one, and Plue was started by another user");
    err_hint(err, "start it as root");
    return false;
}

static bool try(const char *dir, struct err *err)
{
    auto_buf folder = BUF(PATH_MAX - 32);
    auto_err ignored = ERR_INIT;
    if (!is_root(err))
        return false;
    buf_addf(&folder, "%s/" PROBE, dir);
    errno = ENAMETOOLONG;
    bool good = folder.overflow ? fail(FOLDERS, dir, err) : probe(buf_c(&folder), err);
    end(buf_c(&folder));
    return remove_tree(buf_c(&folder), good ? err : &ignored) && good;
}

void overlay_trial_init(struct overlay_trial *t)
{
    *t = (struct overlay_trial){0};
    uv_mutex_init(&t->lock);
}

void overlay_trial_done(struct overlay_trial *t)
{
    err_done(&t->no);
    uv_mutex_destroy(&t->lock);
}

bool overlay_is_possible(struct overlay_trial *t, const char *dir)
{
    uv_mutex_lock(&t->lock);
    if (!t->made)
        (void)!try(dir, &t->no);
    t->made = true;
    uv_mutex_unlock(&t->lock);
    return !err_is_set(&t->no);
}

bool overlay_is_wanted(struct image_place *p, size_t paths)
{
    if (paths < RUNNER_IMAGE_PATHS_MIN)
        return false;
    bool possible = overlay_is_possible(p->trial, p->dir);
    p->refused = !possible;
    return possible;
}

bool runner_try_image(const char *dir, struct err *err)
{
    auto_buf folder = BUF(PATH_MAX - 32);
    if (!is_root(err))
        return false;
    buf_addf(&folder, "%s/.plue-probe-XXXXXX", dir);
    auto_free char *own = buf_take(&folder, NULL);
    if (!mkdtemp(own))
        return fail(FOLDERS, own, err);
    bool good = try(own, err);
    rmdir(own);
    return good;
}
