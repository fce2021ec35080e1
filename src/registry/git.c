#include "registry/git.h"
#include "base/fd.h"
#include <fcntl.h>
#include <sys/stat.h>

enum { GIT_FILE_MAX = 16 << 20, SHA_MIN = 40, LINKS_MAX = 5 };

/* Where .git is: `own` has HEAD, `common` the refs (they differ in a linked worktree). */
struct git_folder {
    char *own, *common;
};

static void git_folder_done(struct git_folder *g)
{
    free(g->own);
    free(g->common);
}

static bool read_text(const char *folder, const char *name, struct buf *b)
{
    auto_buf path = BUF(1 << 16);
    buf_addf(&path, "%s/%s", folder, name);
    return fd_read_file(AT_FDCWD, buf_c(&path), b) == 0;
}

static char *join(const char *folder, str path)
{
    auto_buf b = BUF(1 << 16);
    if (path.n && path.p[0] == '/')
        buf_add_str(&b, path);
    else
        buf_addf(&b, "%s/%.*s", folder, STR_ARG(path));
    return buf_take(&b, NULL);
}

static bool open_git(const char *above, struct git_folder *ret)
{
    auto_free char *own = join(above, STR(".git"));
    struct stat st;
    if (stat(own, &st) != 0)
        return false;
    if (!S_ISDIR(st.st_mode)) {
        auto_buf text = BUF(1 << 16);
        if (!read_text(above, ".git", &text) || !str_starts(buf_str(&text), STR("gitdir:")))
            return false;
        free(own);
        own = join(above, str_trim(str_sub(buf_str(&text), strlen("gitdir:"), text.n)));
    }
    auto_buf common = BUF(1 << 16);
    ret->common = read_text(own, "commondir", &common) ? join(own, str_trim(buf_str(&common)))
                                                       : str_dup(str_of(own));
    ret->own = steal(own);
    return true;
}

static bool find_git(const char *folder, struct git_folder *ret)
{
    auto_free char *at = str_dup(str_of(folder));
    for (;;) {
        if (open_git(at, ret))
            return true;
        char *slash = strrchr(at, '/');
        if (!slash || slash == at)
            return false;
        *slash = 0;
    }
}

static bool is_sha(str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!strchr("0123456789abcdef", s.p[i]))
            return false;
    return s.n >= SHA_MIN;
}

static str packed_ref(const struct git_folder *g, str ref, struct arena *a)
{
    auto_buf text = BUF(GIT_FILE_MAX);
    str rest, line;
    if (!read_text(g->common, "packed-refs", &text))
        return STR("");
    for (rest = buf_str(&text); str_next(&rest, '\n', &line);) {
        size_t space = str_find_byte(line, ' ', 0);
        if (space != SIZE_MAX && str_eq(str_trim(str_sub(line, space + 1, line.n)), ref))
            return arena_str(a, str_sub(line, 0, space));
    }
    return STR("");
}

static str sha_of_ref(const struct git_folder *g, str ref, struct arena *a)
{
    for (int i = 0; i < LINKS_MAX; i++) {
        auto_buf text = BUF(1 << 16);
        if (!read_text(g->common, arena_cstr(a, ref), &text))
            return packed_ref(g, ref, a);
        str value = str_trim(buf_str(&text));
        if (is_sha(value))
            return arena_str(a, value);
        if (!str_starts(value, STR("ref:")))
            return STR("");
        ref = arena_str(a, str_trim(str_sub(value, 4, value.n)));
    }
    return STR("");
}

static str branch_of(str ref)
{
    str heads = STR("refs/heads/");
    return str_starts(ref, heads) ? str_sub(ref, heads.n, ref.n) : STR("");
}

bool git_read_head(const char *folder, struct arena *a, struct git_head *ret)
{
    cleanup(git_folder_done) struct git_folder g = {0};
    auto_buf text = BUF(1 << 16);
    if (!find_git(folder, &g) || !read_text(g.own, "HEAD", &text))
        return false;
    str head = str_trim(buf_str(&text));
    *ret = (struct git_head){.ref = STR(""), .branch = STR(""), .sha = STR("")};
    if (str_starts(head, STR("ref:"))) {
        ret->ref = arena_str(a, str_trim(str_sub(head, 4, head.n)));
        ret->branch = branch_of(ret->ref);
        ret->sha = sha_of_ref(&g, ret->ref, a);
    } else if (is_sha(head)) {
        ret->sha = arena_str(a, head);
    }
    return true;
}

/* The url of [remote "origin"], as git config writes it. */
static str origin_url(str config)
{
    str line;
    for (bool in_origin = false; str_next(&config, '\n', &line);) {
        line = str_trim(line);
        if (line.n && line.p[0] == '[') {
            in_origin = str_eq(line, STR("[remote \"origin\"]"));
            continue;
        }
        size_t equals = str_find_byte(line, '=', 0);
        if (in_origin && equals != SIZE_MAX &&
            str_eq(str_trim(str_sub(line, 0, equals)), STR("url")))
            return str_trim(str_sub(line, equals + 1, line.n));
    }
    return STR("");
}

/* https://host/OWNER/NAME.git, git@host:OWNER/NAME.git */
static void split_url(str url, struct arena *a, struct git_remote *ret)
{
    if (str_ends(url, STR(".git")))
        url.n -= 4;
    size_t slash = str_rfind_byte(url, '/');
    if (slash == SIZE_MAX)
        return;
    ret->name = arena_str(a, str_sub(url, slash + 1, url.n));
    str before = str_sub(url, 0, slash);
    size_t at = str_rfind_byte(before, '/'), colon = str_rfind_byte(before, ':');
    if (at == SIZE_MAX || (colon != SIZE_MAX && colon > at))
        at = colon;
    if (at != SIZE_MAX)
        ret->owner = arena_str(a, str_sub(before, at + 1, before.n));
}

bool git_read_remote(const char *folder, struct arena *a, struct git_remote *ret)
{
    cleanup(git_folder_done) struct git_folder g = {0};
    auto_buf config = BUF(1 << 20), head = BUF(1 << 16);
    *ret = (struct git_remote){.owner = STR(""), .name = STR(""), .default_branch = STR("")};
    if (!find_git(folder, &g))
        return false;
    if (read_text(g.common, "config", &config))
        split_url(origin_url(buf_str(&config)), a, ret);
    str prefix = STR("ref: refs/remotes/origin/");
    if (read_text(g.common, "refs/remotes/origin/HEAD", &head) &&
        str_starts(buf_str(&head), prefix))
        ret->default_branch = arena_str(a, str_trim(str_sub(buf_str(&head), prefix.n, head.n)));
    return ret->name.n > 0 || ret->default_branch.n > 0;
}
