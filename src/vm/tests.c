/* Tests: what stands behind `is`. */
#include "value/list.h"
#include "value/ops.h"
#include "value/text.h"
#include "vm/filters_int.h"

static bool answer(val *ret, bool b)
{
    *ret = val_bool(b);
    return true;
}

static bool remainder_is(struct heap *h, val v, val by, int64_t want, val *ret)
{
    val r, result;
    bool truth;
    if (!op_binary(h, BINARY_MOD, v, by, &r) ||
        !op_compare(h, COMPARE_EQ, r, val_int(want), &result) || !val_truth(h, result, &truth))
        return false;
    return answer(ret, truth);
}

static bool test_odd(struct heap *h, val *args, val *ret)
{
    return remainder_is(h, args[0], val_int(2), 1, ret);
}

static bool test_even(struct heap *h, val *args, val *ret)
{
    return remainder_is(h, args[0], val_int(2), 0, ret);
}

static bool test_divisible(struct heap *h, val *args, val *ret)
{
    return remainder_is(h, args[0], args[1], 0, ret);
}

static bool test_defined(struct heap *h, val *args, val *ret)
{
    (void)h;
    return answer(ret, !val_is_undefined(args[0]));
}

static bool test_undefined(struct heap *h, val *args, val *ret)
{
    (void)h;
    return answer(ret, val_is_undefined(args[0]));
}

/* `x is filter`: strict undefined values and unhashable ones raise, as a dict's `in` does. */
static bool is_key(struct heap *h, val v, int (*find)(str name), val *ret)
{
    uint64_t hash;
    if (!val_hash(h, v, &hash))
        return false;
    return answer(ret, v.kind == V_STR && find(text_str(v)) >= 0);
}

static bool test_filter(struct heap *h, val *args, val *ret)
{
    return is_key(h, args[0], template_find_filter, ret);
}

static bool test_test(struct heap *h, val *args, val *ret)
{
    return is_key(h, args[0], template_find_test, ret);
}

static bool test_none(struct heap *h, val *args, val *ret)
{
    (void)h;
    return answer(ret, args[0].kind == V_NONE);
}

static bool test_boolean(struct heap *h, val *args, val *ret)
{
    (void)h;
    return answer(ret, args[0].kind == V_BOOL);
}

static bool test_false(struct heap *h, val *args, val *ret)
{
    (void)h;
    return answer(ret, args[0].kind == V_BOOL && !args[0].b);
}

static bool test_true(struct heap *h, val *args, val *ret)
{
    (void)h;
    return answer(ret, args[0].kind == V_BOOL && args[0].b);
}

static bool test_integer(struct heap *h, val *args, val *ret)
{
    (void)h;
    return answer(ret, args[0].kind == V_INT);
}

static bool test_float(struct heap *h, val *args, val *ret)
{
    (void)h;
    return answer(ret, args[0].kind == V_FLOAT);
}

static bool test_number(struct heap *h, val *args, val *ret)
{
    (void)h;
    return answer(ret, val_is_int(args[0]) || args[0].kind == V_FLOAT);
}

static bool test_string(struct heap *h, val *args, val *ret)
{
    (void)h;
    return answer(ret, args[0].kind == V_STR);
}

static bool test_mapping(struct heap *h, val *args, val *ret)
{
    (void)h;
    return answer(ret, args[0].kind == V_DICT);
}

static bool test_lower(struct heap *h, val *args, val *ret)
{
    val text;
    return val_str(h, args[0], &text) && filter_method(h, text, "islower", NULL, 0, ret);
}

static bool test_upper(struct heap *h, val *args, val *ret)
{
    val text;
    return val_str(h, args[0], &text) && filter_method(h, text, "isupper", NULL, 0, ret);
}

/* What has a length and items; strict undefined values raise their own error. */
static bool test_sequence(struct heap *h, val *args, val *ret)
{
    val v = args[0];
    int64_t n;
    if (val_is_undefined(v) && !val_len(h, v, &n)) {
        if (h->fault.kind != FAULT_EXCEPTION)
            return false;
        heap_clear_fault(h);
        return answer(ret, false);
    }
    return answer(ret, v.kind == V_STR || v.kind == V_LIST || v.kind == V_TUPLE ||
                           v.kind == V_DICT || v.kind == V_RANGE || val_is_undefined(v));
}

static bool test_iterable(struct heap *h, val *args, val *ret)
{
    val iterator;
    if (val_iter(h, args[0], &iterator))
        return answer(ret, true);
    if (h->fault.kind != FAULT_EXCEPTION || h->fault.value.exc->type != &exc_TypeError)
        return false;
    heap_clear_fault(h);
    return answer(ret, false);
}

static bool test_callable(struct heap *h, val *args, val *ret)
{
    val v = args[0];
    (void)h;
    return answer(ret, v.kind == V_FUNC || v.kind == V_NATIVE || v.kind == V_TYPE ||
                           v.kind == V_METHOD ||
                           (v.kind == V_OBJECT && v.object->class->call != NULL));
}

static bool test_same(struct heap *h, val *args, val *ret)
{
    (void)h;
    return answer(ret, val_identical(args[0], args[1]));
}

static bool test_escaped(struct heap *h, val *args, val *ret)
{
    (void)h;
    return answer(ret, val_is_markup(args[0]) || val_is_object_of(args[0], &module_class) ||
                           undefined_is_chainable(args[0]));
}

static bool compare(struct heap *h, enum compare_op op, const val *args, val *ret)
{
    return op_compare(h, op, args[0], args[1], ret);
}

#define COMPARISON(name, op)                                     \
    static bool test_##name(struct heap *h, val *args, val *ret) \
    {                                                            \
        return compare(h, op, args, ret);                        \
    }
COMPARISON(eq, COMPARE_EQ)
COMPARISON(ne, COMPARE_NE)
COMPARISON(gt, COMPARE_GT)
COMPARISON(ge, COMPARE_GE)
COMPARISON(lt, COMPARE_LT)
COMPARISON(le, COMPARE_LE)
COMPARISON(in, COMPARE_IN)

#define PLAIN(name, fn, doc)                   \
    {                                          \
        name, fn, 0, 0, 0, 0, 0, NULL, "", doc \
    }
#define OTHER(name, fn, names, signature, doc)         \
    {                                                  \
        name, fn, 1, 1, 0, 0, 0, names, signature, doc \
    }
#define COMPARED(name, fn, doc)                       \
    {                                                 \
        name, fn, 1, 1, 1, 0, 0, NULL, "(other)", doc \
    }
static const char *const num_names[] = {"num"}, *const other_names[] = {"other"},
                         *const seq_names[] = {"seq"};
const struct native_def template_tests[] = {
    PLAIN("odd", test_odd, "An odd number."),
    PLAIN("even", test_even, "An even number."),
    OTHER("divisibleby", test_divisible, num_names, "(num)", "Divided by num without a rest."),
    PLAIN("defined", test_defined, "A value that is there."),
    PLAIN("undefined", test_undefined, "A value that is not there."),
    PLAIN("filter", test_filter, "The name of a filter."),
    PLAIN("test", test_test, "The name of a test."),
    PLAIN("none", test_none, "None."),
    PLAIN("boolean", test_boolean, "True or False."),
    PLAIN("false", test_false, "False."),
    PLAIN("true", test_true, "True."),
    PLAIN("integer", test_integer, "An int, no bool."),
    PLAIN("float", test_float, "A float."),
    PLAIN("lower", test_lower, "Text in lower case."),
    PLAIN("upper", test_upper, "Text in upper case."),
    PLAIN("string", test_string, "A str."),
    PLAIN("mapping", test_mapping, "A dict."),
    PLAIN("number", test_number, "An int, bool or float."),
    PLAIN("sequence", test_sequence, "Something with a length and items."),
    PLAIN("iterable", test_iterable, "Something to loop over."),
    PLAIN("callable", test_callable, "Something to call."),
    OTHER("sameas", test_same, other_names, "(other)", "The same object."),
    PLAIN("escaped", test_escaped, "Markup."),
    OTHER("in", test_in, seq_names, "(seq)", "Contained in seq."),
    COMPARED("==", test_eq, "Equal."),
    COMPARED("eq", test_eq, "Equal."),
    COMPARED("equalto", test_eq, "Equal."),
    COMPARED("!=", test_ne, "Not equal."),
    COMPARED("ne", test_ne, "Not equal."),
    COMPARED(">", test_gt, "Greater."),
    COMPARED("gt", test_gt, "Greater."),
    COMPARED("greaterthan", test_gt, "Greater."),
    COMPARED(">=", test_ge, "Greater or equal."),
    COMPARED("ge", test_ge, "Greater or equal."),
    COMPARED("<", test_lt, "Less."),
    COMPARED("lt", test_lt, "Less."),
    COMPARED("lessthan", test_lt, "Less."),
    COMPARED("<=", test_le, "Less or equal."),
    COMPARED("le", test_le, "Less or equal."),
    {0}};
