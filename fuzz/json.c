/* Any bytes are JSON: loading them gives a value or a JSONDecodeError, and what dumps writes of the
 * value is loaded again to the same text. */
#include "base/utf8.h"
#include "value/ops.h"
#include "value/text.h"
#include "value/types.h"
#include "json/value.h"
#include <assert.h>

static bool call(struct heap *h, const char *name, val argument, val *ret)
{
    const struct native_def *row = json_module;
    while (strcmp(row->name, name) != 0)
        row++;
    return val_call(h, val_native(row), &argument, 1, ret);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct heap_limits limits = heap_default_limits;
    limits.bytes = 8 << 20;
    auto_heap h;
    val text, value, written, again;

    heap_init(&h, &limits);
    if (utf8_invalid_at(str_make((const char *)data, size)) != SIZE_MAX ||
        !text_new(&h, str_make((const char *)data, size), &text))
        return 0;
    if (!call(&h, "loads", text, &value) || !call(&h, "dumps", value, &written))
        return 0;
    if (call(&h, "loads", written, &value) && call(&h, "dumps", value, &again))
        assert(str_eq(text_str(written), text_str(again)));
    return 0;
}
