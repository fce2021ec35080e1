/* An evaluation stops wherever it decides on a deferred value, and goes on as if it had never
 * stopped: same output, same number of instructions, nothing done twice. */
#include "toy.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* values: what d0, d1, ... turn out to be; awaits: which of them are waited for, in order. */
static const struct {
    const char *name, *program, *values[4], *awaits;
} in_place[] = {
    {"if", "if d0:\n    print('yes')\nelse:\n    print('no')\n", {"1"}, "0"},
    {"elif", "if d0: print(0)\nelif d1: print(1)\nelse: print(2)\n", {"0", "1"}, "01"},
    {"while", "n = 0\nwhile d0 and n < 3:\n    n += 1\nprint(n)\n", {"1"}, "0"},
    {"and, or, not", "x = effect(1) and d0 or d1\nprint(not x, not d2)\n", {"0", "5", "0"}, "012"},
    {"the value of and", "x = (d0 and 5) or 7\nprint(x)\n", {"3"}, "0"},
    {"comparison", "if d0 == 3: print('three')\nif d1 < 2: print('less')\n", {"3", "1"}, "01"},
    {"chain", "print(1 < d0 < 5)\nif 1 < effect(2) < d0: print('in')\n", {"3"}, "0"},
    {"ternary", "print('a' if d0 else 'b')\n", {"0"}, "0"},
    {"assert",
     "assert d0\ntry:\n    assert d1, effect('m')\nexcept AssertionError as e:\n"
     "    print(e)\n",
     {"1", "0"},
     "01"},
    {"is None",
     "print(d0 is None, d1 is not None)\nif d2 is None: print('none')\n",
     {"None", "1", "None"},
     "012"},
    {"in", "print(1 in d0, 9 not in d0)\nif 2 in d1: print('two')\n", {"[1, 2]", "[2]"}, "01"},
    {"for", "for x in d0:\n    effect(x)\nelse:\n    print('end')\n", {"[1, 2, 3]"}, "0"},
    {"for of deferred elements", "for x in [d0, d1]:\n    if x: print('true')\n", {"1", "0"}, "01"},
    {"comprehension",
     "print([x * 2 for x in d0], [x for x in range(4) if d1 == x])\n",
     {"[1, 2]", "2"},
     "01"},
    {"set and dict comprehension",
     "print({x for x in d0}, {x: 1 for x in d1})\n",
     {"[1, 1]", "[2]"},
     "01"},
    {"generator",
     "g = (effect(x) for x in [1, 2, 3] if x != d0)\nfor x in g:\n    print(x)\n",
     {"2"},
     "0"},
    {"generator's first iterable", "for x in (y for y in d0): print(x)\n", {"[4]"}, "0"},
    {"unpack", "a, b = d0\n[c, *rest] = d1\nprint(a, b, c, rest)\n", {"[1, 2]", "[3, 4, 5]"}, "01"},
    {"star arguments",
     "def f(*a): return a\nprint(f(effect(0), *d0, effect(9)))\n",
     {"[1, 2]"},
     "0"},
    {"star in a display", "print([effect(0), *d0], (*d1, effect(5)))\n", {"[1]", "[2]"}, "01"},
    {"len, sorted, sum, min",
     "print(len(d0), sorted(d0), sum(d0), min(d0), list(d1), bool(d2))\n",
     {"[3, 1]", "[7]", "0"},
     "012"},
    {"any over a list", "print(any([0, d0]))\n", {"1"}, "0"},
    {"nested functions",
     "def f(x):\n    effect('f')\n    return g(x) + 1\ndef g(x):\n    effect('g')\n    if x: return 10\n"
     "    return 20\nprint(f(d0), f(d1))\n",
     {"1", "0"},
     "01"},
    {"closures",
     "def outer():\n    n = 0\n    def inner():\n        nonlocal n\n        if d0: n += 1\n"
     "        return n\n    inner()\n    return inner() + n\nprint(outer())\n",
     {"1"},
     "0"},
    {"try",
     "try:\n    effect(1)\n    if d0: raise ValueError('x')\nexcept ValueError as e:\n"
     "    if d1: print('caught', e)\nelse:\n    print('else')\nfinally:\n    if d2: print('fin')\n",
     {"1", "1", "1"},
     "012"},
    {"finally with return",
     "def f():\n    for i in range(3):\n        try:\n            if i == 1: return effect('r')\n"
     "            continue\n        finally:\n            if d0 == i: effect('f')\nprint(f())\n",
     {"1"},
     "0"},
    {"exception context over an await",
     "try:\n    try:\n        1 // 0\n    except ZeroDivisionError:\n        if d0: raise KeyError('k')\n"
     "except KeyError as e:\n    try:\n        if d1: raise\n    except KeyError as again:\n"
     "        print(again is e)\n",
     {"1", "1"},
     "01"},
    {"walrus", "if (n := d0) and (m := effect(4)):\n    print(m)\n", {"1"}, "0"},
    {"dict key", "d = {d0: 1}\nd[d1] = 2\nprint(d, {1: 'one'}[d0])\n", {"1", "2"}, "01"},
    {"index", "print([10, 20, 30][d0])\n", {"2"}, "0"},
    {"lambda", "f = lambda x: 'y' if x else 'n'\nprint(f(d0))\n", {"0"}, "0"},
    {"arguments stay", "print(effect(1), 'a' if d0 else 'b', effect(2))\n", {"1"}, "0"},
    {"default argument", "def f(x=5 if d0 else 6): return x\nprint(f())\n", {"1"}, "0"},
    {"decorator",
     "def twice(f): return lambda: f() * (2 if d0 else 1)\n@twice\ndef f(): return 21\n"
     "print(f())\n",
     {"1"},
     "0"},
};

/* A program whose awaits stand below a native: sorted's key, a generator that sum drives. */
static const struct {
    const char *name, *program, *values[4], *awaits;
} below_natives[] = {
    {"key function", "print(sorted([2, 1], key=lambda x: effect(x) if d0 else -x))\n", {"1"}, "0"},
    {"generator in sum", "print(sum(x for x in range(3) if d0))\n", {"1"}, "0"},
    {"generator in any", "print(any(x == d0 for x in range(3)))\n", {"2"}, "0"},
    {"map", "print(list(map(lambda x: 1 if d0 else 2, [1, 2])))\n", {"0"}, "0"},
    {"elements of an iterator",
     "print(any(iter([0, d0, d1])), 3 in iter([1, d2]))\n",
     {"0", "1", "3"},
     "012"},
    {"filter", "for x in filter(None, [0, d0, 2]): effect(x)\n", {"1"}, "0"},
    {"key function before an await", "print(max([1, 2], key=lambda x: effect(d0)))\n", {"1"}, "0"},
    {"then in place", "a = sum(x for x in range(3) if d0)\nif d1: print(a)\n", {"1", "1"}, "01"},
    {"unpacking a generator", "a, b = (x for x in [1, 2] if d0)\nprint(a, b)\n", {"1"}, "0"},
};

static void set_values(struct toy_world *w, const char *const *values, bool known)
{
    for (int i = 0; i < TOY_COUNT; i++) {
        w->values[i] = i < 4 ? values[i] : NULL;
        w->known[i] = known;
    }
}

static void assert_done(struct toy_world *w, enum vm_outcome outcome, const char *name)
{
    if (outcome == VM_FAILED)
        print_error("%s: %.*s\n", name, STR_ARG(vm_error(w->vm)->message));
    assert_int_equal(outcome, VM_DONE);
}

/* The output, followed by the number of instructions, when everything is known beforehand. */
static char *expected(const char *program, const char *const *values)
{
    struct toy_world w = {0};
    set_values(&w, values, true);
    toy_open(&w, NULL, false);
    assert_done(&w, toy_run(&w, program), program);
    buf_addf(&w.out, "%lld", (long long)vm_instructions(w.vm));
    char *text = str_dup(buf_str(&w.out));
    toy_close(&w);
    return text;
}

static void resume_to_the_end(const char *name, const char *program, const char *const *values,
                              const char *awaits, bool collect_always)
{
    struct toy_world w = {0};
    auto_buf seen = BUF(100);
    auto_free char *want = expected(program, values);
    set_values(&w, values, false);
    toy_open(&w, NULL, collect_always);
    enum vm_outcome outcome = toy_run(&w, program);
    while (outcome == VM_AWAIT) {
        int number = toy_awaited(&w);
        buf_addf(&seen, "%d", number);
        assert_true(vm_position(w.vm).source != 0);
        /* Asked again too early it waits again, and nothing has changed. */
        assert_int_equal(vm_resume(w.vm), VM_AWAIT);
        assert_int_equal(toy_awaited(&w), number);
        w.known[number] = true;
        outcome = vm_resume(w.vm);
    }
    assert_done(&w, outcome, name);
    buf_addf(&w.out, "%lld", (long long)vm_instructions(w.vm));
    if (strcmp(buf_c(&w.out), want) != 0)
        print_error("%s: %s\n", name, program);
    assert_string_equal(buf_c(&w.out), want);
    assert_string_equal(buf_c(&seen), awaits);
    toy_close(&w);
}

static void vm__awaits_stop_in_place_and_go_on(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof in_place / sizeof *in_place; i++)
        resume_to_the_end(in_place[i].name, in_place[i].program, in_place[i].values,
                          in_place[i].awaits, false);
}

static void vm__awaits_survive_collections(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof in_place / sizeof *in_place; i++)
        resume_to_the_end(in_place[i].name, in_place[i].program, in_place[i].values,
                          in_place[i].awaits, true);
}

/* Evaluates anew after each await, with what is known by then. */
static void rebuild_to_the_end(const char *name, const char *program, const char *const *values,
                               const char *awaits, bool must_rebuild)
{
    bool known[TOY_COUNT] = {false}, rebuilt = false;
    auto_buf seen = BUF(100);
    auto_free char *want = expected(program, values);
    for (int round = 0; round < TOY_COUNT; round++) {
        struct toy_world w = {0};
        set_values(&w, values, false);
        memcpy(w.known, known, sizeof known);
        toy_open(&w, NULL, false);
        enum vm_outcome outcome = toy_run(&w, program);
        if (outcome == VM_DONE) {
            buf_addf(&w.out, "%lld", (long long)vm_instructions(w.vm));
            assert_string_equal(buf_c(&w.out), want);
            assert_string_equal(buf_c(&seen), awaits);
            if (must_rebuild && !rebuilt)
                fail_msg("%s: it never asked for a rebuild", name);
            toy_close(&w);
            return;
        }
        rebuilt = rebuilt || outcome == VM_AWAIT_REBUILD;
        assert_true(outcome == VM_AWAIT || outcome == VM_AWAIT_REBUILD);
        assert_true(vm_position(w.vm).source != 0);
        known[toy_awaited(&w)] = true;
        buf_addf(&seen, "%d", toy_awaited(&w));
        toy_close(&w);
    }
    fail_msg("%s: waits for ever", program);
}

static void vm__awaits_below_natives_ask_for_a_rebuild(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof below_natives / sizeof *below_natives; i++)
        rebuild_to_the_end(below_natives[i].name, below_natives[i].program, below_natives[i].values,
                           below_natives[i].awaits, true);
}

static void vm__rebuilding_gives_the_same_as_resuming(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof in_place / sizeof *in_place; i++)
        rebuild_to_the_end(in_place[i].name, in_place[i].program, in_place[i].values,
                           in_place[i].awaits, false);
}

static void vm__finally_does_not_run_while_waiting(void **state)
{
    struct toy_world w = {0};
    (void)state;
    set_values(&w, (const char *const[]){"1", NULL, NULL, NULL}, false);
    toy_open(&w, NULL, false);
    assert_int_equal(toy_run(&w, "try:\n    if d0: pass\nfinally:\n    effect('f')\n"), VM_AWAIT);
    assert_int_equal(w.calls, 0);
    toy_close(&w); /* and nothing runs when it is thrown away */
    assert_int_equal(w.calls, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vm__awaits_stop_in_place_and_go_on),
        cmocka_unit_test(vm__awaits_survive_collections),
        cmocka_unit_test(vm__awaits_below_natives_ask_for_a_rebuild),
        cmocka_unit_test(vm__rebuilding_gives_the_same_as_resuming),
        cmocka_unit_test(vm__finally_does_not_run_while_waiting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
