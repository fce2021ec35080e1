/* The git program does the same with a file for each object; here they are one pack. Where
 * attributes say that files are kept otherwise than they stand there (line ends, filters), git
 * itself is asked. */
#include "runner/seed.h"
#include "runner/local_int.h"
#include "runner/start.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    DEPTH_MAX = 500,
    FILE_MAX = 64 << 20, /* larger ones are git's to handle */
    TREE_MAX = 256 << 20,
    INDEX_MAX = 1 << 30,
    INDEX_NAME_MAX = 0xfff,
    MODE_FOLDER = 040000,
    MODE_LINK = 0120000,
    MODE_FILE = 0100644,
    MODE_PROGRAM = 0100755,
    TAKEN_MAX = 200 * 1000, /* files; more are read again */
};
#define BYTES_MAX ((int64_t)1 << 30)

struct taken {
    uint8_t name[SHA1_DIGEST_SIZE];
    struct stat st;
};

struct seeding {
    const char *workspace; /* kept */
    int root, git, objects;
    struct object_pack pack;
    struct buf index, path, file;
    uint32_t files;
    int64_t bytes;
    bool needs_git;
    struct start_record *start; /* may be NULL */
    struct owner owner;         /* for the index, where it is not that of the files */
    struct err *err;
    uv_mutex_t lock;  /* of what seed_take touches: */
    struct map taken; /* path -> struct taken, in the arena */
    struct arena arena;
};

struct entry {
    str name; /* a folder's with a slash behind it, which is git's order */
    struct stat st;
    const struct taken *taken; /* whose st is meant; or NULL */
};

static bool fail(struct seeding *s, const char *what)
{
    return err_errno(s->err, "workspace_open", errno, "cannot %s of the workspace", what);
}

/* ---- files ---- */

bool seed_attributes_change_files(str text)
{
    static const char *const words[] = {"text", "eol", "crlf", "filter", "ident", "encoding"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (str_has(text, str_of(words[i])))
            return true;
    return false;
}

static bool read_entry(struct seeding *s, int dir, const struct entry *e)
{
    buf_reset(&s->file);
    s->bytes += e->st.st_size;
    if (e->st.st_size > FILE_MAX || s->bytes > BYTES_MAX) {
        s->needs_git = true;
        return false;
    }
    if (S_ISLNK(e->st.st_mode)) {
        char target[PATH_MAX];
        ssize_t n = readlinkat(dir, e->name.p, target, sizeof target);
        if (n < 0)
            return fail(s, "read a link");
        buf_add_str(&s->file, str_make(target, (size_t)n));
        return true;
    }
    errno = fd_read_file(dir, e->name.p, &s->file);
    if (errno)
        return fail(s, "read a file");
    s->needs_git |=
        str_is(e->name, ".gitattributes") && seed_attributes_change_files(buf_str(&s->file));
    return !s->needs_git;
}

/* gitformat-index(5), version 2 */
static void put_index_entry(struct seeding *s, const struct stat *st, unsigned mode,
                            const uint8_t name[SHA1_DIGEST_SIZE])
{
    struct buf *b = &s->index;
    size_t from = b->n, n = s->path.n < INDEX_NAME_MAX ? s->path.n : INDEX_NAME_MAX;
    const uint32_t fields[] = {(uint32_t)st->st_ctim.tv_sec,
                               (uint32_t)st->st_ctim.tv_nsec,
                               (uint32_t)st->st_mtim.tv_sec,
                               (uint32_t)st->st_mtim.tv_nsec,
                               (uint32_t)st->st_dev,
                               (uint32_t)st->st_ino,
                               mode,
                               s->owner.change ? s->owner.uid : st->st_uid,
                               s->owner.change ? s->owner.gid : st->st_gid,
                               (uint32_t)st->st_size};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        put_be32(b, fields[i]);
    buf_add_str(b, str_make((const char *)name, SHA1_DIGEST_SIZE));
    buf_add_byte(b, (char)(n >> 8));
    buf_add_byte(b, (char)n);
    buf_add_str(b, buf_str(&s->path));
    do
        buf_add_byte(b, '\0');
    while ((b->n - from) % 8);
    s->files++;
}

/* ---- files that are taken while they are copied ---- */

static bool take(struct seeding *s, const struct object *o, str path, const struct stat *st,
                 str bytes)
{
    s->bytes += st->st_size;
    s->needs_git |= s->bytes > BYTES_MAX ||
                    ((str_is(path, ".gitattributes") || str_ends(path, STR("/.gitattributes"))) &&
                     seed_attributes_change_files(bytes));
    if (s->needs_git)
        return true; /* nothing comes of this */
    struct taken *t = arena_alloc(&s->arena, sizeof *t);
    t->st = *st;
    memcpy(t->name, o->name, SHA1_DIGEST_SIZE);
    map_set(&s->taken, arena_str(&s->arena, path), t);
    return (!s->start || start_bytes(s->start, path, st, bytes)) && object_pack_put(&s->pack, o);
}

bool seed_take(struct seeding *s, struct object *scratch, str path, const struct stat *st,
               str bytes)
{
    bool good = true;
    object_make(scratch, OBJECT_BLOB, bytes);
    uv_mutex_lock(&s->lock);
    if (err_is_set(s->err))
        good = false;
    else if (s->taken.n < TAKEN_MAX)
        good = take(s, scratch, path, st, bytes);
    uv_mutex_unlock(&s->lock);
    return good;
}

/* ---- folders ---- */

static int by_name(const void *a, const void *b)
{
    return str_cmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

typedef VEC(struct entry) entry_list;

/* By its name in the folder that s->path is. */
static const struct taken *find_taken(struct seeding *s, const char *name)
{
    size_t before = s->path.n;
    if (!s->taken.n)
        return NULL;
    buf_add_c(&s->path, name);
    const struct taken *t = map_get(&s->taken, buf_str(&s->path));
    buf_cut(&s->path, before, s->path.n - before);
    return t;
}

static bool list(struct seeding *s, int dir, struct arena *a, entry_list *ret)
{
    int copy = dup(dir);
    DIR *d = copy < 0 ? NULL : fdopendir(copy);
    if (!d)
        return fail(s, "list a folder");
    bool good = true;
    for (struct dirent *e; good && (e = readdir(d));) {
        struct entry entry = {0};
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
            strcmp(e->d_name, ".git") == 0)
            continue;
        entry.taken = e->d_type == DT_REG ? find_taken(s, e->d_name) : NULL;
        if (!entry.taken)
            good = fstatat(dir, e->d_name, &entry.st, AT_SYMLINK_NOFOLLOW) == 0 ||
                   fail(s, "look at a file");
        entry.name = S_ISDIR(entry.st.st_mode) ? arena_printf(a, "%s/", e->d_name)
                                               : arena_str(a, str_of(e->d_name));
        if (good)
            vec_push(ret, entry);
    }
    closedir(d);
    if (ret->n)
        qsort(ret->at, ret->n, sizeof *ret->at, by_name);
    return good;
}

static const char *mode_text(unsigned mode)
{
    return mode == MODE_FOLDER    ? "40000 "
           : mode == MODE_LINK    ? "120000 "
           : mode == MODE_PROGRAM ? "100755 "
                                  : "100644 ";
}

static bool add_folder(struct seeding *s, int dir, int depth, uint8_t ret[SHA1_DIGEST_SIZE],
                       bool *ret_empty);

static bool add_entry(struct seeding *s, int dir, const struct entry *e, int depth,
                      struct buf *tree)
{
    uint8_t name[SHA1_DIGEST_SIZE];
    const struct stat *st = e->taken ? &e->taken->st : &e->st;
    bool folder = S_ISDIR(st->st_mode), empty = false;
    unsigned mode = folder                  ? MODE_FOLDER
                    : S_ISLNK(st->st_mode)  ? MODE_LINK
                    : st->st_mode & S_IXUSR ? MODE_PROGRAM
                                            : MODE_FILE;
    str own = folder ? str_sub(e->name, 0, e->name.n - 1) : e->name;
    if (folder) {
        auto_fd below = openat(dir, e->name.p, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (below < 0)
            return fail(s, "open a folder");
        if (s->start && !start_folder(s->start, str_sub(buf_str(&s->path), 0, s->path.n - 1), st))
            return false;
        if (!add_folder(s, below, depth + 1, name, &empty))
            return false;
    } else if (e->taken) {
        memcpy(name, e->taken->name, SHA1_DIGEST_SIZE);
        if (s->start)
            start_note(s->start, buf_str(&s->path), st);
    } else if (!read_entry(s, dir, e) ||
               (s->start && !start_file(s->start, buf_str(&s->path), st, buf_str(&s->file))) ||
               !object_pack_add(&s->pack, OBJECT_BLOB, buf_str(&s->file), name)) {
        return false;
    }
    if (!folder)
        put_index_entry(s, st, mode, name);
    if (!empty) {
        buf_add_c(tree, mode_text(mode));
        buf_add_str(tree, own);
        buf_add_byte(tree, '\0');
        buf_add_str(tree, str_make((const char *)name, SHA1_DIGEST_SIZE));
    }
    return true;
}

static bool add_folder(struct seeding *s, int dir, int depth, uint8_t ret[SHA1_DIGEST_SIZE],
                       bool *ret_empty)
{
    auto_arena a = ARENA_INIT;
    auto_buf tree = BUF(TREE_MAX);
    entry_list entries = {0};
    size_t before = s->path.n;
    errno = ELOOP;
    bool good = depth < DEPTH_MAX ? list(s, dir, &a, &entries) : fail(s, "enter a folder");
    for (size_t i = 0; good && i < entries.n; i++) {
        buf_add_str(&s->path, entries.at[i].name);
        good = add_entry(s, dir, &entries.at[i], depth, &tree);
        buf_cut(&s->path, before, s->path.n - before);
    }
    vec_done(&entries);
    *ret_empty = !tree.n;
    if (!good || (!tree.n && depth))
        return good;
    return object_pack_add(&s->pack, OBJECT_TREE, buf_str(&tree), ret);
}

/* ---- the repository ---- */

static bool put_file(struct seeding *s, int git, const char *path, str text)
{
    auto_fd fd = openat(git, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    errno = fd < 0 ? errno : fd_write_all(fd, text.p, text.n);
    return !errno || fail(s, "write the repository");
}

static void add_hex(struct buf *b, const uint8_t name[SHA1_DIGEST_SIZE])
{
    for (size_t i = 0; i < SHA1_DIGEST_SIZE; i++)
        buf_addf(b, "%02x", name[i]);
}

static bool add_commit(struct seeding *s, const uint8_t tree[SHA1_DIGEST_SIZE], int git)
{
    auto_buf text = BUF(4096), ref = BUF(64);
    uint8_t name[SHA1_DIGEST_SIZE];
    buf_add_c(&text, "tree ");
    add_hex(&text, tree);
    buf_add_c(&text, "\nauthor Plue <plue@localhost> 946684800 +0000"
                     "\ncommitter Plue <plue@localhost> 946684800 +0000"
                     "\n\nWorkspace of this run\n");
    if (!object_pack_add(&s->pack, OBJECT_COMMIT, buf_str(&text), name))
        return false;
    add_hex(&ref, name);
    buf_add_byte(&ref, '\n');
    return put_file(s, git, "refs/heads/main", buf_str(&ref)) &&
           put_file(s, git, "HEAD", STR("ref: refs/heads/main\n")) &&
           put_file(s, git, "config",
                    STR("[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n"
                        "\tbare = false\n"));
}

static bool put_index(struct seeding *s, int git)
{
    uint8_t sum[SHA1_DIGEST_SIZE];
    struct sha1_ctx hash;
    auto_buf count = BUF(8);
    put_be32(&count, s->files);
    if (s->index.overflow) {
        errno = EFBIG;
        return fail(s, "write the index");
    }
    memcpy(s->index.p + 8, count.p, count.n);
    sha1_init(&hash);
    sha1_update(&hash, s->index.n, (const uint8_t *)s->index.p);
    sha1_digest(&hash, SHA1_DIGEST_SIZE, sum);
    buf_add_str(&s->index, str_make((const char *)sum, sizeof sum));
    return put_file(s, git, "index", buf_str(&s->index));
}

static bool open_folders(struct seeding *s)
{
    s->git = openat(s->root, ".git", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    s->objects = openat(s->git, "objects", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return s->objects >= 0 || fail(s, "open the repository");
}

static bool open_root(struct seeding *s)
{
    s->root = open(s->workspace, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return s->root >= 0 || fail(s, "open the folder");
}

bool seed_open_again(struct seeding *s)
{
    fd_close(&s->objects);
    fd_close(&s->git);
    fd_close(&s->root);
    return open_root(s) && open_folders(s);
}

static bool make_skeleton(struct seeding *s)
{
    static const char *const folders[] = {"refs/heads", "refs/tags", "objects/pack",
                                          "objects/info"};
    if (!open_root(s))
        return false;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        auto_buf path = BUF(64);
        buf_addf(&path, ".git/%s", folders[i]);
        errno = fd_make_dirs(s->root, buf_c(&path), 0755);
        if (errno)
            return fail(s, "make the repository");
    }
    return open_folders(s);
}

bool seed_begin(const char *workspace, struct start_record *start, struct owner owner,
                struct seeding **ret, struct err *err)
{
    struct seeding *s = mem_zalloc(sizeof *s);
    *s = (struct seeding){.workspace = workspace,
                          .root = -1,
                          .git = -1,
                          .objects = -1,
                          .pack = {.fd = -1},
                          .index = BUF(INDEX_MAX),
                          .path = BUF(PATH_MAX),
                          .file = BUF(FILE_MAX + 1),
                          .start = start,
                          .owner = owner,
                          .err = err};
    uv_mutex_init(&s->lock);
    if (make_skeleton(s) && object_pack_begin(&s->pack, s->objects, err)) {
        *ret = s;
        return true;
    }
    seed_free(s);
    return false;
}

static bool write_repository(struct seeding *s)
{
    uint8_t tree[SHA1_DIGEST_SIZE];
    bool empty;
    buf_add_c(&s->index, "DIRC");
    put_be32(&s->index, 2);
    put_be32(&s->index, 0);
    return !s->needs_git && add_folder(s, s->root, 0, tree, &empty) &&
           add_commit(s, tree, s->git) && object_pack_end(&s->pack, s->objects) &&
           put_index(s, s->git);
}

bool seed_end(struct seeding *s, bool *ret_recorded)
{
    bool good = write_repository(s);
    *ret_recorded = good && s->start;
    if (good || !s->needs_git)
        return good;
    return remove_tree_at(s->root, ".git", s->err) && git_seed(s->workspace, s->err);
}

void seed_free(struct seeding *s)
{
    if (!s)
        return;
    object_pack_done(&s->pack);
    buf_done(&s->index);
    buf_done(&s->path);
    buf_done(&s->file);
    map_done(&s->taken);
    arena_done(&s->arena);
    fd_close(&s->objects);
    fd_close(&s->git);
    fd_close(&s->root);
    uv_mutex_destroy(&s->lock);
    free(s);
}

bool workspace_seed(const char *workspace, struct start_record *start, struct owner owner,
                    bool *ret_recorded, struct err *err)
{
    struct seeding *s;
    if (!seed_begin(workspace, start, owner, &s, err))
        return false;
    bool ok = seed_end(s, ret_recorded);
    seed_free(s);
    return ok;
}
