#include "syntax/parse.h"
#include "value/dict.h"
#include "value/ops.h"
#include "value/text.h"
#include "vm/builtins_int.h"
#include "vm/compile_int.h"
#include "vm/machine_int.h"

enum { MESSAGE_MAX = 1 << 20 };

/* ---- life ---- */

struct vm *vm_new(const struct heap_limits *limits, const struct vm_host *host)
{
    struct vm *vm = mem_zalloc(sizeof *vm);
    heap_init(&vm->heap, limits);
    if (host)
        vm->host = *host;
    vm->heap.machine = vm;
    vm->heap.call = call_from_native;
    vm->heap.resume = resume_from_native;
    vm->heap.mark_roots = machine_mark_roots;
    vm->heap.trace = machine_trace;
    vm->heap.free = machine_free;
    vm->heap.name = machine_name;
    struct object *json = heap_new(&vm->heap, V_OBJECT, sizeof *json);
    if (json) {
        json->class = &json_module_class;
        vm->json = val_obj(V_OBJECT, json);
    } else {
        heap_clear_fault(&vm->heap); /* a limit too small for anything: it is met again at once */
    }
    return vm;
}

void code_free(struct vm_code *c)
{
    map_done(&c->slots);
    free(c->globals);
    free(c->global_names);
    err_list_done(&c->warnings);
    vec_done(&c->codes);
    arena_done(&c->arena);
    free(c);
}

void vm_free(struct vm *vm)
{
    if (!vm)
        return;
    heap_array_free(&vm->heap, vm->stack, vm->stack_cap * sizeof *vm->stack);
    heap_done(&vm->heap);
    while (vm->codes) {
        struct vm_code *c = vm->codes;
        vm->codes = c->next;
        code_free(c);
    }
    free(vm->frames);
    map_done(&vm->modules);
    vec_done(&vm->module_values);
    vec_each (name, &vm->module_names)
        free(*name);
    vec_done(&vm->module_names);
    sources_done(&vm->sources);
    err_done(&vm->error);
    free(vm);
}

struct heap *vm_heap(struct vm *vm)
{
    return &vm->heap;
}

struct sources *vm_sources(struct vm *vm)
{
    return &vm->sources;
}

/* ---- compiling ---- */

bool machine_fault_to_error(struct unit *u)
{
    struct heap *h = &u->vm->heap;
    struct err *e = err_list_add(u->errors);
    if (err_is_set(&h->fault.err))
        err_move(e, &h->fault.err);
    else
        err_set(e, "memory_limit", "the file's constants need more memory than there is");
    heap_clear_fault(h);
    return false;
}

struct vm_code *code_new(struct vm *vm, uint32_t id, bool is_expr)
{
    struct vm_code *c = mem_zalloc(sizeof *c);
    c->vm = vm;
    c->source = id;
    c->is_expr = is_expr;
    c->next = vm->codes;
    vm->codes = c;
    return c;
}

static int by_place(const void *a, const void *b)
{
    const struct err *x = a, *y = b;
    return x->at.offset < y->at.offset ? -1 : x->at.offset > y->at.offset;
}

/* The parser's errors and the judge's, in order of place. */
static void sort_errors(struct err_list *errors, size_t from)
{
    if (from < errors->n)
        qsort(errors->at + from, errors->n - from, sizeof *errors->at, by_place);
}

static struct vm_code *compile(struct vm *vm, uint32_t id, bool is_expr, struct err_list *errors)
{
    struct vm_code *file = code_new(vm, id, is_expr);
    struct unit u = {.vm = vm, .file = file, .errors = errors};
    size_t before = errors->n + errors->dropped;
    struct module *m = NULL;
    struct expr *e = NULL;
    if (is_expr)
        e = syntax_parse_expr(&vm->sources, id, &file->arena, errors);
    else
        m = syntax_parse_some(&vm->sources, id, &file->arena, errors);
    if (e)
        scope_resolve_expr(&u, e);
    else if (m)
        scope_resolve_module(&u, m);
    if ((m || e) && errors->n + errors->dropped == before)
        file->main = m ? compile_module(&u, m) : compile_expression(&u, e);
    scope_done(&u);
    if (errors->n + errors->dropped == before)
        return file;
    sort_errors(errors, before);
    vm->codes = file->next;
    code_free(file);
    return NULL;
}

struct vm_code *vm_compile(struct vm *vm, uint32_t id, struct err_list *errors)
{
    return compile(vm, id, false, errors);
}

struct vm_code *vm_compile_expr(struct vm *vm, uint32_t id, struct err_list *errors)
{
    return compile(vm, id, true, errors);
}

/* ---- running ---- */

static void begin(struct vm *vm)
{
    vm->frame_count = 0;
    vm->heap.depth = 0;
    vm->heap.native_depth = 0;
    vm->handled = vm->result = vm->exception = vm->awaited = VAL_UNBOUND;
    vm->rebuild = vm->suspended = vm->going_on = false;
    heap_clear_fault(&vm->heap);
    err_reset(&vm->error);
}

/* For a NameError that nothing caught: the name that was meant. */
static void suggest_name(struct vm *vm, const struct exc_obj *x, struct err *e)
{
    enum { CANDIDATES_MAX = 2000 };
    static const str before = STR_INIT("name '");
    const struct tuple_obj *args = x->args.tuple;
    if (x->type != &exc_NameError || args->n != 1 || args->at[0].kind != V_STR ||
        !str_starts(text_str(args->at[0]), before))
        return;
    str name = str_sub(text_str(args->at[0]), before.n, SIZE_MAX);
    name = str_sub(name, 0, str_find_byte(name, '\'', 0));
    auto_free str *names = mem_alloc(CANDIDATES_MAX * sizeof *names);
    size_t n = builtins_names(names, CANDIDATES_MAX);
    for (const struct vm_code *c = vm->codes; c; c = c->next)
        for (uint32_t i = 0; c->source == e->at.source && i < c->global_count; i++)
            if (n < CANDIDATES_MAX)
                names[n++] = c->global_names[i];
    if (vm->host.global_names && n < CANDIDATES_MAX) {
        size_t more = vm->host.global_names(vm->host.data, names + n, CANDIDATES_MAX - n);
        n += more < CANDIDATES_MAX - n ? more : CANDIDATES_MAX - n;
    }
    long near = str_nearest(name, names, n);
    if (near >= 0)
        err_hint(e, "did you mean '%.*s'?", STR_ARG(names[near]));
}

/* The exception as an error, with the places it passed. */
static void error_of_exception(struct vm *vm, val exception, struct err *e)
{
    auto_buf message = BUF(MESSAGE_MAX);
    const struct exc_obj *x = exception.exc;
    pos at = POS_NONE;
    auto_err hint = ERR_INIT;
    if (vm->heap.fault.err.hint.n)
        err_hint(&hint, "%.*s", STR_ARG(vm->heap.fault.err.hint));
    trace_add_message(vm, &message, exception);
    if (x->trace_count)
        at = (pos){x->trace[0].source, x->trace[0].offset, x->trace[0].length};
    err_at(e, "exception", at, "%s", buf_c(&message));
    suggest_name(vm, x, e);
    if (hint.hint.n)
        err_hint(e, "%.*s", STR_ARG(hint.hint));
    for (uint32_t i = x->trace_count; i-- > 0;) {
        const struct trace_entry *t = &x->trace[i];
        err_add_frame(e, (pos){t->source, t->offset, t->length}, trace_name(t));
    }
}

/* Natives recurse on the C stack of whoever runs the machine now. */
static __attribute__((noinline)) void set_stack_limit(struct vm *vm)
{
    vm->heap.stack_limit = (const char *)__builtin_frame_address(0) - VM_STACK_BYTES;
}

static enum vm_outcome finish(struct vm *vm, bool ok)
{
    struct heap *h = &vm->heap;
    if (!vm->suspended)
        h->depth = 0; /* the top level was not counted when it was entered */
    if (ok)
        return VM_DONE;
    if (h->fault.kind == FAULT_AWAIT) {
        vm->awaited = h->fault.value;
        heap_clear_fault(h);
        return vm->suspended ? VM_AWAIT : VM_AWAIT_REBUILD;
    }
    if (h->fault.kind == FAULT_EXCEPTION) {
        vm->exception = h->fault.value;
        error_of_exception(vm, vm->exception, &vm->error);
    } else {
        err_move(&vm->error, &h->fault.err);
    }
    heap_clear_fault(h);
    return VM_FAILED;
}

bool machine_push_file(struct vm *vm, struct vm_code *code)
{
    for (uint32_t i = 0; i < code->global_count; i++)
        code->globals[i] = VAL_UNBOUND;
    if (!machine_push(vm, code->main, NULL, NULL, FRAME_ENTRY))
        return false;
    vm->heap.depth--;
    return true;
}

enum vm_outcome vm_run(struct vm *vm, struct vm_code *code)
{
    begin(vm);
    set_stack_limit(vm);
    return finish(vm, machine_push_file(vm, code) && machine_run(vm, 0, &vm->result));
}

enum vm_outcome vm_run_call(struct vm *vm, val fn, const struct call_args *args)
{
    begin(vm);
    set_stack_limit(vm);
    bool ok = fn.kind == V_FUNC ? call_push(vm, (struct func_obj *)fn.o, args, FRAME_ENTRY) &&
                                      machine_run(vm, 0, &vm->result)
                                : call_other(vm, fn, args, &vm->result);
    return finish(vm, ok);
}

enum vm_outcome vm_resume(struct vm *vm)
{
    if (!vm->suspended) {
        err_set(&vm->error, "internal", "nothing is suspended here");
        return VM_FAILED;
    }
    vm->suspended = false;
    vm->awaited = VAL_UNBOUND;
    set_stack_limit(vm);
    return finish(vm, machine_run(vm, 0, &vm->result));
}

static bool module_names(struct vm *vm, struct vm_code *code, val *ret)
{
    val names;
    if (!dict_new(&vm->heap, code->global_count, &names))
        return false;
    for (uint32_t i = 0; i < code->global_count; i++)
        if (code->globals[i].kind != V_UNBOUND &&
            !dict_set_str(&vm->heap, names.dict, code->global_names[i], code->globals[i]))
            return false;
    if (!val_freeze(&vm->heap, names))
        return false;
    *ret = code->names = names;
    return true;
}

static bool refuse_await(struct vm *vm)
{
    heap_clear_fault(&vm->heap);
    return heap_refuse(&vm->heap, "await_in_module",
                       "decide on results inside of a function that the workflow calls",
                       "the top level of an imported file cannot wait for a step's result");
}

bool vm_run_module(struct vm *vm, uint32_t source, val *ret)
{
    struct heap *h = &vm->heap;
    struct err_list errors = {0};
    val result;
    struct vm_code *code = vm_compile(vm, source, &errors);
    if (!code) {
        h->fault.kind = FAULT_REFUSED;
        err_move(&h->fault.err, &errors.at[0]);
        err_list_done(&errors);
        return false;
    }
    err_list_done(&errors);
    if (!native_enter(h))
        return false;
    uint32_t depth = h->depth;
    bool ok = machine_push_file(vm, code) && machine_run(vm, vm->frame_count - 1, &result);
    h->depth = depth;
    native_leave(h);
    if (!ok && h->fault.kind == FAULT_AWAIT) {
        vm->rebuild = false;
        return refuse_await(vm);
    }
    return ok && module_names(vm, code, ret);
}

/* ---- what happened ---- */

val vm_result(struct vm *vm)
{
    return vm->result;
}

val vm_awaited(struct vm *vm)
{
    return vm->awaited;
}

val vm_exception(struct vm *vm)
{
    return vm->exception;
}

struct err *vm_error(struct vm *vm)
{
    return &vm->error;
}

pos vm_here(struct vm *vm)
{
    uint32_t n = vm->frame_count;
    while (n && frame_is_hidden(vm, &vm->frames[n - 1]))
        n--;
    return n ? frame_pos(&vm->frames[n - 1]) : POS_NONE;
}

pos vm_position(struct vm *vm)
{
    return vm->rebuild ? vm->await_at : vm_here(vm);
}

uint32_t vm_frames(struct vm *vm, pos *ret, uint32_t max)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < vm->frame_count; i++) {
        if (frame_is_hidden(vm, &vm->frames[i]))
            continue;
        if (n < max)
            ret[n] = frame_pos(&vm->frames[i]);
        n++;
    }
    return n;
}

val vm_global(struct vm *vm, struct vm_code *code, str name)
{
    (void)vm;
    uintptr_t slot = (uintptr_t)map_get(&code->slots, name);
    return slot ? code->globals[slot - 1] : VAL_UNBOUND;
}

str vm_function_name(val fn)
{
    return ((struct func_obj *)fn.o)->code->name;
}

pos vm_function_pos(val fn)
{
    return ((struct func_obj *)fn.o)->code->at;
}

int64_t vm_instructions(struct vm *vm)
{
    return vm->heap.limits.instructions - vm->heap.fuel;
}

void vm_lint(struct vm *vm, struct vm_code *code, struct err_list *warnings)
{
    (void)vm;
    sort_errors(&code->warnings, 0);
    for (size_t i = 0; i < code->warnings.n; i++) {
        const struct err *from = &code->warnings.at[i];
        struct err *e = err_list_add(warnings);
        err_at(e, from->code, from->at, "%.*s", STR_ARG(from->message));
        if (from->hint.n)
            err_hint(e, "%.*s", STR_ARG(from->hint));
    }
}
