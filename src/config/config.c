#include "config/config.h"
#include "base/fd.h"
#include "base/num.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>

/* ---- the keys ---- */

enum kind { SIZE, COUNT, CPU, TEXT, WORDS, PROVIDER, EGRESS };

struct key {
    const char *section, *name; /* section "": of the file itself */
    enum kind kind;
    size_t offset;
    int64_t min, max;
};

#define AT(field) offsetof(struct config, field)
#define MIB ((int64_t)1 << 20)
#define TIB ((int64_t)1 << 40)

/* docs/configuration.md says what each means. */
static const struct key keys[] = {
    {"", "default_image", TEXT, AT(default_image), 0, 0},
    {"", "concurrency", COUNT, AT(slots), 1, 1000},
    {"sandbox", "memory", SIZE, AT(sandbox.memory_bytes), 16 * MIB, TIB},
    {"sandbox", "cpu", CPU, AT(sandbox.cpu_millis), 10, 1000 * 1000},
    {"sandbox", "processes", COUNT, AT(sandbox.processes), 8, 1000 * 1000},
    {"sandbox", "tmp", SIZE, AT(sandbox.tmp_bytes), MIB, TIB},
    {"sandbox", "workspace", SIZE, AT(sandbox.workspace_bytes), MIB, 100 * TIB},
    {"sandbox", "waive", WORDS, AT(sandbox.waived), 0, 0},
    {"sandbox", "egress", EGRESS, AT(sandbox), 0, 0},
    {"secrets", "provider", PROVIDER, AT(secrets), 0, 0},
    {"secrets", "path", TEXT, AT(secrets_path), 0, 0},
    {"limits", "log", SIZE, AT(log_bytes), 1, TIB},
    {"limits", "caches", SIZE, AT(cache_bytes), 1, 100 * TIB},
    {"limits", "artifacts", SIZE, AT(artifact_bytes), 1, 100 * TIB},
};
enum { KEYS = sizeof keys / sizeof *keys };

/* Read by llm/. */
static const char *const others[] = {"default_client", "clients", "websearch"};
enum { OTHERS = sizeof others / sizeof *others };

static size_t add_name(const char **names, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0)
            return n;
    names[n] = name;
    return n + 1;
}

bool config_check_keys(const struct yaml_node *root, struct err_list *errors)
{
    const char *names[KEYS + OTHERS + 1];
    size_t n = 0;
    for (size_t i = 0; i < OTHERS; i++)
        n = add_name(names, n, others[i]);
    for (size_t i = 0; i < KEYS; i++)
        n = add_name(names, n, *keys[i].section ? keys[i].section : keys[i].name);
    names[n] = NULL;
    return yaml_check_keys(root, "the configuration", names, errors);
}

static bool check_section(const struct yaml_node *section, const char *name,
                          struct err_list *errors)
{
    const char *names[KEYS + 1];
    size_t n = 0;
    if (section->kind != YAML_MAP)
        return err_at(err_list_add(errors), "invalid_config", section->at,
                      "%s must be a mapping, not %s", name, yaml_describe(section));
    for (size_t i = 0; i < KEYS; i++)
        if (strcmp(keys[i].section, name) == 0)
            names[n++] = keys[i].name;
    names[n] = NULL;
    return yaml_check_keys(section, name, names, errors);
}

/* ---- values ---- */

static bool refuse(const struct yaml_node *n, const struct key *k, const char *wanted,
                   struct err_list *errors)
{
    str text = n->kind == YAML_SCALAR ? n->text : str_of(yaml_describe(n));
    return err_at(err_list_add(errors), "invalid_config", n->at, "%s must be %s, not %.*s", k->name,
                  wanted, STR_ARG(text));
}

/* "4GiB", "512MiB", or a number of bytes; times 2^10, as memory is counted. */
static bool read_size(str text, int64_t *ret)
{
    static const char *const units[] = {"", "KiB", "MiB", "GiB", "TiB"};
    size_t end = 0;
    while (end < text.n && ((text.p[end] >= '0' && text.p[end] <= '9') || text.p[end] == '.'))
        end++;
    str unit = str_trim(str_sub(text, end, text.n));
    double number;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (!str_is(unit, units[i]))
            continue;
        if (!num_parse_double(str_sub(text, 0, end), &number) || number > 1e15)
            return false;
        *ret = (int64_t)(number * (double)((int64_t)1 << (10 * i)));
        return true;
    }
    return false;
}

static bool take_number(struct config *c, const struct key *k, const struct yaml_node *n,
                        struct err_list *errors)
{
    static const char *const wanted[] = {[SIZE] = "a size like 512MiB or 4GiB",
                                         [COUNT] = "a whole number",
                                         [CPU] = "a number of processors"};
    int64_t *to = (int64_t *)(void *)((char *)c + k->offset), value = 0;
    double processors;
    bool good = n->kind == YAML_SCALAR;
    if (k->kind == SIZE)
        good = good && read_size(n->text, &value);
    else if (k->kind == COUNT)
        good = good && num_parse_int(n->text, &value);
    else if ((good = good && num_parse_double(n->text, &processors) && processors < 1e6))
        value = (int64_t)(processors * 1000);
    if (!good)
        return refuse(n, k, wanted[k->kind], errors);
    if (value < k->min || value > k->max)
        return err_at(err_list_add(errors), "invalid_config", n->at,
                      "%s must be from %lld to %lld%s", k->name, (long long)k->min,
                      (long long)k->max,
                      k->kind == CPU    ? " thousandths of a processor"
                      : k->kind == SIZE ? " bytes"
                                        : "");
    *to = value;
    return true;
}

static bool take_text(struct config *c, const struct key *k, const struct yaml_node *n,
                      struct err_list *errors)
{
    if (n->kind != YAML_SCALAR || yaml_is_null(n) || !n->text.n)
        return refuse(n, k, "a text", errors);
    *(const char **)(void *)((char *)c + k->offset) = arena_cstr(&c->arena, n->text);
    return true;
}

static bool take_words(struct config *c, const struct key *k, const struct yaml_node *n,
                       const char ***to, struct err_list *errors)
{
    if (n->kind != YAML_LIST || n->n > CONFIG_WORDS_MAX)
        return refuse(n, k, "a list of texts", errors);
    *to = arena_alloc(&c->arena, (n->n + 1) * sizeof **to);
    for (uint32_t i = 0; i < n->n; i++) {
        if (n->items[i]->kind != YAML_SCALAR || !n->items[i]->text.n)
            return refuse(n->items[i], k, "a list of texts", errors);
        (*to)[i] = arena_cstr(&c->arena, n->items[i]->text);
    }
    (*to)[n->n] = NULL;
    return true;
}

static bool take_provider(struct config *c, const struct key *k, const struct yaml_node *n,
                          struct err_list *errors)
{
    static const char *const names[] = {[CONFIG_SECRETS_STORE] = "store",
                                        [CONFIG_SECRETS_ENV] = "env",
                                        [CONFIG_SECRETS_FILE] = "file"};
    for (int i = 0; n->kind == YAML_SCALAR && i < 3; i++) {
        if (str_is(n->text, names[i])) {
            c->secrets = (enum config_provider)i;
            return true;
        }
    }
    refuse(n, k, "store, env or file", errors);
    if (n->kind == YAML_SCALAR && str_is(n->text, "vault"))
        err_hint(&errors->at[errors->n - 1], "vault is no part of this version: `plue secret set` "
                                             "keeps secrets in the encrypted store");
    return false;
}

static bool take_egress(struct config *c, const struct key *k, const struct yaml_node *n,
                        struct err_list *errors)
{
    if (n->kind == YAML_SCALAR && (str_is(n->text, "any") || str_is(n->text, "none"))) {
        c->sandbox.egress = str_is(n->text, "any") ? CONFIG_EGRESS_ANY : CONFIG_EGRESS_NONE;
        return true;
    }
    c->sandbox.egress = CONFIG_EGRESS_LISTED;
    return n->kind == YAML_LIST ? take_words(c, k, n, &c->sandbox.hosts, errors)
                                : refuse(n, k, "any, none or a list of \"host:port\"", errors);
}

static bool take(struct config *c, const struct key *k, const struct yaml_node *n,
                 struct err_list *errors)
{
    switch (k->kind) {
    case TEXT:
        return take_text(c, k, n, errors);
    case WORDS:
        return take_words(c, k, n, &c->sandbox.waived, errors);
    case PROVIDER:
        return take_provider(c, k, n, errors);
    case EGRESS:
        return take_egress(c, k, n, errors);
    default:
        return take_number(c, k, n, errors);
    }
}

/* ---- the file ---- */

static bool take_all(struct config *c, const struct yaml_node *root, struct err_list *errors)
{
    const char *checked = "";
    if (yaml_is_null(root))
        return true;
    if (root->kind != YAML_MAP)
        return err_at(err_list_add(errors), "invalid_config", root->at,
                      "the configuration must be a mapping, not %s", yaml_describe(root));
    if (!config_check_keys(root, errors))
        return false;
    for (size_t i = 0; i < KEYS; i++) {
        const struct key *k = &keys[i];
        const struct yaml_node *in = *k->section ? yaml_get(root, k->section) : root, *value;
        if (!in)
            continue;
        if (*k->section && strcmp(checked, k->section) != 0 &&
            !check_section(in, k->section, errors))
            return false;
        checked = k->section;
        if ((value = yaml_get(in, k->name)) && !take(c, k, value, errors))
            return false;
    }
    const struct yaml_node *secrets = yaml_get(root, "secrets");
    if ((c->secrets == CONFIG_SECRETS_FILE) == (c->secrets_path != NULL))
        return true;
    return err_at(err_list_add(errors), "invalid_config", secrets->at,
                  c->secrets_path ? "secrets.path belongs to provider: file"
                                  : "provider: file needs a path beside it");
}

/* A path of the file is the repository's. */
static void make_absolute(struct config *c, const char *root)
{
    if (c->secrets_path && *c->secrets_path != '/')
        c->secrets_path = arena_printf(&c->arena, "%s/%s", root, c->secrets_path).p;
}

bool config_read(const char *root, struct config *ret, struct err *err)
{
    auto_buf path = BUF(PATH_MAX), text = BUF(CONFIG_FILE_MAX);
    struct sources sources = {0};
    struct err_list errors = {0};
    struct place p;
    *ret = (struct config){0};
    buf_addf(&path, "%s/" CONFIG_PATH, root);
    int e = fd_read_file(AT_FDCWD, buf_c(&path), &text);
    if (e == ENOENT || e == ENOTDIR)
        return true;
    if (e)
        return err_errno(err, "invalid_config", e, "%s cannot be read", buf_c(&path));
    uint32_t source = sources_add(&sources, STR(CONFIG_PATH), buf_str(&text), POS_NONE);
    const struct yaml_node *node = yaml_parse(&ret->arena, &sources, source, err);
    bool ok = node && take_all(ret, node, &errors);
    if (!ok && errors.n)
        err_move(err, &errors.at[0]);
    if (!ok && !err->file.n && sources_place(&sources, err->at, &p))
        err_in_file(err, STR(CONFIG_PATH), p.line, p.column);
    err->at = POS_NONE; /* its source ends here */
    make_absolute(ret, root);
    err_list_done(&errors);
    sources_done(&sources);
    return ok;
}

void config_done(struct config *c)
{
    arena_done(&c->arena);
    *c = (struct config){0};
}

/* ---- egress ---- */

static bool is_listed(const struct config *c, const char *host)
{
    for (const char *const *h = (const char *const *)c->sandbox.hosts; *h; h++)
        if (strcasecmp(*h, host) == 0)
            return true;
    return false;
}

bool config_allows_network(const struct config *c, const char *const *hosts, struct err *err)
{
    if (c->sandbox.egress == CONFIG_EGRESS_ANY || (hosts && !*hosts))
        return true;
    for (; hosts && *hosts; hosts++)
        if (c->sandbox.egress == CONFIG_EGRESS_NONE || !is_listed(c, *hosts))
            break;
    if (hosts && !*hosts)
        return true;
    err_set(err, "egress_refused", "sandbox.egress of " CONFIG_PATH " does not allow %s%s",
            hosts ? "the host " : "network=\"all\"", hosts ? *hosts : "");
    err_hint(err, hosts ? "add it to that list, written as in network=, or remove it from network="
                        : "list the hosts that are needed in network=, and in sandbox.egress");
    return false;
}
