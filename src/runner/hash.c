/* hash_files: one hash over the files that patterns select. */
#include "base/glob.h"
#include "runner/local_int.h"
#include <errno.h>
#include <fcntl.h>
#include <nettle/sha2.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 64 << 10, DIGEST = SHA256_DIGEST_SIZE };

struct hashing {
    uv_work_t work;
    struct local_workspace *w;
    struct arena arena;
    str *patterns;
    size_t n;
    struct err err;
    char hex[2 * DIGEST + 1];
    runner_hashed_fn *hashed;
    void *user;
};

/* False where it is no regular file (any more), or a link out of the workspace. */
static bool hash_file(int root, const char *path, unsigned char digest[DIGEST], int *ret_errno)
{
    struct stat st;
    struct sha256_ctx state;
    auto_fd fd = local_open_below(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    *ret_errno = 0;
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        *ret_errno = fd < 0 && errno != ENOENT && errno != EXDEV && errno != ELOOP ? errno : 0;
        return false;
    }
    sha256_init(&state);
    auto_free unsigned char *chunk = mem_alloc(CHUNK);
    for (ssize_t n; (n = read(fd, chunk, CHUNK)) != 0;) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            *ret_errno = errno;
            return false;
        }
        sha256_update(&state, (size_t)n, chunk);
    }
    sha256_digest(&state, SHA256_DIGEST_SIZE, digest);
    return true;
}

static void hash_work(uv_work_t *work)
{
    struct hashing *h = work->data;
    cleanup(local_listing_done) struct local_listing l = {.path = "", .err = &h->err};
    struct sha256_ctx all;
    unsigned char digest[DIGEST];
    size_t files = 0;

    if (!local_list_all(&l, h->w->root))
        return;
    sha256_init(&all);
    for (size_t i = 0; i < l.entries.n; i++) {
        const struct runner_entry *e = &l.entries.at[i];
        int bad = 0;
        if (e->kind == RUNNER_DIR || !glob_select(h->patterns, h->n, e->path))
            continue;
        if (hash_file(h->w->root, e->path.p, digest, &bad)) {
            sha256_update(&all, DIGEST, digest);
            files++;
        } else if (bad) {
            err_errno(&h->err, "file_access", bad, "cannot hash '%.*s'", STR_ARG(e->path));
            return;
        }
    }
    sha256_digest(&all, SHA256_DIGEST_SIZE, digest);
    if (files)
        sodium_bin2hex(h->hex, sizeof h->hex, digest, DIGEST);
}

static void hash_done(uv_work_t *work, int status)
{
    struct hashing *h = work->data;
    struct local_workspace *w = h->w;
    if (status < 0)
        err_set(&h->err, "cancelled", "the call was cancelled");
    h->hashed(h->user, str_of(h->hex), err_is_set(&h->err) ? &h->err : NULL);
    err_done(&h->err);
    arena_done(&h->arena);
    free(h);
    local_release(w);
}

void local_hash(struct runner_workspace *workspace, const str *patterns, size_t n,
                runner_hashed_fn *hashed, void *user)
{
    struct hashing *h = mem_zalloc(sizeof *h);
    h->w = (struct local_workspace *)workspace;
    h->patterns = arena_array(&h->arena, str, n);
    h->n = n;
    for (size_t i = 0; i < n; i++)
        h->patterns[i] = arena_str(&h->arena, patterns[i]);
    h->hashed = hashed;
    h->user = user;
    h->work.data = h;
    h->w->busy++;
    uv_queue_work(h->w->local->loop, &h->work, hash_work, hash_done);
}
