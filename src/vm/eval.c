#include "vm/eval.h"
#include "diag/print.h"

enum { EVAL_INSTRUCTIONS = 100000000 };

struct heap_limits eval_limits(void)
{
    struct heap_limits limits = heap_default_limits;
    limits.instructions = EVAL_INSTRUCTIONS;
    return limits;
}

static void add_errors(struct vm *vm, const struct err_list *errors, struct buf *b)
{
    struct diag_style style = {.severity = "error"};
    for (size_t i = 0; i < errors->n; i++)
        diag_add_err(b, vm_sources(vm), &errors->at[i], &style);
    if (errors->dropped)
        buf_addf(b, "and %zu more errors\n", errors->dropped);
}

static enum eval_outcome outcome_of(struct vm *vm, enum vm_outcome outcome, struct buf *b)
{
    struct diag_style style = {.severity = "error"};
    if (outcome == VM_DONE)
        return EVAL_DONE;
    if (outcome == VM_FAILED && vm_exception(vm).kind == V_EXC) {
        vm_add_traceback(vm, b);
        return EVAL_EXCEPTION;
    }
    if (outcome == VM_FAILED) {
        diag_add_err(b, vm_sources(vm), vm_error(vm), &style);
    } else {
        auto_err e = ERR_INIT;
        err_at(&e, "not_supported", vm_position(vm), "nothing can be waited for here");
        err_hint(&e, "use `plue workflow plan` for programs that decide on results of steps");
        diag_add_err(b, vm_sources(vm), &e, &style);
    }
    return EVAL_REFUSED;
}

enum eval_outcome vm_eval(str path, str text, const struct eval_options *options,
                          struct buf *diagnostics)
{
    struct err_list errors = {0};
    struct vm *vm = vm_new(&options->limits, &options->host);
    struct heap *h = vm_heap(vm);
    h->collect_always = options->collect_always;
    h->collect_at = options->collect_always ? 0 : h->collect_at;
    uint32_t id = sources_add(vm_sources(vm), path, text, POS_NONE);
    struct vm_code *code = vm_compile(vm, id, &errors);
    enum eval_outcome outcome = EVAL_REFUSED;
    if (code)
        outcome = outcome_of(vm, vm_run(vm, code), diagnostics);
    else
        add_errors(vm, &errors, diagnostics);
    err_list_done(&errors);
    vm_free(vm);
    return outcome;
}
