/* Any bytes are rendered as a template: they end, within their limits, and the same way whether the
 * collector runs seldom or at every safepoint. */
#include "value/heap.h"
#include "vm/render.h"
#include "json/value.h"
#include <assert.h>

static bool run(str text, bool collect_always, enum undefined_mode undefined, struct buf *out,
                struct buf *report)
{
    static const str context =
        STR_INIT("{\"a\": [1, 2, {\"b\": \"<x>\"}], \"s\": \"text\", \"n\": null}");
    struct render_options options = {
        .limits = {.instructions = 20000, .bytes = 4 << 20, .depth = 60, .output = 1 << 16},
        .undefined = undefined,
        .collect_always = collect_always,
    };
    auto_err e = ERR_INIT;
    val value;
    struct renderer *r = renderer_new(&options);
    bool read = json_read_val(renderer_heap(r), context, 0, &value);
    assert(read);
    heap_hold(renderer_heap(r), value);
    bool ok = render_text(r, STR("t"), STR("t.j2"), text, 0, value, out, &e);
    heap_release(renderer_heap(r), 1);
    if (!ok)
        render_add_error(report, renderer_sources(r), &e, false);
    renderer_free(r);
    return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_buf out = BUF(1 << 20), again = BUF(1 << 20);
    auto_buf report = BUF(1 << 22), report_again = BUF(1 << 22);
    str text = {(const char *)data, size};
    enum undefined_mode mode = (enum undefined_mode)(size % 3);
    bool first = run(text, false, mode, &out, &report);
    bool second = run(text, true, mode, &again, &report_again);

    /* Garbage counts as use until it is collected: only there the two may differ. */
    if (str_has(buf_str(&report), STR("bytes of memory")))
        return 0;
    assert(first == second);
    assert(str_eq(buf_str(&out), buf_str(&again)));
    assert(str_eq(buf_str(&report), buf_str(&report_again)));
    return 0;
}
