/* Bytes are [SCHEMA, VALUE]: compiling and checking end, and the short answer is the long one's;
 * the quick one is the thorough one's, unless a bound is passed, which they count differently. */
#include "types/schema.h"
#include <assert.h>

static bool is_bounded(const struct err_list *errors)
{
    for (size_t i = 0; i < errors->n; i++)
        if (strcmp(errors->at[i].code, "limit_exceeded") == 0)
            return true;
    return false;
}

static void compare(json_t *root, json_t *value)
{
    struct schema_options options = {.assert_formats = true};
    struct err_list errors = {0}, thorough_errors = {0};
    struct schema *s = schema_compile(root, &options, &errors);
    assert((s == NULL) == (errors.n > 0));
    options.thorough = true;
    struct schema *thorough = schema_compile(root, &options, &thorough_errors);
    assert((thorough == NULL) == (s == NULL));
    if (s) {
        bool ok = schema_check(s, value, STR("value"), NULL);
        assert(ok == schema_check(s, value, STR("value"), &errors));
        assert(ok == (errors.n == 0));
        bool also_ok = schema_check(thorough, value, STR("value"), &thorough_errors);
        assert(ok == also_ok || is_bounded(&errors) || is_bounded(&thorough_errors));
    }
    schema_free(s);
    schema_free(thorough);
    err_list_done(&errors);
    err_list_done(&thorough_errors);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *both = json_loadb((const char *)data, size, JSON_ALLOW_NUL, NULL);
    json_t *root = json_array_get(both, 0), *value = json_array_get(both, 1);
    if (root && value)
        compare(root, value);
    json_decref(both);
    return 0;
}
