/* Runs files of the JSON-Schema-Test-Suite:  suite REMOTES [--formats] FILE...
 * Prints each case that goes wrong, then "FILE: N passed, N failed"; exits 1 where one failed. */
#include "base/fd.h"
#include "types/schema.h"
#include "json/json.h"
#include <stdio.h>

static const char *remotes;

static json_t *load(void *data, str uri)
{
    static const char host[] = "http://localhost:1234/";
    auto_buf path = BUF(4096);
    auto_err err = ERR_INIT;
    (void)data;
    if (!str_starts(uri, str_of(host)))
        return NULL;
    buf_addf(&path, "%s/%.*s", remotes, STR_ARG(str_sub(uri, sizeof host - 1, uri.n)));
    return json_read_file(buf_c(&path), 0, &err);
}

static void print_errors(struct err_list *errors)
{
    for (size_t i = 0; i < errors->n; i++)
        printf("    %.*s\n", STR_ARG(errors->at[i].message));
}

/* The quick answer and the thorough one, with violations and without. */
static bool answers(struct schema *const both[2], json_t *data, bool wanted, struct err_list *found)
{
    bool ok = true;
    for (int i = 0; i < 2 && ok; i++) {
        err_list_done(found);
        *found = (struct err_list){0};
        ok = both[i] && schema_check(both[i], data, STR("value"), found) == wanted &&
             schema_check(both[i], data, STR("value"), NULL) == wanted && wanted == (found->n == 0);
    }
    return ok;
}

static void run_group(const char *file, json_t *group, bool formats, int *passed, int *failed)
{
    struct schema_options quick = {.load = load, .assert_formats = formats}, thorough = quick;
    struct err_list errors = {0};
    json_t *root = json_object_get(group, "schema"), *test;
    thorough.thorough = true;
    struct schema *both[] = {schema_compile(root, &quick, &errors),
                             schema_compile(root, &thorough, &errors)};
    size_t i;

    json_array_foreach(json_object_get(group, "tests"), i, test)
    {
        struct err_list found = {0};
        bool wanted = json_is_true(json_object_get(test, "valid"));
        bool ok = answers(both, json_object_get(test, "data"), wanted, &found);
        *(ok ? passed : failed) += 1;
        if (!ok) {
            printf("%s: %s: %s: expected %s\n", file,
                   json_string_value(json_object_get(group, "description")),
                   json_string_value(json_object_get(test, "description")),
                   wanted ? "valid" : "invalid");
            print_errors(both[0] ? &found : &errors);
        }
        err_list_done(&found);
    }
    err_list_done(&errors);
    schema_free(both[0]);
    schema_free(both[1]);
}

static bool run_file(const char *file, bool formats)
{
    auto_err err = ERR_INIT;
    json_t *groups = json_read_file(file, 0, &err), *group;
    int passed = 0, failed = 0;
    size_t i;

    if (!groups) {
        printf("%s: %.*s\n%s: 0 passed, 1 failed\n", file, STR_ARG(err.message), file);
        return false;
    }
    json_array_foreach(groups, i, group) run_group(file, group, formats, &passed, &failed);
    json_decref(groups);
    printf("%s: %d passed, %d failed\n", file, passed, failed);
    return failed == 0;
}

int main(int argc, char **argv)
{
    bool ok = argc > 2, formats = false;
    remotes = argc > 1 ? argv[1] : "";
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--formats") == 0)
            formats = true;
        else
            ok &= run_file(argv[i], formats);
    }
    return !ok;
}
