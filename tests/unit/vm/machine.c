/* What the machine promises to its hosts: limits, calls from outside, modules, places, warnings. */
#include "diag/print.h"
#include "toy.h"
#include "value/dict.h"
#include "value/ops.h"
#include "value/text.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* ---- a host with modules ---- */

struct room {
    struct vm *vm;
    struct buf out;
    val kept; /* what the host holds */
};

static const struct {
    const char *name, *text;
} files[] = {
    {"plue.lib.names", "greeting = 'hello'\nitems = [1, 2]\ndef greet(who='you'):\n"
                       "    return f'{greeting} {who}'\ncount = 0\ndef bump():\n    global count\n"
                       "    count += 1\n    return count\n"},
    {"plue.lib.a", "from plue.lib.b import y\nx = 1\n"},
    {"plue.lib.b", "from plue.lib.a import x\ny = 1\n"},
    {"plue.lib.broken", "def f(:\n"},
    {"plue.lib.raises", "x = 1 // 0\n"},
};

static bool room_import(void *data, struct vm *vm, str module, pos at, val *ret)
{
    (void)data;
    (void)at;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        if (!str_is(module, files[i].name))
            continue;
        uint32_t id = sources_add(vm_sources(vm), module, str_of(files[i].text), POS_NONE);
        return vm_run_module(vm, id, ret);
    }
    return true;
}

static bool room_may_import(void *data, str module, struct err *err)
{
    (void)data;
    if (str_starts(module, STR("plue")))
        return true;
    return err_set(err, "not_supported", "import of '%.*s' is not available", STR_ARG(module));
}

static void room_print(void *data, str text)
{
    struct room *r = data;
    buf_add_str(&r->out, text);
}

static void room_mark(void *data, struct heap *h)
{
    heap_mark(h, ((struct room *)data)->kept);
}

static void room_open(struct room *r, const struct heap_limits *limits)
{
    struct vm_host host = {.data = r,
                           .import = room_import,
                           .may_import = room_may_import,
                           .mark = room_mark,
                           .print = room_print};
    *r = (struct room){.out = BUF(1 << 20), .kept = VAL_UNBOUND};
    r->vm = vm_new(limits, &host);
}

static void room_close(struct room *r)
{
    vm_free(r->vm);
    buf_done(&r->out);
}

/* All errors, printed; NULL in ret_code. */
static struct vm_code *room_compile(struct room *r, const char *program, struct buf *errors)
{
    struct err_list list = {0};
    uint32_t id = sources_add(vm_sources(r->vm), STR("t.py"), str_of(program), POS_NONE);
    struct vm_code *code = vm_compile(r->vm, id, &list);
    for (size_t i = 0; i < list.n; i++)
        diag_add_err(errors, vm_sources(r->vm), &list.at[i], &(struct diag_style){0});
    err_list_done(&list);
    return code;
}

static enum vm_outcome room_run(struct room *r, const char *program)
{
    auto_buf errors = BUF(1 << 20);
    struct vm_code *code = room_compile(r, program, &errors);
    if (!code)
        print_error("%s\n", buf_c(&errors));
    assert_non_null(code);
    return vm_run(r->vm, code);
}

static void assert_prints(const char *program, const char *text)
{
    struct room r;
    room_open(&r, NULL);
    enum vm_outcome outcome = room_run(&r, program);
    if (outcome == VM_FAILED)
        print_error("%.*s\n", STR_ARG(vm_error(r.vm)->message));
    assert_int_equal(outcome, VM_DONE);
    assert_string_equal(buf_c(&r.out), text);
    room_close(&r);
}

static void assert_fails(const char *program, const char *code, const char *message, uint32_t line)
{
    struct room r;
    struct place place;
    room_open(&r, NULL);
    assert_int_equal(room_run(&r, program), VM_FAILED);
    const struct err *e = vm_error(r.vm);
    assert_string_equal(e->code, code);
    auto_free char *text = str_dup(e->message);
    assert_string_equal(text, message);
    assert_true(sources_place(vm_sources(r.vm), e->at, &place));
    assert_int_equal(place.line, line);
    room_close(&r);
}

/* ---- limits ---- */

static enum vm_outcome run_limited(const char *program, const struct heap_limits *limits,
                                   const char **ret_code, int64_t *ret_count)
{
    static char code[64];
    struct room r;
    room_open(&r, limits);
    enum vm_outcome outcome = room_run(&r, program);
    *ret_count = vm_instructions(r.vm);
    snprintf(code, sizeof code, "%s", outcome == VM_FAILED ? vm_error(r.vm)->code : "");
    *ret_code = code;
    if (outcome == VM_FAILED)
        assert_true(vm_error(r.vm)->at.source != 0);
    room_close(&r);
    return outcome;
}

static void vm__instructions_are_counted_exactly(void **state)
{
    static const char program[] = "t = 0\nfor i in range(1000):\n    if i % 3: t += i\n"
                                  "def f(n): return n if n < 1 else f(n - 1)\nf(50)\n"
                                  "x = sorted([str(i) for i in range(100)], key=len)\n";
    struct heap_limits limits = heap_default_limits;
    const char *code;
    int64_t count, again;
    (void)state;
    assert_int_equal(run_limited(program, &limits, &code, &count), VM_DONE);
    assert_true(count > 5000);
    assert_int_equal(run_limited(program, &limits, &code, &again), VM_DONE);
    assert_int_equal(count, again);
    limits.instructions = count;
    assert_int_equal(run_limited(program, &limits, &code, &again), VM_DONE);
    limits.instructions = count / 2;
    assert_int_equal(run_limited(program, &limits, &code, &again), VM_FAILED);
    assert_string_equal(code, "instruction_limit");
}

static void vm__depth_counts_calls(void **state)
{
    struct heap_limits limits = heap_default_limits;
    const char *code;
    int64_t count;
    (void)state;
    static const char enough[] = "def f(n): return n and f(n - 1)\nf(199)\n";
    static const char too_deep[] = "def f(n): return n and f(n - 1)\nf(200)\n";
    assert_int_equal(run_limited(enough, &limits, &code, &count), VM_DONE);
    assert_int_equal(run_limited(too_deep, &limits, &code, &count), VM_FAILED);
    assert_string_equal(code, "depth_limit");
    limits.depth = 201;
    assert_int_equal(run_limited(too_deep, &limits, &code, &count), VM_DONE);
    limits.depth = 1000000; /* the C stack is safe at any configured depth */
    assert_int_equal(
        run_limited("def f(n): return max([n], key=f)\nf(1)\n", &limits, &code, &count), VM_FAILED);
    assert_string_equal(code, "depth_limit");
    assert_int_equal(
        run_limited("x = []\nfor i in range(99999): x = [x]\nrepr(x)\n", &limits, &code, &count),
        VM_FAILED);
    assert_string_equal(code, "depth_limit");
    assert_int_equal(
        run_limited("def f(n): return n and f(n - 1)\nf(30000)\n", &limits, &code, &count),
        VM_DONE);
}

static void vm__memory_and_output_are_bounded(void **state)
{
    struct heap_limits limits = heap_default_limits;
    const char *code;
    int64_t count;
    (void)state;
    limits.bytes = 4 << 20;
    assert_int_equal(
        run_limited("x = []\nwhile True: x.append('a' * 1000)\n", &limits, &code, &count),
        VM_FAILED);
    assert_string_equal(code, "memory_limit");
    assert_int_equal(
        run_limited("for i in range(100000): x = 'a' * 1000 + str(i)\n", &limits, &code, &count),
        VM_DONE); /* garbage is not use */
    limits.output = 100;
    assert_int_equal(run_limited("while True: print('x')\n", &limits, &code, &count), VM_FAILED);
    assert_string_equal(code, "output_limit");
}

static void vm__limits_cannot_be_caught(void **state)
{
    struct heap_limits limits = heap_default_limits;
    struct room r;
    (void)state;
    limits.instructions = 10000;
    room_open(&r, &limits);
    assert_int_equal(room_run(&r, "try:\n    while True: pass\nexcept BaseException:\n"
                                  "    print('caught')\nfinally:\n    print('finally')\n"),
                     VM_FAILED);
    assert_string_equal(vm_error(r.vm)->code, "instruction_limit");
    assert_string_equal(buf_c(&r.out), "");
    assert_int_equal(vm_exception(r.vm).kind, V_UNBOUND);
    room_close(&r);
    assert_fails(
        "try:\n    getattr(1, '_' + 'x', 5)\nexcept Exception:\n    print(1)\n", "not_supported",
        "attribute '_x' is not available in workflow files: it begins with an underscore", 2);
}

/* ---- calls from outside, places ---- */

static void vm__functions_are_called_from_outside(void **state)
{
    struct room r;
    auto_buf errors = BUF(1 << 20);
    (void)state;
    room_open(&r, NULL);
    struct vm_code *code =
        room_compile(&r, "base = 10\ndef add(a, *, b=1):\n    return base + a + b\n", &errors);
    assert_non_null(code);
    assert_int_equal(vm_run(r.vm, code), VM_DONE);
    val fn = vm_global(r.vm, code, STR("add")), arg = val_int(5), name, named = val_int(7);
    assert_int_equal(fn.kind, V_FUNC);
    assert_true(str_is(vm_function_name(fn), "add"));
    assert_int_equal(vm_function_pos(fn).offset, 14);
    assert_true(text_new(vm_heap(r.vm), STR("b"), &name));
    struct call_args args = {&arg, 1, &name, &named, 1};
    assert_int_equal(vm_run_call(r.vm, fn, &args), VM_DONE);
    assert_int_equal(vm_result(r.vm).i, 22);
    args.named_count = 0;
    args.n = 0;
    assert_int_equal(vm_run_call(r.vm, fn, &args), VM_FAILED);
    auto_free char *text = str_dup(vm_error(r.vm)->message);
    assert_string_equal(text, "TypeError: add() missing 1 required positional argument: 'a'");
    assert_int_equal(vm_global(r.vm, code, STR("nothing")).kind, V_UNBOUND);
    room_close(&r);
}

static void vm__errors_carry_the_calls_that_led_to_them(void **state)
{
    struct room r;
    (void)state;
    room_open(&r, NULL);
    assert_int_equal(room_run(&r, "def f(x):\n    return x.nope\ndef g():\n    return f(1)\ng()\n"),
                     VM_FAILED);
    const struct err *e = vm_error(r.vm);
    assert_int_equal(e->frame_count, 3);
    assert_true(str_is(e->frames[0].name, "<module>"));
    assert_true(str_is(e->frames[2].name, "f"));
    assert_int_equal(e->at.offset, e->frames[2].at.offset);
    room_close(&r);
}

static void vm__unknown_names_get_a_suggestion(void **state)
{
    struct room r;
    (void)state;
    room_open(&r, NULL);
    assert_int_equal(room_run(&r, "region = 1\nprint(regoin)\n"), VM_FAILED);
    auto_free char *hint = str_dup(vm_error(r.vm)->hint);
    assert_string_equal(hint, "did you mean 'region'?");
    room_close(&r);
}

static void vm__lint_warns_in_order_of_place(void **state)
{
    struct room r;
    struct err_list warnings = {0};
    auto_buf errors = BUF(1 << 20), text = BUF(1 << 20);
    (void)state;
    room_open(&r, NULL);
    struct vm_code *code = room_compile(&r,
                                        "def f():\n    return lenn(x)\nif 0: qqqqqqqq\n"
                                        "def g():\n    return 1\n    print(2)\n",
                                        &errors);
    assert_non_null(code);
    vm_lint(r.vm, code, &warnings);
    for (size_t i = 0; i < warnings.n; i++)
        diag_add_err(&text, vm_sources(r.vm), &warnings.at[i],
                     &(struct diag_style){.severity = "warning"});
    assert_string_equal(buf_c(&text), "t.py:2:12: warning: name 'lenn' is not defined\n"
                                      "    2 |     return lenn(x)\n"
                                      "      |            ^^^^\n"
                                      "  hint: did you mean 'len'?\n"
                                      "t.py:2:17: warning: name 'x' is not defined\n"
                                      "    2 |     return lenn(x)\n"
                                      "      |                 ^\n"
                                      "t.py:3:7: warning: name 'qqqqqqqq' is not defined\n"
                                      "    3 | if 0: qqqqqqqq\n"
                                      "      |       ^^^^^^^^\n"
                                      "t.py:6:5: warning: this is never reached\n"
                                      "    6 |     print(2)\n"
                                      "      |     ^^^^^^^^\n"
                                      "  hint: the statement before it always leaves the block\n");
    err_list_done(&warnings);
    room_close(&r);
}

static void vm__expressions_take_names_from_the_host(void **state)
{
    struct toy_world w = {0};
    struct err_list errors = {0};
    (void)state;
    for (int i = 0; i < TOY_COUNT; i++) {
        w.values[i] = "20";
        w.known[i] = true;
    }
    toy_open(&w, NULL, false);
    uint32_t id = sources_add(vm_sources(w.vm), STR("expr"),
                              STR("[x + 1 for x in [41] if d0 == 20][0]"), POS_NONE);
    struct vm_code *code = vm_compile_expr(w.vm, id, &errors);
    assert_non_null(code);
    assert_int_equal(vm_run(w.vm, code), VM_DONE);
    assert_int_equal(vm_result(w.vm).i, 42);
    err_list_done(&errors);
    toy_close(&w);
}

/* ---- modules ---- */

static void vm__modules_are_run_once_and_shared(void **state)
{
    (void)state;
    assert_prints("from plue.lib.names import greet, greeting as g, bump\nprint(greet('x'), g)\n"
                  "bump()\ndef f():\n    from plue.lib.names import bump as b\n    return b()\n"
                  "print(f())\n",
                  "hello x hello\n2\n");
}

static void vm__imported_values_are_frozen(void **state)
{
    (void)state;
    assert_prints("from plue.lib.names import items\ntry:\n    items.append(3)\n"
                  "except TypeError as e:\n    print('no', items)\n",
                  "no [1, 2]\n");
    assert_fails("from plue.lib.names import greet\ngreet.x = 1\n", "frozen_value",
                 "attributes of an imported function cannot be changed", 2);
}

static void vm__imports_that_fail_say_why(void **state)
{
    (void)state;
    assert_fails("from plue.lib.names import gret\n", "exception",
                 "ImportError: cannot import name 'gret' from 'plue.lib.names'", 1);
    assert_fails("from plue.lib.nothing import x\n", "exception",
                 "ModuleNotFoundError: No module named 'plue.lib.nothing'", 1);
    assert_fails("\nfrom plue.lib.a import x\n", "import_cycle",
                 "module 'plue.lib.a' imports itself, through the files that it imports", 1);
    assert_fails("from plue.lib.raises import x\n", "exception",
                 "ZeroDivisionError: integer division or modulo by zero", 1);
    assert_fails("from plue.lib.broken import f\n", "syntax_error", "'(' was never closed", 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vm__instructions_are_counted_exactly),
        cmocka_unit_test(vm__depth_counts_calls),
        cmocka_unit_test(vm__memory_and_output_are_bounded),
        cmocka_unit_test(vm__limits_cannot_be_caught),
        cmocka_unit_test(vm__functions_are_called_from_outside),
        cmocka_unit_test(vm__errors_carry_the_calls_that_led_to_them),
        cmocka_unit_test(vm__unknown_names_get_a_suggestion),
        cmocka_unit_test(vm__lint_warns_in_order_of_place),
        cmocka_unit_test(vm__expressions_take_names_from_the_host),
        cmocka_unit_test(vm__modules_are_run_once_and_shared),
        cmocka_unit_test(vm__imported_values_are_frozen),
        cmocka_unit_test(vm__imports_that_fail_say_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
