/* Folders: known when all files are. Each has entries in the order of their bytes, in blocks: first
 * an array of fixed records, then the names. */
#include "base/map.h"
#include "erofs/erofs_int.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { RECORD = 12, MODE = 0755, DEPTH_MAX = 2048 };

struct folder;
struct child {
    str name;
    uint64_t nid;
    enum entry_type type;
    size_t order;          /* of what has come twice, the first is kept */
    struct folder *folder; /* or NULL */
};

struct folder {
    struct folder *parent; /* the root's is itself */
    unsigned mode;
    VEC(struct child) children;
    uint64_t nid, size, below; /* below: folders in it */
};

struct tree {
    struct erofs_image *image;
    struct arena arena;
    struct map folders; /* path -> struct folder */
    struct folder *root;
    VEC(struct folder *) all;
    uint64_t inodes;
    uint64_t free_at; /* in the block of folders' inodes; at a border there is none */
    struct err *err;
};

static bool fail(struct tree *t, int errnum, str path)
{
    return err_errno(t->err, "image_write", errnum, "cannot take along %.*s", STR_ARG(path));
}

/* ---- which folders there are ---- */

static struct folder *folder_new(struct tree *t, struct folder *parent)
{
    struct folder *f = arena_new(&t->arena, struct folder);
    f->parent = parent ? parent : f;
    f->mode = MODE;
    vec_push(&t->all, f);
    return f;
}

static str own_name(str path, str *ret_parent)
{
    size_t at = path.n;
    while (at && path.p[at - 1] != '/')
        at--;
    *ret_parent = str_sub(path, 0, at ? at - 1 : 0);
    return str_sub(path, at, path.n);
}

/* Made, with those above it, where there is none. NULL on failure. */
static struct folder *folder_at(struct tree *t, str path, int depth)
{
    str above;
    struct folder *f = path.n ? map_get(&t->folders, path) : t->root;
    if (f)
        return f;
    str name = own_name(path, &above);
    struct folder *parent = depth < DEPTH_MAX ? folder_at(t, above, depth + 1) : NULL;
    if (!parent || name.n > NAME_LENGTH_MAX) {
        fail(t, ENAMETOOLONG, path);
        return NULL;
    }
    f = folder_new(t, parent);
    map_set(&t->folders, path, f);
    vec_push(&parent->children,
             (struct child){
                 .name = name, .type = ENTRY_FOLDER, .order = parent->children.n, .folder = f});
    return f;
}

static bool place(struct tree *t, const struct entry *e)
{
    str above, name = own_name(e->path, &above);
    if (e->type == ENTRY_FOLDER) {
        struct folder *f = folder_at(t, e->path, 0);
        if (f)
            f->mode = e->mode;
        return f != NULL;
    }
    struct folder *parent = folder_at(t, above, 0);
    if (!parent || name.n > NAME_LENGTH_MAX)
        return fail(t, ENAMETOOLONG, e->path);
    vec_push(
        &parent->children,
        (struct child){.name = name, .nid = e->nid, .type = e->type, .order = parent->children.n});
    return true;
}

static bool place_all(struct tree *t)
{
    struct finished *turned = NULL;
    for (struct finished *next, *f = t->image->parts; f; f = next) {
        next = f->next; /* the last one came first */
        f->next = turned;
        turned = f;
    }
    t->image->parts = turned;
    for (struct finished *f = turned; f; f = f->next)
        vec_each (e, &f->entries)
            if (!place(t, e))
                return false;
    return true;
}

/* ---- how they are laid out ---- */

static int by_name(const void *a, const void *b)
{
    const struct child *x = a, *y = b;
    int c = str_cmp(x->name, y->name);
    return c ? c : x->order < y->order ? -1 : x->order > y->order;
}

static void order(struct folder *f)
{
    vec_push(&f->children, (struct child){.name = STR("."), .type = ENTRY_FOLDER, .folder = f});
    vec_push(&f->children,
             (struct child){.name = STR(".."), .type = ENTRY_FOLDER, .folder = f->parent});
    qsort(f->children.at, f->children.n, sizeof *f->children.at, by_name);
    size_t kept = 0;
    for (size_t i = 0; i < f->children.n; i++)
        if (!kept || !str_eq(f->children.at[kept - 1].name, f->children.at[i].name))
            f->children.at[kept++] = f->children.at[i];
    f->children.n = kept;
    for (size_t i = 0; i < kept; i++)
        f->below += f->children.at[i].folder != NULL;
}

/* The children from `from` on that go into one block; *ret_bytes is how much of it they fill. */
static size_t fill_block(const struct folder *f, size_t from, size_t *ret_bytes)
{
    size_t i = from, bytes = 0;
    for (; i < f->children.n; i++) {
        size_t more = RECORD + f->children.at[i].name.n;
        if (bytes + more > BLOCK)
            break;
        bytes += more;
    }
    *ret_bytes = bytes;
    return i;
}

static uint64_t size_of(const struct folder *f)
{
    uint64_t size = 0;
    for (size_t i = 0, bytes; i < f->children.n;) {
        i = fill_block(f, i, &bytes);
        size += i < f->children.n ? BLOCK : bytes;
    }
    return size;
}

static bool give_number(struct tree *t, struct folder *f)
{
    order(f);
    f->size = size_of(f);
    t->inodes += f->children.n - f->below;
    if (f == t->root) {
        f->nid = ROOT_AT / SLOT;
        return true;
    }
    size_t n = (INODE + inline_size(f->size) + SLOT - 1) / SLOT * SLOT;
    if (t->free_at % BLOCK == 0 || BLOCK - t->free_at % BLOCK < n) {
        uint64_t block;
        if (!blocks_take(t->image, 1, &block, t->err))
            return false;
        t->free_at = block * BLOCK;
    }
    f->nid = t->free_at / SLOT;
    t->free_at += n;
    return true;
}

/* ---- writing ---- */

static void put_block(const struct folder *f, size_t from, size_t to, uint8_t *block)
{
    size_t at = (to - from) * RECORD;
    for (size_t i = from; i < to; i++) {
        const struct child *c = &f->children.at[i];
        uint8_t *record = block + (i - from) * RECORD;
        put_le(record, 8, c->folder ? c->folder->nid : c->nid);
        put_le(record + 8, 2, at);
        record[10] = (uint8_t)c->type;
        memcpy(block + at, c->name.p, c->name.n);
        at += c->name.n;
    }
}

/* The root's inode has no room behind it that is known to be enough. */
static size_t behind(const struct tree *t, const struct folder *f)
{
    return f == t->root ? 0 : inline_size(f->size);
}

static bool write_folder(struct tree *t, const struct folder *f)
{
    uint64_t blocks = (f->size - behind(t, f) + BLOCK - 1) / BLOCK, first = 0;
    uint8_t own[BLOCK] = {0};
    struct inode i = {.mode = S_IFDIR | f->mode,
                      .size = f->size,
                      .links = f->below,
                      .nid = f->nid,
                      .inlined = behind(t, f) != 0};
    if (blocks && !blocks_take(t->image, blocks, &first, t->err))
        return false;
    i.block = (uint32_t)first;
    inode_put(t->image, &i, own);
    for (size_t from = 0, to, bytes; from < f->children.n; from = to, first++) {
        uint8_t block[BLOCK] = {0};
        to = fill_block(f, from, &bytes);
        put_block(f, from, to, block);
        if (to == f->children.n && i.inlined)
            memcpy(own + INODE, block, bytes);
        else if (!image_write(t->image, block, BLOCK, first * BLOCK, t->err))
            return false;
    }
    return image_write(t->image, own, INODE + behind(t, f), f->nid * SLOT, t->err);
}

static bool write_all(struct tree *t)
{
    t->root = folder_new(t, NULL);
    if (!place_all(t))
        return false;
    vec_each (f, &t->all)
        if (!give_number(t, *f))
            return false;
    vec_each (f, &t->all)
        if (!write_folder(t, *f))
            return false;
    t->inodes += t->all.n;
    return true;
}

bool folders_write(struct erofs_image *image, uint64_t *ret_inodes, struct err *err)
{
    struct tree t = {.image = image, .err = err};
    bool good = write_all(&t);
    *ret_inodes = t.inodes;
    vec_each (f, &t.all)
        vec_done(&(*f)->children);
    vec_done(&t.all);
    map_done(&t.folders);
    arena_done(&t.arena);
    return good;
}
