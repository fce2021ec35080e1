/* machine: frames, the loop that executes instructions, and what it calls when an instruction is
 * not a matter of a few lines. Python calls never recurse on the C stack; natives that call back
 * do, and are counted and bounded (VM_MAX_NATIVE_DEPTH).
 * Registers may move whenever a frame is pushed: pointers to them are fetched anew after every
 * call that may run the machine. */
#ifndef VM_MACHINE_INT_H
#define VM_MACHINE_INT_H
#include "vm/code_int.h"

enum {
    VM_MAX_NATIVE_DEPTH = 250, /* natives on the C stack that run the machine */
    VM_STACK_BYTES = 1 << 20,  /* of C stack that an evaluation may take */
    VM_MAX_TRACE = 1000,       /* places that an exception remembers */
};

enum frame_kind {
    FRAME_CALL,  /* the result goes to the calling instruction's register a */
    FRAME_ENTRY, /* the result goes to C */
    FRAME_FOR,   /* a generator that a FOR instruction drives */
};

struct templates;

struct frame {
    const struct instr *pc; /* the present instruction, when the frame is not executing */
    struct code *code;
    struct func_obj *func; /* NULL for a file's top level */
    struct gen_obj *gen;   /* whose registers are used, or NULL */
    uint32_t base;         /* first register in the stack */
    enum frame_kind kind;
    val handled; /* what the caller was handling */
};

struct vm {
    struct heap heap;
    struct vm_host host;
    struct sources sources;
    struct vm_code *codes;
    struct vm_code *walks; /* of walk.c, once they were wanted */
    val *stack;
    uint32_t stack_cap, stack_high; /* high: beyond it nothing was written since a collection */
    struct frame *frames;
    uint32_t frame_count, frame_cap;
    val handled;         /* the exception that the running code handles, or unbound */
    bool going_on;       /* the fault is an exception that was raised before: no new place */
    int64_t fuel_before; /* the present instruction, which is given back when it waits */
    bool entered;        /* the present instruction's native has run the machine */
    bool rebuild;        /* an await was met below a native frame */
    bool suspended;
    val result, exception, awaited;
    pos await_at; /* of an await below a native frame */
    struct err error;
    val json;           /* the object of that name */
    struct map modules; /* name -> index + 1 into module_values */
    VEC(val) module_values;
    VEC(char *) module_names; /* owned, the keys of modules */
    size_t printed;
    struct templates *templates; /* of a vm that renders; else NULL */
};

static inline val *frame_regs(const struct vm *vm, const struct frame *f)
{
    return f->gen ? f->gen->regs : vm->stack + f->base;
}
static inline struct frame *vm_top_frame(struct vm *vm)
{
    return &vm->frames[vm->frame_count - 1];
}
static inline val *vm_regs(struct vm *vm)
{
    return frame_regs(vm, vm_top_frame(vm));
}
pos frame_pos(const struct frame *f);
/* Whether a frame is a builtin's, which no trace shows. */
static inline bool frame_is_hidden(const struct vm *vm, const struct frame *f)
{
    return vm->walks && f->code->file == vm->walks;
}

/* ---- machine.c ---- */
/* Runs until the frame at `floor` has returned. False with a fault: frames from floor on are gone,
 * unless the evaluation was suspended. */
bool machine_run(struct vm *vm, uint32_t floor, val *ret) must_use;
/* A new frame with room for its registers; its locals are unbound. False: a limit. */
bool machine_push(struct vm *vm, struct code *code, struct func_obj *fn, struct gen_obj *gen,
                  enum frame_kind kind) must_use;
void machine_pop(struct vm *vm);

/* ---- call.c ---- */
/* Binds arguments to a function's parameters in regs. */
bool call_bind(struct vm *vm, struct func_obj *fn, const struct call_args *args,
               val *regs) must_use;
/* Pushes a frame for fn and binds; the arguments may stand in registers. */
bool call_push(struct vm *vm, struct func_obj *fn, const struct call_args *args,
               enum frame_kind kind) must_use;
/* Calls whatever is not a V_FUNC. */
bool call_other(struct vm *vm, val fn, const struct call_args *args, val *ret) must_use;
/* One more native on the C stack that runs the machine; native_leave is owed after true. */
bool native_enter(struct heap *h) must_use;
void native_leave(struct heap *h);
/* heap->call and heap->resume. */
bool call_from_native(struct heap *h, val fn, const struct call_args *args, val *ret);
bool resume_from_native(struct heap *h, val generator, val *ret);
/* Flattens the dict of a CALL_STAR into lists in at[0] (names) and at[1] (values). */
bool call_spread_names(struct heap *h, val dict, val *at) must_use;
bool call_merge_names(struct heap *h, val into, val from, val callee) must_use;
/* "f()", "__main__.f()": how CPython names a callee in messages about * and **. */
void call_describe(struct buf *b, val callee);

/* ---- function.c ---- */
bool function_make(struct vm *vm, struct code *code, const val *defaults, uint32_t n,
                   val *ret) must_use;
bool generator_make(struct vm *vm, struct code *code, const val *loop, val *ret) must_use;
void machine_mark_roots(struct heap *h);
void machine_trace(struct heap *h, struct obj *o);
void machine_free(struct heap *h, struct obj *o);
str machine_name(struct heap *h, val v);

/* ---- place.c: attributes ---- */
bool place_getattr(struct vm *vm, val v, str name, val *ret) must_use;
bool place_setattr(struct vm *vm, val v, str name, val value) must_use;
bool place_delattr(struct vm *vm, val v, str name) must_use;
/* METHOD: at[0] is what to call, at[1] its self, or unbound. Fills the site's cache. */
bool place_method(struct vm *vm, struct instr *site, val v, str name, val *at) must_use;

/* ---- walk.c ---- */
/* The function that stands for a builtin where its call could await; NULL: the native one will do.
 */
const char *walk_wanted(const struct vm *vm, val callee, const struct call_args *args);
bool walk_push(struct vm *vm, const char *name, const struct call_args *args) must_use;

/* ---- vm.c ---- */
/* A frame for a file's top level, which does not count as a call. */
bool machine_push_file(struct vm *vm, struct vm_code *code) must_use;

/* ---- loop.c ---- */
bool loop_start(struct vm *vm, enum iter_use use, val from, val callee, val *at) must_use;
bool loop_unpack(struct vm *vm, uint32_t a, val from, uint32_t n) must_use;
bool loop_unpack_rest(struct vm *vm, uint32_t a, val from, uint32_t before,
                      uint32_t after) must_use;
bool loop_dict_update(struct heap *h, val into, val from) must_use;

/* ---- unwind.c ---- */
/* After a fault. True: the top frame goes on at its pc. */
bool machine_unwind(struct vm *vm, uint32_t floor) must_use;
/* The exception of a raise statement: a fault, always false. */
bool unwind_raise(struct vm *vm, val exception, const val *cause);
bool unwind_raise_again(struct vm *vm);
bool unwind_match(struct vm *vm, val exception, val type, bool *ret) must_use;
bool unwind_unbound(struct vm *vm, enum unbound_kind kind, str name);

/* ---- import.c ---- */
/* A name of the host's or `json`; false where there is none. */
bool machine_host_global(struct vm *vm, str name, val *ret);
bool import_module(struct vm *vm, str module, pos at, val *ret) must_use;
bool import_name(struct vm *vm, val module, str name, val *ret) must_use;

/* ---- vm.c ---- */
struct vm_code *code_new(struct vm *vm, uint32_t id, bool is_expr);
void code_free(struct vm_code *c);

/* ---- trace.c ---- */
/* The function that a place stands in: "<module>", "f", "<listcomp>". */
str trace_name(const struct trace_entry *t);
/* "Type: message" of an exception. */
void trace_add_message(struct vm *vm, struct buf *b, val exception);

struct unit;
/* Turns a fault while compiling into an error of the file; false. */
bool machine_fault_to_error(struct unit *u);

#endif
