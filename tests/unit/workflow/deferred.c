/* Every operator, method and form of f-string on deferred values: as the plan writes it and the
 * engine computes it when a step starts, as a decision computes it, and as the same expression over
 * known values. The three agree. */
#include "workflow/evaluation.h"
#include "workflow/resolve.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
/* cmocka wants the three above before it */
#include <cmocka.h>

/* s, t: texts; n, m: numbers; f: float; l: list; d: record; b: bool; z: null. */
#define VALUES \
    "[\" Ab,c {x}\\n\", \"b\", 7, -3, 2.5, [3, 1, 2], {\"k\": \"v\", \"i\": [1, 2]}, true, null]"
static const char result[] = "{\"outputs\": {\"all\": [" VALUES "], \"one\": " VALUES "}}";

/* clang-format off */
static const char *const expressions[] = {
    /* operators */
    "n + m", "n - m", "n * m", "n / m", "n // m", "n % m", "n ** 2", "2 ** n", "n << 2", "n >> 1", "n & 5", "n | 8", "n ^ m",
    "-n", "+n", "~n", "-n ** 2", "(-n) ** 2", "(n + m) * 2", "n + m * 2", "n - (m - 1)", "2 - n - m", "2 - (n - m)", "n / (m / 2)",
    "(n + 1) ** (m + 5)", "n ** m ** 2", "(n ** 2) ** 2", "-(n + m)", "~(n & m)", "n & (m | 1)", "(n & m) | 1", "n << (m + 4)",
    "f + n", "f * 2", "n + f", "1 / f", "f // 1", "f % 1", "f ** 2", "f == 2.5", "n == 7", "n != m", "n < m", "n <= 7", "n > m", "n >= 8",
    "(n < m) == False", "(n == m) + 1", "(s == t) + (s != t)", "1 + n - 2 * m // 3 % 4 ** 2",
    "s + t", "t + 'x'", "'x' + t", "t * 3", "3 * t", "t * n", "s == t", "s < t", "s != 'b'", "l + [n]", "[0] + l", "l * 2", "l == [3, 1, 2]",
    "l + [n, [m, t], (f,)]", "[t, {'k': n}] + l", "d == d", "b + 1", "b == True", "z == None", "l[0] + l[-1]",
    /* attributes, items, slices */
    "d.k", "d['k']", "d.i[0]", "d.i", "d['i'][-1]", "s[0]", "s[-1]", "s[1:4]", "s[:-1]", "s[::-1]", "s[1::2]", "l[1:]", "l[n - 7]", "s[n - 7:4]",
    "s[1:n:2]", "l[::-1]", "l[:]", "(s + t)[2]", "(l + l)[n - 5]",
    /* methods */
    "s.strip()", "s.lower()", "s.upper()", "s.split(',')", "s.split()", "s.split(sep=',', maxsplit=1)", "s.splitlines()", "s.replace('b', 'Q')",
    "s.replace(t, t + t, 1)", "s.find('c')", "s.index('c')", "s.count('b')", "s.startswith(' ')", "s.endswith(('x', '\\n'))", "s.strip().title()",
    "s.swapcase()", "s.center(20, '*')", "s.ljust(12)", "t.rjust(n)", "t.zfill(n)", "s.partition(',')", "s.rpartition(',')", "s.isalpha()",
    "t.isalpha()", "s.lstrip()", "s.rstrip('\\n')", "s.removeprefix(' A')", "s.removesuffix('\\n')", "s.casefold()", "s.expandtabs(4)",
    "t.join(['1', '2'])", "t.join(['1', t, s])", "'-'.join(['1', t])", "'-'.join([t, 'x', t + 'y'])", "'a,b'.split(t)", "'abcb'.replace(t, '!')",
    "'abc'.find(t)", "'abc'.startswith(t)", "l.index(1)", "l.count(2)", "l.copy()", "d.i.index(2)", "f.is_integer()", "n.bit_length()",
    "str.upper(t)", "str.join(t, ['1', '2'])", "s.split(',')[0].strip() + '!'", "s.strip().split(',')[1][::-1]",
    /* builtins that stay deferred */
    "str(n)", "str(f)", "str(l)", "str(s)", "str(b)", "str(z)", "int(f)", "int('1' + str(n))", "int(str(n), 9)", "float(n)", "float('1e' + str(n))", "round(f)",
    "round(f / 3, 2)", "abs(m)", "repr(s)", "repr(l)", "json.dumps(d)", "json.dumps({'a': n, 'b': [t]})", "json.dumps(l, indent=2)",
    "json.dumps({'b': 1, 'a': t}, sort_keys=True)", "json.loads('[' + str(n) + ']')", "json.loads(json.dumps(d))['i'][0]", "divmod(n, m)", "pow(n, 2)",
    "format(f, '.3f')", "format(n, str(n) + 'd')", "abs(-n) + abs(f)",
    /* f-strings, format and % */
    "f'{n}'", "f'{s}|{t}'", "f'{s!r}'", "f'{s!s:>20}'", "f'{s!a:*^30}'", "f'{n:05d}'", "f'{n:x}{n:#b}{n:+}'", "f'{f:.3e}'", "f'{f:{n}.{2}f}'",
    "f'{n + m * 2}'", "f'{{{n}}}'", "f'\"{t}\"'", "f\"'{t}'\"", "f'{d[\"k\"]}{d.k}'", "f'{s.split(\",\")[0]!r:>{n}}'", "f'{n!r}{l}{d}'", "f'{l[0]:>4}|'",
    "f'a\\n{t}\\t\\\\'", "f'{t}{t}{t}'", "f'{n=}'", "f'{n = :>5}'", "f'é{t}日'", "f'{t:}'", "f'{n:,}{n:_}'", "f'{b}{z}'", "f'{(lambda: 1)() + n}'",
    "f'{t + f\"{n}\"}'", "f'#{t}'", "f'{s}' + f'{t}'", "f'{t}' * 2", "f'{t}x'.upper()",
    "'{} {}'.format(s, n)", "'{0:>4}{1!r}{0}'.format(t, s)", "'{a.k} {a[i]}'.format(a=d)", "'{x:{w}}|'.format(x=t, w=n)", "'{:.2f}'.format(f)",
    "'{n}'.format_map({'n': n})", "'%s %d' % (s, n)", "'%s' % t", "'%r %5.1f %%' % (t, f)", "'%(a)s %(b)05d' % {'a': t, 'b': n}", "'%-5s|' % t",
    "'%x' % n", "s % ()", "t + '%s' % n",
    /* texts that the plan has to write with care */
    "t + '\\\\ \\' \" \\n \\t \\x00 é \\U0001f600 { } $expr'", "t == ''", "[None, True, False, -1, 1.5, 1e100, (), [], {}] + l",
    "{'$expr': t}['$expr']", "t + 'steps.a.stdout'", "[float('inf'), -0.0] + l", "(t, (n,), [f])[1:]", "[(1,), (1, 2)] + l",
};
/* clang-format on */

static bool one_result(void *data, str id, str *ret)
{
    (void)data;
    *ret = str_of(result);
    return str_is(id, "a");
}

/* Plans `body`, and adds what its log steps will say, one a line. */
static void planned(const char *body, struct buf *out)
{
    struct bundle bundle = {0};
    struct err_list errors = {0};
    struct err err = ERR_INIT;
    auto_buf source = BUF(1 << 20);
    buf_addf(&source, "@workflow(triggers=[push()])\ndef wf(ctx):\n    a = ctx.run('a', 'x')\n%s",
             body);
    bundle_add(&bundle, STR("t.py"), buf_str(&source));
    struct evaluation *e = evaluation_new(&bundle, NULL);
    if (!evaluation_load(e, STR("t.py"), &errors))
        fail_msg("%s\n%s", body, errors.at[0].message.p);
    assert_true(evaluation_set_result(e, STR("a"), str_of(result), &err));
    enum evaluation_state state =
        evaluation_start(e, evaluation_definition(e, 0),
                         &(struct evaluation_request){.event = STR("{\"type\": \"push\"}")});
    if (state != EVALUATION_DONE)
        fail_msg("%s\n%.*s", body, STR_ARG(evaluation_error(e)->message));
    const struct plan *p = evaluation_plan(e);
    for (uint32_t i = 1; i < p->step_count; i++) {
        auto_buf config = BUF(1 << 20);
        struct resolve_scope scope = {.result = one_result};
        if (!resolve_json(&scope, p->steps[i].config, &config, &err))
            fail_msg("%s\n%.*s\n%.*s", body, STR_ARG(p->steps[i].config), STR_ARG(err.message));
        json_t *j = json_loadb(config.p, config.n, JSON_ALLOW_NUL, NULL);
        json_t *text = json_object_get(j, "text");
        buf_add(out, json_string_value(text), json_string_length(text));
        buf_add_byte(out, '\n');
        json_decref(j);
    }
    evaluation_free(e);
    bundle_done(&bundle);
    err_list_done(&errors);
    err_done(&err);
}

#define NAMES "s, t, n, m, f, l, d, b, z"

static void deferred__expressions_are_what_known_values_give(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof expressions / sizeof *expressions; i++) {
        auto_buf known = BUF(1 << 20), later = BUF(1 << 20), decided = BUF(1 << 20);
        auto_buf body = BUF(1 << 20);
        buf_addf(&body, "    for " NAMES " in a.outputs.all:\n        ctx.log(repr(%s))\n",
                 expressions[i]);
        planned(buf_c(&body), &known);
        buf_reset(&body);
        buf_addf(&body,
                 "    o = a.outputs.one\n"
                 "    " NAMES " = [o[i] for i in range(9)]\n"
                 "    ctx.log(repr(%s))\n",
                 expressions[i]);
        planned(buf_c(&body), &later);
        buf_reset(&body);
        buf_addf(&body,
                 "    o = a.outputs.one\n"
                 "    " NAMES " = [o[i] for i in range(9)]\n"
                 "    ctx.log([k for k in {repr(%s): 1}][0])\n",
                 expressions[i]);
        planned(buf_c(&body), &decided);
        if (known.n < 2 || strcmp(buf_c(&known), buf_c(&later)) != 0 ||
            strcmp(buf_c(&known), buf_c(&decided)) != 0)
            fail_msg("%s\nknown:   %sdeferred: %sdecided: %s", expressions[i], buf_c(&known),
                     buf_c(&later), buf_c(&decided));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deferred__expressions_are_what_known_values_give),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
