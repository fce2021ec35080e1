/* erofs_int: what writing files and writing folders share. */
#ifndef EROFS_EROFS_INT_H
#define EROFS_EROFS_INT_H
#include "base/arena.h"
#include "base/vec.h"
#include "erofs/erofs.h"
#include <stdatomic.h>
#include <stdint.h>

enum {
    BLOCK = 4096,
    BLOCK_BITS = 12,
    SLOT = 32, /* a nid counts these from the beginning */
    INODE = 64,
    SUPER_AT = 1024,
    SUPER = 128,
    ROOT_AT = SUPER_AT + SUPER, /* the root's number has 16 bits only */
    NAME_LENGTH_MAX = 255,
};

/* As folders have them. */
enum entry_type { ENTRY_FILE = 1, ENTRY_FOLDER = 2, ENTRY_LINK = 7 };

struct entry {
    str path; /* in the arena of its part */
    uint64_t nid;
    unsigned mode; /* of a folder, which has no inode yet */
    enum entry_type type;
};
typedef VEC(struct entry) entry_list;

struct finished { /* what a part leaves */
    entry_list entries;
    struct arena arena;
    struct finished *next;
};

struct erofs_image {
    int fd; /* kept */
    uid_t uid;
    gid_t gid;
    struct timespec time;
    atomic_ullong blocks; /* in use */
    struct finished *parts;
};

struct inode {
    unsigned mode; /* with its type */
    uint64_t size, links, nid;
    uint32_t block; /* the first one of its data */
    bool inlined;   /* the last of its data, behind it */
};
void inode_put(const struct erofs_image *image, const struct inode *i, uint8_t to[INODE]);

static inline void put_le(uint8_t *to, size_t n, uint64_t x)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (uint8_t)(x >> 8 * i);
}

/* The bytes at the end that stand behind the inode; 0: all are in blocks. */
static inline size_t inline_size(uint64_t size)
{
    size_t tail = size % BLOCK;
    return tail <= BLOCK - INODE ? tail : 0;
}
static inline uint64_t block_count(uint64_t size)
{
    return (size - inline_size(size) + BLOCK - 1) / BLOCK;
}

/* So many blocks in a row, their first. */
must_use bool blocks_take(struct erofs_image *image, uint64_t n, uint64_t *ret, struct err *err);
must_use bool image_write(const struct erofs_image *image, const void *p, size_t n, uint64_t at,
                          struct err *err);

/* folders.c: of all that the parts have added. *ret_inodes counts all. */
must_use bool folders_write(struct erofs_image *image, uint64_t *ret_inodes, struct err *err);

#endif
