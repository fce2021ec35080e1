/* loader: the folders that templates are found in, and what keeps a name inside of them.
 * A name's parts are separated by "/"; empty parts and "." are dropped, so a leading slash is too;
 * a name with ".." is not found, as in Jinja2's file loader, nor is a file that a symlink leads to
 * outside of its folder, nor what is no regular file. */
#ifndef TEMPLATE_LOADER_H
#define TEMPLATE_LOADER_H
#include "base/buf.h"
#include "diag/err.h"

enum { LOADER_MAX_NAME = 4096 /* bytes of a template's name */ };

struct loader;

struct loader *loader_new(void);
void loader_free(struct loader *l);
/* Folders are searched in the order they were added; `path` is also how messages show it. */
bool loader_add_root(struct loader *l, const char *path, struct err *err) must_use;

/* What a template's file was when it was read: unchanged while these are the same. */
struct template_stamp {
    uint64_t device, inode, size;
    int64_t mtime_ns;
};
static inline bool template_stamp_same(const struct template_stamp *a,
                                       const struct template_stamp *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->mtime_ns == b->mtime_ns;
}

/* Is what loader_find would find still the file of this stamp? A look at it, without opening. */
bool loader_is_same(struct loader *l, str name, const struct template_stamp *stamp);

enum loader_outcome { LOADER_FOUND, LOADER_MISSING, LOADER_FAILED };

/* The first file of that name. Its path as messages show it is added to path, its text to text
 * unless text is NULL. LOADER_FAILED: it is there but cannot be read, with err. */
enum loader_outcome loader_find(struct loader *l, str name, struct template_stamp *ret,
                                struct buf *path, struct buf *text, struct err *err) must_use;

#endif
