#include "cli/test_case.h"
#include "base/fd.h"
#include <errno.h>
#include <fcntl.h>

enum { TEST_FILE_BYTES = 1 << 20 };

static const char *const case_keys[] = {"name", "workflow", "event", "results", "expect", NULL};
static const char *const expect_keys[] = {"steps",    "steps_include", "absent", "edges",
                                          "no_edges", "awaits",        "result", "error",
                                          "run",      "outcomes",      NULL};
static const char *const result_keys[] = {"status", "reason", "outputs", NULL};
static const char *const error_keys[] = {"code", "message", NULL};

static bool wrong(struct test_file *t, const struct yaml_node *n, const char *what,
                  const char *wanted, const char *hint)
{
    struct err *e = err_list_add(&t->errors);
    err_at(e, "invalid_test", n->at, "%s must be %s, not %s", what, wanted, yaml_describe(n));
    if (hint)
        err_hint(e, "%s", hint);
    return false;
}

/* ---- expect ---- */

static void check_ids(struct test_file *t, const struct yaml_node *list, const char *what)
{
    if (!list)
        return;
    if (list->kind != YAML_LIST) {
        wrong(t, list, what, "a list of step ids", "such as [build, test]");
        return;
    }
    for (uint32_t i = 0; i < list->n; i++)
        if (list->items[i]->kind != YAML_SCALAR)
            wrong(t, list->items[i], what, "a list of step ids", "such as [build, test]");
}

static void check_pairs(struct test_file *t, const struct yaml_node *list, const char *what)
{
    const char *hint = "each is [STEP, DEPENDENCY], such as [[test, build]]";
    if (!list)
        return;
    if (list->kind != YAML_LIST) {
        wrong(t, list, what, "a list of pairs", hint);
        return;
    }
    for (uint32_t i = 0; i < list->n; i++) {
        const struct yaml_node *p = list->items[i];
        if (p->kind != YAML_LIST || p->n != 2 || p->items[0]->kind != YAML_SCALAR ||
            p->items[1]->kind != YAML_SCALAR)
            wrong(t, p, what, "a list of pairs of step ids", hint);
    }
}

static void check_map(struct test_file *t, const struct yaml_node *map, const char *what,
                      const char *const *keys)
{
    if (!map)
        return;
    if (map->kind != YAML_MAP)
        wrong(t, map, what, "a mapping", NULL);
    else if (keys && !yaml_check_keys(map, what, keys, &t->errors))
        return;
}

static void check_word(struct test_file *t, const struct yaml_node *n, const char *what,
                       const char *const *words, const char *wanted)
{
    for (; n && n->kind == YAML_SCALAR && *words; words++)
        if (str_is(n->text, *words))
            return;
    if (n)
        wrong(t, n, what, wanted, NULL);
}

static void check_expect(struct test_file *t, const struct yaml_node *expect)
{
    static const char *const results[] = {"success", "fail", NULL};
    static const char *const runs[] = {"success", "failed", NULL};
    check_map(t, expect, "expect", expect_keys);
    check_ids(t, yaml_get(expect, "steps"), "steps");
    check_ids(t, yaml_get(expect, "steps_include"), "steps_include");
    check_ids(t, yaml_get(expect, "absent"), "absent");
    check_ids(t, yaml_get(expect, "awaits"), "awaits");
    check_pairs(t, yaml_get(expect, "edges"), "edges");
    check_pairs(t, yaml_get(expect, "no_edges"), "no_edges");
    const struct yaml_node *result = yaml_get(expect, "result"), *error = yaml_get(expect, "error");
    check_map(t, result, "result", result_keys);
    check_word(t, yaml_get(result, "status"), "status", results, "success or fail");
    check_word(t, yaml_get(expect, "run"), "run", runs, "success or failed");
    if (error && error->kind != YAML_SCALAR)
        check_map(t, error, "error", error_keys);
    check_map(t, yaml_get(expect, "outcomes"), "outcomes", NULL);
}

/* ---- a case ---- */

static bool take_text(struct test_file *t, const struct yaml_node *node, const char *key, str *ret,
                      pos *ret_at)
{
    const struct yaml_node *n = yaml_get(node, key);
    if (!n) {
        struct err *e = err_list_add(&t->errors);
        err_at(e, "invalid_test", node->at, "the test has no %s", key);
        err_hint(e, strcmp(key, "name") == 0
                        ? "say in a sentence what the workflow does here: name: a push packages"
                        : "name the workflow to plan: workflow: ci");
        return false;
    }
    if (n->kind != YAML_SCALAR || yaml_is_null(n))
        return wrong(t, n, key, "a text", NULL);
    *ret = n->text;
    *ret_at = n->at;
    return true;
}

static bool take_json(struct test_file *t, const struct yaml_node *n, const char *what,
                      json_t **ret)
{
    struct err *e;
    if (!n || yaml_is_null(n))
        return true;
    if (n->kind != YAML_MAP)
        return wrong(t, n, what, "a mapping", NULL);
    e = err_list_add(&t->errors);
    *ret = yaml_to_json(n, e);
    if (*ret)
        t->errors.n--; /* it was not needed */
    return *ret != NULL;
}

static bool check_results(struct test_file *t, const struct yaml_node *results)
{
    bool ok = true;
    for (uint32_t i = 0; results && results->kind == YAML_MAP && i < results->n; i++)
        if (results->items[i]->kind != YAML_MAP)
            ok = wrong(t, results->items[i], "a step's result", "a mapping",
                       "such as {exit_code: 0, stdout: \"...\", outputs: {version: \"1.2\"}}");
    return ok;
}

static void read_case(struct test_file *t, const struct yaml_node *node)
{
    struct test_case c = {.node = node, .name_at = node->at, .event_at = node->at};
    if (node->kind != YAML_MAP) {
        wrong(t, node, "a test", "a mapping", "such as {name: ..., workflow: ci, expect: {...}}");
        return;
    }
    const struct yaml_node *event = yaml_get(node, "event");
    if (event)
        c.event_at = event->at;
    c.results = yaml_get(node, "results");
    c.expect = yaml_get(node, "expect");
    if (c.expect && yaml_is_null(c.expect))
        c.expect = NULL;
    size_t before = t->errors.n;
    (void)(yaml_check_keys(node, "a test", case_keys, &t->errors) &&
           take_text(t, node, "name", &c.name, &c.name_at) &&
           take_text(t, node, "workflow", &c.workflow, &c.workflow_at) &&
           take_json(t, event, "event", &c.event) && check_results(t, c.results) &&
           take_json(t, c.results, "results", &c.results_json));
    if (c.expect)
        check_expect(t, c.expect);
    if (t->errors.n == before) {
        vec_push(&t->cases, c);
        return;
    }
    json_decref(c.event);
    json_decref(c.results_json);
}

/* ---- the file ---- */

static void read_cases(struct test_file *t, const struct yaml_node *root)
{
    if (yaml_is_null(root))
        return;
    if (root->kind != YAML_LIST) {
        wrong(t, root, "a file of tests", "a list of tests",
              "begin each test with \"- name: ...\"");
        return;
    }
    for (uint32_t i = 0; i < root->n; i++)
        read_case(t, root->items[i]);
}

void test_file_read(struct test_file *t, const char *file, str path)
{
    auto_buf text = BUF(TEST_FILE_BYTES);
    *t = (struct test_file){.file = str_dup(str_of(file))};
    t->path = arena_str(&t->arena, path);
    int error = fd_read_file(AT_FDCWD, file, &text);
    if (error) {
        struct err *e = err_list_add(&t->errors);
        if (error == EFBIG)
            err_set(e, "file_too_large", "%.*s is larger than 1 MiB", STR_ARG(path));
        else
            err_errno(e, "file_unreadable", error, "%.*s cannot be read", STR_ARG(path));
        err_in_file(e, path, 0, 0);
        return;
    }
    uint32_t source = sources_add(&t->sources, path, buf_str(&text), POS_NONE);
    auto_err e = ERR_INIT;
    const struct yaml_node *root = yaml_parse(&t->arena, &t->sources, source, &e);
    if (root)
        read_cases(t, root);
    else
        err_move(err_list_add(&t->errors), &e);
}

void test_file_done(struct test_file *t)
{
    vec_each (c, &t->cases) {
        json_decref(c->event);
        json_decref(c->results_json);
    }
    vec_done(&t->cases);
    err_list_done(&t->errors);
    sources_done(&t->sources);
    arena_done(&t->arena);
    free(t->file);
}
