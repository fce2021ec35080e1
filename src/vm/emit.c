#include "value/text.h"
#include "vm/compile_int.h"
#include "vm/machine_int.h"

enum {
    USUAL_OPS = 64, /* of a function: room that is made at once */
    NEAR_NAMES = 16 /* that are looked through; the index has the others */
};

void fn_init(struct fn *f, struct unit *u, struct fn *outer, struct scope *s)
{
    *f = (struct fn){.unit = u, .outer = outer, .scope = s, .handling = NO_REG};
    vec_reserve(&f->ops, USUAL_OPS);
    vec_reserve(&f->spans, USUAL_OPS);
    f->code = arena_new(&u->file->arena, struct code);
    f->code->file = u->file;
}

static void *keep(struct fn *f, const void *p, size_t bytes)
{
    void *copy = arena_take(&f->unit->file->arena, bytes);
    if (bytes)
        memcpy(copy, p, bytes);
    return copy;
}
#define keep_vec(f, v) keep(f, (v)->at, (v)->n * sizeof *(v)->at)

static void fn_done(struct fn *f)
{
    vec_done(&f->ops);
    vec_done(&f->spans);
    vec_done(&f->consts);
    vec_done(&f->names);
    vec_done(&f->handlers);
    vec_done(&f->children);
    vec_done(&f->comprehensions);
    map_done(&f->const_index);
    map_done(&f->name_index);
    map_done(&f->keywords);
}

static void keep_captures(struct fn *f)
{
    struct scope *s = f->scope->frame;
    f->code->capture_count = (uint32_t)s->captures.n;
    f->code->captures = arena_array(&f->unit->file->arena, struct capture, s->captures.n);
    for (size_t i = 0; i < s->captures.n; i++)
        f->code->captures[i] = s->captures.at[i].capture;
}

struct code *fn_finish(struct fn *f)
{
    struct code *c = f->code;
    c->ops = keep_vec(f, &f->ops);
    c->spans = keep_vec(f, &f->spans);
    c->op_count = (uint32_t)f->ops.n;
    c->consts = keep_vec(f, &f->consts);
    c->const_count = (uint32_t)f->consts.n;
    c->names = keep_vec(f, &f->names);
    c->handlers = keep_vec(f, &f->handlers);
    c->handler_count = (uint32_t)f->handlers.n;
    c->comprehensions = keep_vec(f, &f->comprehensions);
    c->comprehension_count = (uint32_t)f->comprehensions.n;
    c->children = keep_vec(f, &f->children);
    c->regs = (uint16_t)(f->most + 1);
    keep_captures(f);
    vec_push(&f->unit->file->codes, c);
    if (f->too_complex) {
        struct err *e = unit_error(f->unit, "too_complex", c->at,
                                   "this code needs more variables and names than a function can "
                                   "have");
        err_hint(e, "split it into several functions");
    }
    fn_done(f);
    return c;
}

/* ---- instructions ---- */

uint32_t emit(struct fn *f, enum op op, int flag, unsigned a, unsigned b, unsigned c)
{
    vec_push(&f->ops, (struct instr){.op = (uint8_t)op,
                                     .flag = (uint8_t)flag,
                                     .a = (uint16_t)a,
                                     .b = (uint16_t)b,
                                     .c = (uint16_t)c});
    vec_push(&f->spans, f->span);
    return (uint32_t)f->ops.n - 1;
}

uint32_t emit_u(struct fn *f, enum op op, int flag, unsigned a, uint32_t u)
{
    uint32_t at = emit(f, op, flag, a, 0, 0);
    f->ops.at[at].u = u;
    return at;
}

uint32_t emit_jump(struct fn *f, enum op op, int flag, unsigned a)
{
    return emit_u(f, op, flag, a, 0);
}

static void patch_to(struct fn *f, uint32_t jump, uint32_t target)
{
    f->ops.at[jump].s = (int32_t)(target - jump - 1);
}

void emit_jump_to(struct fn *f, enum op op, int flag, unsigned a, uint32_t target)
{
    patch_to(f, emit_jump(f, op, flag, a), target);
}

void patch_here(struct fn *f, uint32_t jump)
{
    patch_to(f, jump, fn_here(f));
}

void jumps_add(struct jumps *j, uint32_t jump)
{
    vec_push(&j->at, jump);
}

void jumps_to(struct fn *f, struct jumps *j, uint32_t target)
{
    vec_each (jump, &j->at)
        patch_to(f, *jump, target);
    vec_done(&j->at);
}

void jumps_here(struct fn *f, struct jumps *j)
{
    jumps_to(f, j, fn_here(f));
}

/* ---- registers, constants, names ---- */

reg fn_temps(struct fn *f, uint32_t n)
{
    uint32_t r = f->top;
    if (r + n > VM_MAX_REGS) {
        f->too_complex = true;
        return (reg)(VM_MAX_REGS - n);
    }
    f->top += n;
    if (f->top > f->most)
        f->most = f->top;
    return (reg)r;
}

static uint32_t const_keyed(struct fn *f, str key, val v)
{
    uintptr_t at = (uintptr_t)map_get(&f->const_index, key);
    if (!at) {
        vec_push(&f->consts, v);
        at = f->consts.n;
        map_set(&f->const_index, arena_str(&f->unit->file->arena, key), (void *)at);
    }
    return (uint32_t)at - 1;
}

uint32_t fn_const(struct fn *f, val v)
{
    char key[1 + sizeof v.i];
    key[0] = (char)v.kind;
    memcpy(key + 1, &v.i, sizeof v.i);
    return const_keyed(f, str_make(key, sizeof key), v);
}

uint32_t fn_const_str(struct fn *f, str s)
{
    struct heap *h = &f->unit->vm->heap;
    val v = VAL_UNBOUND;
    char *key = arena_take(&f->unit->file->arena, s.n + 1);
    key[0] = V_STR;
    if (s.n)
        memcpy(key + 1, s.p, s.n);
    uintptr_t known = (uintptr_t)map_get(&f->const_index, str_make(key, s.n + 1));
    if (known)
        return (uint32_t)known - 1;
    if (!text_new_interned(h, s, &v)) {
        machine_fault_to_error(f->unit);
        return 0;
    }
    vec_push(&f->consts, v);
    map_set(&f->const_index, str_make(key, s.n + 1), (void *)(uintptr_t)f->consts.n);
    return (uint32_t)f->consts.n - 1;
}

uint32_t fn_const_text(struct fn *f, str s)
{
    val v;
    if (!text_new(&f->unit->vm->heap, s, &v)) {
        machine_fault_to_error(f->unit);
        return 0;
    }
    vec_push(&f->consts, v);
    return (uint32_t)f->consts.n - 1;
}

uint32_t fn_name(struct fn *f, str name)
{
    for (size_t i = 0; i < f->names.n && i < NEAR_NAMES; i++)
        if (f->names.at[i].n == name.n &&
            (f->names.at[i].p == name.p || str_eq(f->names.at[i], name)))
            return (uint32_t)i;
    uintptr_t at = (uintptr_t)map_get(&f->name_index, name);
    if (!at) {
        vec_push(&f->names, name);
        at = f->names.n;
        if (at > NEAR_NAMES)
            map_set(&f->name_index, name, (void *)at);
        if (at > VM_MAX_NAMES) {
            f->too_complex = true;
            at = VM_MAX_NAMES;
        }
    }
    return (uint32_t)at - 1;
}

void fn_load_const(struct fn *f, reg dest, val v)
{
    if (v.kind == V_INT && v.i >= INT32_MIN && v.i <= INT32_MAX)
        emit_u(f, OP_INT, 0, dest, (uint32_t)(int32_t)v.i);
    else
        emit_u(f, OP_CONST, 0, dest, fn_const(f, v));
}

/* ---- what certainly has a value ---- */

void assigned_add(struct fn *f, const struct symbol *s)
{
    if (s->index < ASSIGNED_WORDS * 64 && !s->unbinds)
        f->assigned.bits[s->index / 64] |= (uint64_t)1 << s->index % 64;
}

void assigned_remove(struct fn *f, const struct symbol *s)
{
    if (s->index < ASSIGNED_WORDS * 64)
        f->assigned.bits[s->index / 64] &= ~((uint64_t)1 << s->index % 64);
}

void assigned_meet(struct assigned *a, const struct assigned *b)
{
    for (int i = 0; i < ASSIGNED_WORDS; i++)
        a->bits[i] &= b->bits[i];
}

void assigned_join(struct assigned *a, const struct assigned *b)
{
    for (int i = 0; i < ASSIGNED_WORDS; i++)
        a->bits[i] |= b->bits[i];
}

void assigned_all(struct fn *f)
{
    memset(&f->assigned, 0xff, sizeof f->assigned);
}
