/* toy: a deferred value for tests of the machine: d0 .. d9 are names of the host; each is unknown
 * until the test says otherwise. Operators and attributes of them are deferred too. */
#ifndef TEST_VM_TOY_H
#define TEST_VM_TOY_H
#include "vm/vm.h"

enum { TOY_COUNT = 10 };

struct toy_world {
    struct vm *vm;
    bool known[TOY_COUNT];
    const char *values[TOY_COUNT]; /* expressions: what d0 .. d9 turn out to be */
    struct buf out;                /* what was printed */
    int calls;                     /* of the native `effect` */
    uint32_t value_sources[TOY_COUNT];
};

void toy_open(struct toy_world *w, const struct heap_limits *limits, bool collect_always);
void toy_close(struct toy_world *w);
/* The number of the deferred value that the machine waits for. */
int toy_awaited(struct toy_world *w);
/* Compiles and runs a program; stops the test where it does not compile. */
enum vm_outcome toy_run(struct toy_world *w, const char *program);

#endif
