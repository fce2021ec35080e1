/* Any bytes are JSON: loading them gives a value or a JSONDecodeError, and what dumps writes of the
 * value is loaded again to the same text. What is picked out of an object is what reading all of it
 * finds there. */
#include "json/json.h"
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

static void pick(str text)
{
    static const char *const names[] = {"a", "cmd", "", NULL};
    auto_buf picked = BUF(1 << 20);
    bool good = json_pick(text, names, &picked);
    json_t *whole = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    if (json_is_object(whole)) {
        json_t *part = json_loadb(picked.p, picked.n, JSON_ALLOW_NUL, NULL);
        assert(good && part);
        for (size_t i = 0; names[i] && !memchr(text.p, '\\', text.n); i++) {
            const json_t *want = json_object_get(whole, names[i]);
            const json_t *got = json_object_get(part, names[i]);
            /* jansson takes a NUL byte behind a null; such a one is kept. */
            assert(!want || json_is_null(want) ? !got || json_is_null(got) : json_equal(want, got));
        }
        json_decref(part);
    }
    json_decref(whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct heap_limits limits = heap_default_limits;
    limits.bytes = 8 << 20;
    auto_heap h;
    val text, value, written, again;

    heap_init(&h, &limits);
    pick(str_make((const char *)data, size));
    if (utf8_invalid_at(str_make((const char *)data, size)) != SIZE_MAX ||
        !text_new(&h, str_make((const char *)data, size), &text))
        return 0;
    if (!call(&h, "loads", text, &value) || !call(&h, "dumps", value, &written))
        return 0;
    if (call(&h, "loads", written, &value) && call(&h, "dumps", value, &again))
        assert(str_eq(text_str(written), text_str(again)));
    return 0;
}
