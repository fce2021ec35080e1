/* Maps against a list that is looked through: small ones have no index, larger ones do. */
#include "base/map.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

enum { KEYS = 40 };

struct reference {
    const char *value[KEYS];
    int order[4096]; /* keys as they were inserted */
    int n;
};

static void forget(struct reference *r, int key)
{
    int kept = 0;
    for (int i = 0; i < r->n; i++)
        if (r->order[i] != key)
            r->order[kept++] = r->order[i];
    r->n = kept;
    r->value[key] = NULL;
}

static void compare(const struct map *m, const struct reference *r, const str *keys)
{
    int at = 0;
    assert_int_equal(m->n, r->n);
    for (int k = 0; k < KEYS; k++) {
        assert_ptr_equal(map_get(m, keys[k]), r->value[k]);
        assert_int_equal(map_has(m, keys[k]), r->value[k] != NULL);
    }
    map_each(e, m)
    {
        assert_true(str_eq(e->key, keys[r->order[at]]));
        assert_ptr_equal(e->value, r->value[r->order[at]]);
        at++;
    }
    assert_int_equal(at, r->n);
}

/* Keys below `keys` are set and removed in an order that a generator of numbers gives. */
static void run(int count, unsigned seed)
{
    static const char *const values[] = {"one", "two", "three"};
    char names[KEYS][8];
    str keys[KEYS];
    struct reference r = {0};
    auto_map m = {0};
    for (int k = 0; k < KEYS; k++)
        keys[k] = str_make(names[k], (size_t)snprintf(names[k], sizeof names[k], "k%d", k * k));
    keys[0] = STR("");
    for (int i = 0; i < 400; i++) {
        seed = seed * 1103515245u + 12345u;
        int key = (int)(seed >> 16) % count;
        const char *value = values[(seed >> 8) % 3], *old = r.value[key];
        if ((seed >> 24) % 3 == 0) {
            assert_ptr_equal(map_remove(&m, keys[key]), old);
            forget(&r, key);
        } else {
            assert_ptr_equal(map_set(&m, keys[key], (void *)(uintptr_t)value), old);
            if (!old)
                r.order[r.n++] = key;
            r.value[key] = value;
        }
        compare(&m, &r, keys);
    }
}

static void map__small_and_large_ones_keep_order_and_values(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 20; seed++) {
        run(3, seed);
        run(8, seed);
        run(9, seed);
        run(KEYS, seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(map__small_and_large_ones_keep_order_and_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
