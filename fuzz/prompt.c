/* Any bytes are a prompt file: it is a definition that writes itself as JSON, or has errors. */
#include "prompt/prompt.h"
#include <assert.h>

static bool read_file(void *data, str path, str *ret_text)
{
    if (!str_is(path, "a.prompt.md"))
        return false;
    *ret_text = *(str *)data;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sources sources = SOURCES_INIT;
    auto_arena arena = ARENA_INIT;
    struct err_list errors = {0};
    auto_buf json = BUF(1 << 24);
    struct json_writer w = JSON_WRITER(&json, false);
    str text = str_make((const char *)data, size);
    const struct prompt *p =
        prompt_load(&arena, &sources, STR("a.prompt.md"), read_file, &text, &errors);

    assert((p == NULL) == (errors.n > 0));
    if (p)
        prompt_write_json(&w, p);
    err_list_done(&errors);
    sources_done(&sources);
    return 0;
}
