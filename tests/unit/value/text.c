/* Strings: creation, trust, formatting with deferred values, limits. What the language shows of
 * str is compared with CPython in tests/lang. */
#include "check.h"
#include "value/text_int.h"

static val raw(struct heap *h, const char *c)
{
    val v;
    must(h, text_new_untrusted(h, str_of(c), &v));
    return v;
}

static val method(struct heap *h, val v, const char *name, uint32_t n, ...)
{
    val args[4], ret;
    va_list list;
    va_start(list, n);
    for (uint32_t i = 0; i < n; i++)
        args[i] = va_arg(list, val);
    va_end(list);
    must(h, call_method(h, v, name, args, n, &ret));
    return ret;
}

/* The string with its untrusted extents in <>. */
static const char *marked(val v)
{
    static char text[1024];
    size_t at = 0, done = 0;
    assert_int_equal(v.kind, V_STR);
    for (uint32_t i = 0; v.s->taint && i < v.s->taint->n; i++) {
        const uint32_t *e = v.s->taint->at[i];
        at += (size_t)snprintf(text + at, sizeof text - at, "%.*s<%.*s>", (int)(e[0] - done),
                               v.s->p + done, (int)(e[1] - e[0]), v.s->p + e[0]);
        done = e[1];
    }
    snprintf(text + at, sizeof text - at, "%.*s", (int)(v.s->n - done), v.s->p + done);
    return text;
}
#define assert_marked(v, expected) assert_string_equal(marked(v), (expected))

static val interned(struct heap *h, const char *c)
{
    val v;
    must(h, text_new_interned(h, str_of(c), &v));
    return v;
}

/* ---- creation ---- */

static void text__short_names_are_one_object(void **state)
{
    (void)state;
    auto_heap h;
    heap_init(&h, NULL);
    assert_ptr_equal(interned(&h, "name").s, interned(&h, "name").s);
    assert_ptr_equal(interned(&h, "").s, interned(&h, "").s);
    assert_ptr_not_equal(interned(&h, "n\xC3\xA9").s, interned(&h, "n\xC3\xA9").s);
    assert_ptr_not_equal(raw(&h, "name").s, interned(&h, "name").s);
}

static void text__interned_strings_end_with_their_last_use(void **state)
{
    (void)state;
    auto_heap h;
    char name[32];
    heap_init(&h, NULL);
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "name-%d", i);
        val v = interned(&h, name);
        if (i % 100 == 0)
            heap_hold(&h, v);
    }
    heap_collect(&h);
    size_t after = h.bytes;
    /* The held ones are found again, the others are made anew. */
    for (int i = 0; i < 1000; i += 100) {
        snprintf(name, sizeof name, "name-%d", i);
        interned(&h, name);
    }
    assert_int_equal(h.bytes, after);
    interned(&h, "name-1");
    assert_true(h.bytes > after);
    heap_release(&h, 10);
}

static void text__appending_in_a_loop_is_linear(void **state)
{
    (void)state;
    auto_heap h;
    heap_init(&h, NULL);
    val s = txt(&h, ""), x = txt(&h, "x\xC3\xA9");
    int64_t fuel = h.fuel;
    for (int i = 0; i < 20000; i++) {
        must(&h, text_concat(&h, s, x, &s));
        if (heap_wants_collection(&h)) {
            heap_hold(&h, s);
            heap_hold(&h, x);
            heap_collect(&h);
            heap_release(&h, 2);
        }
    }
    assert_int_equal(s.s->n, 60000);
    assert_int_equal(s.s->points, 40000);
    assert_true(fuel - h.fuel < 20000);
}

static void text__two_sums_of_one_string_do_not_meet(void **state)
{
    (void)state;
    auto_heap h;
    val a, b, c;
    heap_init(&h, NULL);
    char base[100];
    memset(base, '-', sizeof base);
    must(&h, text_new(&h, str_make(base, sizeof base), &a));
    must(&h, text_concat(&h, a, txt(&h, "+"), &a));
    must(&h, text_concat(&h, a, txt(&h, "one"), &b));
    must(&h, text_concat(&h, a, txt(&h, "two"), &c));
    assert_memory_equal(b.s->p + 101, "one", 3);
    assert_memory_equal(c.s->p + 101, "two", 3);
    assert_ptr_equal(b.s->p, a.s->p); /* grown in place */
    assert_ptr_not_equal(c.s->p, a.s->p);
}

static void text__slices_count_code_points(void **state)
{
    (void)state;
    auto_heap h;
    val v = VAL_UNBOUND;
    heap_init(&h, NULL);
    val s = txt(&h, "a\xC3\xA9\xE4\xB8\xAD\xF0\x9F\x98\x80z");
    must(&h, text_slice(&h, s, 1, 4, &v));
    assert_marked(v, "\xC3\xA9\xE4\xB8\xAD\xF0\x9F\x98\x80");
    must(&h, text_at(&h, s, 3, &v));
    assert_marked(v, "\xF0\x9F\x98\x80");
    must(&h, text_at(&h, s, 4, &v));
    assert_marked(v, "z");
    must(&h, text_slice(&h, s, 4, 2, &v));
    assert_marked(v, "");
}

/* ---- trust ---- */

static void trust__stays_with_its_part_in_sums_and_slices(void **state)
{
    (void)state;
    auto_heap h;
    val v;
    heap_init(&h, NULL);
    must(&h, text_concat(&h, txt(&h, "echo "), raw(&h, "title"), &v));
    assert_marked(v, "echo <title>");
    must(&h, text_concat(&h, v, txt(&h, " now"), &v));
    assert_marked(v, "echo <title> now");
    must(&h, text_concat(&h, v, v, &v));
    assert_marked(v, "echo <title> nowecho <title> now");
    must(&h, text_slice(&h, v, 7, 17, &v));
    assert_marked(v, "<tle> nowech");
    must(&h, text_slice(&h, v, 3, 8, &v));
    assert_marked(v, " nowe");
    assert_true(text_is_trusted(v));
    must(&h, text_concat(&h, raw(&h, "a"), raw(&h, "b"), &v));
    assert_marked(v, "<ab>");
    assert_int_equal(v.s->taint->n, 1);
}

static void trust__of_empty_text_is_kept(void **state)
{
    (void)state;
    auto_heap h;
    val v;
    heap_init(&h, NULL);
    must(&h, text_concat(&h, txt(&h, "echo "), raw(&h, ""), &v));
    assert_marked(v, "echo <>");
    must(&h, text_concat(&h, v, txt(&h, " end"), &v));
    assert_marked(v, "echo <> end");
    assert_marked(method(&h, raw(&h, "  "), "strip", 0), "<>");
    assert_marked(method(&h, v, "strip", 0), "echo <> end");
}

static void trust__goes_with_the_text_through_formatting(void **state)
{
    (void)state;
    auto_heap h;
    val v, args;
    heap_init(&h, NULL);
    val bad = raw(&h, "b'd");
    must(&h, val_format(&h, bad, 0, txt(&h, "^7"), &v));
    assert_marked(v, "  <b'd>  ");
    must(&h, val_format(&h, bad, 'r', txt(&h, ">8"), &v));
    assert_marked(v, "   \"<b'd>\"");
    must(&h, val_format(&h, bad, 0, txt(&h, ".1"), &v));
    assert_marked(v, "<b>");
    must(&h, val_format(&h, val_int(5), 0, raw(&h, "3"), &v));
    assert_marked(v, "<  5>");
    assert_marked(method(&h, txt(&h, "{}-{!r}"), "format", 2, bad, bad), "<b'd>-\"<b'd>\"");
    assert_marked(method(&h, raw(&h, "x{}y"), "format", 1, txt(&h, "-")), "<x>-<y>");
    must(&h, tuple_from(&h, (val[]){bad, txt(&h, "t")}, 2, &args));
    must(&h, text_percent(&h, txt(&h, "%5s|%-3s|"), args, &v));
    assert_marked(v, "  <b'd>|t  |");
    must(&h, val_repr(&h, args, &v));
    assert_marked(v, "(\"<b'd>\", 't')");
    must(&h, val_concat(&h, (val[]){txt(&h, "a"), bad, txt(&h, "c")}, 3, &v));
    assert_marked(v, "a<b'd>c");
}

static void trust__is_kept_by_parts_and_joins(void **state)
{
    (void)state;
    auto_heap h;
    val v, list;
    heap_init(&h, NULL);
    must(&h, list_from(&h, (val[]){raw(&h, "a"), txt(&h, "b"), raw(&h, "c")}, 3, &list));
    v = method(&h, txt(&h, ", "), "join", 1, list);
    assert_marked(v, "<a>, b, <c>");
    v = method(&h, v, "split", 1, txt(&h, ", "));
    assert_marked(v.list->at[0], "<a>");
    assert_marked(v.list->at[1], "b");
    v = method(&h, raw(&h, "k=v=w"), "partition", 1, txt(&h, "="));
    assert_marked(v.tuple->at[1], "<=>");
    assert_marked(method(&h, raw(&h, "x"), "rjust", 1, val_int(3)), "  <x>");
    assert_marked(method(&h, raw(&h, "-5"), "zfill", 1, val_int(4)), "<->00<5>");
    assert_marked(method(&h, txt(&h, "x"), "center", 2, val_int(3), raw(&h, "*")), "<*>x<*>");
    must(&h, text_repeat(&h, v.tuple->at[0], 3, &v));
    assert_marked(v, "<kkk>");
}

static void trust__of_the_whole_goes_in_other_methods(void **state)
{
    (void)state;
    auto_heap h;
    val v;
    heap_init(&h, NULL);
    must(&h, text_concat(&h, txt(&h, "Ab"), raw(&h, "cD"), &v));
    assert_marked(method(&h, v, "upper", 0), "<ABCD>");
    assert_marked(method(&h, v, "title", 0), "<Abcd>");
    assert_marked(method(&h, v, "replace", 2, txt(&h, "z"), txt(&h, "y")), "<AbcD>");
    assert_marked(method(&h, txt(&h, "a"), "replace", 2, txt(&h, "a"), raw(&h, "y")), "<y>");
    must(&h, text_set_trust(&h, v, true, &v));
    assert_true(text_is_trusted(v));
}

static void trust__reaches_the_messages_of_exceptions(void **state)
{
    (void)state;
    auto_heap h;
    val v;
    heap_init(&h, NULL);
    assert_false(number_parse_int(&h, raw(&h, "$(x)"), 10, &v));
    v = h.fault.value.exc->args.tuple->at[0];
    heap_clear_fault(&h);
    assert_marked(v, "invalid literal for int() with base 10: '<$(x)>'");
    assert_false(val_format(&h, val_int(1), 0, raw(&h, "$(x)"), &v));
    v = h.fault.value.exc->args.tuple->at[0];
    heap_clear_fault(&h);
    assert_marked(v, "<Invalid format specifier '$(x)' for object of type 'int'>");
}

/* ---- deferred values ---- */

struct later {
    struct object o;
    const char *text;
};
static const struct obj_class later_class;

static val later(struct heap *h, const char *text)
{
    struct later *l = heap_new(h, V_OBJECT, sizeof *l);
    assert_non_null(l);
    l->o.class = &later_class;
    l->text = text;
    return val_obj(V_OBJECT, l);
}

static bool later_decide(struct heap *h, struct object *o, val *ret)
{
    return text_new(h, str_of(((struct later *)o)->text), ret);
}

static bool later_repr(struct heap *h, struct object *o, val *ret)
{
    return text_printf(h, ret, "<deferred %s>", ((struct later *)o)->text);
}

/* Tests read what the hooks were given from the text of the new deferred value. */
static bool later_format(struct heap *h, val o, char conversion, val spec, val *ret)
{
    static char text[64];
    snprintf(text, sizeof text, "%s!%c:%.*s", ((struct later *)o.o)->text,
             conversion ? conversion : '-', val_is_unbound(spec) ? 0 : (int)spec.s->n,
             val_is_unbound(spec) ? "" : spec.s->p);
    *ret = later(h, text);
    return true;
}

static bool later_concat(struct heap *h, const val *parts, uint32_t n, val *ret)
{
    static char text[256];
    size_t at = 0;
    for (uint32_t i = 0; i < n; i++)
        at += (size_t)(parts[i].kind == V_STR ? snprintf(text + at, sizeof text - at, "[%.*s]",
                                                         STR_ARG(text_str(parts[i])))
                                              : snprintf(text + at, sizeof text - at, "{%s}",
                                                         ((struct later *)parts[i].o)->text));
    *ret = later(h, text);
    return true;
}

static const struct obj_class later_class = {
    .type = {.name = "later", .kind = V_OBJECT},
    .decide = later_decide,
    .format = later_format,
    .concat = later_concat,
    .repr = later_repr,
};

#define assert_later(v, expected)                                       \
    do {                                                                \
        assert_true(val_is_deferred(v));                                \
        assert_string_equal(((struct later *)(v).o)->text, (expected)); \
    } while (0)

static void format__of_a_deferred_value_is_deferred(void **state)
{
    (void)state;
    auto_heap h;
    val v, args;
    heap_init(&h, NULL);
    v = method(&h, txt(&h, "a{}b{{{:>5}c"), "format", 2, val_int(1), later(&h, "x"));
    assert_later(v, "[a1b{]{x!-:>5}[c]");
    must(&h, tuple_from(&h, (val[]){later(&h, "x"), val_int(7)}, 2, &args));
    must(&h, text_percent(&h, txt(&h, "<%-4.2s> %03d"), args, &v));
    assert_later(v, "[<]{x!s:<4.2}[> 007]");
    must(&h, list_from(&h, (val[]){txt(&h, "a"), later(&h, "x"), txt(&h, "b")}, 3, &args));
    v = method(&h, txt(&h, ","), "join", 1, args);
    assert_later(v, "[a,]{x}[,b]");
}

static void repr__decides_what_is_nested_and_show_does_not(void **state)
{
    (void)state;
    auto_heap h;
    val v, list;
    heap_init(&h, NULL);
    must(&h, list_from(&h, (val[]){val_int(1), later(&h, "x")}, 2, &list));
    assert_repr(&h, list, "[1, 'x']");
    must(&h, val_show(&h, list, &v));
    assert_marked(v, "[1, <deferred x>]");
    must(&h, val_show(&h, later(&h, "x"), &v));
    assert_marked(v, "<deferred x>");
}

/* ---- limits ---- */

static void format__of_too_much_fails_without_allocating(void **state)
{
    (void)state;
    static const char *const formats[] = {"%1000000000d", "%.1000000000d", "%.1000000000f",
                                          "%1000000000s"};
    static const char limit[] =
        "memory_limit: the evaluation needs more than its 1048576 bytes of memory";
    struct heap_limits limits = heap_default_limits;
    auto_heap h;
    val v;
    limits.bytes = 1 << 20;
    heap_init(&h, &limits);
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        must_fail(&h, text_percent(&h, txt(&h, formats[i]), val_int(1), &v), limit);
    must_fail(&h, val_format(&h, val_int(1), 0, txt(&h, ">1000000000"), &v), limit);
    must_fail(&h, text_repeat(&h, txt(&h, "a"), INT64_MAX, &v), limit);
    assert_true(h.bytes < 64 << 10);
}

static void format__refuses_the_way_out_through_attributes(void **state)
{
    (void)state;
    auto_heap h;
    val v, args[1] = {val_int(1)};
    heap_init(&h, NULL);
    must_fail(&h, call_method(&h, txt(&h, "{0.__class__.__mro__}"), "format", args, 1, &v),
              "not_supported: attribute '__class__' in a format field is not available: it begins "
              "with an underscore");
    must(&h, dict_new(&h, 1, &args[0]));
    must(&h, dict_set_str(&h, args[0].dict, STR("__key__"), val_int(2)));
    assert_marked(method(&h, txt(&h, "{0[__key__]}"), "format", 1, args[0]), "2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text__short_names_are_one_object),
        cmocka_unit_test(text__interned_strings_end_with_their_last_use),
        cmocka_unit_test(text__appending_in_a_loop_is_linear),
        cmocka_unit_test(text__two_sums_of_one_string_do_not_meet),
        cmocka_unit_test(text__slices_count_code_points),
        cmocka_unit_test(trust__stays_with_its_part_in_sums_and_slices),
        cmocka_unit_test(trust__of_empty_text_is_kept),
        cmocka_unit_test(trust__goes_with_the_text_through_formatting),
        cmocka_unit_test(trust__is_kept_by_parts_and_joins),
        cmocka_unit_test(trust__of_the_whole_goes_in_other_methods),
        cmocka_unit_test(trust__reaches_the_messages_of_exceptions),
        cmocka_unit_test(format__of_a_deferred_value_is_deferred),
        cmocka_unit_test(repr__decides_what_is_nested_and_show_does_not),
        cmocka_unit_test(format__of_too_much_fails_without_allocating),
        cmocka_unit_test(format__refuses_the_way_out_through_attributes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
