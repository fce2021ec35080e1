#include "dump.h"
#include "base/num.h"
#include <inttypes.h>

struct dump {
    struct buf *b;
    const char *context; /* Load, Store or Del */
    bool in_fstring;     /* CPython 3.11 does not place what stands in there */
};

static void dump_expr(struct dump *d, const struct expr *e);
static void dump_block(struct dump *d, struct block block);

/* ---- pieces ---- */

static void put(struct dump *d, const char *text)
{
    buf_add_c(d->b, text);
}

static void put_str(struct dump *d, str s)
{
    static const char *const short_forms[] = {
        ['\b'] = "\\b", ['\t'] = "\\t", ['\n'] = "\\n", ['\f'] = "\\f", ['\r'] = "\\r"};
    buf_add_byte(d->b, '"');
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == '"' || c == '\\')
            buf_addf(d->b, "\\%c", c);
        else if (c <= '\r' && short_forms[c])
            put(d, short_forms[c]);
        else if (c < 0x20)
            buf_addf(d->b, "\\u%04x", c);
        else
            buf_add_byte(d->b, (char)c);
    }
    buf_add_byte(d->b, '"');
}

static void put_name(struct dump *d, str name)
{
    if (name.n)
        put_str(d, name);
    else
        put(d, "-");
}

static void begin(struct dump *d, const char *kind, pos at)
{
    put(d, kind);
    if (!d->in_fstring)
        buf_addf(d->b, "@%u:%u", at.offset, at.length);
    put(d, "(");
}

static void dump_as(struct dump *d, const char *context, const struct expr *e)
{
    const char *before = d->context;
    d->context = context;
    dump_expr(d, e);
    d->context = before;
}

static void dump_optional(struct dump *d, const struct expr *e)
{
    if (e)
        dump_as(d, "Load", e);
    else
        put(d, "-");
}

static void dump_list(struct dump *d, const char *context, struct expr *const *at, uint32_t n)
{
    put(d, "[");
    for (uint32_t i = 0; i < n; i++) {
        put(d, i ? ", " : "");
        if (at[i])
            dump_as(d, context, at[i]);
        else
            put(d, "-");
    }
    put(d, "]");
}

/* ---- operators ---- */

static const char *const binary_names[] = {
    [BINARY_ADD] = "Add",        [BINARY_SUB] = "Sub",           [BINARY_MUL] = "Mult",
    [BINARY_DIV] = "Div",        [BINARY_FLOORDIV] = "FloorDiv", [BINARY_MOD] = "Mod",
    [BINARY_POW] = "Pow",        [BINARY_LSHIFT] = "LShift",     [BINARY_RSHIFT] = "RShift",
    [BINARY_AND] = "BitAnd",     [BINARY_OR] = "BitOr",          [BINARY_XOR] = "BitXor",
    [BINARY_MATMUL] = "MatMult",
};
static const char *const compare_names[] = {
    [COMPARE_EQ] = "Eq",        [COMPARE_NE] = "NotEq",     [COMPARE_LT] = "Lt",
    [COMPARE_LE] = "LtE",       [COMPARE_GT] = "Gt",        [COMPARE_GE] = "GtE",
    [COMPARE_IS] = "Is",        [COMPARE_IS_NOT] = "IsNot", [COMPARE_IN] = "In",
    [COMPARE_NOT_IN] = "NotIn",
};
static const char *const unary_names[] = {
    [UNARY_NOT] = "Not", [UNARY_NEG] = "USub", [UNARY_POS] = "UAdd", [UNARY_INVERT] = "Invert"};

/* a and b and c is one node in CPython. */
static void dump_bool_values(struct dump *d, const struct expr *e, bool is_or)
{
    if (e->kind == EXPR_BOOL_OP && e->bool_op.is_or == is_or && !e->parenthesized) {
        dump_bool_values(d, e->bool_op.left, is_or);
        put(d, ", ");
        dump_expr(d, e->bool_op.right);
    } else {
        dump_expr(d, e);
    }
}

static void dump_bool_op(struct dump *d, const struct expr *e)
{
    begin(d, "BoolOp", e->at);
    put(d, e->bool_op.is_or ? "Or, [" : "And, [");
    dump_bool_values(d, e->bool_op.left, e->bool_op.is_or);
    put(d, ", ");
    dump_expr(d, e->bool_op.right);
    put(d, "])");
}

static void dump_compare(struct dump *d, const struct expr *e)
{
    begin(d, "Compare", e->at);
    dump_expr(d, e->compare.first);
    put(d, ", [");
    for (uint32_t i = 0; i < e->compare.n; i++)
        buf_addf(d->b, "%s%s", i ? ", " : "", compare_names[e->compare.ops[i]]);
    put(d, "], ");
    dump_list(d, "Load", e->compare.operands, e->compare.n);
    put(d, ")");
}

/* ---- literals ---- */

static void dump_parts(struct dump *d, const struct fstring_part *parts, uint32_t n);

static void dump_field(struct dump *d, const struct fstring_part *part)
{
    put(d, "FormattedValue(");
    dump_as(d, "Load", part->value);
    buf_addf(d->b, ", %d, ", part->conversion ? part->conversion : -1);
    if (part->has_spec)
        dump_parts(d, part->spec, part->spec_count);
    else
        put(d, "-");
    put(d, ")");
}

static void end_text(struct dump *d, struct buf *text, const char **separator)
{
    if (text->n) {
        buf_addf(d->b, "%sConstant(", *separator);
        put_str(d, buf_str(text));
        put(d, ")");
        *separator = ", ";
    }
    buf_reset(text);
}

static void dump_parts(struct dump *d, const struct fstring_part *parts, uint32_t n)
{
    auto_buf text = BUF(BUF_TEXT_MAX);
    const char *separator = "";
    bool before = d->in_fstring;
    d->in_fstring = true;
    put(d, "JoinedStr([");
    for (uint32_t i = 0; i < n; i++) {
        buf_add_str(&text, parts[i].value ? parts[i].source : parts[i].text);
        if (!parts[i].value)
            continue;
        end_text(d, &text, &separator);
        put(d, separator);
        dump_field(d, &parts[i]);
        separator = ", ";
    }
    end_text(d, &text, &separator);
    put(d, "])");
    d->in_fstring = before;
}

static void dump_constant(struct dump *d, const struct expr *e)
{
    begin(d, "Constant", e->at);
    switch (e->kind) {
    case EXPR_NONE:
        put(d, "None");
        break;
    case EXPR_TRUE:
        put(d, "True");
        break;
    case EXPR_FALSE:
        put(d, "False");
        break;
    case EXPR_ELLIPSIS:
        put(d, "Ellipsis");
        break;
    case EXPR_INT:
        buf_addf(d->b, "%" PRIi64, e->i);
        break;
    case EXPR_FLOAT:
        num_add_double(d->b, e->f);
        break;
    default:
        put_str(d, e->s);
        break;
    }
    put(d, ")");
}

static void dump_int(struct dump *d, const struct expr *e)
{
    if (e->i != INT64_MIN) {
        dump_constant(d, e);
        return;
    }
    begin(d, "UnaryOp", e->at); /* one literal here, two nodes in CPython */
    put(d, "USub, ");
    begin(d, "Constant", e->op_at);
    put(d, "9223372036854775808))");
}

/* ---- calls and functions ---- */

static void dump_call(struct dump *d, const struct expr *e)
{
    const char *separator = "";
    begin(d, "Call", e->at);
    dump_expr(d, e->call.target);
    put(d, ", [");
    for (uint32_t i = 0; i < e->call.n; i++) {
        const struct argument *a = &e->call.args[i];
        if (a->kind != ARGUMENT_POSITIONAL && a->kind != ARGUMENT_STAR)
            continue;
        put(d, separator);
        separator = ", ";
        if (a->kind == ARGUMENT_STAR)
            put(d, "Star(");
        dump_expr(d, a->value);
        if (a->kind == ARGUMENT_STAR)
            put(d, ")");
    }
    put(d, "], [");
    separator = "";
    for (uint32_t i = 0; i < e->call.n; i++) {
        const struct argument *a = &e->call.args[i];
        if (a->kind == ARGUMENT_POSITIONAL || a->kind == ARGUMENT_STAR)
            continue;
        buf_addf(d->b, "%skeyword(", separator);
        separator = ", ";
        put_name(d, a->name);
        put(d, ", ");
        dump_expr(d, a->value);
        put(d, ")");
    }
    put(d, "])");
}

static void dump_parameters(struct dump *d, const struct parameters *parameters)
{
    static const char *const kinds[] = {"pos", "normal", "var", "kwonly", "kw"};
    put(d, "[");
    for (uint32_t i = 0; i < parameters->n; i++) {
        const struct parameter *q = &parameters->at[i];
        buf_addf(d->b, "%s%s(", i ? ", " : "", kinds[q->kind]);
        put_str(d, q->name);
        put(d, ", ");
        dump_optional(d, q->annotation);
        put(d, ", ");
        dump_optional(d, q->default_value);
        put(d, ")");
    }
    put(d, "]");
}

static void dump_comprehension(struct dump *d, const struct expr *e)
{
    static const char *const kinds[] = {"ListComp", "SetComp", "DictComp", "GeneratorExp"};
    begin(d, kinds[e->comprehension.kind], e->at);
    dump_expr(d, e->comprehension.element);
    if (e->comprehension.value) {
        put(d, ", ");
        dump_expr(d, e->comprehension.value);
    }
    put(d, ", [");
    for (uint32_t i = 0; i < e->comprehension.n; i++) {
        const struct comprehension_clause *c = &e->comprehension.clauses[i];
        put(d, i ? ", comprehension(" : "comprehension(");
        dump_as(d, "Store", c->target);
        put(d, ", ");
        dump_expr(d, c->iterable);
        put(d, ", ");
        dump_list(d, "Load", c->conditions.at, c->conditions.n);
        put(d, ")");
    }
    put(d, "])");
}

/* ---- expressions ---- */

static void dump_sequence(struct dump *d, const char *kind, const struct expr *e)
{
    begin(d, kind, e->at);
    dump_list(d, d->context, e->items.at, e->items.n);
    if (e->kind != EXPR_SET)
        buf_addf(d->b, ", %s", d->context);
    put(d, ")");
}

/* The kinds that pass their context on, or have one of their own. */
static bool dump_target(struct dump *d, const struct expr *e)
{
    const char *context = d->context;
    switch (e->kind) {
    case EXPR_NAME:
        begin(d, "Name", e->at);
        put_str(d, e->s);
        break;
    case EXPR_ATTR:
        begin(d, "Attribute", e->at);
        dump_as(d, "Load", e->attr.target);
        put(d, ", ");
        put_str(d, e->attr.name);
        break;
    case EXPR_INDEX:
        begin(d, "Subscript", e->at);
        dump_as(d, "Load", e->index.target);
        put(d, ", ");
        dump_as(d, "Load", e->index.index);
        break;
    case EXPR_STARRED:
        begin(d, "Starred", e->at);
        dump_expr(d, e->starred);
        break;
    case EXPR_TUPLE:
        dump_sequence(d, "Tuple", e);
        return true;
    case EXPR_LIST:
        dump_sequence(d, "List", e);
        return true;
    default:
        return false;
    }
    buf_addf(d->b, ", %s)", context);
    return true;
}

static void dump_slice(struct dump *d, const struct expr *e)
{
    begin(d, "Slice", e->at);
    dump_optional(d, e->slice.low);
    put(d, ", ");
    dump_optional(d, e->slice.high);
    put(d, ", ");
    dump_optional(d, e->slice.step);
    put(d, ")");
}

static void dump_operation(struct dump *d, const struct expr *e)
{
    switch (e->kind) {
    case EXPR_UNARY:
        begin(d, "UnaryOp", e->at);
        buf_addf(d->b, "%s, ", unary_names[e->unary.op]);
        dump_expr(d, e->unary.operand);
        put(d, ")");
        break;
    case EXPR_BINARY:
        begin(d, "BinOp", e->at);
        dump_expr(d, e->binary.left);
        buf_addf(d->b, ", %s, ", binary_names[e->binary.op]);
        dump_expr(d, e->binary.right);
        put(d, ")");
        break;
    case EXPR_COND:
        begin(d, "IfExp", e->at);
        dump_expr(d, e->cond.test);
        put(d, ", ");
        dump_expr(d, e->cond.then);
        put(d, ", ");
        dump_expr(d, e->cond.otherwise);
        put(d, ")");
        break;
    case EXPR_LAMBDA:
        begin(d, "Lambda", e->at);
        dump_parameters(d, &e->lambda.parameters);
        put(d, ", ");
        dump_expr(d, e->lambda.body);
        put(d, ")");
        break;
    default:
        dump_constant(d, e);
        break;
    }
}

static void dump_expr(struct dump *d, const struct expr *e)
{
    if (dump_target(d, e))
        return;
    switch (e->kind) {
    case EXPR_INT:
        dump_int(d, e);
        break;
    case EXPR_FSTRING:
        dump_parts(d, e->fstring.parts, e->fstring.n);
        break;
    case EXPR_SLICE:
        dump_slice(d, e);
        break;
    case EXPR_CALL:
        dump_call(d, e);
        break;
    case EXPR_BOOL_OP:
        dump_bool_op(d, e);
        break;
    case EXPR_COMPARE:
        dump_compare(d, e);
        break;
    case EXPR_SET:
        dump_sequence(d, "Set", e);
        break;
    case EXPR_DICT:
        begin(d, "Dict", e->at);
        dump_list(d, "Load", e->dict.keys, e->dict.n);
        put(d, ", ");
        dump_list(d, "Load", e->dict.values, e->dict.n);
        put(d, ")");
        break;
    case EXPR_COMPREHENSION:
        dump_comprehension(d, e);
        break;
    case EXPR_WALRUS:
        begin(d, "NamedExpr", e->at);
        dump_as(d, "Store", e->walrus.name);
        put(d, ", ");
        dump_expr(d, e->walrus.value);
        put(d, ")");
        break;
    default:
        dump_operation(d, e);
        break;
    }
}

/* ---- statements ---- */

static void dump_names(struct dump *d, const struct stmt *s)
{
    put(d, s->kind == STMT_GLOBAL ? "Global([" : "Nonlocal([");
    for (uint32_t i = 0; i < s->names.n; i++) {
        put(d, i ? ", " : "");
        put_str(d, s->names.names[i]);
    }
    put(d, "])");
}

static void dump_import(struct dump *d, const struct stmt *s)
{
    put(d, s->kind == STMT_IMPORT ? "Import([" : "ImportFrom(");
    if (s->kind == STMT_IMPORT_FROM) {
        put_name(d, s->import.module);
        put(d, ", [");
    }
    for (uint32_t i = 0; i < s->import.n; i++) {
        put(d, i ? ", alias(" : "alias(");
        put_str(d, s->import.names[i].name);
        put(d, ", ");
        put_name(d, s->import.names[i].as);
        put(d, ")");
    }
    put(d, "])");
}

static void dump_try(struct dump *d, const struct stmt *s)
{
    put(d, "Try(");
    dump_block(d, s->try_.body);
    put(d, ", [");
    for (uint32_t i = 0; i < s->try_.n; i++) {
        const struct except_clause *c = &s->try_.handlers[i];
        put(d, i ? ", ExceptHandler(" : "ExceptHandler(");
        dump_optional(d, c->type);
        put(d, ", ");
        put_name(d, c->name);
        put(d, ", ");
        dump_block(d, c->body);
        put(d, ")");
    }
    put(d, "], ");
    dump_block(d, s->try_.otherwise);
    put(d, ", ");
    dump_block(d, s->try_.finally);
    put(d, ")");
}

static void dump_def(struct dump *d, const struct stmt *s)
{
    put(d, "FunctionDef(");
    put_str(d, s->def.name);
    put(d, ", ");
    dump_parameters(d, &s->def.parameters);
    put(d, ", ");
    dump_block(d, s->def.body);
    put(d, ", ");
    dump_list(d, "Load", s->def.decorators.at, s->def.decorators.n);
    put(d, ", ");
    dump_optional(d, s->def.returns);
    put(d, ")");
}

static void dump_annotated(struct dump *d, const struct stmt *s)
{
    const struct expr *target = s->annotated.target;
    put(d, "AnnAssign(");
    dump_as(d, "Store", target);
    put(d, ", ");
    dump_expr(d, s->annotated.annotation);
    put(d, ", ");
    dump_optional(d, s->annotated.value);
    buf_addf(d->b, ", %d)", target->kind == EXPR_NAME && !target->parenthesized);
}

/* Kind(a, b) of two expressions, either of which may be absent. */
static void dump_two(struct dump *d, const char *kind, const struct expr *a, const struct expr *b)
{
    buf_addf(d->b, "%s(", kind);
    dump_optional(d, a);
    put(d, ", ");
    dump_optional(d, b);
    put(d, ")");
}

static void dump_assignment(struct dump *d, const struct stmt *s)
{
    if (s->kind == STMT_ASSIGN) {
        put(d, "Assign(");
        dump_list(d, "Store", s->assign.targets.at, s->assign.targets.n);
        put(d, ", ");
        dump_expr(d, s->assign.value);
    } else {
        put(d, "AugAssign(");
        dump_as(d, "Store", s->augmented.target);
        buf_addf(d->b, ", %s, ", binary_names[s->augmented.op]);
        dump_expr(d, s->augmented.value);
    }
    put(d, ")");
}

static void dump_simple(struct dump *d, const struct stmt *s)
{
    switch (s->kind) {
    case STMT_EXPR:
    case STMT_RETURN:
        put(d, s->kind == STMT_EXPR ? "Expr(" : "Return(");
        dump_optional(d, s->expr);
        put(d, ")");
        break;
    case STMT_DELETE:
        put(d, "Delete(");
        dump_list(d, "Del", s->targets.at, s->targets.n);
        put(d, ")");
        break;
    case STMT_ASSERT:
        dump_two(d, "Assert", s->assertion.test, s->assertion.message);
        break;
    case STMT_RAISE:
        dump_two(d, "Raise", s->raise.exception, s->raise.cause);
        break;
    case STMT_PASS:
        put(d, "Pass()");
        break;
    case STMT_BREAK:
        put(d, "Break()");
        break;
    case STMT_CONTINUE:
        put(d, "Continue()");
        break;
    case STMT_GLOBAL:
    case STMT_NONLOCAL:
        dump_names(d, s);
        break;
    case STMT_ANNOTATED:
        dump_annotated(d, s);
        break;
    case STMT_IMPORT:
    case STMT_IMPORT_FROM:
        dump_import(d, s);
        break;
    default:
        dump_assignment(d, s);
        break;
    }
}

static void dump_stmt(struct dump *d, const struct stmt *s)
{
    switch (s->kind) {
    case STMT_IF:
        put(d, "If(");
        dump_expr(d, s->if_.test);
        put(d, ")");
        dump_block(d, s->if_.then);
        dump_block(d, s->if_.otherwise);
        break;
    case STMT_WHILE:
        put(d, "While(");
        dump_expr(d, s->while_.test);
        put(d, ")");
        dump_block(d, s->while_.body);
        dump_block(d, s->while_.otherwise);
        break;
    case STMT_FOR:
        put(d, "For(");
        dump_as(d, "Store", s->for_.target);
        put(d, ", ");
        dump_expr(d, s->for_.iterable);
        put(d, ")");
        dump_block(d, s->for_.body);
        dump_block(d, s->for_.otherwise);
        break;
    case STMT_TRY:
        dump_try(d, s);
        break;
    case STMT_DEF:
        dump_def(d, s);
        break;
    default:
        dump_simple(d, s);
        break;
    }
}

static void dump_block(struct dump *d, struct block block)
{
    put(d, "[");
    for (uint32_t i = 0; i < block.n; i++) {
        put(d, i ? ", " : "");
        dump_stmt(d, block.at[i]);
    }
    put(d, "]");
}

void dump_module(struct buf *b, const struct module *m)
{
    struct dump d = {.b = b, .context = "Load"};
    for (uint32_t i = 0; i < m->body.n; i++) {
        dump_stmt(&d, m->body.at[i]);
        put(&d, "\n");
    }
}
