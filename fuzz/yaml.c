/* Any bytes: a tree whose places lie in the text, or one error with a place in it. */
#include "diag/print.h"
#include "yaml/node.h"
#include <assert.h>

static void check(const struct yaml_node *n, size_t size)
{
    assert(n->at.offset <= size && n->at.offset + n->at.length <= size + 1);
    for (uint32_t i = 0; i < n->n; i++) {
        if (n->kind == YAML_MAP)
            check(n->keys[i], size);
        check(n->items[i], size);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sources s = SOURCES_INIT;
    auto_arena a = ARENA_INIT;
    auto_err err = ERR_INIT;
    auto_buf shown = BUF(1 << 20);
    str text = str_make((const char *)data, size);
    struct yaml_node *root = yaml_parse(&a, &s, sources_add(&s, STR("t"), text, POS_NONE), &err);
    if (root) {
        check(root, size);
        json_t *j = yaml_to_json(root, &err);
        assert((j != NULL) != err_is_set(&err));
        json_decref(j);
    }
    if (err_is_set(&err))
        diag_add_err(&shown, &s, &err, NULL);
    sources_done(&s);
    return 0;
}
