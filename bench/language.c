/* Micro-benchmarks of the language: calls every function of a file that takes no arguments.
 *     language PROGRAMS ROUNDS    a line of name, value and processor microseconds, the median */
#include "base/fd.h"
#include "diag/print.h"
#include "value/ops.h"
#include "vm/vm.h"
#include <fcntl.h>
#include <stdio.h>
#include <time.h>

enum { FILE_BYTES_MAX = 1 << 20, NAMES_MAX = 100, ROUNDS_MAX = 101 };

static double processor_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int by_size(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static bool measure(struct vm *vm, struct vm_code *code, str name, int rounds)
{
    double times[ROUNDS_MAX];
    int64_t value = 0;
    for (int i = 0; i < rounds; i++) {
        double began = processor_us();
        if (vm_run_call(vm, vm_global(vm, code, name), &(struct call_args){0}) != VM_DONE) {
            fprintf(stderr, "language: %.*s: %s\n", STR_ARG(name), vm_error(vm)->message.p);
            return false;
        }
        times[i] = processor_us() - began;
        value = vm_result(vm).i;
    }
    qsort(times, (size_t)rounds, sizeof *times, by_size);
    printf("%.*s %lld %.1f\n", STR_ARG(name), (long long)value, times[rounds / 2]);
    return true;
}

/* Names after "def " that take no arguments. */
static bool measure_all(struct vm *vm, struct vm_code *code, str text, int rounds)
{
    str line;
    while (str_next(&text, '\n', &line))
        if (str_starts(line, STR("def ")) && str_ends(line, STR("():")))
            if (!measure(vm, code, str_sub(line, 4, line.n - 3), rounds))
                return false;
    return true;
}

int main(int argc, char **argv)
{
    int rounds = argc == 3 ? atoi(argv[2]) : 0;
    if (rounds < 1 || rounds > ROUNDS_MAX) {
        fprintf(stderr, "usage: language PROGRAMS ROUNDS\n");
        return 2;
    }
    auto_buf text = BUF(FILE_BYTES_MAX);
    if (fd_read_file(AT_FDCWD, argv[1], &text)) {
        fprintf(stderr, "language: cannot read %s\n", argv[1]);
        return 1;
    }
    struct heap_limits limits = heap_default_limits;
    limits.instructions = INT64_MAX / 2;
    limits.bytes = (size_t)1 << 30;
    struct vm *vm = vm_new(&limits, NULL);
    struct err_list errors = {0};
    uint32_t id = sources_add(vm_sources(vm), STR("programs.py"), buf_str(&text), POS_NONE);
    struct vm_code *code = vm_compile(vm, id, &errors);
    bool ok = code && vm_run(vm, code) == VM_DONE && measure_all(vm, code, buf_str(&text), rounds);
    if (!ok && errors.n)
        fprintf(stderr, "language: %s\n", errors.at[0].message.p);
    err_list_done(&errors);
    vm_free(vm);
    return ok ? 0 : 1;
}
