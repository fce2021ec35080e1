/* Files and links. A part fills regions of the image in memory: blocks of data and blocks of inodes
 * side by side, each region written at once. */
#include "erofs/erofs_int.h"
#include <errno.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    REGION = 256,         /* blocks */
    REGION_DATA_MAX = 64, /* of one file; larger ones have an extent of their own */
    CHUNK = 1 << 20,
    FORMAT_EXTENDED = 1,
    FORMAT_INLINE = 2 << 1,
    COMPAT_MTIME = 2,
};
#define MAGIC 0xE0F5E1E2u

struct erofs_part {
    struct erofs_image *image;
    uint8_t *region;
    uint64_t first; /* block of the image that the region begins at */
    bool open;      /* there is one: */
    size_t used;    /* blocks of it */
    size_t inodes;  /* where the next inode goes, in bytes; at a border: in a new block */
    struct finished *finished;
};

static bool fail(int errnum, struct err *err)
{
    return err_errno(err, "image_write", errnum, "cannot write the image of the files");
}

bool image_write(const struct erofs_image *image, const void *p, size_t n, uint64_t at,
                 struct err *err)
{
    for (size_t done = 0; done < n;) {
        ssize_t wrote = pwrite(image->fd, (const char *)p + done, n - done, (off_t)(at + done));
        if (wrote < 0 && errno != EINTR)
            return fail(errno, err);
        done += wrote < 0 ? 0 : (size_t)wrote;
    }
    return true;
}

bool blocks_take(struct erofs_image *image, uint64_t n, uint64_t *ret, struct err *err)
{
    *ret = atomic_fetch_add(&image->blocks, n);
    return *ret + n <= UINT32_MAX || fail(EFBIG, err);
}

/* ---- the region ---- */

static bool region_flush(struct erofs_part *p, struct err *err)
{
    bool good =
        !p->open || image_write(p->image, p->region, p->used * BLOCK, p->first * BLOCK, err);
    p->open = false;
    p->inodes = 0;
    return good;
}

/* Zeroed, in memory; *ret_block is their first one's number in the image. NULL on failure. */
static uint8_t *region_take(struct erofs_part *p, size_t blocks, uint64_t *ret_block,
                            struct err *err)
{
    if (!p->region)
        p->region = mem_alloc_pages((size_t)REGION * BLOCK);
    if (!p->open || p->used + blocks > REGION) {
        if (!region_flush(p, err) || !blocks_take(p->image, REGION, &p->first, err))
            return NULL;
        p->open = true;
        p->used = 0;
    }
    uint8_t *at = p->region + p->used * BLOCK;
    memset(at, 0, blocks * BLOCK);
    *ret_block = p->first + p->used;
    p->used += blocks;
    return at;
}

/* Room for an inode and what stands behind it, within one block. */
static uint8_t *inode_take(struct erofs_part *p, size_t behind, uint64_t *ret_nid, struct err *err)
{
    size_t n = (INODE + behind + SLOT - 1) / SLOT * SLOT, left = BLOCK - p->inodes % BLOCK;
    if (p->inodes % BLOCK == 0 || left < n) {
        uint64_t block;
        uint8_t *at = region_take(p, 1, &block, err);
        if (!at)
            return NULL;
        p->inodes = (size_t)(at - p->region);
    }
    uint8_t *at = p->region + p->inodes;
    *ret_nid = (p->first * BLOCK + p->inodes) / SLOT;
    p->inodes += n;
    return at;
}

/* ---- inodes ---- */

void inode_put(const struct erofs_image *image, const struct inode *i, uint8_t to[INODE])
{
    memset(to, 0, INODE);
    put_le(to, 2, FORMAT_EXTENDED | (i->inlined ? FORMAT_INLINE : 0));
    put_le(to + 4, 2, i->mode);
    put_le(to + 8, 8, i->size);
    put_le(to + 16, 4, i->block);
    put_le(to + 20, 4, i->nid);
    put_le(to + 24, 4, image->uid);
    put_le(to + 28, 4, image->gid);
    put_le(to + 32, 8, (uint64_t)image->time.tv_sec);
    put_le(to + 40, 4, (uint64_t)image->time.tv_nsec);
    put_le(to + 44, 4, i->links);
}

static void add_entry(struct erofs_part *p, str path, const struct entry *e)
{
    struct entry copy = *e;
    copy.path = arena_str(&p->finished->arena, path);
    vec_push(&p->finished->entries, copy);
}

static bool add_inode(struct erofs_part *p, str path, enum entry_type type, struct inode *i,
                      str behind, struct err *err)
{
    i->inlined = behind.n != 0;
    i->links = 1;
    uint8_t *at = inode_take(p, behind.n, &i->nid, err);
    if (!at)
        return false;
    inode_put(p->image, i, at);
    if (behind.n)
        memcpy(at + INODE, behind.p, behind.n);
    add_entry(p, path, &(struct entry){.nid = i->nid, .type = type});
    return true;
}

/* ---- what is added ---- */

/* Its blocks, but for what stands with the inode. */
static bool add_blocks(struct erofs_part *p, str bytes, struct inode *i, struct err *err)
{
    uint64_t n = block_count(bytes.n), block;
    size_t in_blocks = bytes.n - inline_size(bytes.n);
    if (!n)
        return true;
    if (n > REGION_DATA_MAX) {
        if (!blocks_take(p->image, n, &block, err) ||
            !image_write(p->image, bytes.p, in_blocks, block * BLOCK, err))
            return false;
    } else {
        uint8_t *at = region_take(p, n, &block, err);
        if (!at)
            return false;
        memcpy(at, bytes.p, in_blocks);
    }
    i->block = (uint32_t)block;
    return true;
}

static bool add_bytes(struct erofs_part *p, str path, enum entry_type type, unsigned mode,
                      str bytes, uint64_t *ret_ino, struct err *err)
{
    struct inode i = {.mode = mode, .size = bytes.n};
    size_t behind = inline_size(bytes.n);
    if (!add_blocks(p, bytes, &i, err) ||
        !add_inode(p, path, type, &i, str_sub(bytes, bytes.n - behind, bytes.n), err))
        return false;
    if (ret_ino)
        *ret_ino = i.nid;
    return true;
}

bool erofs_add_file(struct erofs_part *p, str path, unsigned mode, str bytes, uint64_t *ret_ino,
                    struct err *err)
{
    return add_bytes(p, path, ENTRY_FILE, S_IFREG | (mode & 07777), bytes, ret_ino, err);
}

bool erofs_add_link(struct erofs_part *p, str path, str target, struct err *err)
{
    return add_bytes(p, path, ENTRY_LINK, S_IFLNK | 0777, target, NULL, err);
}

bool erofs_add_folder(struct erofs_part *p, str path, unsigned mode, struct err *err)
{
    (void)err;
    add_entry(p, path, &(struct entry){.mode = mode & 07777, .type = ENTRY_FOLDER});
    return true;
}

/* How many there were, or -1. */
static int64_t copy_by_hand(const struct erofs_part *p, int fd, int64_t size, uint64_t at,
                            struct err *err)
{
    auto_free char *chunk = mem_alloc(CHUNK);
    int64_t done = 0;
    while (done < size) {
        ssize_t n = read(fd, chunk, size - done < CHUNK ? (size_t)(size - done) : CHUNK);
        if (n < 0 && errno != EINTR) {
            fail(errno, err);
            return -1;
        }
        if (n == 0)
            break;
        if (n > 0 && !image_write(p->image, chunk, (size_t)n, at + (uint64_t)done, err))
            return -1;
        done += n < 0 ? 0 : n;
    }
    return done;
}

static int64_t copy_range(const struct erofs_part *p, int fd, int64_t size, uint64_t at,
                          struct err *err)
{
    struct file_clone_range range = {.src_fd = fd, .dest_offset = at};
    int64_t done = 0;
    struct stat st;
    if (ioctl(p->image->fd, FICLONERANGE, &range) == 0 && fstat(fd, &st) == 0 && st.st_size == size)
        return size;
    while (done < size) {
        off_t to = (off_t)at + done;
        ssize_t n = copy_file_range(fd, NULL, p->image->fd, &to, (size_t)(size - done), 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && !done)
            return copy_by_hand(p, fd, size, at, err);
        if (n < 0) {
            fail(errno, err);
            return -1;
        }
        if (n == 0)
            break;
        done += n;
    }
    return done;
}

bool erofs_copy_file(struct erofs_part *p, str path, unsigned mode, int fd, int64_t size,
                     struct err *err)
{
    struct inode i = {.mode = S_IFREG | (mode & 07777)};
    uint64_t block = 0;
    if (!blocks_take(p->image, ((uint64_t)size + BLOCK - 1) / BLOCK, &block, err))
        return false;
    int64_t copied = copy_range(p, fd, size, block * BLOCK, err);
    if (copied < 0)
        return false;
    i.size = (uint64_t)copied;
    i.block = (uint32_t)block;
    return add_inode(p, path, ENTRY_FILE, &i, STR(""), err);
}

bool erofs_read_file(struct erofs_part *p, str path, unsigned mode, int64_t size, erofs_get_fn *get,
                     void *user, struct err *err)
{
    struct inode i = {.mode = S_IFREG | (mode & 07777), .size = (uint64_t)size};
    auto_free char *chunk = mem_alloc(CHUNK);
    uint64_t block = 0;
    if (!blocks_take(p->image, ((uint64_t)size + BLOCK - 1) / BLOCK, &block, err))
        return false;
    i.block = (uint32_t)block;
    for (int64_t done = 0; done < size;) {
        size_t n;
        if (!get(user, chunk, size - done < CHUNK ? (size_t)(size - done) : CHUNK, &n, err))
            return false;
        if (!n)
            return fail(ENODATA, err);
        if (!image_write(p->image, chunk, n, block * BLOCK + (uint64_t)done, err))
            return false;
        done += (int64_t)n;
    }
    return add_inode(p, path, ENTRY_FILE, &i, STR(""), err);
}

/* ---- parts ---- */

struct erofs_part *erofs_part_new(struct erofs_image *image)
{
    struct erofs_part *p = mem_zalloc(sizeof *p);
    *p = (struct erofs_part){.image = image, .finished = mem_zalloc(sizeof *p->finished)};
    p->finished->next = image->parts;
    image->parts = p->finished;
    return p;
}

bool erofs_part_end(struct erofs_part *p, struct err *err)
{
    bool good = region_flush(p, err);
    free(p->region);
    free(p);
    return good;
}

/* ---- the image ---- */

bool erofs_begin(int fd, uid_t uid, gid_t gid, struct erofs_image **ret, struct err *err)
{
    struct erofs_image *image = mem_zalloc(sizeof *image);
    *image = (struct erofs_image){.fd = fd, .uid = uid, .gid = gid, .blocks = 1};
    *ret = image;
    return clock_gettime(CLOCK_REALTIME, &image->time) == 0 || fail(errno, err);
}

struct timespec erofs_time(const struct erofs_image *image)
{
    return image->time;
}

static bool write_super(struct erofs_image *image, uint64_t inodes, struct err *err)
{
    uint8_t super[SUPER] = {0};
    put_le(super, 4, MAGIC);
    put_le(super + 8, 4, COMPAT_MTIME);
    super[12] = BLOCK_BITS;
    put_le(super + 14, 2, ROOT_AT / SLOT);
    put_le(super + 16, 8, inodes);
    put_le(super + 24, 8, (uint64_t)image->time.tv_sec);
    put_le(super + 32, 4, (uint64_t)image->time.tv_nsec);
    put_le(super + 36, 4, image->blocks);
    return image_write(image, super, sizeof super, SUPER_AT, err);
}

bool erofs_end(struct erofs_image *image, struct err *err)
{
    uint64_t inodes;
    if (!folders_write(image, &inodes, err) || !write_super(image, inodes, err))
        return false;
    return ftruncate(image->fd, (off_t)(image->blocks * BLOCK)) == 0 || fail(errno, err);
}

void erofs_free(struct erofs_image *image)
{
    if (!image)
        return;
    for (struct finished *next, *f = image->parts; f; f = next) {
        next = f->next;
        vec_done(&f->entries);
        arena_done(&f->arena);
        free(f);
    }
    free(image);
}
