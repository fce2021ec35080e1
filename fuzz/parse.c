/* Any bytes are given to the parser: it accepts them, or reports errors inside of the text. */
#include "syntax/parse.h"
#include <assert.h>

static void check(const void *tree, struct err_list *errors, size_t size)
{
    assert((tree == NULL) == (errors->n > 0));
    for (size_t i = 0; i < errors->n; i++) {
        assert(errors->at[i].at.offset <= size);
        assert(errors->at[i].at.length <= size + 1 - errors->at[i].at.offset);
    }
    err_list_done(errors);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sources sources = SOURCES_INIT;
    auto_arena arena = ARENA_INIT;
    struct err_list errors = {0};
    uint32_t id = sources_add(&sources, STR("t.py"), str_make((const char *)data, size), POS_NONE);

    check(syntax_parse(&sources, id, &arena, &errors), &errors, size);
    check(syntax_parse_expr(&sources, id, &arena, &errors), &errors, size);
    sources_done(&sources);
    return 0;
}
