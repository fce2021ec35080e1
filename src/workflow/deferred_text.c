/* Deferred values as text: an expression of the language, with as few parentheses as it needs. */
#include "base/num.h"
#include "workflow/deferred.h"
#include "json/writer.h"
#include <math.h>

/* How tightly an expression binds, as in Python's grammar. */
enum {
    BIND_ANY,
    BIND_COMPARE,
    BIND_OR,
    BIND_XOR,
    BIND_AND,
    BIND_SHIFT,
    BIND_SUM,
    BIND_PRODUCT,
    BIND_UNARY,
    BIND_POWER,
    BIND_PRIMARY,
};

static const struct {
    const char *sign;
    int bind;
} binary_ops[] = {
    [BINARY_ADD] = {" + ", BIND_SUM},
    [BINARY_SUB] = {" - ", BIND_SUM},
    [BINARY_MUL] = {" * ", BIND_PRODUCT},
    [BINARY_DIV] = {" / ", BIND_PRODUCT},
    [BINARY_FLOORDIV] = {" // ", BIND_PRODUCT},
    [BINARY_MOD] = {" % ", BIND_PRODUCT},
    [BINARY_POW] = {" ** ", BIND_POWER},
    [BINARY_LSHIFT] = {" << ", BIND_SHIFT},
    [BINARY_RSHIFT] = {" >> ", BIND_SHIFT},
    [BINARY_AND] = {" & ", BIND_AND},
    [BINARY_OR] = {" | ", BIND_OR},
    [BINARY_XOR] = {" ^ ", BIND_XOR},
    [BINARY_MATMUL] = {" @ ", BIND_PRODUCT},
};
static const char *const compare_ops[] = {" == ", " != ", " < ", " <= ", " > ", " >= "};
static const char *const unary_ops[] = {
    [UNARY_NOT] = "not ", [UNARY_NEG] = "-", [UNARY_POS] = "+", [UNARY_INVERT] = "~"};

static bool add_value(struct heap *h, struct buf *b, val v, int bind);

static void add_string(struct buf *b, val s)
{
    const struct taint *t = s.s->taint;
    size_t at = 0;
    if (!t) {
        json_add_quoted(b, text_str(s));
        return;
    }
    bool whole = t->n == 1 && t->at[0][0] == 0 && t->at[0][1] == s.s->n;
    if (!whole)
        buf_add_byte(b, '(');
    for (uint32_t i = 0; i < t->n; i++) {
        if (t->at[i][0] > at) {
            json_add_quoted(b, str_sub(text_str(s), at, t->at[i][0]));
            buf_add_c(b, " + ");
        }
        buf_add_c(b, i && t->at[i][0] == at ? " + untrusted(" : "untrusted(");
        json_add_quoted(b, str_sub(text_str(s), t->at[i][0], t->at[i][1]));
        buf_add_byte(b, ')');
        at = t->at[i][1];
        if (i + 1 < t->n && t->at[i + 1][0] > at)
            buf_add_c(b, " + ");
    }
    if (at < s.s->n) {
        buf_add_c(b, " + ");
        json_add_quoted(b, str_sub(text_str(s), at, s.s->n));
    }
    if (!whole)
        buf_add_byte(b, ')');
}

static bool add_items(struct heap *h, struct buf *b, const val *at, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        buf_add_c(b, i ? ", " : "");
        if (!add_value(h, b, at[i], BIND_ANY))
            return false;
    }
    return true;
}

static bool add_dict(struct heap *h, struct buf *b, struct dict_obj *d)
{
    uint32_t at = 0;
    bool first = true;
    buf_add_byte(b, '{');
    for (struct dict_entry *e; (e = dict_next(d, &at)); first = false) {
        buf_add_c(b, first ? "" : ", ");
        if (!add_value(h, b, e->key, BIND_ANY))
            return false;
        buf_add_c(b, ": ");
        if (!add_value(h, b, e->value, BIND_ANY))
            return false;
    }
    buf_add_byte(b, '}');
    return true;
}

static bool add_slice(struct heap *h, struct buf *b, const struct slice_obj *s)
{
    if (s->low.kind != V_NONE && !add_value(h, b, s->low, BIND_ANY))
        return false;
    buf_add_byte(b, ':');
    if (s->high.kind != V_NONE && !add_value(h, b, s->high, BIND_ANY))
        return false;
    if (s->step.kind == V_NONE)
        return true;
    buf_add_byte(b, ':');
    return add_value(h, b, s->step, BIND_ANY);
}

static bool no_text(struct heap *h, val v)
{
    return heap_refuse(h, "deferred_operand", "use a text, a number, a list or a dict there",
                       "a value of type %s cannot be combined with one that is not known yet",
                       val_type_name(v));
}

static bool add_concrete(struct heap *h, struct buf *b, val v, int bind)
{
    bool ok = true;
    switch (v.kind) {
    case V_NONE:
        buf_add_c(b, "None");
        return true;
    case V_BOOL:
        buf_add_c(b, v.i ? "True" : "False");
        return true;
    case V_INT:
    case V_FLOAT:
        if (v.kind == V_FLOAT && !isfinite(v.f)) {
            buf_addf(b, "float(\"%s\")", isnan(v.f) ? "nan" : v.f < 0 ? "-inf" : "inf");
            return true;
        }
        bool wrap = bind > BIND_UNARY;
        buf_add_c(b, wrap ? "(" : "");
        if (v.kind == V_INT)
            buf_add_int(b, v.i);
        else
            num_add_double(b, v.f);
        buf_add_c(b, wrap ? ")" : "");
        return true;
    case V_STR:
        add_string(b, v);
        return true;
    case V_LIST:
        buf_add_byte(b, '[');
        ok = add_items(h, b, v.list->at, v.list->n);
        buf_add_byte(b, ']');
        return ok;
    case V_TUPLE:
        buf_add_byte(b, '(');
        ok = add_items(h, b, v.tuple->at, v.tuple->n);
        buf_add_c(b, v.tuple->n == 1 ? ",)" : ")");
        return ok;
    case V_DICT:
        return add_dict(h, b, v.dict);
    default:
        return no_text(h, v);
    }
}

static bool is_identifier(str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && (i == 0 || c < '0' || c > '9'))
            return false;
    }
    return s.n > 0 && s.p[0] != '_';
}

/* steps.build, or steps["run-tests"] where the id is no name of the language. */
static void add_step(struct buf *b, str id)
{
    static const char *const keywords[] = {
        "and",    "as",   "assert", "async",  "await",  "break",   "class",    "continue",
        "def",    "del",  "elif",   "else",   "except", "finally", "for",      "from",
        "global", "if",   "import", "in",     "is",     "lambda",  "nonlocal", "not",
        "or",     "pass", "raise",  "return", "try",    "while",   "with",     "yield"};
    bool name = is_identifier(id);
    for (size_t i = 0; name && i < sizeof keywords / sizeof *keywords; i++)
        name = !str_is(id, keywords[i]);
    buf_add_c(b, name ? "steps." : "steps[");
    if (name) {
        buf_add_str(b, id);
    } else {
        json_add_quoted(b, id);
        buf_add_byte(b, ']');
    }
}

static bool add_call_args(struct heap *h, struct buf *b, const struct deferred *d)
{
    uint32_t named = d->names.kind == V_TUPLE ? d->names.tuple->n : 0;
    uint32_t positional = d->args.tuple->n - named;

    buf_add_byte(b, '(');
    if (!add_items(h, b, d->args.tuple->at, positional))
        return false;
    for (uint32_t i = 0; i < named; i++) {
        buf_addf(b, "%s%.*s=", positional + i ? ", " : "",
                 STR_ARG(text_str(d->names.tuple->at[i])));
        if (!add_value(h, b, d->args.tuple->at[positional + i], BIND_ANY))
            return false;
    }
    buf_add_byte(b, ')');
    return true;
}

static bool add_format(struct heap *h, struct buf *b, const struct deferred *d)
{
    const char *conversion = d->conversion == 'r' ? "repr("
                             : d->conversion == 'a'
                                 ? "\"{!a}\".format(" /* ascii() is no builtin here */
                                 : "str(";
    buf_add_c(b, "format(");
    if (d->conversion)
        buf_add_c(b, conversion);
    if (!add_value(h, b, d->a, BIND_ANY))
        return false;
    buf_add_c(b, d->conversion ? ")" : "");
    buf_add_c(b, ", ");
    if (val_is_unbound(d->b))
        buf_add_c(b, "\"\"");
    else if (!add_value(h, b, d->b, BIND_ANY))
        return false;
    buf_add_byte(b, ')');
    return true;
}

/* The field of an f-string for one part, or false where 3.11 cannot write it there: quotes and
 * backslashes may not stand in a field. */
static bool add_field(struct heap *h, struct buf *b, val part, char *quote)
{
    const struct deferred *d = deferred_of(part);
    val value = d->kind == DEFERRED_FORMAT ? d->a : part;
    size_t from = b->n;

    buf_add_byte(b, '{');
    if (!add_value(h, b, value, BIND_COMPARE))
        return false;
    str text = str_sub(buf_str(b), from + 1, b->n);
    if (str_starts(text, STR("{")) || str_has(text, STR("\\")) || str_has(text, STR("'")) ||
        str_has(text, STR("#")))
        return false;
    if (str_has(text, STR("\"")))
        *quote = '\'';
    if (d->kind == DEFERRED_FORMAT && d->conversion)
        buf_addf(b, "!%c", d->conversion);
    if (d->kind == DEFERRED_FORMAT && !val_is_unbound(d->b)) {
        if (d->b.kind != V_STR || d->b.s->taint)
            return false;
        str spec = text_str(d->b);
        for (size_t i = 0; i < spec.n; i++)
            if (strchr("{}'\"\\\n", spec.p[i]))
                return false;
        if (spec.n)
            buf_addf(b, ":%.*s", STR_ARG(spec));
    }
    buf_add_byte(b, '}');
    return true;
}

static void add_fstring_text(struct buf *b, str text, char quote)
{
    auto_buf quoted = BUF(EXPR_TEXT_MAX * 8);
    json_add_quoted(&quoted, text);
    for (size_t i = 1; i + 1 < quoted.n; i++) {
        char c = quoted.p[i];
        if (c == '\\' && quote == '\'' && quoted.p[i + 1] == '"')
            continue;
        if (c == '{' || c == '}')
            buf_add_byte(b, c);
        if (c == quote && quote == '\'')
            buf_add_byte(b, '\\');
        buf_add_byte(b, c);
        if (c == '\\')
            buf_add_byte(b, quoted.p[++i]);
    }
}

/* f"..." into b; leaves b as it was and returns false where an f-string cannot say it. */
static bool add_fstring(struct heap *h, struct buf *b, const struct deferred *d)
{
    char quote = '"';
    size_t start = b->n;
    const struct tuple_obj *parts = d->args.tuple;

    for (int pass = 0; pass < 2; pass++) { /* the first finds out which quotes are free */
        buf_cut(b, start, SIZE_MAX);
        buf_addf(b, "f%c", quote);
        for (uint32_t i = 0; i < parts->n; i++) {
            val part = parts->at[i];
            bool ok = true;
            if (part.kind == V_STR && !part.s->taint)
                add_fstring_text(b, text_str(part), quote);
            else
                ok = is_deferred(part) && add_field(h, b, part, &quote);
            if (!ok) {
                buf_cut(b, start, SIZE_MAX);
                return false;
            }
        }
        buf_add_byte(b, quote);
    }
    return true;
}

static bool add_concat(struct heap *h, struct buf *b, const struct deferred *d, int bind)
{
    const struct tuple_obj *parts = d->args.tuple;
    if (add_fstring(h, b, d))
        return true;
    if (h->fault.kind != FAULT_NONE)
        return false;
    buf_add_c(b, bind > BIND_SUM ? "(" : "");
    for (uint32_t i = 0; i < parts->n; i++) {
        buf_add_c(b, i ? " + " : "");
        bool text =
            parts->at[i].kind == V_STR ||
            (is_deferred(parts->at[i]) && deferred_of(parts->at[i])->kind == DEFERRED_FORMAT);
        buf_add_c(b, text ? "" : "str(");
        if (!add_value(h, b, parts->at[i], text ? BIND_PRODUCT : BIND_ANY))
            return false;
        buf_add_c(b, text ? "" : ")");
    }
    buf_add_c(b, bind > BIND_SUM ? ")" : "");
    return true;
}

static bool add_operator(struct heap *h, struct buf *b, const struct deferred *d, int bind)
{
    bool unary = d->kind == DEFERRED_UNARY, compare = d->kind == DEFERRED_COMPARE;
    int own = unary ? BIND_UNARY : compare ? BIND_COMPARE : binary_ops[d->op].bind;
    bool power = own == BIND_POWER;
    bool wrap = own < bind;

    buf_add_c(b, wrap ? "(" : "");
    if (unary) {
        buf_add_c(b, unary_ops[d->op]);
        if (!add_value(h, b, d->a, own))
            return false;
    } else {
        /* Left operands may bind as this one does; comparisons would chain. */
        if (!add_value(h, b, d->a, compare || power ? own + 1 : own))
            return false;
        buf_add_c(b, compare ? compare_ops[d->op] : binary_ops[d->op].sign);
        if (!add_value(h, b, d->b, power ? BIND_UNARY : own + 1))
            return false;
    }
    buf_add_c(b, wrap ? ")" : "");
    return true;
}

static bool add_native(struct heap *h, struct buf *b, const struct deferred *d)
{
    if (!val_is_unbound(d->self)) {
        if (!add_value(h, b, d->self, BIND_PRIMARY))
            return false;
        buf_add_byte(b, '.');
    } else if (strcmp(d->def->name, "loads") == 0 || strcmp(d->def->name, "dumps") == 0) {
        buf_add_c(b, "json.");
    }
    buf_add_c(b, d->def->name);
    return add_call_args(h, b, d);
}

static bool add_node(struct heap *h, struct buf *b, const struct deferred *d, int bind)
{
    switch ((enum deferred_kind)d->kind) {
    case DEFERRED_STEP:
        add_step(b, evaluation_of(h)->plan.steps[d->step].id);
        return true;
    case DEFERRED_SECRET:
        buf_addf(b, "secrets.%.*s", STR_ARG(d->name));
        return true;
    case DEFERRED_ATTR:
        if (!add_value(h, b, d->a, BIND_PRIMARY))
            return false;
        buf_addf(b, ".%.*s", STR_ARG(d->name));
        return true;
    case DEFERRED_ITEM:
        if (!add_value(h, b, d->a, BIND_PRIMARY))
            return false;
        buf_add_byte(b, '[');
        if (!(d->b.kind == V_SLICE ? add_slice(h, b, d->b.slice) : add_value(h, b, d->b, BIND_ANY)))
            return false;
        buf_add_byte(b, ']');
        return true;
    case DEFERRED_UNARY:
    case DEFERRED_BINARY:
    case DEFERRED_COMPARE:
        return add_operator(h, b, d, bind);
    case DEFERRED_CALL:
        return add_value(h, b, d->a, BIND_PRIMARY) && add_call_args(h, b, d);
    case DEFERRED_NATIVE:
        return add_native(h, b, d);
    case DEFERRED_FORMAT:
        return add_format(h, b, d);
    case DEFERRED_CONCAT:
        return add_concat(h, b, d, bind);
    case DEFERRED_HASH_FILES:
        buf_add_c(b, "hash_files");
        return add_call_args(h, b, d);
    case DEFERRED_RAW:
        buf_add_c(b, "raw(");
        if (!add_value(h, b, d->a, BIND_ANY))
            return false;
        buf_add_byte(b, ')');
        return true;
    }
    return false;
}

static bool add_value(struct heap *h, struct buf *b, val v, int bind)
{
    if (b->overflow || b->n > EXPR_TEXT_MAX)
        return heap_limit(h, "expression_too_long", "a deferred expression is longer than %d KiB",
                          EXPR_TEXT_MAX >> 10);
    if (!heap_charge(h, 1) || !heap_enter(h))
        return false;
    bool ok = is_deferred(v) ? add_node(h, b, deferred_of(v), bind) : add_concrete(h, b, v, bind);
    heap_leave(h);
    return ok;
}

bool deferred_add_text(struct heap *h, struct buf *b, val v)
{
    return add_value(h, b, v, BIND_ANY);
}
