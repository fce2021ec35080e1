/* eval: one program of restricted Python, run by itself, without a workflow around it.
 * Does no I/O: the text comes in, printed text goes to a callback, reports to a buf. */
#ifndef VM_EVAL_H
#define VM_EVAL_H
#include "vm/vm.h"

enum eval_outcome {
    EVAL_DONE,
    EVAL_EXCEPTION, /* uncaught; diagnostics end with "Type: message", as python3's */
    EVAL_REFUSED,   /* syntax and policy errors, all of them, or a limit that was passed */
};

struct eval_options {
    struct heap_limits limits; /* see eval_limits */
    bool collect_always;       /* for tests: at every safepoint */
    struct vm_host host;       /* all zero: nothing is printed and nothing can be imported */
};

/* The defaults: those of the heap, with ten times the instructions. */
struct heap_limits eval_limits(void);

/* Diagnostics are added to the buf, as text for people. `path` is how they name the program. */
enum eval_outcome vm_eval(str path, str text, const struct eval_options *options,
                          struct buf *diagnostics);

#endif
