/* expr: evaluates one Python expression on the value library alone, so that a test is a line of
 * Python beside what CPython answers. Literals, displays, names of types, calls, attributes,
 * indices, slices and operators; no comparison chains, no text escapes but \n, \\ and \'.
 * Names of one letter are variables; `name op= expr`, `name = expr` and `del name[i]` are
 * statements, and several are separated by semicolons. */
#ifndef TESTS_VALUE_EXPR_H
#define TESTS_VALUE_EXPR_H
#include "check.h"
#include <ctype.h>

struct expr {
    struct heap *h;
    const char *at;
    val vars[26];
};

static bool expr_level(struct expr *e, int level, val *ret);
static inline bool expr_any(struct expr *e, val *ret)
{
    return expr_level(e, 0, ret);
}

static void expr_space(struct expr *e)
{
    while (*e->at == ' ')
        e->at++;
}

static bool expr_token(struct expr *e, const char *token)
{
    expr_space(e);
    size_t n = strlen(token);
    if (strncmp(e->at, token, n) != 0)
        return false;
    if (isalpha((unsigned char)token[0]) && (isalnum((unsigned char)e->at[n]) || e->at[n] == '_'))
        return false;
    e->at += n;
    return true;
}

static void expr_expect(struct expr *e, const char *token)
{
    if (!expr_token(e, token))
        fail_msg("expected %s at: %s", token, e->at);
}

static str expr_name(struct expr *e)
{
    expr_space(e);
    const char *from = e->at;
    while (isalnum((unsigned char)*e->at) || *e->at == '_')
        e->at++;
    return str_make(from, (size_t)(e->at - from));
}

static bool expr_number(struct expr *e, val *ret)
{
    char *end;
    size_t n = strspn(e->at, "0123456789");
    if (e->at[n] == '.' || e->at[n] == 'e') {
        *ret = val_float(strtod(e->at, &end));
    } else {
        *ret = val_int((int64_t)strtoull(e->at, &end, 0));
    }
    e->at = end;
    return true;
}

static bool expr_text(struct expr *e, val *ret)
{
    char quote = *e->at++;
    auto_buf b = BUF(1 << 20);
    for (; *e->at != quote; e->at++) {
        if (*e->at == '\\')
            e->at++;
        buf_add_byte(&b, e->at[-1] == '\\' && *e->at == 'n' ? '\n' : *e->at);
    }
    e->at++;
    return text_new(e->h, buf_str(&b), ret);
}

/* Elements up to `close`; true in *ret_comma where one stood behind the last or between. */
static bool expr_elements(struct expr *e, const char *close, struct list_obj *into, bool *ret_comma)
{
    *ret_comma = false;
    while (!expr_token(e, close)) {
        val v;
        if (!expr_any(e, &v))
            return false;
        if (!list_push(e->h, into, v))
            return false;
        if (!expr_token(e, ",")) {
            expr_expect(e, close);
            break;
        }
        *ret_comma = true;
    }
    return true;
}

static bool expr_braces(struct expr *e, val *ret)
{
    if (expr_token(e, "}"))
        return dict_new(e->h, 0, ret);
    val key, value;
    if (!expr_any(e, &key))
        return false;
    bool is_dict = expr_token(e, ":");
    if (!(is_dict ? dict_new(e->h, 0, ret) : set_new(e->h, V_SET, 0, ret)))
        return false;
    for (;;) {
        if (is_dict ? !expr_any(e, &value) || !dict_set(e->h, ret->dict, key, value)
                    : !set_add(e->h, ret->set, key))
            return false;
        if (expr_token(e, "}"))
            return true;
        expr_expect(e, ",");
        if (!expr_any(e, &key))
            return false;
        if (is_dict)
            expr_expect(e, ":");
    }
}

static val expr_named(struct expr *e, str name)
{
    static const struct type_info *const types[] = {
        &type_int,  &type_float, &type_bool,      &type_str,       &type_list,     &type_tuple,
        &type_dict, &type_set,   &type_frozenset, &type_range,     &type_slice,    &type_type,
        &type_zip,  &type_map,   &type_filter,    &type_enumerate, &type_reversed, &type_object,
    };
    if (str_is(name, "None"))
        return VAL_NONE;
    if (str_is(name, "True"))
        return VAL_TRUE;
    if (str_is(name, "False"))
        return VAL_FALSE;
    if (name.n == 1 && islower((unsigned char)name.p[0]))
        return e->vars[name.p[0] - 'a'];
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (str_is(name, types[i]->name))
            return val_type(types[i]);
    for (size_t i = 0; value_exceptions[i]; i++)
        if (str_is(name, value_exceptions[i]->name))
            return val_type(value_exceptions[i]);
    fail_msg("unknown name %.*s", STR_ARG(name));
    return VAL_NONE;
}

static bool expr_atom(struct expr *e, val *ret)
{
    val list;
    bool comma;

    expr_space(e);
    if (isdigit((unsigned char)*e->at) || (*e->at == '.' && isdigit((unsigned char)e->at[1])))
        return expr_number(e, ret);
    if (*e->at == '\'' || *e->at == '"')
        return expr_text(e, ret);
    if (expr_token(e, "["))
        return list_new(e->h, 0, ret) && expr_elements(e, "]", ret->list, &comma);
    if (expr_token(e, "{"))
        return expr_braces(e, ret);
    if (expr_token(e, "...")) {
        *ret = VAL_ELLIPSIS;
        return true;
    }
    if (!expr_token(e, "(")) {
        *ret = expr_named(e, expr_name(e));
        return true;
    }
    if (!list_new(e->h, 0, &list) || !expr_elements(e, ")", list.list, &comma))
        return false;
    if (list.list->n == 1 && !comma) {
        *ret = list.list->at[0];
        return true;
    }
    return tuple_from(e->h, list.list->at, list.list->n, ret);
}

static bool expr_call(struct expr *e, val fn, val *ret)
{
    val at[8], names[8], named[8];
    struct call_args args = {.at = at, .names = names, .named = named};
    while (!expr_token(e, ")")) {
        const char *before = e->at;
        str name = expr_name(e);
        val v;
        bool keyword = name.n && expr_token(e, "=") && *e->at != '=';
        if (!keyword)
            e->at = before;
        if (!expr_any(e, &v))
            return false;
        if (keyword) {
            if (!text_new(e->h, name, &names[args.named_count]))
                return false;
            named[args.named_count++] = v;
        } else {
            at[args.n++] = v;
        }
        expr_token(e, ",");
    }
    if (fn.kind == V_METHOD)
        return native_call(e->h, fn.method->def, fn.method->self, &args, ret);
    if (fn.kind == V_TYPE && fn.type->construct)
        return native_call(e->h, fn.type->construct, VAL_UNBOUND, &args, ret);
    return val_call(e->h, fn, at, args.n, ret);
}

/* What stands in brackets: an expression or a slice. */
static bool expr_index(struct expr *e, val *ret)
{
    val parts[3] = {VAL_NONE, VAL_NONE, VAL_NONE};
    bool slice = false;
    for (int i = 0; i < 3; i++) {
        expr_space(e);
        if (*e->at != ':' && *e->at != ']' && !expr_any(e, &parts[i]))
            return false;
        if (!expr_token(e, ":"))
            break;
        slice = true;
    }
    expr_expect(e, "]");
    *ret = parts[0];
    return !slice || slice_new(e->h, parts[0], parts[1], parts[2], ret);
}

static bool expr_primary(struct expr *e, val *ret)
{
    if (!expr_atom(e, ret))
        return false;
    for (;;) {
        val index;
        if (expr_token(e, "(")) {
            if (!expr_call(e, *ret, ret))
                return false;
        } else if (expr_token(e, ".")) {
            str name = expr_name(e);
            if (!val_getattr(e->h, *ret, name, ret))
                return false;
        } else if (expr_token(e, "[")) {
            if (!expr_index(e, &index) || !val_getitem(e->h, *ret, index, ret))
                return false;
        } else {
            return true;
        }
    }
}

static const struct expr_op {
    const char *token;
    int level;
    bool compares;
    int op;
} expr_ops[] = {
    {"not in", 1, true, COMPARE_NOT_IN}, {"in", 1, true, COMPARE_IN},
    {"is not", 1, true, COMPARE_IS_NOT}, {"is", 1, true, COMPARE_IS},
    {"==", 1, true, COMPARE_EQ},         {"!=", 1, true, COMPARE_NE},
    {"<<", 5, false, BINARY_LSHIFT},     {">>", 5, false, BINARY_RSHIFT},
    {"<=", 1, true, COMPARE_LE},         {">=", 1, true, COMPARE_GE},
    {"<", 1, true, COMPARE_LT},          {">", 1, true, COMPARE_GT},
    {"|", 2, false, BINARY_OR},          {"^", 3, false, BINARY_XOR},
    {"&", 4, false, BINARY_AND},         {"+", 6, false, BINARY_ADD},
    {"-", 6, false, BINARY_SUB},         {"**", 9, false, BINARY_POW},
    {"*", 7, false, BINARY_MUL},         {"//", 7, false, BINARY_FLOORDIV},
    {"/", 7, false, BINARY_DIV},         {"%", 7, false, BINARY_MOD},
    {"@", 7, false, BINARY_MATMUL},
};

static bool expr_unary(struct expr *e, val *ret)
{
    static const char *const tokens[] = {
        [UNARY_NEG] = "-", [UNARY_POS] = "+", [UNARY_INVERT] = "~"};
    for (enum unary_op op = UNARY_NEG; op <= UNARY_INVERT; op++)
        if (expr_token(e, tokens[op]))
            return expr_level(e, 8, ret) && op_unary(e->h, op, *ret, ret);
    if (expr_token(e, "not"))
        return expr_level(e, 1, ret) && op_unary(e->h, UNARY_NOT, *ret, ret);
    return expr_primary(e, ret);
}

static const struct expr_op *expr_next_op(struct expr *e, int level)
{
    const char *before = e->at;
    for (size_t i = 0; i < sizeof expr_ops / sizeof expr_ops[0]; i++) {
        const struct expr_op *op = &expr_ops[i];
        if (expr_token(e, op->token)) {
            if (op->level >= level && *e->at != '=')
                return op;
            e->at = before;
            if (*e->at == ' ' || op->level < level)
                return NULL;
        }
    }
    return NULL;
}

static bool expr_level(struct expr *e, int level, val *ret)
{
    if (!expr_unary(e, ret))
        return false;
    for (const struct expr_op *op; (op = expr_next_op(e, level));) {
        val right;
        if (!expr_level(e, op->level == 9 ? 8 : op->level + 1, &right))
            return false;
        if (op->compares ? !op_compare(e->h, (enum compare_op)op->op, *ret, right, ret)
                         : !op_binary(e->h, (enum binary_op)op->op, *ret, right, ret))
            return false;
    }
    return true;
}

/* `a[i] = expr`, `a op= expr`, `a = expr`, `del a[i]`, or an expression. */
static bool expr_statement(struct expr *e, val *ret)
{
    const char *before = e->at;
    val v, key;
    bool del = expr_token(e, "del");
    str name = expr_name(e);
    if (name.n == 1 && islower((unsigned char)name.p[0])) {
        val *var = &e->vars[name.p[0] - 'a'];
        if (expr_token(e, "=") && *e->at != '=')
            return expr_any(e, var);
        for (size_t i = 0; i < sizeof expr_ops / sizeof expr_ops[0]; i++) {
            const char *op_at = e->at;
            if (!expr_ops[i].compares && expr_token(e, expr_ops[i].token) && *e->at++ == '=')
                return expr_any(e, &v) &&
                       op_inplace(e->h, (enum binary_op)expr_ops[i].op, *var, v, var);
            e->at = op_at;
        }
        if (expr_token(e, "[")) {
            if (!expr_index(e, &key))
                return false;
            if (del)
                return val_delitem(e->h, *var, key);
            if (expr_token(e, "=") && *e->at != '=')
                return expr_any(e, &v) && val_setitem(e->h, *var, key, v);
        }
    }
    e->at = before;
    return expr_any(e, ret);
}

/* The repr of the last statement's value. */
static bool expr_run(struct heap *h, const char *source, val *ret)
{
    struct expr e = {.h = h, .at = source};
    val v = VAL_NONE;
    do {
        if (!expr_statement(&e, &v))
            return false;
    } while (expr_token(&e, ";"));
    expr_space(&e);
    if (*e.at)
        fail_msg("not understood: %s", e.at);
    return val_repr(h, v, ret);
}

/* The repr of the last statement's value, or the fault. */
static inline const char *expr_eval(struct heap *h, const char *source)
{
    static char text[4096];
    val v;
    if (!expr_run(h, source, &v))
        return fault_text(h);
    snprintf(text, sizeof text, "%.*s", STR_ARG(text_str(v)));
    return text;
}

struct expr_case {
    const char *source, *answer;
};

/* However little it may use, a case ends in its answer, its exception or a limit. */
static inline void expr_sweep(const struct expr_case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (int bytes = 100; bytes < 12000; bytes += bytes / 3) {
            auto_heap h;
            val v;
            struct heap_limits limits = heap_default_limits;
            limits.bytes = (size_t)bytes;
            limits.instructions = bytes % 50;
            heap_init(&h, &limits);
            bool ok = expr_run(&h, cases[i].source, &v);
            assert_int_equal(ok, h.fault.kind == FAULT_NONE);
            assert_true(h.fault.kind <= FAULT_LIMIT);
            assert_true(h.bytes <= limits.bytes);
            assert_int_equal(h.depth, 0);
            assert_int_equal(h.fault.kind == FAULT_LIMIT, err_is_set(&h.fault.err));
        }
}

/* Each case in a heap of its own; all that differ are named. */
static void expr_check(const struct expr_case *cases, size_t n)
{
    int wrong = 0;
    for (size_t i = 0; i < n; i++) {
        auto_heap h;
        heap_init(&h, NULL);
        const char *answer = expr_eval(&h, cases[i].source);
        if (strcmp(answer, cases[i].answer) == 0)
            continue;
        print_error("%s\n    is %s\n    not %s\n", cases[i].source, cases[i].answer, answer);
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

#endif
