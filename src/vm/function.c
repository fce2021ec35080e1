/* Functions, generators and cells as objects, and what the collector must see of the machine. */
#include "vm/template_int.h"

bool function_make(struct vm *vm, struct code *code, const val *defaults, uint32_t n, val *ret)
{
    const struct frame *f = vm_top_frame(vm);
    const val *regs = frame_regs(vm, f);
    uint32_t cells = code->capture_count;
    size_t size =
        sizeof(struct func_obj) + ((cells + 1) & ~1u) * sizeof(struct obj *) + n * sizeof(val);
    struct func_obj *fn = heap_new(&vm->heap, V_FUNC, size);
    if (!fn)
        return false;
    fn->code = code;
    fn->cell_count = cells;
    fn->default_count = n;
    for (uint32_t i = 0; i < cells; i++) {
        const struct capture *c = &code->captures[i];
        fn->at[i] = c->from_register ? regs[c->index].o : f->func->at[c->index];
    }
    if (n)
        memcpy(func_defaults(fn), defaults, n * sizeof *defaults);
    *ret = val_obj(V_FUNC, fn);
    return true;
}

bool generator_make(struct vm *vm, struct code *code, const val *loop, val *ret)
{
    val fn;
    if (!function_make(vm, code, NULL, 0, &fn))
        return false;
    struct gen_obj *gen = heap_new(&vm->heap, V_GEN, sizeof *gen + code->regs * sizeof *gen->regs);
    if (!gen)
        return false;
    gen->func = (struct func_obj *)fn.o;
    gen->code = code;
    gen->pc = code->ops;
    gen->regs[0] = loop[0];
    gen->regs[1] = loop[1];
    *ret = val_obj(V_GEN, gen);
    return true;
}

str machine_name(struct heap *h, val v)
{
    (void)h;
    if (v.kind == V_FUNC)
        return ((struct func_obj *)v.o)->code->qualname;
    return ((struct gen_obj *)v.o)->code->qualname;
}

/* ---- the collector ---- */

static void mark_all(struct heap *h, const val *at, size_t n)
{
    for (size_t i = 0; i < n; i++)
        heap_mark(h, at[i]);
}

void machine_trace(struct heap *h, struct obj *o)
{
    if (o->kind == V_CELL) {
        heap_mark(h, ((struct cell_obj *)o)->value);
    } else if (o->kind == V_FUNC) {
        struct func_obj *fn = (struct func_obj *)o;
        for (uint32_t i = 0; i < fn->cell_count; i++)
            heap_mark_obj(h, fn->at[i]);
        mark_all(h, func_defaults(fn), fn->default_count);
        heap_mark(h, fn->attrs);
    } else {
        struct gen_obj *gen = (struct gen_obj *)o;
        heap_mark_obj(h, &gen->func->h);
        if (gen->state != GEN_DONE)
            mark_all(h, gen->regs, gen->code->regs);
    }
}

void machine_free(struct heap *h, struct obj *o)
{
    (void)h;
    (void)o;
}

static void mark_code(struct heap *h, const struct vm_code *file)
{
    mark_all(h, file->globals, file->global_count);
    heap_mark(h, file->names);
    for (size_t i = 0; i < file->codes.n; i++)
        mark_all(h, file->codes.at[i]->consts, file->codes.at[i]->const_count);
}

/* Registers beyond the last frame hold what dead frames left: they are cleared, so that a new
 * frame finds nothing that the collection has freed. */
static void mark_stack(struct vm *vm)
{
    struct heap *h = &vm->heap;
    uint32_t top = 0;
    for (uint32_t i = 0; i < vm->frame_count; i++) {
        const struct frame *f = &vm->frames[i];
        top = f->base + (f->gen ? 0 : f->code->regs);
        heap_mark(h, f->handled);
        if (f->func)
            heap_mark_obj(h, &f->func->h);
        if (f->gen)
            heap_mark_obj(h, &f->gen->h);
    }
    mark_all(h, vm->stack, top);
    if (vm->stack_high > top)
        memset(vm->stack + top, 0, (vm->stack_high - top) * sizeof *vm->stack);
    vm->stack_high = top;
}

void machine_mark_roots(struct heap *h)
{
    struct vm *vm = vm_of(h);
    mark_stack(vm);
    heap_mark(h, vm->handled);
    heap_mark(h, vm->result);
    heap_mark(h, vm->exception);
    heap_mark(h, vm->awaited);
    heap_mark(h, vm->json);
    mark_all(h, vm->module_values.at, vm->module_values.n);
    for (struct vm_code *c = vm->codes; c; c = c->next)
        mark_code(h, c);
    if (vm->templates)
        template_mark(vm->templates, h);
    if (vm->host.mark)
        vm->host.mark(vm->host.data, h);
}
