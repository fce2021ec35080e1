/* Any bytes: a tree whose places lie in the text, or one error with a place in it; and the same
 * tree, or several errors with places, where all of them are asked for. */
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
static void check_all(struct sources *s, uint32_t source, size_t size, bool fine)
{
    auto_arena a = ARENA_INIT;
    struct err_list errors = {0};
    struct yaml_lost lost;
    const struct yaml_node *root = yaml_parse_all(&a, s, source, &lost, &errors);
    check(root, size);
    assert(fine == (errors.n == 0));
    assert(!fine || lost.n == 0);
    for (size_t i = 0; i < errors.n; i++)
        assert(errors.at[i].at.offset <= size && errors.at[i].hint.n);
    err_list_done(&errors);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sources s = SOURCES_INIT;
    auto_arena a = ARENA_INIT;
    auto_err err = ERR_INIT;
    auto_buf shown = BUF(1 << 20);
    str text = str_make((const char *)data, size);
    uint32_t source = sources_add(&s, STR("t"), text, POS_NONE);
    struct yaml_node *root = yaml_parse(&a, &s, source, &err);
    check_all(&s, source, size, root != NULL);
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
