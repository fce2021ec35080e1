/* JSON and values of the machine. That dumps and loads behave as CPython's is shown in tests/lang.
 */
#include "json/value.h"
#include "../value/check.h"

static void read__makes_untrusted_records_where_it_is_told(void **state)
{
    (void)state;
    auto_heap h;
    val v, field;
    heap_init(&h, NULL);
    must(&h, json_read_val(&h, STR("{\"title\": [\"x\", 1], \"keys\": 2}"),
                           JSON_UNTRUSTED | JSON_RECORDS, &v));
    assert_repr(&h, v, "{'title': ['x', 1], 'keys': 2}");
    must(&h, val_getattr(&h, v, STR("title"), &field));
    assert_false(text_is_trusted(field.list->at[0]));
    must(&h, val_getattr(&h, v, STR("keys"), &field));
    assert_int_equal(field.i, 2); /* before the method */
    must(&h, json_read_val(&h, STR("[\"x\"]"), 0, &v));
    assert_true(text_is_trusted(v.list->at[0]));
}

static void read__errors_carry_their_place(void **state)
{
    (void)state;
    auto_heap h;
    val v;
    heap_init(&h, NULL);
    assert_false(json_read_val(&h, STR("[1,\n \xC3\xA9]"), 0, &v));
    val extra = h.fault.value.exc->extra;
    heap_clear_fault(&h);
    assert_repr(&h, extra,
                "{'msg': 'Expecting value', 'doc': '[1,\\n \xC3\xA9]', 'pos': 5, 'lineno': 2, "
                "'colno': 2}");
    must_fail(&h, json_read_val(&h, STR("\"\\ud800\""), 0, &v),
              "JSONDecodeError: Invalid \\uXXXX escape: line 1 column 3 (char 2)");
    must_fail(&h, json_read_val(&h, STR("9223372036854775808"), 0, &v),
              "OverflowError: integer overflow: the number does not fit in 64 bits");
}

static void read__nesting_is_bounded(void **state)
{
    (void)state;
    auto_heap h;
    auto_buf text = BUF(1 << 20);
    val v;
    heap_init(&h, NULL);
    buf_add_repeat(&text, '[', 100000);
    must_fail(&h, json_read_val(&h, buf_str(&text), 0, &v),
              "depth_limit: calls or data are nested deeper than the depth limit of 200");
    assert_int_equal(h.depth, 0);
}

static void write__takes_what_json_knows(void **state)
{
    (void)state;
    auto_heap h;
    auto_buf out = BUF(1 << 20);
    struct json_writer w = JSON_WRITER(&out, false);
    val v;
    heap_init(&h, NULL);
    must(&h, json_read_val(&h, STR("{\"a\": [1, 0.5, null, true, \"x\"], \"b\": {}}"), 0, &v));
    must(&h, json_write_val(&h, &w, v));
    assert_string_equal(buf_c(&out), "{\"a\": [1, 0.5, null, true, \"x\"], \"b\": {}}");
    must(&h, list_from(&h, &v, 1, &v));
    must(&h, list_push(&h, v.list, v));
    must_fail(&h, json_write_val(&h, &w, v), "ValueError: Circular reference detected");
    must_fail(&h, json_write_val(&h, &w, val_type(&type_int)),
              "TypeError: Object of type type is not JSON serializable");
    must(&h, dict_new(&h, 1, &v));
    must(&h, dict_set(&h, v.dict, val_int(1), VAL_NONE));
    must_fail(&h, json_write_val(&h, &w, v), "TypeError: keys must be str here, not int");
}

static val dumps(struct heap *h, val v)
{
    val ret;
    must(h, val_call(h, val_native(&json_module[0]), &v, 1, &ret));
    return ret;
}

static void dumps__of_untrusted_text_is_untrusted(void **state)
{
    (void)state;
    auto_heap h;
    val v, text;
    heap_init(&h, NULL);
    must(&h, json_read_val(&h, STR("[1, \"x\"]"), JSON_UNTRUSTED, &v));
    text = dumps(&h, v);
    assert_repr(&h, text, "'[1, \"x\"]'");
    assert_int_equal(text.s->taint->n, 1);
    assert_int_equal(text.s->taint->at[0][1], 8);
    must(&h, val_call(&h, val_native(&json_module[1]), &text, 1, &v));
    assert_false(text_is_trusted(v.list->at[1]));
    must(&h, json_read_val(&h, STR("[1, \"x\"]"), 0, &v));
    assert_true(text_is_trusted(dumps(&h, v)));
}

/* ---- deferred ---- */

static const struct obj_class later_class;

static bool later_decide(struct heap *h, struct object *o, val *ret)
{
    (void)o;
    return text_new(h, STR("now"), ret);
}

/* Shows what the call was given. */
static bool later_call(struct heap *h, const struct native_def *def, const struct call_args *args,
                       val *ret)
{
    return text_printf(h, ret, "%s/%u/%u/%.*s", def->name, args->n, args->named_count,
                       args->named_count ? (int)args->names[0].s->n : 0,
                       args->named_count ? args->names[0].s->p : "");
}

static const struct obj_class later_class = {
    .type = {.name = "later", .kind = V_OBJECT},
    .decide = later_decide,
    .defer_call = later_call,
};

static void dumps__of_a_container_with_a_deferred_value_is_deferred(void **state)
{
    (void)state;
    auto_heap h;
    val list, ret, name, indent = val_int(2);
    heap_init(&h, NULL);
    struct object *o = heap_new(&h, V_OBJECT, sizeof *o);
    o->class = &later_class;
    val later = val_obj(V_OBJECT, o);
    must(&h, list_from(&h, &later, 1, &list));
    name = txt(&h, "indent");
    struct call_args args = {
        .at = &list, .n = 1, .names = &name, .named = &indent, .named_count = 1};
    must(&h, native_call(&h, &json_module[0], VAL_UNBOUND, &args, &ret));
    assert_repr(&h, ret, "'dumps/1/1/indent'");
    auto_buf out = BUF(100);
    struct json_writer w = JSON_WRITER(&out, false);
    must(&h, json_write_val(&h, &w, list));
    assert_string_equal(buf_c(&out), "[\"now\"]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read__makes_untrusted_records_where_it_is_told),
        cmocka_unit_test(read__errors_carry_their_place),
        cmocka_unit_test(read__nesting_is_bounded),
        cmocka_unit_test(write__takes_what_json_knows),
        cmocka_unit_test(dumps__of_untrusted_text_is_untrusted),
        cmocka_unit_test(dumps__of_a_container_with_a_deferred_value_is_deferred),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
