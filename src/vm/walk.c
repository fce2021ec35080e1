/* Builtins that walk over generators or call key functions, as functions of the language: their
 * state stands in frames, so that an evaluation that awaits inside of them can be kept. The native
 * ones say what is wrong with an argument, and do all that cannot await. */
#include "value/ops.h"
#include "value/text.h"
#include "vm/builtins_int.h"
#include "vm/machine_int.h"

/* `k is None` decides: k is known from there on. */
/* clang-format off */
static const char walks_text[] =
    "def all_(it):\n"
    "    for x in it:\n"
    "        if not x:\n"
    "            return False\n"
    "    return True\n"
    "def any_(it):\n"
    "    for x in it:\n"
    "        if x:\n"
    "            return True\n"
    "    return False\n"
    "def frozenset_(it):\n"
    "    return frozenset([x for x in it])\n"
    "def join_(sep, it):\n"
    "    return sep.join([x for x in it])\n"
    "def list_(it):\n"
    "    return [x for x in it]\n"
    "def max_(it, *, key=None, **default):\n"
    "    first = True\n"
    "    for x in it:\n"
    "        k = x if key is None else key(x)\n"
    "        if first:\n"
    "            best, best_key, first = x, k, False\n"
    "        elif k > best_key:\n"
    "            best, best_key = x, k\n"
    "    return max((), **default) if first else best\n"
    "def min_(it, *, key=None, **default):\n"
    "    first = True\n"
    "    for x in it:\n"
    "        k = x if key is None else key(x)\n"
    "        if first:\n"
    "            best, best_key, first = x, k, False\n"
    "        elif k < best_key:\n"
    "            best, best_key = x, k\n"
    "    return min((), **default) if first else best\n"
    "def next_(it, *default):\n"
    "    for x in it:\n"
    "        return x\n"
    "    return next(it, *default)\n"
    "def set_(it):\n"
    "    return {x for x in it}\n"
    "def sorted_(it, *, key=None, reverse=False):\n"
    "    items = [x for x in it]\n"
    "    keys = {}\n"
    "    for x in items:\n"
    "        k = x if key is None else key(x)\n"
    "        k is None\n"
    "        keys[len(keys)] = k\n"
    "    order = sorted(range(len(keys)), key=keys.get, reverse=reverse)\n"
    "    return [items[i] for i in order]\n"
    "def sum_(it, start=0):\n"
    "    total = sum((), start)\n"
    "    for x in it:\n"
    "        total = total + x\n"
    "    return total\n"
    "def tuple_(it):\n"
    "    return tuple([x for x in it])\n";
/* clang-format on */

/* Which calls are made here: how many arguments, the names that may be given, and whether a key
 * alone is reason enough. */
static const struct {
    const char *name, *function;
    uint32_t max;
    bool keyed;
    const char *names[3];
} rows[] = {
    {"all", "all_", 1, false, {0}},
    {"any", "any_", 1, false, {0}},
    {"frozenset", "frozenset_", 1, false, {0}},
    {"list", "list_", 1, false, {0}},
    {"max", "max_", 1, true, {"key", "default"}},
    {"min", "min_", 1, true, {"key", "default"}},
    {"next", "next_", 2, false, {0}},
    {"set", "set_", 1, false, {0}},
    {"sorted", "sorted_", 1, true, {"key", "reverse"}},
    {"sum", "sum_", 2, false, {"start"}},
    {"tuple", "tuple_", 1, false, {0}},
};

static bool is_builtin(val callee, const char *name)
{
    val builtin;
    return builtins_find(str_of(name), &builtin) && builtin.kind == callee.kind &&
           builtin.o == callee.o;
}

static bool names_fit(const char *const *known, const struct call_args *args, bool *ret_key)
{
    for (uint32_t i = 0; i < args->named_count; i++) {
        bool fits = false;
        for (int k = 0; k < 3 && known[k]; k++)
            fits |= str_is(text_str(args->names[i]), known[k]);
        if (!fits)
            return false;
        *ret_key |= str_is(text_str(args->names[i]), "key") && args->named[i].kind != V_NONE;
    }
    return true;
}

const char *walk_wanted(const struct vm *vm, val callee, const struct call_args *args)
{
    if (!args->n || vm->frames[vm->frame_count - 1].code->file == vm->walks)
        return NULL;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool key = false;
        if (args->n > rows[i].max || !is_builtin(callee, rows[i].name))
            continue;
        if (!names_fit(rows[i].names, args, &key))
            return NULL;
        return args->at[0].kind == V_GEN || (rows[i].keyed && key) ? rows[i].function : NULL;
    }
    return NULL;
}

static bool run_file(struct vm *vm)
{
    struct heap *h = &vm->heap;
    val result;
    if (!native_enter(h))
        return false;
    bool ok = machine_push_file(vm, vm->walks) && machine_run(vm, vm->frame_count - 1, &result);
    native_leave(h);
    return ok;
}

/* Once, when one of them is wanted. The program does not pay for it. */
static bool load(struct vm *vm)
{
    struct heap *h = &vm->heap;
    struct err_list errors = {.max = 1};
    int64_t fuel = h->fuel;
    uint32_t depth = h->depth;

    uint32_t source = sources_add(&vm->sources, STR("builtins"), str_of(walks_text), POS_NONE);
    vm->walks = vm_compile(vm, source, &errors);
    err_list_done(&errors);
    if (!vm->walks)
        return heap_refuse(h, "internal", NULL, "the builtins' own functions do not compile");
    bool ok = run_file(vm);
    h->depth = depth;
    h->fuel = fuel;
    return ok;
}

bool walk_push(struct vm *vm, const char *name, const struct call_args *args)
{
    struct call_args moved = *args;
    uintptr_t stack = (uintptr_t)vm->stack;
    size_t at = ((uintptr_t)args->at - stack) / sizeof(val);
    size_t named = ((uintptr_t)args->named - stack) / sizeof(val);
    bool in_stack = at < vm->stack_cap;
    if (!vm->walks && !load(vm))
        return false;
    /* Registers may have moved. */
    if (in_stack) {
        moved.at = vm->stack + at;
        moved.named = args->named_count ? vm->stack + named : NULL;
    }
    val fn = vm_global(vm, vm->walks, str_of(name));
    return call_push(vm, (struct func_obj *)fn.o, &moved, FRAME_CALL);
}
