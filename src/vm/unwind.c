/* Faults: an exception finds its handler, an await stops the evaluation where it stands, a limit
 * or a refusal ends it without running any more of the program. */
#include "value/ops.h"
#include "value/text.h"
#include "vm/machine_int.h"

pos frame_pos(const struct frame *f)
{
    size_t at = (size_t)(f->pc - f->code->ops);
    if (at >= f->code->op_count)
        return f->code->at;
    const struct span *s = &f->code->spans[at];
    return (pos){f->code->file->source, s->offset, s->length};
}

/* ---- exceptions ---- */

/* CPython's _PyErr_SetObject: what is being handled becomes the context, without a cycle. */
static void set_context(struct vm *vm, struct exc_obj *e)
{
    val handled = vm->handled;
    if (handled.kind != V_EXC || handled.exc == e)
        return;
    struct exc_obj *at = handled.exc, *slow = at;
    bool step = false;
    while (at->context.kind == V_EXC) {
        if (at->context.exc == e) {
            at->context = VAL_UNBOUND;
            break;
        }
        at = at->context.exc;
        if (at == slow) /* a cycle that does not pass e */
            break;
        if (step)
            slow = slow->context.exc;
        step = !step;
    }
    e->context = handled;
}

/* Past a thousand places further ones are forgotten, and so they are without memory. */
static void add_entry(struct vm *vm, struct exc_obj *e, struct trace_entry entry)
{
    if (e->trace_count >= VM_MAX_TRACE)
        return;
    if (e->trace_count == e->trace_cap) {
        uint32_t cap = e->trace_cap ? e->trace_cap * 2 : 4;
        void *p = heap_array(&vm->heap, e->trace, e->trace_cap * sizeof *e->trace,
                             cap * sizeof *e->trace);
        if (!p)
            return;
        e->trace = p;
        e->trace_cap = cap;
    }
    e->trace[e->trace_count++] = entry;
}

/* A comprehension is a function in CPython 3.11, and a place of its own. */
static void add_place(struct vm *vm, struct exc_obj *e, const struct frame *f)
{
    const struct code *c = f->code;
    uint32_t pc = (uint32_t)(f->pc - c->ops);
    pos at = frame_pos(f);
    if (frame_is_hidden(vm, f))
        return;
    struct trace_entry entry = {.source = at.source, .offset = at.offset, .length = at.length};
    for (uint32_t i = 0; i < c->comprehension_count; i++) {
        const struct comprehension_range *r = &c->comprehensions[i];
        if (pc < r->from || pc >= r->to)
            continue;
        entry.function = c->consts[r->name];
        add_entry(vm, e, entry);
        entry.offset = r->offset;
        entry.length = r->length;
    }
    entry.function = f->func ? val_obj(V_FUNC, f->func) : VAL_UNBOUND;
    add_entry(vm, e, entry);
}

static const struct handler *find_handler(const struct frame *f)
{
    uint32_t at = (uint32_t)(f->pc - f->code->ops);
    for (uint32_t i = 0; i < f->code->handler_count; i++) {
        const struct handler *handler = &f->code->handlers[i];
        if (at >= handler->from && at < handler->to)
            return handler;
    }
    return NULL;
}

static bool unwind_exception(struct vm *vm, uint32_t floor)
{
    struct heap *h = &vm->heap;
    val exception = h->fault.value;
    bool new_place = !vm->going_on;
    if (new_place && exception.exc->trace_count == 0)
        set_context(vm, exception.exc);
    vm->going_on = false;
    while (vm->frame_count > floor) {
        struct frame *f = vm_top_frame(vm);
        if (new_place)
            add_place(vm, exception.exc, f);
        new_place = true;
        const struct handler *handler = find_handler(f);
        if (handler) {
            val *regs = frame_regs(vm, f);
            heap_clear_fault(h);
            regs[handler->reg] = exception;
            vm->handled = handler->handling == NO_REG ? f->handled : regs[handler->handling];
            f->pc = f->code->ops + handler->target;
            return true;
        }
        if (f->gen)
            f->gen->state = GEN_DONE;
        machine_pop(vm);
    }
    return false;
}

/* ---- limits, refusals, awaits ---- */

static void add_frames(struct vm *vm)
{
    struct err *e = &vm->heap.fault.err;
    if (e->frame_count)
        return;
    for (uint32_t i = 0; i < vm->frame_count; i++)
        if (!frame_is_hidden(vm, &vm->frames[i]))
            err_add_frame(e, frame_pos(&vm->frames[i]), vm->frames[i].code->name);
    if (!e->at.source)
        e->at = vm_here(vm);
}

static void pop_to(struct vm *vm, uint32_t floor)
{
    while (vm->frame_count > floor) {
        struct frame *f = vm_top_frame(vm);
        if (f->gen)
            f->gen->state = GEN_DONE;
        machine_pop(vm);
    }
}

static bool any_iterator(const val *at, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (at[i].kind == V_ITER || at[i].kind == V_GEN)
            return true;
    return false;
}

/* Can the instruction that awaits not be executed again? Its native ran the machine, took elements
 * from an iterator, or was sorting in place. */
static bool has_effects(const struct vm *vm, const struct frame *f)
{
    const val *regs = frame_regs(vm, f);
    const struct instr *pc = f->pc;
    const val *b = &regs[pc->b];
    if (vm->entered)
        return true;
    switch (pc->op) {
    case OP_CALL:
    case OP_CALL_NAMED:
        return any_iterator(b + 1, pc->c);
    case OP_CALL_METHOD:
        return any_iterator(b + 2, pc->c) ||
               (b->kind == V_NATIVE && (b->native->flags & NATIVE_MUTATES) &&
                (b->native->flags & NATIVE_CALLS));
    case OP_CALL_STAR:
        return any_iterator(b[1].list->at, b[1].list->n);
    case OP_FOR:
        return any_iterator(&regs[pc->a], 1);
    case OP_UNPACK:
    case OP_UNPACK_REST:
        return any_iterator(b, 1);
    case OP_COMPARE:
        return any_iterator(&regs[pc->c], 1);
    case OP_JUMP_CMP:
        return any_iterator(b, 1);
    default:
        return false;
    }
}

bool machine_unwind(struct vm *vm, uint32_t floor)
{
    struct heap *h = &vm->heap;
    if (h->fault.kind == FAULT_EXCEPTION)
        return unwind_exception(vm, floor);
    vm->going_on = false;
    if (h->fault.kind == FAULT_AWAIT) {
        bool here = h->native_depth == 0 && !vm->rebuild;
        if (here && !has_effects(vm, vm_top_frame(vm))) {
            vm->suspended = true;
            return false;
        }
        if (!vm->rebuild)
            vm->await_at = vm_here(vm);
        vm->rebuild = true;
    } else {
        add_frames(vm);
    }
    pop_to(vm, floor);
    return false;
}

/* ---- raise ---- */

static bool instance(struct vm *vm, val v, const char *complaint, val *ret)
{
    struct heap *h = &vm->heap;
    *ret = v;
    if (v.kind == V_EXC)
        return true;
    if (v.kind != V_TYPE || v.type->kind != V_EXC)
        return heap_raise(h, &exc_TypeError, "%s", complaint);
    struct call_args none = {0};
    return native_call(h, v.type->construct, VAL_UNBOUND, &none, ret);
}

bool unwind_raise(struct vm *vm, val exception, const val *cause)
{
    val e, c;
    if (!instance(vm, exception, "exceptions must derive from BaseException", &e))
        return false;
    if (cause) {
        c = *cause;
        if (c.kind != V_NONE &&
            !instance(vm, c, "exception causes must derive from BaseException", &c))
            return false;
        e.exc->cause = c;
    }
    set_context(vm, e.exc);
    return heap_raise_val(&vm->heap, e);
}

bool unwind_raise_again(struct vm *vm)
{
    if (vm->handled.kind != V_EXC)
        return heap_raise(&vm->heap, &exc_RuntimeError, "No active exception to reraise");
    vm->going_on = true;
    return heap_raise_val(&vm->heap, vm->handled);
}

static bool match_class(struct vm *vm, val exception, val type, bool *ret)
{
    if (type.kind != V_TYPE || type.type->kind != V_EXC)
        return heap_raise(&vm->heap, &exc_TypeError,
                          "catching classes that do not inherit from BaseException is not allowed");
    *ret = *ret || type_is_subclass(exception.exc->type, type.type);
    return true;
}

bool unwind_match(struct vm *vm, val exception, val type, bool *ret)
{
    *ret = false;
    if (type.kind != V_TUPLE)
        return match_class(vm, exception, type, ret);
    for (uint32_t i = 0; i < type.tuple->n; i++)
        if (!match_class(vm, exception, type.tuple->at[i], ret))
            return false;
    return true;
}

bool unwind_unbound(struct vm *vm, enum unbound_kind kind, str name)
{
    struct heap *h = &vm->heap;
    switch (kind) {
    case UNBOUND_LOCAL:
        return heap_raise(h, &exc_UnboundLocalError,
                          "cannot access local variable '%.*s' where it is not associated with a "
                          "value",
                          STR_ARG(name));
    case UNBOUND_FREE:
        return heap_raise(h, &exc_NameError,
                          "cannot access free variable '%.*s' where it is not associated with a "
                          "value in enclosing scope",
                          STR_ARG(name));
    default:
        return heap_raise(h, &exc_NameError, "name '%.*s' is not defined", STR_ARG(name));
    }
}
