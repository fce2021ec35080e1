/* Expressions that gather many values: displays, comprehensions, calls and f-strings. */
#include "value/list.h"
#include "vm/compile_int.h"
#include "vm/machine_int.h"

/* How many values stand in registers at once; longer displays are gathered piece by piece. */
enum { PIECE = 32, CALL_ARGS_MAX = 200 };

static void load_empty(struct fn *f, enum op op, reg dest)
{
    emit(f, op, 0, dest, 0, 0);
}

/* ---- displays ---- */

/* acc gets every element of the iterable in `from` by add (LIST_ADD or SET_ADD). */
void call_spread(struct fn *f, reg from, pos at, reg acc, enum op add, enum iter_use use,
                 reg callee)
{
    uint32_t top = f->top;
    reg loop = fn_temps(f, 3);
    fn_at(f, at);
    emit(f, OP_ITER, use, loop, from, callee);
    uint32_t enter = emit_jump(f, OP_JUMP, 0, 0);
    uint32_t body = fn_here(f);
    emit(f, add, 0, acc, loop + 2u, 1);
    patch_here(f, enter);
    emit(f, OP_FOR, 0, loop, loop + 2u, 0);
    emit_jump_to(f, OP_JUMP, 0, 0, body);
    f->top = top;
}

static bool is_plain(const struct expr_list *l)
{
    for (uint32_t i = 0; i < l->n; i++)
        if (l->at[i]->kind == EXPR_STARRED)
            return false;
    return l->n <= PIECE;
}

/* Adds items to the list or set in acc, PIECE at a time. */
static void gather(struct fn *f, const struct expr_list *l, reg acc, enum op add)
{
    for (uint32_t i = 0; i < l->n;) {
        uint32_t top = f->top, n = 0;
        if (l->at[i]->kind == EXPR_STARRED) {
            const struct expr *e = l->at[i++]->starred;
            call_spread(f, expr_operand(f, e), e->at, acc, add, ITER_STAR_ITEMS, NO_REG);
            f->top = top;
            continue;
        }
        for (; i < l->n && n < PIECE && l->at[i]->kind != EXPR_STARRED; i++, n++)
            expr_temp(f, l->at[i]);
        emit(f, add, 0, acc, top, n);
        f->top = top;
    }
}

static void display_items(struct fn *f, const struct expr *e, reg dest)
{
    static const int ops[] = {[EXPR_TUPLE] = OP_TUPLE, [EXPR_LIST] = OP_LIST, [EXPR_SET] = OP_SET};
    uint32_t top = f->top;
    if (is_plain(&e->items)) {
        for (uint32_t i = 0; i < e->items.n; i++)
            expr_temp(f, e->items.at[i]);
        fn_at(f, e->at);
        emit(f, (enum op)ops[e->kind], 0, dest, top, e->items.n);
        f->top = top;
        return;
    }
    bool is_set = e->kind == EXPR_SET;
    reg acc = fn_temp(f);
    fn_at(f, e->at);
    load_empty(f, is_set ? OP_SET : OP_LIST, acc);
    gather(f, &e->items, acc, is_set ? OP_SET_ADD : OP_LIST_ADD);
    fn_at(f, e->at);
    emit(f, e->kind == EXPR_TUPLE ? OP_LIST_TUPLE : OP_MOVE, 0, dest, acc, 0);
    f->top = top;
}

static void display_dict(struct fn *f, const struct expr *e, reg dest)
{
    uint32_t top = f->top, n = e->dict.n;
    bool plain = n <= PIECE;
    for (uint32_t i = 0; i < n; i++)
        plain = plain && e->dict.keys[i];
    reg acc = plain ? dest : fn_temp(f);
    if (!plain || n == 0) {
        fn_at(f, e->at);
        load_empty(f, OP_DICT, acc);
    }
    for (uint32_t i = 0; i < n;) {
        uint32_t piece = f->top, pairs = 0;
        if (!e->dict.keys[i]) {
            reg from = expr_operand(f, e->dict.values[i]);
            fn_at(f, e->dict.values[i]->at);
            emit(f, OP_DICT_UPDATE, 0, acc, from, 0);
            i++;
        } else {
            for (; i < n && pairs < PIECE && e->dict.keys[i]; i++, pairs++) {
                expr_temp(f, e->dict.keys[i]);
                expr_temp(f, e->dict.values[i]);
            }
            fn_at(f, e->at);
            emit(f, plain ? OP_DICT : OP_DICT_ADD, 0, acc, piece, pairs);
        }
        f->top = piece;
    }
    if (acc != dest)
        emit(f, OP_MOVE, 0, dest, acc, 0);
    f->top = top;
}

void expr_display(struct fn *f, const struct expr *e, reg dest)
{
    if (e->kind == EXPR_DICT)
        display_dict(f, e, dest);
    else
        display_items(f, e, dest);
}

/* ---- loops and comprehensions ---- */

void loop_begin(struct fn *f, const struct expr *iterable, reg loop)
{
    uint32_t top = f->top;
    reg from = expr_operand(f, iterable);
    fn_at(f, iterable->at);
    emit(f, OP_ITER, ITER_LOOP, loop, from, NO_REG);
    f->top = top;
}

void loop_enter(struct fn *f, struct loop *l, reg at, const struct expr *target,
                const struct expr *iterable)
{
    *l = (struct loop){.at = at, .iterable = iterable->at};
    fn_at(f, iterable->at);
    l->enter = emit_jump(f, OP_JUMP, 0, 0);
    l->body = fn_here(f);
    l->dest = target->kind == EXPR_NAME ? name_target(f, target->s) : NO_REG;
    if (l->dest != NO_REG) {
        name_assigned(f, target->s);
        return;
    }
    l->dest = fn_temp(f);
    fn_at(f, target->at);
    assign_to(f, target, l->dest);
}

void loop_next(struct fn *f, const struct loop *l)
{
    patch_here(f, l->enter);
    fn_at(f, l->iterable);
    emit(f, OP_FOR, 0, l->at, l->dest, 0);
    emit_jump_to(f, OP_JUMP, 0, 0, l->body);
}

static void comprehension_element(struct fn *f, const struct expr *e, reg acc)
{
    uint32_t top = f->top;
    reg r;
    switch (e->comprehension.kind) {
    case COMPREHENSION_LIST:
    case COMPREHENSION_SET:
        r = expr_operand(f, e->comprehension.element);
        fn_at(f, e->comprehension.element->at);
        emit(f, e->comprehension.kind == COMPREHENSION_LIST ? OP_LIST_ADD : OP_SET_ADD, 0, acc, r,
             1);
        break;
    case COMPREHENSION_DICT:
        r = expr_temp(f, e->comprehension.element);
        expr_temp(f, e->comprehension.value);
        fn_at(f, e->comprehension.element->at);
        emit(f, OP_DICT_ADD, 0, acc, r, 1);
        break;
    case COMPREHENSION_GENERATOR:
        r = expr_operand(f, e->comprehension.element);
        fn_at(f, e->comprehension.element->at);
        emit(f, OP_YIELD, 0, r, 0, 0);
        break;
    }
    f->top = top;
}

void comprehension_clause(struct fn *f, const struct expr *e, uint32_t i, reg at, reg acc)
{
    uint32_t top = f->top;
    const struct comprehension_clause *c = &e->comprehension.clauses[i];
    struct jumps next = {0};
    struct loop l;
    if (i > 0) {
        at = fn_temps(f, 2);
        loop_begin(f, c->iterable, at);
    }
    loop_enter(f, &l, at, c->target, c->iterable);
    for (uint32_t k = 0; k < c->conditions.n; k++)
        expr_jump(f, c->conditions.at[k], false, &next);
    if (i + 1 < e->comprehension.n)
        comprehension_clause(f, e, i + 1, at, acc);
    else
        comprehension_element(f, e, acc);
    jumps_here(f, &next);
    loop_next(f, &l);
    f->top = top;
}

void comprehension_variables(struct fn *f, const struct expr *e)
{
    uint32_t first = f->top;
    name_declare(f, f->scope);
    if (f->top == first)
        return;
    fn_at(f, e->at);
    if (e->comprehension.n > 1 || f->scope->has_cells)
        emit_u(f, OP_CLEAR, 0, first, f->top - first);
    vec_each (s, &f->scope->order)
        if ((*s)->assigned && (*s)->captured)
            emit(f, OP_MAKE_CELL, 0, (*s)->reg, 0, 0);
}

str comprehension_name(const struct expr *e)
{
    static const char *const names[] = {"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"};
    return str_of(names[e->comprehension.kind]);
}

void expr_comprehension(struct fn *f, const struct expr *e, reg dest)
{
    static const int ops[] = {[COMPREHENSION_LIST] = OP_LIST,
                              [COMPREHENSION_SET] = OP_SET,
                              [COMPREHENSION_DICT] = OP_DICT};
    uint32_t top = f->top;
    struct scope *outer = f->scope;
    reg acc = fn_temp(f), loop = fn_temps(f, 2);
    loop_begin(f, e->comprehension.clauses[0].iterable, loop);
    fn_at(f, e->at);
    if (e->comprehension.kind == COMPREHENSION_GENERATOR) {
        vec_push(&f->children, compile_generator(f, e));
        emit(f, OP_GENERATOR, 0, dest, loop, 0);
        emit_u(f, OP_WORD, 0, 0, (uint32_t)f->children.n - 1);
        f->top = top;
        return;
    }
    load_empty(f, (enum op)ops[e->comprehension.kind], acc);
    struct assigned before = f->assigned;
    f->scope = scope_child(outer, e);
    uint32_t from = fn_here(f);
    comprehension_variables(f, e);
    comprehension_clause(f, e, 0, loop, acc);
    vec_push(&f->comprehensions,
             (struct comprehension_range){from, fn_here(f), e->at.offset, e->at.length,
                                          fn_const_str(f, comprehension_name(e))});
    f->scope = outer;
    f->assigned = before;
    emit(f, OP_MOVE, 0, dest, acc, 0);
    f->top = top;
}

/* ---- calls ---- */

val call_names(struct fn *f, const struct argument *args, uint32_t n, uint32_t *ret_n)
{
    auto_free val *names = mem_alloc((n + 1) * sizeof *names);
    val tuple = VAL_UNBOUND;
    uint32_t count = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (args[i].kind != ARGUMENT_KEYWORD)
            continue;
        uint32_t at = fn_const_str(f, args[i].name);
        if (at < f->consts.n)
            names[count++] = f->consts.at[at];
    }
    *ret_n = count;
    if (count && !tuple_from(&f->unit->vm->heap, names, count, &tuple))
        machine_fault_to_error(f->unit);
    return tuple;
}

/* The list of positional arguments in base + 1. One starred argument alone is unpacked by the call
 * itself, after everything else: its register, or NO_REG. */
reg call_star_positional(struct fn *f, const struct expr *e, reg base)
{
    const struct argument *args = e->call.args;
    uint32_t positional = 0;
    for (uint32_t i = 0; i < e->call.n; i++)
        positional += args[i].kind == ARGUMENT_POSITIONAL || args[i].kind == ARGUMENT_STAR;
    load_empty(f, OP_LIST, (reg)(base + 1));
    for (uint32_t i = 0; i < e->call.n; i++) {
        uint32_t top = f->top;
        if (args[i].kind == ARGUMENT_STAR && positional == 1)
            return expr_temp(f, args[i].value);
        if (args[i].kind == ARGUMENT_POSITIONAL)
            emit(f, OP_LIST_ADD, 0, base + 1u, expr_operand(f, args[i].value), 1);
        else if (args[i].kind == ARGUMENT_STAR)
            call_spread(f, expr_operand(f, args[i].value), args[i].value->at, (reg)(base + 1),
                        OP_LIST_ADD, ITER_STAR_ITEMS, base);
        f->top = top;
    }
    return NO_REG;
}

/* The dict of named arguments in base + 2; false where there are none. */
bool call_star_named(struct fn *f, const struct expr *e, reg base)
{
    const struct argument *args = e->call.args;
    bool named = false;
    for (uint32_t i = 0; i < e->call.n; i++) {
        uint32_t top = f->top;
        if (args[i].kind != ARGUMENT_KEYWORD && args[i].kind != ARGUMENT_STAR_STAR)
            continue;
        if (!named)
            load_empty(f, OP_DICT, (reg)(base + 2));
        named = true;
        reg from = fn_temp(f);
        if (args[i].kind == ARGUMENT_KEYWORD) {
            reg pair = fn_temps(f, 2);
            emit_u(f, OP_CONST, 0, pair, fn_const_str(f, args[i].name));
            expr_to(f, args[i].value, (reg)(pair + 1));
            emit(f, OP_DICT, 0, from, pair, 1);
        } else {
            expr_to(f, args[i].value, from);
        }
        fn_at(f, e->at);
        emit(f, OP_DICT_MERGE, 0, base + 2u, from, base);
        f->top = top;
    }
    return named;
}

static void call_star(struct fn *f, const struct expr *e, reg dest)
{
    reg base = fn_temps(f, 5); /* function, list, dict; names and values of the dict */
    expr_to(f, e->call.target, base);
    fn_at(f, e->at);
    reg alone = call_star_positional(f, e, base);
    bool named = call_star_named(f, e, base);
    if (alone != NO_REG)
        call_spread(f, alone, e->at, (reg)(base + 1), OP_LIST_ADD, ITER_STAR_ARGS, base);
    fn_at(f, e->at);
    emit(f, OP_CALL_STAR, named, dest, base, 0);
}

static void call_plain(struct fn *f, const struct expr *e, reg dest)
{
    const struct expr *target = e->call.target;
    bool method = target->kind == EXPR_ATTR;
    uint32_t named;
    val names = call_names(f, e->call.args, e->call.n, &named);
    reg base = fn_temps(f, method ? 2 : 1);
    if (method) {
        reg self = expr_operand(f, target->attr.target);
        fn_at(f, target->at);
        emit(f, f->template ? OP_LOOKUP_METHOD : OP_METHOD, 0, base, self,
             fn_name(f, target->attr.name));
        emit(f, OP_WORD, 0, 0, 0, 0);
        f->top = base + 2u;
    } else {
        expr_to(f, target, base);
    }
    for (uint32_t i = 0; i < e->call.n; i++)
        expr_temp(f, e->call.args[i].value);
    fn_at(f, e->at);
    uint32_t names_at = named ? fn_const(f, names) : 0;
    emit(f, method ? OP_CALL_METHOD : named ? OP_CALL_NAMED : OP_CALL, 0, dest, base, e->call.n);
    if (method)
        emit_u(f, OP_WORD, 0, 0, named ? names_at + 1 : 0);
    else if (named)
        emit_u(f, OP_WORD, 0, 0, names_at);
}

static void check_repeated_names(struct fn *f, const struct expr *e)
{
    map_done(&f->keywords);
    for (uint32_t i = 0; i < e->call.n; i++) {
        const struct argument *a = &e->call.args[i];
        if (a->kind == ARGUMENT_KEYWORD && map_set(&f->keywords, a->name, f))
            unit_error(f->unit, "syntax_error", a->at, "keyword argument repeated: %.*s",
                       STR_ARG(a->name));
    }
}

void expr_call(struct fn *f, const struct expr *e, reg dest)
{
    uint32_t top = f->top, named = 0;
    bool star = e->call.n > CALL_ARGS_MAX;
    for (uint32_t i = 0; i < e->call.n; i++) {
        star = star || e->call.args[i].kind >= ARGUMENT_STAR;
        named += e->call.args[i].kind == ARGUMENT_KEYWORD;
    }
    if (named > 1)
        check_repeated_names(f, e);
    if (star)
        call_star(f, e, dest);
    else
        call_plain(f, e, dest);
    f->top = top;
}

/* ---- f-strings ---- */

static void format_parts(struct fn *f, const struct fstring_part *parts, uint32_t n, pos at,
                         reg dest);

static void format_field(struct fn *f, const struct fstring_part *p, reg dest)
{
    uint32_t top = f->top;
    char conversion = p->conversion;
    reg value = expr_operand(f, p->value), spec = NO_REG;
    if (p->spec_count) {
        spec = fn_temp(f);
        format_parts(f, p->spec, p->spec_count, p->at, spec);
    } else if (p->source.n && !conversion) {
        conversion = 'r';
    }
    fn_at(f, p->value->at);
    emit(f, OP_FORMAT, conversion, dest, value, spec);
    f->top = top;
}

/* dest may be a variable: it is written last. */
static void format_parts(struct fn *f, const struct fstring_part *parts, uint32_t n, pos at,
                         reg dest)
{
    uint32_t top = f->top, count = 0;
    for (uint32_t i = 0; i < n; i++) {
        const struct fstring_part *p = &parts[i];
        str text = p->value ? p->source : p->text;
        if (text.n) {
            emit_u(f, OP_CONST, 0, fn_temp(f), fn_const_str(f, text));
            count++;
        }
        if (p->value) {
            format_field(f, p, fn_temp(f));
            count++;
        }
        if (count >= PIECE) {
            fn_at(f, at);
            emit(f, OP_STRING, 0, top, top, count);
            f->top = top + 1;
            count = 1;
        }
    }
    fn_at(f, at);
    if (count)
        emit(f, OP_STRING, 0, dest, top, count);
    else
        emit_u(f, OP_CONST, 0, dest, fn_const_str(f, STR("")));
    f->top = top;
}

void expr_fstring(struct fn *f, const struct expr *e, reg dest)
{
    format_parts(f, e->fstring.parts, e->fstring.n, e->at, dest);
}
