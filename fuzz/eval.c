/* Any bytes are compiled and run: they end, within their limits, and the same way whether the
 * collector runs seldom or at every safepoint. */
#include "vm/eval.h"
#include <assert.h>

static void print(void *data, str text)
{
    buf_add_str(data, text);
}

static enum eval_outcome run(str text, bool collect_always, struct buf *out, struct buf *report)
{
    struct eval_options options = {
        .limits = {.instructions = 20000, .bytes = 4 << 20, .depth = 60, .output = 1 << 16},
        .collect_always = collect_always,
        .host = {.data = out, .print = print},
    };
    return vm_eval(STR("t.py"), text, &options, report);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_buf out = BUF(1 << 20), again = BUF(1 << 20);
    auto_buf report = BUF(1 << 22), report_again = BUF(1 << 22);
    str text = {(const char *)data, size};
    enum eval_outcome first = run(text, false, &out, &report);
    enum eval_outcome second = run(text, true, &again, &report_again);

    /* Garbage counts as use until it is collected: only there the two may differ. */
    if (str_has(buf_str(&report), STR("bytes of memory")))
        return 0;
    assert(first == second);
    assert(str_eq(buf_str(&out), buf_str(&again)));
    assert(str_eq(buf_str(&report), buf_str(&report_again)));
    return 0;
}
