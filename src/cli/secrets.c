#include "cli/secrets.h"
#include "base/fd.h"
#include "engine/vault.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

enum { SECRET_FILE_MAX = 4 << 20 };
extern char **environ;

static void put(struct secrets *s, str name, str value)
{
    for (size_t i = 0; i < s->names.n; i++) {
        if (str_eq(s->names.at[i], name)) {
            s->values.at[i] = arena_str(&s->arena, value);
            return;
        }
    }
    vec_push(&s->names, arena_str(&s->arena, name));
    vec_push(&s->values, arena_str(&s->arena, value));
}

bool secrets_is_name(str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
        if (!letter && !(i && c >= '0' && c <= '9'))
            return false;
    }
    return s.n > 0;
}

static void take_environment(struct secrets *s)
{
    str prefix = STR("PLUE_SECRET_");
    for (char **e = environ; *e; e++) {
        str entry = str_of(*e);
        size_t equals = str_find_byte(entry, '=', 0);
        if (equals == SIZE_MAX || !str_starts(entry, prefix))
            continue;
        str name = str_sub(entry, prefix.n, equals);
        if (secrets_is_name(name))
            put(s, name, str_sub(entry, equals + 1, entry.n));
    }
}

/* The value never stands in a message. */
static bool bad_line(const char *file, uint32_t line, struct err *err)
{
    err_set(err, "invalid_secret_file", "this is not NAME=value");
    err_hint(err,
             "a name has letters, digits and underscores; lines that begin with # are skipped");
    err_in_file(err, str_of(file), line, 1);
    return false;
}

static bool take_file(struct cli *c, const char *file, struct secrets *s, struct err *err)
{
    auto_buf text = BUF(SECRET_FILE_MAX);
    struct stat st;
    int error = fd_read_file(AT_FDCWD, file, &text);
    if (error)
        return err_errno(err, "file_unreadable", error, "the secret file %s cannot be read", file);
    if (stat(file, &st) == 0 && (st.st_mode & 077))
        cli_warn(c, "other users can read %s: chmod 600 %s", file, file);
    str rest = buf_str(&text), line;
    for (uint32_t n = 1; str_next(&rest, '\n', &line); n++) {
        if (str_ends(line, STR("\r")))
            line.n--;
        if (!str_trim(line).n || str_trim(line).p[0] == '#')
            continue;
        size_t equals = str_find_byte(line, '=', 0);
        if (equals == SIZE_MAX || !secrets_is_name(str_trim(str_sub(line, 0, equals))))
            return bad_line(file, n, err);
        put(s, str_trim(str_sub(line, 0, equals)), str_sub(line, equals + 1, line.n));
    }
    return true;
}

bool secrets_open(struct cli *c, const char *file, struct secrets *ret, struct err *err)
{
    *ret = (struct secrets){0};
    take_environment(ret);
    return !file || take_file(c, file, ret, err);
}

static bool take_kept(struct cli *c, struct secrets *s, const struct vault *v,
                      const struct store_secret *kept)
{
    auto_buf value = BUF(VAULT_SECRET_MAX);
    auto_err e = ERR_INIT;
    str found;
    if (secrets_find(s, kept->name, &found))
        return true;
    if (!vault_unseal(v, kept->name, kept->sealed, &value, &e)) {
        cli_warn(c, "%.*s", STR_ARG(e.message));
        return false;
    }
    put(s, kept->name, buf_str(&value));
    explicit_bzero(value.p, value.n);
    return true;
}

/* What cannot be read is said, and left out. */
static bool add_kept(struct cli *c, struct secrets *s, struct data *d, struct err *err)
{
    auto_arena a = ARENA_INIT;
    auto_vault v = {0};
    auto_err e = ERR_INIT;
    struct store_secret *kept;
    size_t n;
    if (!store_list_secrets(d->reader, &a, &kept, &n, err))
        return false;
    if (n && !vault_open(d->folder, false, &v, &e)) {
        cli_warn(c, "%.*s", STR_ARG(e.message));
        return true;
    }
    for (size_t i = 0; i < n; i++)
        (void)take_kept(c, s, &v, &kept[i]);
    return true;
}

/* What the environment and --secret-file gave stays. */
static bool add_file(struct cli *c, struct secrets *s, const char *path, struct err *err)
{
    cleanup(secrets_done) struct secrets more = {0};
    str found;
    if (!take_file(c, path, &more, err))
        return false;
    for (size_t i = 0; i < more.names.n; i++)
        if (!secrets_find(s, more.names.at[i], &found))
            put(s, more.names.at[i], more.values.at[i]);
    return true;
}

/* Of the data folder that the command names, where there is one. */
static bool add_own(struct cli *c, struct secrets *s, struct err *err)
{
    auto_data d = {0};
    auto_err e = ERR_INIT;
    if (data_open(c, DATA_LOOK, &d, &e))
        return add_kept(c, s, &d, err);
    if (strcmp(e.code, "database_missing") == 0)
        return true;
    err_move(err, &e);
    return false;
}

bool secrets_add_provided(struct cli *c, struct secrets *s, struct data *d,
                          const struct config *config, struct err *err)
{
    switch (config->secrets) {
    case CONFIG_SECRETS_ENV:
        return true;
    case CONFIG_SECRETS_FILE:
        return add_file(c, s, config->secrets_path, err);
    default:
        return d ? add_kept(c, s, d, err) : add_own(c, s, err);
    }
}

void secrets_done(struct secrets *s)
{
    vec_done(&s->names);
    vec_done(&s->values);
    arena_done(&s->arena);
}

bool secrets_find(const struct secrets *s, str name, str *ret_value)
{
    for (size_t i = 0; i < s->names.n; i++) {
        if (str_eq(s->names.at[i], name)) {
            *ret_value = s->values.at[i];
            return true;
        }
    }
    return false;
}
