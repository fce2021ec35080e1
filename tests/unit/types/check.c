/* Checking values by our own types: the quick answer is the thorough one's. type_check_planned is
 * always thorough; of values without deferred parts it says the same. */
#include "types/type.h"
#include "json/peek.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { ROUNDS = 20000, DEPTH = 3, FIELDS = 4 };

static const str words[] = {STR_INIT("info"), STR_INIT("warning"), STR_INIT("error")};
static const str names[] = {STR_INIT("a"), STR_INIT("file"), STR_INIT("severity"), STR_INIT("x/y")};
static uint64_t state;

static unsigned below(unsigned n)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(state >> 33) % n;
}

static const struct type *make_type(struct arena *a, int depth)
{
    static const struct type *const plain[] = {&type_of_str, &type_of_int, &type_of_float,
                                               &type_of_bool, &type_of_any};
    switch (below(depth ? 10 : 6)) {
    case 5:
        return type_new_enum(a, words, 3);
    case 6:
        return type_new_list(a, make_type(a, depth - 1));
    case 7:
        return type_new_dict(a, make_type(a, depth - 1));
    case 8:
        return type_new_optional(a, make_type(a, depth - 1));
    case 9: {
        struct type_field *fields = arena_array(a, struct type_field, FIELDS);
        for (int i = 0; i < FIELDS; i++)
            fields[i] = (struct type_field){names[i], make_type(a, depth - 1)};
        return type_new_object(a, fields, FIELDS);
    }
    default:
        return plain[below(5)];
    }
}

static json_t *any_value(void)
{
    switch (below(8)) {
    case 0:
        return json_null();
    case 1:
        return json_boolean(below(2));
    case 2:
        return json_integer(below(100));
    case 3:
        return json_real(below(2) ? 1.5 : 3.0);
    case 4:
        return json_array();
    case 5:
        return json_object();
    default:
        return json_string(below(2) ? "info" : "other");
    }
}

static json_t *make_value(const struct type *t);

static json_t *make_object(const struct type *t)
{
    json_t *object = json_object();
    unsigned first = below(4) ? 0 : below(t->n);
    for (uint32_t k = 0; k < t->n; k++) {
        const struct type_field *f = &t->fields[(k + first) % t->n];
        if (below(f->type->kind == TYPE_OPTIONAL ? 3 : 20))
            json_object_setn_new(object, f->name.p, f->name.n, make_value(f->type));
    }
    if (!below(20))
        json_object_set_new(object, "fil", any_value());
    return object;
}

/* Mostly of the type. */
static json_t *make_value(const struct type *t)
{
    if (!below(8))
        return any_value();
    switch (t->kind) {
    case TYPE_OBJECT:
        return make_object(t);
    case TYPE_LIST:
    case TYPE_DICT: {
        json_t *list = t->kind == TYPE_LIST ? json_array() : json_object();
        for (unsigned n = below(4); n; n--)
            if (t->kind == TYPE_LIST)
                json_array_append_new(list, make_value(t->of));
            else
                json_object_setn_new(list, names[n].p, names[n].n, make_value(t->of));
        return list;
    }
    case TYPE_OPTIONAL:
        return below(2) ? make_value(t->of) : json_null();
    case TYPE_ENUM:
        return json_string(words[below(3)].p);
    case TYPE_INT:
        return below(2) ? json_integer(3) : json_real(3.0);
    case TYPE_FLOAT:
        return json_real(0.5);
    case TYPE_BOOL:
        return json_true();
    case TYPE_STR:
        return json_string("text");
    default:
        return any_value();
    }
}

static void check__the_quick_answer_is_the_thorough_one(void **unused)
{
    int fitting = 0;
    (void)unused;
    for (state = 1; state < ROUNDS;) {
        uint64_t seed = state;
        auto_arena arena = ARENA_INIT;
        struct err_list errors = {0}, thorough = {0};
        const struct type *t = make_type(&arena, DEPTH);
        json_t *value = make_value(t);
        bool ok = type_check(t, value, STR("value"), &errors);
        assert_true(ok == type_check_planned(t, value, STR("value"), &thorough));
        assert_true(ok == (errors.n == 0) && errors.n == thorough.n);
        for (size_t i = 0; i < errors.n; i++)
            assert_true(str_eq(errors.at[i].message, thorough.at[i].message));
        fitting += ok;
        err_list_done(&errors);
        err_list_done(&thorough);
        json_decref(value);
        state = seed + 1;
    }
    assert_in_range(fitting, ROUNDS / 4, ROUNDS - ROUNDS / 8); /* both answers have been tried */
}

static void peek__jansson_is_laid_out_as_it_is_read(void **unused)
{
    (void)unused;
    assert_true(json_can_peek());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(peek__jansson_is_laid_out_as_it_is_read),
        cmocka_unit_test(check__the_quick_answer_is_the_thorough_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
