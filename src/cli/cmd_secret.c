/* plue secret set, list, delete: the encrypted store. A value never stands on a command line. */
#include "base/clock.h"
#include "base/fd.h"
#include "cli/commands.h"
#include "cli/data.h"
#include "cli/secrets.h"
#include "engine/vault.h"
#include <errno.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

static bool check_name(const char *name, struct err *err)
{
    if (secrets_is_name(str_of(name)))
        return true;
    err_set(err, "invalid_option", "'%s' is no name of a secret", name);
    err_hint(err, "a name has letters, digits and underscores, and no digit first");
    return false;
}

/* What is typed does not show. */
static bool read_hidden(const char *name, struct buf *ret, struct err *err)
{
    struct termios shown, hidden;
    char c;
    ssize_t n;
    if (tcgetattr(STDIN_FILENO, &shown) < 0)
        return err_errno(err, "system_failed", errno, "the terminal cannot be asked");
    hidden = shown;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden); /* before anybody is asked to type */
    fprintf(stderr, "value of %s (not shown): ", name);
    while ((n = read(STDIN_FILENO, &c, 1)) == 1 && c != '\n')
        buf_add_byte(ret, c);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
    fputc('\n', stderr);
    return n >= 0 || err_errno(err, "file_unreadable", errno, "standard input cannot be read");
}

static bool read_value(const char *name, struct buf *ret, struct err *err)
{
    if (isatty(STDIN_FILENO)) {
        if (!read_hidden(name, ret, err))
            return false;
    } else {
        int error = fd_read_all(STDIN_FILENO, ret);
        if (error == EFBIG)
            ret->overflow = true;
        else if (error)
            return err_errno(err, "file_unreadable", error, "standard input cannot be read");
        /* echo's newline is not meant */
        if (ret->n && ret->p[ret->n - 1] == '\n')
            buf_cut(ret, ret->n - 1, 1);
    }
    if (ret->overflow)
        return err_set(err, "invalid_option", "a secret has at most %d KiB",
                       VAULT_SECRET_MAX >> 10);
    if (ret->n)
        return true;
    err_set(err, "invalid_option", "the value is empty");
    err_hint(err, "plue secret set NAME < FILE, or type it");
    return false;
}

static int set(struct cli *c)
{
    const char *name = c->args.at[0];
    auto_data d = {0};
    auto_vault v = {0};
    auto_err e = ERR_INIT;
    auto_buf value = BUF(VAULT_SECRET_MAX), sealed = BUF(4 * VAULT_SECRET_MAX);
    if (!check_name(name, &e) || !read_value(name, &value, &e) ||
        !data_open(c, DATA_MAKE, &d, &e) || !vault_open(d.folder, true, &v, &e))
        return cli_fail(c, NULL, &e);
    vault_seal(&v, str_of(name), buf_str(&value), &sealed);
    explicit_bzero(value.p, value.n);
    struct store_batch *b = store_batch_new(d.store);
    store_put_secret(b, str_of(name), buf_str(&sealed), clock_wall_ms());
    if (!store_commit(d.store, b, NULL, &e))
        return cli_fail(c, NULL, &e);
    cli_outf(c, "secret %s is kept\n", name);
    return CLI_OK;
}

const struct command command_secret_set = {
    .name = "secret set",
    .args = "NAME",
    .min = 1,
    .max = 1,
    .summary = "keep a secret in the encrypted store",
    .doc = "The value is read from standard input, or asked for on a terminal without showing it.\n"
           "Runs find it as ctx.secrets.NAME, unless PLUE_SECRET_NAME or --secret-file has it.",
    .example = "plue secret set NPM_TOKEN < token.txt",
    .options = (const struct cli_option[]){CLI_DATA_DIR_OPTION, {0}},
    .run = set,
};

/* ---- list ---- */

static bool load(struct cli *c, struct arena *a, struct store_secret **ret, size_t *ret_n,
                 struct err *err)
{
    auto_data d = {0};
    if (!data_open(c, DATA_LOOK, &d, err)) {
        if (strcmp(err->code, "database_missing") != 0)
            return false;
        err_reset(err);
        return true;
    }
    return store_list_secrets(d.reader, a, ret, ret_n, err);
}

static void print_json(struct cli *c, const struct store_secret *list, size_t n)
{
    auto_buf b = BUF(CLI_OUTPUT_MAX);
    struct json_writer w = JSON_WRITER(&b, true);
    json_begin_object(&w);
    json_key_c(&w, "secrets");
    json_begin_array(&w);
    for (size_t i = 0; i < n; i++) {
        auto_buf time = BUF(64);
        clock_add_rfc3339(&time, list[i].updated_at);
        json_begin_object(&w);
        json_key_c(&w, "name");
        json_put_str(&w, list[i].name);
        json_key_c(&w, "updated_at");
        json_put_str(&w, buf_str(&time));
        json_end_object(&w);
    }
    json_end_array(&w);
    json_end_object(&w);
    cli_out_json(c, &b);
}

static int list(struct cli *c)
{
    auto_arena a = ARENA_INIT;
    auto_err e = ERR_INIT;
    struct store_secret *all = NULL;
    size_t n = 0;
    if (!load(c, &a, &all, &n, &e))
        return cli_fail(c, NULL, &e);
    if (c->json) {
        print_json(c, all, n);
        return CLI_OK;
    }
    for (size_t i = 0; i < n; i++) {
        auto_buf time = BUF(64);
        clock_add_rfc3339(&time, all[i].updated_at);
        cli_outf(c, "%-30.*s %s\n", STR_ARG(all[i].name), buf_c(&time));
    }
    if (!n)
        cli_note("no secret is kept; plue secret set NAME keeps one");
    return CLI_OK;
}

const struct command command_secret_list = {
    .name = "secret list",
    .args = "",
    .summary = "list the names of kept secrets",
    .example = "plue secret list --json",
    .options = (const struct cli_option[]){CLI_DATA_DIR_OPTION, {"json", NULL, "print JSON"}, {0}},
    .run = list,
};

static void hint_names(struct data *d, const char *name, struct err *err)
{
    auto_arena a = ARENA_INIT;
    auto_err ignored = ERR_INIT;
    struct store_secret *all = NULL;
    size_t n = 0;
    VEC(str) names = {0};
    if (store_list_secrets(d->reader, &a, &all, &n, &ignored))
        for (size_t i = 0; i < n; i++)
            vec_push(&names, all[i].name);
    long near = names.n ? str_nearest(str_of(name), names.at, names.n) : -1;
    if (near >= 0)
        err_hint(err, "did you mean %.*s?", STR_ARG(names.at[near]));
    else
        err_hint(err, "plue secret list shows all names");
    vec_done(&names);
}

static int delete (struct cli *c)
{
    auto_data d = {0};
    auto_err e = ERR_INIT;
    const char *name = c->args.at[0];
    if (!data_open(c, DATA_WRITE, &d, &e)) {
        if (strcmp(e.code, "database_missing") == 0) {
            err_reset(&e);
            err_set(&e, "secret_unknown", "there is no secret %s", name);
        }
        return cli_fail(c, NULL, &e);
    }
    struct store_batch *b = store_batch_new(d.store);
    store_delete_secret(b, str_of(name));
    if (!store_commit(d.store, b, NULL, &e)) {
        if (strcmp(e.code, "secret_unknown") == 0)
            hint_names(&d, name, &e);
        return cli_fail(c, NULL, &e);
    }
    cli_outf(c, "secret %s is gone\n", name);
    return CLI_OK;
}

const struct command command_secret_delete = {
    .name = "secret delete",
    .args = "NAME",
    .min = 1,
    .max = 1,
    .summary = "remove a kept secret",
    .example = "plue secret delete NPM_TOKEN",
    .options = (const struct cli_option[]){CLI_DATA_DIR_OPTION, {0}},
    .run = delete,
};
