/* Values that call back: keys of sort, iterators over functions, and deferred objects. */
#include "check.h"
#include "value/iter.h"

/* ---- a function of the test, as an object that can be called ---- */

struct callback {
    struct object o;
    bool (*fn)(struct heap *h, val arg, val *ret);
};

static bool callback_call(struct heap *h, struct object *o, const struct call_args *args, val *ret)
{
    val arg = args->n ? args->at[0] : VAL_NONE, result = VAL_NONE;
    heap_hold(h, arg); /* as a machine's frame would */
    bool ok = ((struct callback *)o)->fn(h, arg, &result);
    heap_hold(h, result);
    heap_collect(h); /* nothing that is still needed may go */
    heap_release(h, 2);
    *ret = result;
    return ok;
}

static const struct obj_class callback_class = {.type = {.name = "callback"},
                                                .call = callback_call};

static val callback(struct heap *h, bool (*fn)(struct heap *h, val arg, val *ret))
{
    struct callback *c = heap_new(h, V_OBJECT, sizeof *c);
    assert_non_null(c);
    c->o.class = &callback_class;
    c->fn = fn;
    return val_obj(V_OBJECT, c);
}

/* ---- a deferred value of the test ---- */

struct deferred {
    struct object o;
    val value; /* V_UNBOUND while it is unknown */
};

static bool deferred_decide(struct heap *h, struct object *o, val *ret)
{
    *ret = ((struct deferred *)o)->value;
    return !val_is_unbound(*ret) || heap_await(h, val_obj(V_OBJECT, o));
}

static bool deferred_binary(struct heap *h, int op, val a, val b, val *ret)
{
    return text_printf(h, ret, "deferred binary %d of %s and %s", op, val_type_name(a),
                       val_type_name(b));
}

static bool deferred_compare(struct heap *h, int op, val a, val b, val *ret)
{
    return text_printf(h, ret, "deferred compare %d of %s and %s", op, val_type_name(a),
                       val_type_name(b));
}

static bool deferred_call(struct heap *h, const struct native_def *def,
                          const struct call_args *args, val *ret)
{
    return text_printf(h, ret, "deferred %s of %u", def->name, args->n);
}

static void deferred_trace(struct heap *h, struct object *o)
{
    heap_mark(h, ((struct deferred *)o)->value);
}

static const struct obj_class deferred_class = {
    .type = {.name = "deferred"},
    .decide = deferred_decide,
    .binary = deferred_binary,
    .compare = deferred_compare,
    .defer_call = deferred_call,
    .trace = deferred_trace,
};

static val deferred(struct heap *h, val value)
{
    struct deferred *d = heap_new(h, V_OBJECT, sizeof *d);
    assert_non_null(d);
    d->o.class = &deferred_class;
    d->value = value;
    return val_obj(V_OBJECT, d);
}

static void assert_awaits(struct heap *h, bool ok, val v)
{
    assert_false(ok);
    assert_int_equal(h->fault.kind, FAULT_AWAIT);
    assert_ptr_equal(h->fault.value.o, v.o);
    heap_clear_fault(h);
}

/* ---- sorting ---- */

static int64_t random_next(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (int64_t)(*seed >> 33);
}

static void sort__orders_any_length(void **state)
{
    (void)state;
    auto_heap h;
    heap_init(&h, NULL);
    uint64_t seed = 1;
    for (uint32_t n = 0; n < 3000; n = n * 5 / 4 + 1) {
        val l;
        must(&h, list_new(&h, n, &l));
        for (uint32_t i = 0; i < n; i++)
            must(&h, list_push(&h, l.list,
                               val_int(n % 3 ? random_next(&seed) % 1000 : i / 7 * (i % 7))));
        must(&h, list_sort(&h, l.list, VAL_NONE, false));
        for (uint32_t i = 1; i < n; i++)
            assert_true(l.list->at[i - 1].i <= l.list->at[i].i);
    }
}

static bool key_modulo(struct heap *h, val v, val *ret)
{
    /* A key that only the sort holds. */
    const val pair[] = {val_int(v.i % 10), VAL_NONE};
    return tuple_from(h, pair, 1, ret);
}

static void sort__is_stable(void **state)
{
    (void)state;
    for (int reverse = 0; reverse < 2; reverse++) {
        auto_heap h;
        heap_init(&h, NULL);
        val l, fn = callback(&h, key_modulo);
        must(&h, list_new(&h, 0, &l));
        for (int i = 0; i < 500; i++)
            must(&h, list_push(&h, l.list, val_int((i * 37) % 500)));
        for (uint32_t i = 0; i < 500; i++) /* where each stood */
            l.list->at[i].i = l.list->at[i].i % 10 + 10 * (int64_t)i;
        heap_hold(&h, l);
        heap_hold(&h, fn);
        must(&h, list_sort(&h, l.list, fn, reverse));
        for (uint32_t i = 1; i < 500; i++) {
            int64_t a = l.list->at[i - 1].i, b = l.list->at[i].i;
            if (a % 10 == b % 10)
                assert_true(a < b);
            else
                assert_true((a % 10 < b % 10) == !reverse);
        }
        heap_release(&h, 2);
    }
}

static val changed;
static bool key_appends(struct heap *h, val v, val *ret)
{
    *ret = v;
    return list_push(h, changed.list, v);
}

static void sort__sees_changes(void **state)
{
    (void)state;
    auto_heap h;
    heap_init(&h, NULL);
    val fn = callback(&h, key_appends);
    changed = INTS(&h, 3, 1, 2);
    heap_hold(&h, fn);
    must_fail(&h, list_sort(&h, changed.list, fn, false), "ValueError: list modified during sort");
    assert_repr(&h, changed, "[1, 2, 3]");
    heap_release(&h, 1);
}

static bool key_fails(struct heap *h, val v, val *ret)
{
    (void)ret;
    return v.i != 1 || heap_raise(h, &exc_KeyError, "no");
}

static void sort__loses_nothing_on_a_fault(void **state)
{
    (void)state;
    auto_heap h;
    heap_init(&h, NULL);
    val l = INTS(&h, 3, 1, 2), fn = callback(&h, key_fails);
    heap_hold(&h, fn);
    must_fail(&h, list_sort(&h, l.list, fn, false), "KeyError: 'no'");
    assert_repr(&h, l, "[3, 1, 2]");
    heap_release(&h, 1);
    must(&h, list_push(&h, l.list, txt(&h, "x")));
    must_fail(&h, list_sort(&h, l.list, VAL_NONE, false),
              "TypeError: '<' not supported between instances of 'str' and 'int'");
    assert_int_equal(l.list->n, 4);
}

/* ---- iterators ---- */

static bool fn_list_of(struct heap *h, val v, val *ret)
{
    return list_from(h, &v, 1, ret);
}

static bool fn_is_odd(struct heap *h, val v, val *ret)
{
    (void)h;
    *ret = val_bool(v.i % 2);
    return true;
}

static void iter__results_live_while_machines_collect(void **state)
{
    (void)state;
    auto_heap h;
    heap_init(&h, NULL);
    val range, fn = callback(&h, fn_list_of), odd = callback(&h, fn_is_odd), map, filter, zip, l;
    heap_hold(&h, fn);
    heap_hold(&h, odd);
    must(&h, range_new(&h, 0, 6, 1, &range));
    must(&h, iter_filter(&h, odd, range, &filter));
    must(&h, iter_map(&h, fn, &filter, 1, &map));
    must(&h, iter_map(&h, fn, &range, 1, &filter));
    const val both[] = {map, filter};
    must(&h, iter_zip(&h, both, 2, false, &zip));
    must(&h, val_to_list(&h, zip, &l));
    assert_repr(&h, l, "[([1], [0]), ([3], [1]), ([5], [2])]");
    heap_release(&h, 2);
}

static int64_t counter;
static bool fn_count(struct heap *h, val v, val *ret)
{
    (void)h, (void)v;
    *ret = val_int(counter++);
    return true;
}

static void iter__calls_until_the_sentinel(void **state)
{
    (void)state;
    auto_heap h;
    heap_init(&h, NULL);
    val it, l, fn = callback(&h, fn_count);
    counter = 0;
    must(&h, iter_call(&h, fn, val_int(4), &it));
    must(&h, val_to_list(&h, it, &l));
    assert_repr(&h, l, "[0, 1, 2, 3]");
    must(&h, val_to_list(&h, it, &l));
    assert_repr(&h, l, "[]");
}

static void iter__of_a_growing_list_ends_at_a_limit(void **state)
{
    (void)state;
    auto_heap h;
    struct heap_limits limits = heap_default_limits;
    limits.instructions = 10000;
    heap_init(&h, &limits);
    val l = INTS(&h, 1), it;
    must(&h, val_iter(&h, l, &it));
    val method;
    must(&h, val_getattr(&h, l, STR("extend"), &method));
    must_fail(&h, val_call(&h, method, &it, 1, &it),
              "instruction_limit: the evaluation takes more than its 10000 instructions");
}

static void iter__of_a_set_sees_changes(void **state)
{
    (void)state;
    auto_heap h;
    heap_init(&h, NULL);
    val s, it, v;
    must(&h, set_new(&h, V_SET, 0, &s));
    must(&h, set_add(&h, s.set, val_int(1)));
    must(&h, set_add(&h, s.set, val_int(2)));
    must(&h, val_iter(&h, s, &it));
    must(&h, val_next(&h, it, &v));
    must(&h, set_add(&h, s.set, val_int(3)));
    must_fail(&h, val_next(&h, it, &v), "RuntimeError: Set changed size during iteration");
}

/* ---- nesting ---- */

static void compare__of_endless_nesting_is_a_limit(void **state)
{
    (void)state;
    auto_heap h;
    heap_init(&h, NULL);
    val a, b;
    bool same;
    must(&h, list_new(&h, 1, &a));
    must(&h, list_new(&h, 1, &b));
    must(&h, list_push(&h, a.list, a));
    must(&h, list_push(&h, b.list, b));
    must_fail(&h, val_equal(&h, a, b, &same),
              "depth_limit: calls or data are nested deeper than the depth limit of 200");
    assert_int_equal(h.depth, 0);
    must(&h, val_equal(&h, a, a, &same));
    assert_true(same);
    val t = VAL_NONE;
    for (int i = 0; i < 300; i++)
        must(&h, tuple_from(&h, &t, 1, &t));
    uint64_t hash;
    must_fail(&h, val_hash(&h, t, &hash),
              "depth_limit: calls or data are nested deeper than the depth limit of 200");
}

/* ---- budget ---- */

static void budget__is_spent_by_work_on_data(void **state)
{
    (void)state;
    auto_heap h;
    heap_init(&h, NULL);
    val range, l, ret;
    bool has;
    must(&h, range_new(&h, 0, 100000, 1, &range));
    must(&h, val_to_list(&h, range, &l));
    const struct {
        const char *name;
        int64_t least, most;
    } rows[] = {{"in", 100000, 200000},  {"copy", 20000, 100000}, {"reverse", 20000, 100000},
                {"+", 40000, 200000},    {"==", 100000, 300000},  {"sort", 20000, 100000},
                {"* 9", 200000, 900000}, {"[::2]", 10000, 100000}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t before = h.fuel;
        val slice, copy;
        switch (i) {
        case 0:
            must(&h, val_equal(&h, l, l, &has));
            must(&h, op_compare(&h, COMPARE_IN, val_int(-1), l, &ret));
            break;
        case 1:
            must(&h, call_method(&h, l, "copy", NULL, 0, &ret));
            break;
        case 2:
            must(&h, call_method(&h, l, "reverse", NULL, 0, &ret));
            break;
        case 3:
            must(&h, op_binary(&h, BINARY_ADD, l, l, &ret));
            break;
        case 4:
            must(&h, list_from(&h, l.list->at, l.list->n, &copy));
            before = h.fuel;
            must(&h, op_compare(&h, COMPARE_EQ, l, copy, &ret));
            break;
        case 5:
            must(&h, call_method(&h, l, "sort", NULL, 0, &ret));
            break;
        case 6:
            must(&h, op_binary(&h, BINARY_MUL, l, val_int(9), &ret));
            break;
        default:
            must(&h, slice_new(&h, VAL_NONE, VAL_NONE, val_int(2), &slice));
            must(&h, val_getitem(&h, l, slice, &ret));
            break;
        }
        int64_t spent = before - h.fuel;
        if (spent < rows[i].least || spent > rows[i].most)
            fail_msg("%s spent %lld", rows[i].name, (long long)spent);
        heap_hold(&h, l);
        heap_collect(&h);
        heap_release(&h, 1);
    }
}

/* ---- deferred values ---- */

static void deferred__operators_stay_deferred(void **state)
{
    (void)state;
    auto_heap h;
    heap_init(&h, NULL);
    val d = deferred(&h, VAL_UNBOUND), l = INTS(&h, 1), ret;
    must(&h, op_binary(&h, BINARY_ADD, d, val_int(1), &ret));
    assert_repr(&h, ret, "'deferred binary 0 of deferred and int'");
    must(&h, op_binary(&h, BINARY_ADD, l, d, &ret));
    assert_repr(&h, ret, "'deferred binary 0 of list and deferred'");
    must(&h, op_compare(&h, COMPARE_EQ, val_int(1), d, &ret));
    assert_repr(&h, ret, "'deferred compare 0 of int and deferred'");
    must(&h, val_call(&h, val_type(&type_str), &d, 1, &ret));
    assert_repr(&h, ret, "'deferred str of 1'");
}

static void deferred__decisions_await(void **state)
{
    (void)state;
    auto_heap h;
    heap_init(&h, NULL);
    val d = deferred(&h, VAL_UNBOUND), l = INTS(&h, 1), dict, ret;
    bool b;
    int64_t n;
    must(&h, dict_new(&h, 0, &dict));
    assert_awaits(&h, val_truth(&h, d, &b), d);
    assert_awaits(&h, val_len(&h, d, &n), d);
    assert_awaits(&h, val_iter(&h, d, &ret), d);
    assert_awaits(&h, op_compare(&h, COMPARE_IS, d, VAL_NONE, &ret), d);
    assert_awaits(&h, op_compare(&h, COMPARE_IN, d, l, &ret), d);
    assert_awaits(&h, op_compare(&h, COMPARE_IN, val_int(1), d, &ret), d);
    assert_awaits(&h, op_unary(&h, UNARY_NOT, d, &ret), d);
    assert_awaits(&h, val_getitem(&h, l, d, &ret), d);
    assert_awaits(&h, val_setitem(&h, l, d, d), d);
    assert_awaits(&h, dict_set(&h, dict.dict, d, d), d);
    assert_awaits(&h, val_call(&h, val_type(&type_bool), &d, 1, &ret), d);
    assert_awaits(&h, val_call(&h, val_type(&type_list), &d, 1, &ret), d);
    assert_awaits(&h, val_call(&h, val_type(&type_type), &d, 1, &ret), d);
    assert_awaits(&h, op_inplace(&h, BINARY_ADD, l, d, &ret), d);
    assert_repr(&h, l, "[1]");
    assert_repr(&h, dict, "{}");
}

static void deferred__known_ones_are_followed(void **state)
{
    (void)state;
    auto_heap h;
    heap_init(&h, NULL);
    val l = INTS(&h, 7, 8), inner = deferred(&h, l), d = deferred(&h, inner), ret, dict;
    val one = deferred(&h, val_int(1));
    bool b;
    must(&h, val_truth(&h, d, &b));
    assert_true(b);
    must(&h, val_call(&h, val_type(&type_tuple), &d, 1, &ret));
    assert_repr(&h, ret, "(7, 8)");
    must(&h, val_getitem(&h, l, one, &ret));
    assert_int_equal(ret.i, 8);
    must(&h, dict_new(&h, 0, &dict));
    must(&h, dict_set(&h, dict.dict, one, VAL_NONE));
    assert_repr(&h, dict, "{1: None}"); /* the key is what it was decided to be */
    must(&h, op_compare(&h, COMPARE_IN, val_int(8), d, &ret));
    assert_true(ret.b);
}

static void deferred__elements_are_decided_before_a_sort(void **state)
{
    (void)state;
    auto_heap h;
    heap_init(&h, NULL);
    val d = deferred(&h, VAL_UNBOUND), l = INTS(&h, 3, 1);
    must(&h, list_push(&h, l.list, d));
    assert_awaits(&h, list_sort(&h, l.list, VAL_NONE, false), d);
    assert_int_equal(l.list->n, 3);
    ((struct deferred *)d.o)->value = val_int(2);
    must(&h, list_sort(&h, l.list, VAL_NONE, false));
    assert_repr(&h, l, "[1, 2, 3]");
}

static void deferred__filter_goes_on_where_it_awaited(void **state)
{
    (void)state;
    auto_heap h;
    heap_init(&h, NULL);
    val d = deferred(&h, VAL_UNBOUND), l = INTS(&h, 0, 1), it, v;
    must(&h, list_push(&h, l.list, d));
    must(&h, iter_filter(&h, VAL_NONE, l, &it));
    must(&h, val_next(&h, it, &v));
    assert_int_equal(v.i, 1);
    assert_awaits(&h, val_next(&h, it, &v), d);
    ((struct deferred *)d.o)->value = val_int(2);
    must(&h, val_next(&h, it, &v));
    assert_ptr_equal(v.o, d.o);
    must(&h, val_next(&h, it, &v));
    assert_true(val_is_unbound(v));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sort__orders_any_length),
        cmocka_unit_test(sort__is_stable),
        cmocka_unit_test(sort__sees_changes),
        cmocka_unit_test(sort__loses_nothing_on_a_fault),
        cmocka_unit_test(iter__results_live_while_machines_collect),
        cmocka_unit_test(iter__calls_until_the_sentinel),
        cmocka_unit_test(iter__of_a_growing_list_ends_at_a_limit),
        cmocka_unit_test(iter__of_a_set_sees_changes),
        cmocka_unit_test(compare__of_endless_nesting_is_a_limit),
        cmocka_unit_test(budget__is_spent_by_work_on_data),
        cmocka_unit_test(deferred__operators_stay_deferred),
        cmocka_unit_test(deferred__decisions_await),
        cmocka_unit_test(deferred__known_ones_are_followed),
        cmocka_unit_test(deferred__elements_are_decided_before_a_sort),
        cmocka_unit_test(deferred__filter_goes_on_where_it_awaited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
