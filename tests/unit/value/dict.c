#include "check.h"

static void dict__finds_what_was_set(void **state)
{
    (void)state;
    auto_heap h;
    heap_init(&h, NULL);
    val d, v;
    must(&h, dict_new(&h, 0, &d));
    for (int64_t i = 0; i < 5000; i++)
        must(&h, dict_set(&h, d.dict, val_int(i * 7), val_int(i)));
    for (int64_t i = 0; i < 5000; i += 3) {
        must(&h, dict_remove(&h, d.dict, val_int(i * 7), &v));
        assert_int_equal(v.i, i);
    }
    for (int64_t i = 0; i < 5000; i++) {
        must(&h, dict_get(&h, d.dict, val_int(i * 7), &v));
        assert_int_equal(val_is_unbound(v), i % 3 == 0);
        if (i % 3)
            assert_int_equal(v.i, i);
    }
    must(&h, dict_get(&h, d.dict, val_int(1), &v));
    assert_true(val_is_unbound(v));
    assert_int_equal(d.dict->n, 5000 - 1667);
}

static void dict__keeps_the_order_of_insertion(void **state)
{
    (void)state;
    auto_heap h;
    heap_init(&h, NULL);
    val d, v;
    must(&h, dict_new(&h, 0, &d));
    for (int i = 0; i < 6; i++)
        must(&h, dict_set(&h, d.dict, val_int(10 - i), val_int(i)));
    must(&h, dict_remove(&h, d.dict, val_int(10), &v));
    must(&h, dict_set(&h, d.dict, val_int(7), VAL_NONE));
    must(&h, dict_set(&h, d.dict, val_int(10), VAL_TRUE));
    assert_repr(&h, d, "{9: 1, 8: 2, 7: None, 6: 4, 5: 5, 10: True}");
}

static void dict__equal_numbers_are_one_key(void **state)
{
    (void)state;
    auto_heap h;
    heap_init(&h, NULL);
    val d;
    must(&h, dict_new(&h, 0, &d));
    must(&h, dict_set(&h, d.dict, val_int(1), val_int(1)));
    must(&h, dict_set(&h, d.dict, val_float(1), val_int(2)));
    must(&h, dict_set(&h, d.dict, VAL_TRUE, val_int(3)));
    must(&h, dict_set(&h, d.dict, val_float(-0.0), val_int(4)));
    must(&h, dict_set(&h, d.dict, val_int(0), val_int(5)));
    assert_repr(&h, d, "{1: 3, -0.0: 5}");
}

static void dict__refuses_unhashable_keys(void **state)
{
    (void)state;
    auto_heap h;
    heap_init(&h, NULL);
    val d, key, list = INTS(&h, 1);
    must(&h, dict_new(&h, 0, &d));
    must_fail(&h, dict_set(&h, d.dict, list, VAL_NONE), "TypeError: unhashable type: 'list'");
    must(&h, tuple_from(&h, &list, 1, &key));
    must_fail(&h, dict_set(&h, d.dict, key, VAL_NONE), "TypeError: unhashable type: 'list'");
    must_fail(&h, dict_set(&h, d.dict, d, VAL_NONE), "TypeError: unhashable type: 'dict'");
}

/* A queue: the oldest leaves, a new one comes; both ends must stay cheap. */
static void dict__queue_and_stack_cost_nothing_extra(void **state)
{
    (void)state;
    auto_heap h;
    heap_init(&h, NULL);
    val d, v;
    must(&h, dict_new(&h, 0, &d));
    for (int64_t i = 0; i < 1000; i++)
        must(&h, dict_set(&h, d.dict, val_int(i), VAL_NONE));
    for (int64_t i = 0; i < 300000; i++) {
        uint32_t at = 0;
        struct dict_entry *oldest = dict_next(d.dict, &at);
        assert_int_equal(oldest->key.i, i);
        must(&h, dict_remove(&h, d.dict, oldest->key, &v));
        must(&h, dict_set(&h, d.dict, val_int(i + 1000), VAL_NONE));
    }
    assert_int_equal(d.dict->n, 1000);
    assert_true(d.dict->cap <= 2048);
    for (int64_t i = 0; i < 300000; i++) {
        must(&h, call_method(&h, d, "popitem", NULL, 0, &v));
        must(&h, dict_set(&h, d.dict, val_int(i), VAL_NONE));
    }
    assert_int_equal(d.dict->n, 1000);
    assert_true(d.dict->cap <= 2048);
    while (d.dict->n)
        must(&h, call_method(&h, d, "popitem", NULL, 0, &v));
    must_fail(&h, call_method(&h, d, "popitem", NULL, 0, &v),
              "KeyError: 'popitem(): dictionary is empty'");
}

static void dict__text_keys_need_no_object(void **state)
{
    (void)state;
    auto_heap h;
    heap_init(&h, NULL);
    val d, v;
    char key[64];
    must(&h, dict_new(&h, 0, &d));
    for (int i = 0; i < 100; i++) {
        snprintf(key, sizeof key, "key number %d of the hundred of them", i);
        must(&h, dict_set_str(&h, d.dict, str_of(key), val_int(i)));
        must(&h, dict_get(&h, d.dict, txt(&h, key), &v));
        assert_int_equal(v.i, i);
        assert_int_equal(dict_get_str(d.dict, str_of(key)).i, i);
    }
    assert_true(val_is_unbound(dict_get_str(d.dict, STR("key"))));
    assert_true(val_is_unbound(dict_get_str(d.dict, STR(""))));
}

static void dict__iteration_sees_changes(void **state)
{
    (void)state;
    auto_heap h;
    heap_init(&h, NULL);
    val d, it, v;
    must(&h, dict_new(&h, 0, &d));
    must(&h, dict_set(&h, d.dict, val_int(1), VAL_NONE));
    must(&h, dict_set(&h, d.dict, val_int(2), VAL_NONE));
    must(&h, val_iter(&h, d, &it));
    must(&h, val_next(&h, it, &v));
    must(&h, dict_set(&h, d.dict, val_int(2), VAL_TRUE)); /* a new value is no change of keys */
    must(&h, val_next(&h, it, &v));
    must(&h, dict_set(&h, d.dict, val_int(3), VAL_TRUE));
    must_fail(&h, val_next(&h, it, &v), "RuntimeError: dictionary changed size during iteration");
    must(&h, val_iter(&h, d, &it));
    must(&h, dict_remove(&h, d.dict, val_int(1), &v));
    must(&h, dict_set(&h, d.dict, val_int(1), VAL_TRUE));
    must_fail(&h, val_next(&h, it, &v), "RuntimeError: dictionary keys changed during iteration");
}

static void dict__records_have_fields_before_methods(void **state)
{
    (void)state;
    auto_heap h;
    heap_init(&h, NULL);
    val d, v;
    must(&h, dict_new(&h, 0, &d));
    must(&h, dict_set_str(&h, d.dict, STR("items"), val_int(7)));
    assert_non_null(val_find_method(d, STR("items")));
    d.o->flags |= OBJ_RECORD;
    assert_null(val_find_method(d, STR("items")));
    must(&h, val_getattr(&h, d, STR("items"), &v));
    assert_int_equal(v.i, 7);
    must(&h, call_method(&h, d, "keys", NULL, 0, &v));
    assert_repr(&h, v, "dict_keys(['items'])");
    must_fail(&h, val_getattr(&h, d, STR("other"), &v),
              "AttributeError: 'dict' object has no attribute 'other'");
}

static void set__pops_the_oldest(void **state)
{
    (void)state;
    auto_heap h;
    heap_init(&h, NULL);
    val s, v;
    must(&h, set_new(&h, V_SET, 0, &s));
    for (int64_t i = 0; i < 100000; i++)
        must(&h, set_add(&h, s.set, val_int(i ^ 5)));
    for (int64_t i = 0; i < 100000; i++) {
        must(&h, call_method(&h, s, "pop", NULL, 0, &v));
        assert_int_equal(v.i, i ^ 5);
    }
    must_fail(&h, call_method(&h, s, "pop", NULL, 0, &v), "KeyError: 'pop from an empty set'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dict__finds_what_was_set),
        cmocka_unit_test(dict__keeps_the_order_of_insertion),
        cmocka_unit_test(dict__equal_numbers_are_one_key),
        cmocka_unit_test(dict__refuses_unhashable_keys),
        cmocka_unit_test(dict__queue_and_stack_cost_nothing_extra),
        cmocka_unit_test(dict__text_keys_need_no_object),
        cmocka_unit_test(dict__iteration_sees_changes),
        cmocka_unit_test(dict__records_have_fields_before_methods),
        cmocka_unit_test(set__pops_the_oldest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
