#include "check.h"
#include <malloc.h>

static val root;
static void mark_root(struct heap *h)
{
    heap_mark(h, root);
}

static void heap__fresh_is_small(void **state)
{
    (void)state;
    struct mallinfo2 before = mallinfo2();
    auto_heap h;
    heap_init(&h, NULL);
    assert_int_equal(h.bytes, 0);
#if !defined(__SANITIZE_ADDRESS__)
    assert_true(mallinfo2().uordblks - before.uordblks < 64 * 1024);
#endif
    (void)before;
}

static void heap__collect_keeps_what_roots_reach(void **state)
{
    (void)state;
    auto_heap h;
    heap_init(&h, NULL);
    h.mark_roots = mark_root;
    must(&h, dict_new(&h, 0, &root));
    for (int i = 0; i < 2000; i++) {
        val list, text;
        must(&h, text_printf(&h, &text, "a text that is too long to be interned, %d", i));
        must(&h, list_from(&h, &text, 1, &list));
        if (i % 2)
            must(&h, dict_set(&h, root.dict, val_int(i), list));
    }
    size_t before = h.bytes;
    heap_collect(&h);
    assert_true(h.bytes < before * 3 / 4);
    size_t after = h.bytes;
    heap_collect(&h);
    assert_int_equal(h.bytes, after);
    val list;
    must(&h, dict_get(&h, root.dict, val_int(1999), &list));
    assert_repr(&h, list, "['a text that is too long to be interned, 1999']");
    root = VAL_NONE;
    heap_collect(&h);
    heap_collect(&h);
    assert_true(h.bytes < 8192); /* the pool of interned strings alone */
}

static void heap__collect_walks_any_nesting(void **state)
{
    (void)state;
    auto_heap h;
    heap_init(&h, NULL);
    h.mark_roots = mark_root;
    root = VAL_NONE;
    for (int i = 0; i < 300000; i++)
        must(&h, list_from(&h, &root, 1, &root));
    size_t before = h.bytes;
    heap_collect(&h);
    assert_int_equal(h.bytes, before);
    root = VAL_NONE;
    heap_collect(&h);
    assert_int_equal(h.bytes, 0);
}

static void heap__held_values_live(void **state)
{
    (void)state;
    auto_heap h;
    heap_init(&h, NULL);
    val list = INTS(&h, 1, 2, 3);
    heap_hold(&h, list);
    heap_collect(&h);
    assert_repr(&h, list, "[1, 2, 3]");
    heap_release(&h, 1);
    heap_collect(&h);
    heap_collect(&h);
    assert_true(h.bytes < 8192);
}

static void heap__memory_limit_is_a_fault(void **state)
{
    (void)state;
    auto_heap h;
    struct heap_limits limits = heap_default_limits;
    limits.bytes = 100000;
    heap_init(&h, &limits);
    val list;
    bool ok = list_new(&h, 0, &list);
    while (ok)
        ok = list_push(&h, list.list, VAL_NONE);
    assert_int_equal(h.fault.kind, FAULT_LIMIT);
    must_fail(&h, ok, "memory_limit: the evaluation needs more than its 100000 bytes of memory");
    assert_true(h.bytes <= 100000);
    val ret;
    must_fail(&h, op_binary(&h, BINARY_MUL, list, val_int(1ll << 40), &ret),
              "memory_limit: the evaluation needs more than its 100000 bytes of memory");
}

static void heap__instruction_limit_is_a_fault(void **state)
{
    (void)state;
    auto_heap h;
    struct heap_limits limits = heap_default_limits;
    limits.instructions = 100;
    heap_init(&h, &limits);
    must(&h, heap_charge(&h, 100));
    must_fail(&h, heap_charge(&h, 1),
              "instruction_limit: the evaluation takes more than its 100 instructions");
}

static void heap__depth_limit_is_a_fault(void **state)
{
    (void)state;
    auto_heap h;
    struct heap_limits limits = heap_default_limits;
    limits.depth = 2;
    heap_init(&h, &limits);
    must(&h, heap_enter(&h));
    must(&h, heap_enter(&h));
    must_fail(&h, heap_enter(&h),
              "depth_limit: calls or data are nested deeper than the depth limit of 2");
    heap_leave(&h);
    must(&h, heap_enter(&h));
}

static void heap__first_fault_stays(void **state)
{
    (void)state;
    auto_heap h;
    heap_init(&h, NULL);
    assert_false(heap_raise(&h, &exc_ValueError, "one %d", 1));
    assert_false(heap_raise(&h, &exc_TypeError, "two"));
    assert_string_equal(fault_text(&h), "ValueError: one 1");
}

static void heap__many_leave_nothing_behind(void **state)
{
    (void)state;
    struct mallinfo2 before = mallinfo2();
    for (int i = 0; i < 20000; i++) {
        auto_heap h;
        heap_init(&h, NULL);
        val d;
        must(&h, dict_new(&h, 0, &d));
        must(&h, dict_set_str(&h, d.dict, STR("key"), txt(&h, "a value that is not so short")));
    }
    assert_true(mallinfo2().uordblks <= before.uordblks + 4096);
}

static void heap__freeze_reaches_all(void **state)
{
    (void)state;
    auto_heap h;
    heap_init(&h, NULL);
    val inner = INTS(&h, 1), tuple, d, ret, v = val_int(2);
    must(&h, tuple_from(&h, &inner, 1, &tuple));
    must(&h, dict_new(&h, 0, &d));
    must(&h, dict_set_str(&h, d.dict, STR("k"), tuple));
    must(&h, val_freeze(&h, d));
    const char *list_text =
        "TypeError: 'list' object is frozen: values of modules cannot be changed";
    must_fail(&h, call_method(&h, inner, "append", &v, 1, &ret), list_text);
    must_fail(&h, val_setitem(&h, inner, val_int(0), v), list_text);
    must_fail(&h, val_delitem(&h, inner, val_int(0)), list_text);
    must_fail(&h, op_inplace(&h, BINARY_ADD, inner, inner, &ret), list_text);
    must_fail(&h, dict_set_str(&h, d.dict, STR("k"), v),
              "TypeError: 'dict' object is frozen: values of modules cannot be changed");
    must_fail(&h, val_delitem(&h, d, txt(&h, "k")),
              "TypeError: 'dict' object is frozen: values of modules cannot be changed");
    assert_repr(&h, d, "{'k': ([1],)}");
    heap_hold(&h, d);
    heap_collect(&h); /* freezing left no marks behind */
    assert_repr(&h, d, "{'k': ([1],)}");
    heap_release(&h, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heap__fresh_is_small),
        cmocka_unit_test(heap__collect_keeps_what_roots_reach),
        cmocka_unit_test(heap__collect_walks_any_nesting),
        cmocka_unit_test(heap__held_values_live),
        cmocka_unit_test(heap__memory_limit_is_a_fault),
        cmocka_unit_test(heap__instruction_limit_is_a_fault),
        cmocka_unit_test(heap__depth_limit_is_a_fault),
        cmocka_unit_test(heap__first_fault_stays),
        cmocka_unit_test(heap__many_leave_nothing_behind),
        cmocka_unit_test(heap__freeze_reaches_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
