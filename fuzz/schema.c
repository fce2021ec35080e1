/* Bytes are [SCHEMA, VALUE]: compiling and checking end, and the short answer is the long one's. */
#include "types/schema.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *both = json_loadb((const char *)data, size, JSON_ALLOW_NUL, NULL);
    struct err_list errors = {0};
    json_t *root = json_array_get(both, 0), *value = json_array_get(both, 1);
    if (root && value) {
        struct schema_options options = {.assert_formats = true};
        struct schema *s = schema_compile(root, &options, &errors);
        assert((s == NULL) == (errors.n > 0));
        if (s) {
            bool ok = schema_check(s, value, STR("value"), NULL);
            assert(ok == schema_check(s, value, STR("value"), &errors));
            assert(ok == (errors.n == 0));
        }
        schema_free(s);
    }
    err_list_done(&errors);
    json_decref(both);
    return 0;
}
