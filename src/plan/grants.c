#include "plan/grants.h"
#include "json/json.h"

static void grant(struct plan_grants *g, enum plan_grant_kind kind, str step, str name)
{
    str key = arena_printf(&g->arena, "%d %.*s %.*s", (int)kind, STR_ARG(step), STR_ARG(name));
    if (map_has(&g->keys, key))
        return;
    map_set(&g->keys, key, g);
    vec_push(&g->list, (struct plan_grant){kind, step, arena_str(&g->arena, name), key});
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* secrets.NAME anywhere in the expression: one too many is shown rather than one too few. */
static void find_secrets(struct plan_grants *g, str step, str expr)
{
    const str word = STR("secrets.");
    for (size_t at = 0; (at = str_find(expr, word, at)) != SIZE_MAX;) {
        bool inner = at && (is_name_char(expr.p[at - 1]) || expr.p[at - 1] == '.');
        size_t from = at += word.n;
        while (at < expr.n && is_name_char(expr.p[at]))
            at++;
        if (!inner && at > from)
            grant(g, PLAN_GRANT_SECRET, step, str_sub(expr, from, at));
    }
}

static void find_in(struct plan_grants *g, str step, const json_t *j)
{
    const char *key;
    json_t *item;
    const char *expr = json_string_value(json_object_get(j, "$expr"));
    if (expr && json_object_size(j) == 1) {
        find_secrets(g, step, str_of(expr));
        return;
    }
    json_object_foreach((json_t *)j, key, item) find_in(g, step, item);
    for (size_t i = 0; json_is_array(j) && i < json_array_size(j); i++)
        find_in(g, step, json_array_get(j, i));
}

static void find_egress(struct plan_grants *g, str step, const json_t *network)
{
    if (json_is_string(network))
        grant(g, PLAN_GRANT_EGRESS, step, str_of(json_string_value(network)));
    for (size_t i = 0; json_is_array(network) && i < json_array_size(network); i++) {
        const char *host = json_string_value(json_array_get(network, i));
        grant(g, PLAN_GRANT_EGRESS, step, str_of(host ? host : "?"));
    }
}

static void find_tools(struct plan_grants *g, str step, const json_t *tools)
{
    for (size_t i = 0; json_is_array(tools) && i < json_array_size(tools); i++) {
        const json_t *tool = json_array_get(tools, i);
        grant(g, PLAN_GRANT_TOOL, step, json_get_text(tool, "name"));
        find_egress(g, step, json_object_get(json_object_get(tool, "config"), "network"));
    }
}

static json_t *load(str text)
{
    return text.n ? json_loadb(text.p, text.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL) : NULL;
}

void plan_find_grants(const struct plan *p, struct plan_grants *ret)
{
    *ret = (struct plan_grants){0};
    if (!p)
        return;
    json_t *network = load(p->network), *env = load(p->env);
    find_egress(ret, STR(""), network);
    find_in(ret, STR(""), env);
    json_decref(network);
    json_decref(env);
    for (uint32_t i = 0; i < p->step_count; i++) {
        json_t *config = load(p->steps[i].config);
        find_in(ret, p->steps[i].id, config);
        find_egress(ret, p->steps[i].id, json_object_get(config, "network"));
        find_tools(ret, p->steps[i].id, json_object_get(config, "tools"));
        json_decref(config);
    }
}

void plan_grants_done(struct plan_grants *g)
{
    vec_done(&g->list);
    map_done(&g->keys);
    arena_done(&g->arena);
}
