#include "git/git.h"
#include <stdio.h>

enum { NAME_MAX_BYTES = 1000 };

static bool ask(const char *dir, const char *name, char ret_sha[GIT_SHA_SIZE], struct err *err)
{
    const char *args[] = {"rev-parse", "--verify", "--quiet", name, NULL};
    auto_buf out = BUF(4096);
    if (!git_run(dir, args, &out, err))
        return false;
    str sha = str_trim(buf_str(&out));
    if (sha.n < 40 || sha.n >= GIT_SHA_SIZE)
        return err_set(err, "git_failed", "git names no commit for '%s'", name);
    snprintf(ret_sha, GIT_SHA_SIZE, "%.*s", STR_ARG(sha));
    return true;
}

bool git_resolve(const char *dir, str name, char ret_sha[GIT_SHA_SIZE], struct err *err)
{
    auto_buf text = BUF(NAME_MAX_BYTES);
    auto_err e = ERR_INIT;
    bool odd = !name.n || name.p[0] == '-';
    for (size_t i = 0; i < name.n; i++)
        odd |= (unsigned char)name.p[i] <= ' ' || name.p[i] == ':';
    buf_add_str(&text, name);
    buf_add_c(&text, "^{commit}");
    if (odd || text.overflow)
        return err_set(err, "git_ref_unknown", "'%.*s' cannot name a commit",
                       STR_ARG(str_sub(name, 0, 200)));
    if (ask(dir, buf_c(&text), ret_sha, &e))
        return true;
    if (strcmp(e.code, "git_missing") == 0) {
        err_move(err, &e);
        return false;
    }
    if (str_has(e.message, STR("not a git repository"))) {
        err_set(err, "git_no_repository", "%s is in no git repository", dir);
        err_hint(err, "make one with git init and a commit; ctx.git reads committed content only");
        return false;
    }
    err_set(err, "git_ref_unknown", "there is no commit '%.*s' in %s", STR_ARG(name), dir);
    err_hint(err, "fetch it first: nothing is fetched while a workflow runs");
    return false;
}

bool git_full_ref(const char *dir, str name, struct buf *ret, struct err *err)
{
    auto_free char *text = str_dup(name);
    const char *args[] = {"rev-parse", "--symbolic-full-name", "--verify", text, NULL};
    auto_buf out = BUF(4096);
    if (!git_run(dir, args, &out, err))
        return false;
    buf_add_str(ret, str_trim(buf_str(&out)));
    return true;
}

bool git_parent(const char *dir, const char *sha, char ret_sha[GIT_SHA_SIZE], struct err *err)
{
    auto_buf name = BUF(NAME_MAX_BYTES);
    auto_err none = ERR_INIT;
    buf_addf(&name, "%s^", sha);
    if (ask(dir, buf_c(&name), ret_sha, &none))
        return true;
    const char *args[] = {"hash-object", "-t", "tree", "/dev/null", NULL};
    auto_buf out = BUF(4096);
    if (!git_run(dir, args, &out, err))
        return false;
    snprintf(ret_sha, GIT_SHA_SIZE, "%.*s", STR_ARG(str_trim(buf_str(&out))));
    return true;
}
