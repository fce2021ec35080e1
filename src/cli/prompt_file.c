#include "cli/prompt_file.h"
#include <limits.h>
#include <stdlib.h>

static bool read_bundle(void *data, str path, str *ret_text)
{
    const struct bundle_file *f = bundle_find(data, path);
    if (f)
        *ret_text = f->text;
    return f != NULL;
}

/* FILE as the shell sees it, as a path of the repository. */
static bool path_in_repository(struct prompt_file *p, const char *file, str *ret, struct err *err)
{
    auto_free char *full = realpath(file, NULL);
    size_t n = strlen(p->registry->root);
    if (full && strncmp(full, p->registry->root, n) == 0 && full[n] == '/') {
        *ret = arena_str(&p->arena, str_of(full + n + 1));
        if (bundle_find(p->registry->bundle, *ret) && str_ends(*ret, STR(".prompt.md")))
            return true;
    }
    err_set(err, "file_missing", "%s is no prompt below %s/.plue", file, p->registry->root);
    err_hint(err, "`plue prompt list` shows them");
    return false;
}

static bool take_input(struct prompt_file *p, const char *given, struct err *err)
{
    const char *equals = strchr(given, '=');
    if (!equals || equals == given)
        return err_set(err, "invalid_option", "--input %s: give it as NAME=VALUE", given);
    str name = str_make(given, (size_t)(equals - given)), value = str_of(equals + 1);
    const struct type *t = type_field(p->prompt->inputs, name);
    auto_err ignored = ERR_INIT;
    json_t *j = t ? type_parse_text(t, value, &ignored) : NULL;
    if (!j)
        j = json_stringn(value.p, value.n);
    if (!j || json_object_setn_new(p->inputs, name.p, name.n, j) != 0)
        return err_set(err, "invalid_option", "--input %.*s is not valid UTF-8", STR_ARG(name));
    return true;
}

bool prompt_file_read_inputs(struct prompt_file *p, json_t *otherwise, struct err *err)
{
    struct cli *c = p->cli;
    const char *file = cli_value(c, "inputs");
    p->inputs = file        ? json_read_file(file, JSON_UNIQUE_KEYS, err)
                : otherwise ? json_deep_copy(otherwise)
                            : json_object();
    if (!p->inputs)
        return false;
    if (!json_is_object(p->inputs))
        return err_set(err, "invalid_value", "%s is no JSON object of inputs",
                       file ? file : "the record");
    for (size_t i = 0; i < c->given.n; i++)
        if (strcmp(c->given.at[i].option->name, "input") == 0 &&
            !take_input(p, c->given.at[i].value, err))
            return false;
    return true;
}

bool prompt_file_load(struct prompt_file *p, struct err_list *errors, struct err *err)
{
    str path;
    if (!path_in_repository(p, p->cli->args.at[0], &path, err))
        return false;
    p->prompt = prompt_load(&p->arena, &p->sources, path, read_bundle, p->registry->bundle, errors);
    return p->prompt != NULL;
}

str prompt_file_text(const struct prompt_file *p)
{
    return bundle_find(p->registry->bundle, p->prompt->path)->text;
}

void prompt_file_done(struct prompt_file *p)
{
    json_decref(p->inputs);
    sources_done(&p->sources);
    arena_done(&p->arena);
}
