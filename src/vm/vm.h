/* vm: the machine. A syntax tree is resolved, judged by the policy and compiled to bytecode; the
 * machine runs it on frames that live on its own memory, so that an evaluation can stop at an
 * await, be kept, and go on: resuming is a call, not a thread.
 * Refuses all I/O. Knows no steps and no plans: the names that programs may import come from a
 * struct vm_host, deferred values from the classes of their objects (value/val.h).
 *
 *     vm = vm_new(&options, &host);                 one evaluation; owns a heap
 *     code = vm_compile(vm, sources, id, errors);   any number of files
 *     outcome = vm_run(vm, code);                   VM_DONE, VM_FAILED or VM_AWAIT
 *     ... outcome VM_AWAIT: wait until vm_awaited(vm) is known to its class's decide hook ...
 *     outcome = vm_resume(vm);                      executes the waiting instruction again
 */
#ifndef VM_VM_H
#define VM_VM_H
#include "base/buf.h"
#include "diag/err.h"
#include "syntax/ast.h"
#include "value/heap.h"

struct vm;
struct vm_code; /* a compiled file; owned by the vm */

/* What lies outside of the language. All text is borrowed for the call. */
struct vm_host {
    void *data;
    /* A module by its dotted name: the host compiles and runs it (vm_run_module) or gives an object
     * or dict of names. V_UNBOUND in ret: no such module. Called once per module and evaluation;
     * the machine keeps the result. `at` is the import's place, for errors. */
    bool (*import)(void *data, struct vm *vm, str module, pos at, val *ret);
    /* A name of the host's that is visible without import (plue's), or V_UNBOUND. */
    bool (*global)(void *data, struct vm *vm, str name, val *ret);
    /* Names of `global`, for "did you mean": fills at most max, returns how many there are. */
    size_t (*global_names)(void *data, str *ret, size_t max);
    /* Is this module name allowed at all? Judged when the file is compiled; false fills err's
     * message and hint. NULL: no imports at all but `json`-free programs. */
    bool (*may_import)(void *data, str module, struct err *err);
    /* list(of) and dict(of) where `of` is a type, a builtin or an object: a type. V_UNBOUND in
     * ret: `of` is no type, and the call makes a list or dict. NULL: types are refused. */
    bool (*type_of_list)(void *data, struct vm *vm, val of, val *ret);
    bool (*type_of_dict)(void *data, struct vm *vm, val of, val *ret);
    /* heap_mark every value that the host holds between calls. NULL: none. */
    void (*mark)(void *data, struct heap *h);
    /* Deferred values may be met: builtins that could await while they walk over a generator or
     * call a key function run as frames, so that they can be kept. */
    bool awaits;
    /* print: one finished line or piece, in order. NULL: dropped. */
    void (*print)(void *data, str text);
};

enum vm_outcome {
    VM_DONE,          /* vm_result holds the value */
    VM_FAILED,        /* vm_error holds the error */
    VM_AWAIT,         /* suspended in place: vm_resume goes on */
    VM_AWAIT_REBUILD, /* the await stands below a native frame and cannot be kept: evaluate anew */
};

struct vm *vm_new(const struct heap_limits *limits, const struct vm_host *host);
void vm_free(struct vm *vm);
struct heap *vm_heap(struct vm *vm);
struct sources *vm_sources(struct vm *vm); /* the vm's own; errors point into them */

/* Parses (source `id` of vm_sources), resolves, judges and compiles a file. All syntax and policy
 * errors of the file are added to errors; NULL then. */
struct vm_code *vm_compile(struct vm *vm, uint32_t id, struct err_list *errors) must_use;
/* One expression; its free names are `global` names or the given ones. */
struct vm_code *vm_compile_expr(struct vm *vm, uint32_t id, struct err_list *errors) must_use;

/* Warnings of a compiled file (unknown names, unreachable code, ...), in order of position. */
void vm_lint(struct vm *vm, struct vm_code *code, struct err_list *warnings);

/* Runs a file's top level, or an expression, from the start. Nothing else may be suspended. */
enum vm_outcome vm_run(struct vm *vm, struct vm_code *code);
/* Calls a function value from outside the machine, with frames that can be suspended. */
enum vm_outcome vm_run_call(struct vm *vm, val fn, const struct call_args *args);
/* After VM_AWAIT: executes the waiting instruction again. */
enum vm_outcome vm_resume(struct vm *vm);

/* Of the last outcome. */
val vm_result(struct vm *vm);        /* VM_DONE */
val vm_awaited(struct vm *vm);       /* VM_AWAIT, VM_AWAIT_REBUILD: the deferred value */
pos vm_position(struct vm *vm);      /* of the instruction that awaits, or of the running call */
struct err *vm_error(struct vm *vm); /* VM_FAILED: borrowed; with traceback; code is
                                      * "exception", or the limit's or refusal's own */
/* VM_FAILED by an exception: the exception object, else V_UNBOUND. */
val vm_exception(struct vm *vm);
/* "Traceback (most recent call last): ..." as python3 prints it, with chained exceptions. */
void vm_add_traceback(struct vm *vm, struct buf *b);

/* From within a host's import hook: compiles and runs a file as a module and gives its names (a
 * dict of globals, frozen). An await at a module's top level is refused. */
bool vm_run_module(struct vm *vm, uint32_t source, val *ret) must_use;
/* Value of a top-level name after vm_run, or V_UNBOUND. */
val vm_global(struct vm *vm, struct vm_code *code, str name);

/* The place of the innermost running function's present instruction, for natives of the host
 * (where a step was registered, where an argument is wrong). */
pos vm_here(struct vm *vm);
/* Places of the calls that led here, outermost first; the last is vm_here. Fills at most max and
 * returns how many frames there are. */
uint32_t vm_frames(struct vm *vm, pos *ret, uint32_t max);
static inline struct vm *vm_of(struct heap *h)
{
    return (struct vm *)h->machine;
}
/* The function's name, and the place of its def; of V_FUNC. */
str vm_function_name(val fn);
pos vm_function_pos(val fn);
/* Instructions executed so far, deterministic. */
int64_t vm_instructions(struct vm *vm);

/* Bound while compiling: rows of the builtins, for the reference and for stubs. */
const struct native_def *vm_builtins(void);

#endif
