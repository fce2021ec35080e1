/* Any bytes are a template of which lint asks what it uses: an answer that hangs together, or an
 * error with a place, in bounded time and memory. */
#include "vm/uses.h"
#include <assert.h>

enum { BYTES_MAX = 64 << 20 };

static void check(const struct template_uses *u, size_t size)
{
    for (uint32_t i = 0; i < u->block_count; i++)
        assert(u->blocks[i].outer <= i);
    for (uint32_t i = 0; i < u->loads.n; i++) {
        const struct template_name *n = &u->loads.at[i];
        assert(n->block <= u->block_count && n->at.offset + n->at.length <= size);
    }
    for (uint32_t i = 0; i < u->others.n; i++) {
        const struct template_choice *c = &u->others.at[i];
        assert(c->block <= u->block_count && (c->list || c->n == 1));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sources s = SOURCES_INIT;
    auto_arena a = ARENA_INIT;
    auto_err err = ERR_INIT;
    struct template_uses uses;
    str text = str_make((const char *)data, size);
    uint32_t source = sources_add(&s, STR("t.j2"), text, POS_NONE);
    bool ok = template_uses_read(&s, source, 0, &a, &uses, &err);
    assert(ok != err_is_set(&err));
    if (ok)
        check(&uses, size);
    assert(a.used < BYTES_MAX);
    sources_done(&s);
    return 0;
}
