#include "cli/placement.h"
#include "json/json.h"
#include <strings.h>
#include <sys/utsname.h>

/* ---- sandbox= ---- */

static bool refuse(struct err *err, const struct plan *p, const char *what, str name)
{
    return err_set(err, "placement_refused", "%.*s asks for sandbox=\"%.*s\", %s",
                   STR_ARG(p->workflow), STR_ARG(name), what);
}

static bool choose_backend(const struct plan *p, str name, struct err *err)
{
    static const char *const later[] = {"podman", "gvisor", "kubernetes"};
    str known[] = {STR("bubblewrap"), STR("podman"), STR("gvisor"), STR("kubernetes"), STR("none")};
    if (str_is(name, "bubblewrap"))
        return true;
    if (str_is(name, "none")) {
        refuse(err, p, "and a file alone does not switch the sandbox off", name);
        err_hint(err, "if you trust what it runs: --sandbox none");
        return false;
    }
    for (size_t i = 0; i < sizeof later / sizeof *later; i++) {
        if (!str_is(name, later[i]))
            continue;
        refuse(err, p, "a backend that this version does not have", name);
        err_hint(err, "--sandbox bubblewrap runs it in one that it has");
        return false;
    }
    refuse(err, p, "and there is no such backend", name);
    long near = str_nearest(name, known, sizeof known / sizeof *known);
    if (near >= 0)
        err_hint(err, "did you mean '%.*s'?", STR_ARG(known[near]));
    else
        err_hint(err, "this version has bubblewrap and none");
    return false;
}

/* ---- labels= ---- */

struct labels {
    str at[PLACEMENT_LABELS_MAX];
    size_t n;
};

static bool is_same(str a, str b)
{
    return a.n == b.n && strncasecmp(a.p, b.p, a.n) == 0;
}

static bool add_list(struct labels *l, const char *list, struct err *err)
{
    str rest = str_of(list ? list : ""), label;
    while (str_next(&rest, ',', &label)) {
        label = str_trim(label);
        if (label.n && l->n == PLACEMENT_LABELS_MAX)
            return err_set(err, "invalid_option", "this machine has more than %d labels",
                           PLACEMENT_LABELS_MAX);
        if (label.n)
            l->at[l->n++] = label;
    }
    return true;
}

static const char *processor(const struct utsname *u)
{
    return strcmp(u->machine, "x86_64") == 0    ? "x64"
           : strcmp(u->machine, "aarch64") == 0 ? "arm64"
                                                : u->machine;
}

static bool has(const struct labels *l, str label)
{
    for (size_t i = 0; i < l->n; i++)
        if (is_same(l->at[i], label))
            return true;
    return false;
}

static void add_names(struct buf *b, const struct labels *l, const char *between)
{
    for (size_t i = 0; i < l->n; i++)
        buf_addf(b, "%s%.*s", i ? between : "", STR_ARG(l->at[i]));
}

static bool check_labels(struct cli *c, const struct plan *p, json_t *wanted, struct err *err)
{
    struct utsname u;
    struct labels mine = {.at = {STR("self-hosted"), STR("local"), STR("linux")}, .n = 3};
    struct labels missing = {0};
    auto_buf names = BUF(CLI_OUTPUT_MAX), lacks = BUF(CLI_OUTPUT_MAX), option = BUF(CLI_OUTPUT_MAX);
    json_t *label;
    size_t i;
    if (uname(&u) == 0)
        mine.at[mine.n++] = str_of(processor(&u));
    if (!add_list(&mine, getenv("PLUE_RUNNER_LABELS"), err) ||
        !add_list(&mine, cli_value(c, "labels"), err))
        return false;
    json_array_foreach(wanted, i, label)
    {
        str name = str_of(json_string_value(label));
        if (!has(&mine, name) && missing.n < PLACEMENT_LABELS_MAX)
            missing.at[missing.n++] = name;
    }
    if (!missing.n)
        return true;
    add_names(&names, &mine, ", ");
    add_names(&lacks, &missing, ", ");
    add_names(&option, &missing, ",");
    err_set(err, "placement_refused",
            "%.*s runs where there are the labels %s, and this machine, the only runner, has %s",
            STR_ARG(p->workflow), buf_c(&lacks), buf_c(&names));
    err_hint(err, "if it is such a machine: --labels %s, or PLUE_RUNNER_LABELS for all runs",
             buf_c(&option));
    return false;
}

bool placement_choose(struct cli *c, const struct plan *p, const char *given, struct arena *a,
                      const char **ret_backend, struct err *err)
{
    json_t *options = json_loadb(p->options.p, p->options.n, 0, NULL);
    str wanted = json_get_text(options, "sandbox");
    const char *chosen = given ? given : wanted.n ? arena_cstr(a, wanted) : NULL;
    bool ok = check_labels(c, p, json_object_get(options, "labels"), err) &&
              (given || !wanted.n || choose_backend(p, wanted, err));
    json_decref(options);
    if (ok)
        *ret_backend = chosen;
    return ok;
}
