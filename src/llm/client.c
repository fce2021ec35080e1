#include "llm/client.h"
#include "base/fd.h"
#include "config/config.h"
#include "llm/llm_int.h"
#include "yaml/node.h"
#include "json/json.h"
#include <errno.h>
#include <fcntl.h>

extern const char llm_builtin_clients[];

static const struct llm_wire *const wires[] = {&llm_anthropic, &llm_openai};

/* ---- .plue/config.yaml ---- */

static const char *const client_keys[] = {"provider", "model",      "base_url", "key",
                                          "prices",   "structured", NULL};
static const char *const structured[] = {"tool", "native"}; /* enum llm_structured */
static const char *const search_keys[] = {"base_url", "key", NULL};
static const char *const price_keys[] = {"input", "output", "cache_read", "cache_write", NULL};

static bool expect_map(const struct yaml_node *n, const char *what, struct err_list *errors)
{
    if (!n || n->kind == YAML_MAP)
        return true;
    return err_at(err_list_add(errors), "invalid_config", n->at, "%s must be a mapping, not %s",
                  what, yaml_describe(n));
}

static bool take_prices(const struct yaml_node *n, struct err_list *errors)
{
    bool ok =
        expect_map(n, "prices", errors) && (!n || yaml_check_keys(n, "prices", price_keys, errors));
    for (uint32_t i = 0; ok && n && i < n->n; i++) {
        auto_err ignored = ERR_INIT;
        json_t *v = yaml_to_json(n->items[i], &ignored);
        if (!json_is_number(v) || json_number_value(v) < 0)
            ok = err_at(err_list_add(errors), "invalid_config", n->items[i]->at,
                        "a price is a number of US dollars for a million tokens");
        json_decref(v);
    }
    return ok;
}

static int structured_of(str name)
{
    for (size_t i = 0; i < sizeof structured / sizeof *structured; i++)
        if (str_is(name, structured[i]))
            return (int)i;
    return -1;
}

static bool take_client(struct llm_clients *c, const struct yaml_node *name,
                        const struct yaml_node *n, struct err_list *errors)
{
    auto_err err = ERR_INIT;
    const struct yaml_node *model = yaml_get(n, "model");
    if (!expect_map(n, "a client", errors) ||
        !yaml_check_keys(n, "a client", client_keys, errors) ||
        !take_prices(yaml_get(n, "prices"), errors))
        return false;
    for (uint32_t i = 0; i < n->n; i++)
        if (!str_is(n->keys[i]->text, "prices") && n->items[i]->kind != YAML_SCALAR)
            return err_at(err_list_add(errors), "invalid_config", n->items[i]->at,
                          "%.*s must be a text", STR_ARG(n->keys[i]->text));
    if (yaml_get(n, "structured") && structured_of(yaml_get(n, "structured")->text) < 0)
        return err_at(err_list_add(errors), "invalid_config", yaml_get(n, "structured")->at,
                      "structured must be native or tool");
    if (!model || !model->text.n)
        return err_at(err_list_add(errors), "invalid_config", n->at, "client '%.*s' has no model",
                      STR_ARG(name->text));
    json_t *j = yaml_to_json(n, &err);
    json_t *to = json_object_get(c->table, "clients");
    return json_object_setn_new(to, name->text.p, name->text.n, j) == 0;
}

static bool take_search(struct llm_clients *c, const struct yaml_node *n, struct err_list *errors)
{
    json_t *to = json_object_get(c->table, "websearch");
    if (!n)
        return true;
    if (!expect_map(n, "websearch", errors) ||
        !yaml_check_keys(n, "websearch", search_keys, errors))
        return false;
    for (uint32_t i = 0; i < n->n; i++) {
        const struct yaml_node *v = n->items[i];
        if (v->kind != YAML_SCALAR)
            return err_at(err_list_add(errors), "invalid_config", v->at, "%.*s must be a text",
                          STR_ARG(n->keys[i]->text));
        json_object_setn_new(to, n->keys[i]->text.p, n->keys[i]->text.n,
                             json_stringn(v->text.p, v->text.n));
    }
    return true;
}

static bool take_config(struct llm_clients *c, const struct yaml_node *root,
                        struct err_list *errors)
{
    const struct yaml_node *clients = yaml_get(root, "clients"),
                           *d = yaml_get(root, "default_client");
    if (yaml_is_null(root))
        return true;
    bool ok = expect_map(root, "the configuration", errors) && config_check_keys(root, errors) &&
              expect_map(clients, "clients", errors);
    for (uint32_t i = 0; ok && clients && i < clients->n; i++)
        ok = take_client(c, clients->keys[i], clients->items[i], errors);
    ok = ok && take_search(c, yaml_get(root, "websearch"), errors);
    if (ok && d && d->kind == YAML_SCALAR)
        json_object_set_new(c->table, "default_client", json_stringn(d->text.p, d->text.n));
    return ok;
}

bool llm_clients_init(struct llm_clients *c, str config, str path, struct err_list *errors)
{
    struct sources sources = {0};
    auto_err err = ERR_INIT;
    *c = (struct llm_clients){.table = json_loads(llm_builtin_clients, 0, NULL)};
    uint32_t source = sources_add(&sources, path, config, POS_NONE);
    const struct yaml_node *root = yaml_parse(&c->arena, &sources, source, &err);
    bool ok = root && take_config(c, root, errors);
    if (!root)
        err_move(err_list_add(errors), &err);
    for (size_t i = 0; i < errors->n; i++) { /* their source ends here */
        struct err *e = &errors->at[i];
        struct place p;
        if (!e->file.n && sources_place(&sources, e->at, &p))
            err_in_file(e, path, p.line, p.column);
        e->at = POS_NONE;
    }
    sources_done(&sources);
    return ok;
}

bool llm_clients_open(struct llm_clients *c, const char *root, struct err *err)
{
    auto_buf text = BUF(CONFIG_FILE_MAX), path = BUF(1 << 16);
    struct err_list errors = {0};
    buf_addf(&path, "%s/.plue/config.yaml", root);
    int e = fd_read_file(AT_FDCWD, buf_c(&path), &text);
    if (e && e != ENOENT && e != ENOTDIR)
        return err_errno(err, "invalid_config", e, "%s cannot be read", buf_c(&path));
    bool ok = llm_clients_init(c, buf_str(&text), STR(".plue/config.yaml"), &errors);
    if (!ok && errors.n)
        err_move(err, &errors.at[0]);
    err_list_done(&errors);
    return ok;
}

void llm_clients_done(struct llm_clients *c)
{
    json_decref(c->table);
    arena_done(&c->arena);
}

void llm_clients_search(const struct llm_clients *c, str *ret_url, str *ret_key_name)
{
    json_t *search = json_object_get(c->table, "websearch");
    *ret_url = json_get_text(search, "base_url");
    *ret_key_name = json_get_text(search, "key");
}

/* ---- finding ---- */

static bool unknown(struct llm_clients *c, const char *what, str name, const char *group,
                    struct err *err)
{
    str names[LLM_CLIENTS_MAX];
    size_t n = 0;
    const char *key;
    json_t *v;
    json_object_foreach(json_object_get(c->table, group), key, v) if (n < LLM_CLIENTS_MAX)
        names[n++] = str_of(key);
    long near = str_nearest(name, names, n);
    err_set(err, "llm_unknown_client", "there is no %s '%.*s'", what, STR_ARG(name));
    if (near >= 0)
        err_hint(err, "did you mean '%.*s'?", STR_ARG(names[near]));
    else
        err_hint(err, "a client is PROVIDER/MODEL, or an alias of `clients:` in .plue/config.yaml");
    return false;
}

static void take_price_row(struct llm_client *to, json_t *row)
{
    json_t *p = json_object_get(row, "prices"), *read = json_object_get(p, "cache_read"),
           *write = json_object_get(p, "cache_write");
    if (!json_is_object(p))
        return;
    struct llm_prices x = {.known = true,
                           .input = json_number_value(json_object_get(p, "input")),
                           .output = json_number_value(json_object_get(p, "output"))};
    x.cache_read = read ? json_number_value(read) : x.input;
    x.cache_write = write ? json_number_value(write) : x.input;
    to->prices = x;
}

/* A provider's, a model's or an alias' own word on it; the later one counts. */
static void take_structured(struct llm_client *to, json_t *row)
{
    int said = structured_of(json_get_text(row, "structured"));
    to->structured = said < 0 ? to->structured : (enum llm_structured)said;
}

static str keep(struct llm_clients *c, json_t *j, const char *key)
{
    return arena_str(&c->arena, json_get_text(j, key));
}

static bool take_provider(struct llm_clients *c, str name, struct llm_client *ret, struct err *err)
{
    json_t *p = json_object_getn(json_object_get(c->table, "providers"), name.p, name.n);
    if (!p)
        return unknown(c, "provider", name, "providers", err);
    const char *variable = json_string_value(json_object_get(p, "base_url_env"));
    const char *given = variable ? getenv(variable) : NULL;
    for (size_t i = 0; i < sizeof wires / sizeof *wires; i++)
        if (str_is(json_get_text(p, "wire"), wires[i]->name))
            ret->wire = wires[i];
    ret->base_url = given && *given ? arena_str(&c->arena, str_of(given)) : keep(c, p, "base_url");
    ret->key_name = keep(c, p, "key");
    take_structured(ret, p);
    return true;
}

/* PROVIDER/MODEL, where MODEL is a built-in short name or the provider's own. */
static bool take_model(struct llm_clients *c, str path, struct llm_client *ret, struct err *err)
{
    size_t slash = str_find_byte(path, '/', 0);
    json_t *row = json_object_getn(json_object_get(c->table, "models"), path.p, path.n);
    if (slash == (size_t)-1)
        return unknown(c, "client", path, "clients", err);
    if (!take_provider(c, str_sub(path, 0, slash), ret, err))
        return false;
    ret->model =
        row ? keep(c, row, "model") : arena_str(&c->arena, str_sub(path, slash + 1, path.n));
    take_price_row(ret, row);
    take_structured(ret, row);
    return true;
}

bool llm_clients_find(struct llm_clients *c, str name, struct llm_client *ret, struct err *err)
{
    if (!name.n)
        name = json_get_text(c->table, "default_client");
    struct llm_client found = {.name = arena_str(&c->arena, name)};
    json_t *alias = json_object_getn(json_object_get(c->table, "clients"), name.p, name.n);
    str model = alias ? keep(c, alias, "model") : found.name,
        provider = json_get_text(alias, "provider");
    if (provider.n)
        model = arena_printf(&c->arena, "%.*s/%.*s", STR_ARG(provider), STR_ARG(model));
    if (!take_model(c, model, &found, err))
        return false;
    take_price_row(&found, alias);
    take_structured(&found, alias);
    if (json_get_text(alias, "base_url").n)
        found.base_url = keep(c, alias, "base_url");
    if (json_object_get(alias, "key"))
        found.key_name = keep(c, alias, "key");
    if (found.base_url.n > LLM_URL_MAX)
        return err_set(err, "llm_bad_url", "the address of '%.*s' is too long", STR_ARG(name));
    *ret = found;
    return true;
}
