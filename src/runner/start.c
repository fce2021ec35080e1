/* What a workspace began with: one pass over its files, made while its repository is written, keeps
 * them as a stream and notes how each looked. Both stand beside the workspace, where no step can
 * change them; a change is found by the time at which the kernel says that a file was changed. */
#include "runner/start.h"
#include "base/fd.h"
#include "runner/local_int.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

enum {
    FLUSH_BYTES = 1 << 20,
    OUT_MAX = 128 << 20,
    MANIFEST_MAX = 512 << 20,
    TARGET_MAX = PATH_MAX
};

struct start_record {
    const char *dir; /* kept */
    int fd;          /* of the stream; -1: it is not kept */
    struct pack_writer writer;
    struct buf out, manifest;
    bool too_large;
    struct err *err; /* borrowed */
};

static void add_path(const char *dir, const char *name, struct buf *ret)
{
    buf_addf(ret, "%s/%s", dir, name);
}

static bool fail(struct start_record *s)
{
    return err_errno(s->err, "workspace_open", errno, "cannot keep what the workspace begins with");
}

/* ---- the stream ---- */

static bool flush(struct start_record *s)
{
    errno = s->out.overflow ? EFBIG : fd_write_all(s->fd, s->out.p, s->out.n);
    buf_reset(&s->out);
    return !errno || fail(s);
}

static bool put(void *user, const void *p, size_t n, struct err *err)
{
    struct start_record *s = user;
    (void)err;
    buf_add(&s->out, p, n);
    return s->out.n < FLUSH_BYTES || flush(s);
}

static void give_up_stream(struct start_record *s)
{
    auto_buf path = BUF(PATH_MAX);
    add_path(s->dir, "source", &path);
    unlink(buf_c(&path));
    fd_close(&s->fd);
}

static bool open_stream(struct start_record *s)
{
    auto_buf path = BUF(PATH_MAX);
    add_path(s->dir, "source", &path);
    s->fd = open(buf_c(&path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    s->writer = (struct pack_writer){.put = put, .user = s};
    return s->fd < 0 ? fail(s) : pack_begin_snapshot(&s->writer, s->err);
}

bool start_begin(const char *dir, bool stream, struct start_record **ret, struct err *err)
{
    struct start_record *s = mem_zalloc(sizeof *s);
    *s = (struct start_record){
        .dir = dir, .fd = -1, .out = BUF(OUT_MAX), .manifest = BUF(MANIFEST_MAX), .err = err};
    if (stream && !open_stream(s)) {
        start_free(s);
        return false;
    }
    *ret = s;
    return true;
}

void start_free(struct start_record *s)
{
    if (!s)
        return;
    fd_close(&s->fd);
    buf_done(&s->out);
    buf_done(&s->manifest);
    free(s);
}

bool start_is_too_large(const struct start_record *s)
{
    return s->too_large;
}

/* ---- entries ---- */

static void note(struct start_record *s, char kind, unsigned mode, int64_t size, int64_t changed_ns,
                 str path)
{
    buf_add_byte(&s->manifest, kind);
    buf_add_byte(&s->manifest, ' ');
    buf_add_int(&s->manifest, mode);
    buf_add_byte(&s->manifest, ' ');
    buf_add_int(&s->manifest, size);
    buf_add_byte(&s->manifest, ' ');
    buf_add_int(&s->manifest, changed_ns);
    buf_add_byte(&s->manifest, ' ');
    buf_add_str(&s->manifest, path);
    buf_add_byte(&s->manifest, '\0');
}

static int64_t changed_of(const struct stat *st)
{
    return (int64_t)st->st_ctim.tv_sec * 1000000000 + st->st_ctim.tv_nsec;
}

bool start_folder(struct start_record *s, str path, const struct stat *st)
{
    note(s, 'D', st->st_mode & 07777, 0, 0, path);
    return s->fd < 0 || pack_add_folder(&s->writer, path, st->st_mode, s->err);
}

void start_note(struct start_record *s, str path, const struct stat *st)
{
    note(s, S_ISLNK(st->st_mode) ? 'L' : 'F', st->st_mode & 07777, st->st_size, changed_of(st),
         path);
}

bool start_file(struct start_record *s, str path, const struct stat *st, str bytes)
{
    start_note(s, path, st);
    return start_bytes(s, path, st, bytes);
}

bool start_bytes(struct start_record *s, str path, const struct stat *st, str bytes)
{
    if (s->fd < 0)
        return true;
    if (s->writer.count.bytes + (int64_t)bytes.n > RUNNER_SNAPSHOT_BYTES) {
        s->too_large = true;
        give_up_stream(s);
        return true;
    }
    return S_ISLNK(st->st_mode) ? pack_add_link(&s->writer, path, bytes, s->err)
                                : pack_add_bytes(&s->writer, path, st->st_mode, bytes, s->err);
}

/* ---- a pass of its own ---- */

static bool walk_file(struct start_record *s, int root, const struct runner_entry *e)
{
    auto_fd fd = local_open_plain(root, e->path.p, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return fail(s);
    if (s->writer.count.bytes + e->size > RUNNER_SNAPSHOT_BYTES) {
        s->too_large = true;
        give_up_stream(s);
        return true;
    }
    return pack_add_file(&s->writer, e->path, e->mode, e->size, fd, s->err);
}

static bool walk_link(struct start_record *s, int root, const struct runner_entry *e)
{
    char target[TARGET_MAX];
    ssize_t n = readlinkat(root, e->path.p, target, sizeof target);
    return n < 0 ? fail(s)
                 : pack_add_link(&s->writer, e->path, str_make(target, (size_t)n), s->err);
}

static bool walk_entry(struct start_record *s, int root, const struct runner_entry *e)
{
    static const char kinds[] = {
        [RUNNER_FILE] = 'F', [RUNNER_DIR] = 'D', [RUNNER_LINK] = 'L', [RUNNER_OTHER] = 'O'};
    bool folder = e->kind == RUNNER_DIR;
    note(s, kinds[e->kind], e->mode, folder ? 0 : e->size, folder ? 0 : e->changed_ns, e->path);
    if (s->fd < 0)
        return true;
    switch (e->kind) {
    case RUNNER_DIR:
        return pack_add_folder(&s->writer, e->path, e->mode, s->err);
    case RUNNER_FILE:
        return walk_file(s, root, e);
    case RUNNER_LINK:
        return walk_link(s, root, e);
    default:
        return true;
    }
}

static bool walk_below(struct start_record *s, int root, const char *path)
{
    cleanup(local_listing_done) struct local_listing l = {.path = path, .err = s->err};
    bool good = local_list_all(&l, root);
    for (size_t i = 0; good && i < l.entries.n; i++)
        good = walk_entry(s, root, &l.entries.at[i]);
    return good;
}

bool start_walk(struct start_record *s, int root)
{
    bool stream = s->fd >= 0;
    fd_close(&s->fd);
    buf_reset(&s->out);
    buf_reset(&s->manifest);
    return (!stream || open_stream(s)) && walk_below(s, root, "");
}

bool start_end(struct start_record *s, int root)
{
    auto_buf path = BUF(PATH_MAX);
    if (s->fd >= 0 && (!pack_end(&s->writer, s->err) || !flush(s)))
        return false;
    fd_close(&s->fd); /* what follows is none of the files that it was given */
    if (faccessat(root, ".git", F_OK, AT_SYMLINK_NOFOLLOW) == 0 && !walk_below(s, root, ".git"))
        return false;
    add_path(s->dir, "start", &path);
    auto_fd fd = open(buf_c(&path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    errno = fd < 0                 ? errno
            : s->manifest.overflow ? EFBIG
                                   : fd_write_all(fd, s->manifest.p, s->manifest.n);
    return !errno || fail(s);
}

/* ---- afterwards ---- */

int start_open_source(const char *dir)
{
    auto_buf path = BUF(PATH_MAX);
    add_path(dir, "source", &path);
    return open(buf_c(&path), O_RDONLY | O_CLOEXEC);
}

void start_forget_source(const char *dir)
{
    auto_buf path = BUF(PATH_MAX);
    add_path(dir, "source", &path);
    unlink(buf_c(&path));
}

static bool take_number(str *rest, int64_t *ret)
{
    str word;
    char digits[24];
    if (!str_next(rest, ' ', &word) || !word.n || word.n >= sizeof digits)
        return false;
    memcpy(digits, word.p, word.n);
    digits[word.n] = '\0';
    *ret = strtoll(digits, NULL, 10);
    return true;
}

bool start_read(const char *dir, struct buf *text, start_list *ret, struct err *err)
{
    auto_buf path = BUF(PATH_MAX);
    add_path(dir, "start", &path);
    *text = BUF(MANIFEST_MAX);
    int e = fd_read_file(AT_FDCWD, buf_c(&path), text);
    if (e)
        return err_errno(err, "workspace_open", e, "cannot read %s", buf_c(&path));
    str rest = buf_str(text), line, kind;
    while (str_next(&rest, '\0', &line)) {
        struct start_entry entry = {0};
        int64_t mode;
        if (!str_next(&line, ' ', &kind) || kind.n != 1 || !take_number(&line, &mode) ||
            !take_number(&line, &entry.size) || !take_number(&line, &entry.changed_ns))
            return err_set(err, "workspace_open", "%s is damaged", buf_c(&path));
        entry.kind = kind.p[0];
        entry.mode = (unsigned)mode;
        entry.path = line;
        vec_push(ret, entry);
    }
    return true;
}

/* ---- a commit without a workspace ---- */

static bool copy_stream(int fd, pack_put_fn *put_piece, void *user, struct err *err)
{
    auto_free char *piece = mem_alloc(FLUSH_BYTES);
    for (ssize_t n; (n = read(fd, piece, FLUSH_BYTES)) != 0;) {
        if (n < 0 && errno != EINTR)
            return err_errno(err, "file_access", errno, "a commit's files cannot be read");
        if (n > 0 && !put_piece(user, piece, (size_t)n, err))
            return false;
    }
    return true;
}

static bool pack_commit(const char *dir, const char *repository, const char *commit,
                        pack_put_fn *put_piece, void *user, struct err *err)
{
    auto_buf files = BUF(PATH_MAX), git_dir = BUF(PATH_MAX);
    cleanup(source_notes_done) struct source_notes notes = {.taken = BUF(MANIFEST_MAX)};
    struct start_record *s;
    buf_addf(&files, "%s/files", dir);
    buf_addf(&git_dir, "%s/borrowed.git", dir);
    int e = fd_make_dirs(AT_FDCWD, buf_c(&files), 0700);
    if (e)
        return err_errno(err, "workspace_open", e, "cannot make %s", buf_c(&files));
    if (!commit_fill(repository, commit, buf_c(&git_dir), buf_c(&files), NULL, &notes, err) ||
        !start_begin(dir, true, &s, err))
        return false;
    auto_fd root = open(buf_c(&files), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = start_walk(s, root) && start_end(s, root);
    if (ok && s->too_large)
        ok = err_set(err, "snapshot_too_large", "they take more than %d MiB",
                     RUNNER_SNAPSHOT_BYTES >> 20);
    start_free(s);
    auto_fd stream = ok ? start_open_source(dir) : -1;
    return ok && copy_stream(stream, put_piece, user, err);
}

bool runner_pack_commit(const char *data_dir, const char *repository, const char *commit,
                        pack_put_fn *put_piece, void *user, struct err *err)
{
    auto_buf dir = BUF(PATH_MAX);
    auto_err ignored = ERR_INIT;
    buf_addf(&dir, "%s/workspaces/commit-%d", data_dir, (int)getpid());
    bool ok = pack_commit(buf_c(&dir), repository, commit, put_piece, user, err);
    (void)!remove_tree(buf_c(&dir), &ignored);
    return ok;
}
