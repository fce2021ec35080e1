#include "toy.h"
#include "diag/print.h"
#include "value/dict.h"
#include "value/list.h"
#include "value/ops.h"
#include "value/text.h"
#include "value/types.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

struct toy {
    struct object o;
    int number; /* of d0 .. d9, or -1: an operation */
    int op;     /* of compare */
    val a, b;
};
static const struct obj_class toy_class;

static struct toy_world *world_of(struct heap *h)
{
    return h->host;
}

static bool toy_new(struct heap *h, int number, int op, val a, val b, val *ret)
{
    struct toy *t = heap_new(h, V_OBJECT, sizeof *t);
    if (!t)
        return false;
    t->o.class = &toy_class;
    t->number = number;
    t->op = op;
    t->a = a;
    t->b = b;
    *ret = val_obj(V_OBJECT, t);
    return true;
}

/* Values are written as literals of the language: ints, or lists and dicts of ints. */
static bool toy_value(struct heap *h, const char *text, val *ret)
{
    val list;
    if (strcmp(text, "None") == 0) {
        *ret = VAL_NONE;
        return true;
    }
    if (text[0] != '[') {
        *ret = val_int(atoi(text));
        return true;
    }
    if (!list_new(h, 0, &list))
        return false;
    for (const char *at = text + 1; *at != ']'; at += *at == ' ' || *at == ',') {
        char *end;
        if (*at == ' ' || *at == ',')
            continue;
        if (!list_push(h, list.list, val_int(strtol(at, &end, 10))))
            return false;
        at = end;
        if (*at == ']')
            break;
    }
    *ret = list;
    return true;
}

static bool toy_decide(struct heap *h, struct object *o, val *ret)
{
    struct toy_world *w = world_of(h);
    struct toy *t = (struct toy *)o;
    val a, b;
    if (t->number >= 0) {
        if (!w->known[t->number])
            return heap_await(h, val_obj(V_OBJECT, o));
        return toy_value(h, w->values[t->number], ret);
    }
    return val_decide(h, t->a, &a) && val_decide(h, t->b, &b) &&
           op_compare(h, (enum compare_op)t->op, a, b, ret);
}

static bool toy_compare(struct heap *h, int op, val a, val b, val *ret)
{
    return toy_new(h, -1, op, a, b, ret);
}

static void toy_trace(struct heap *h, struct object *o)
{
    heap_mark(h, ((struct toy *)o)->a);
    heap_mark(h, ((struct toy *)o)->b);
}

static const struct obj_class toy_class = {
    .type = {.name = "toy", .kind = V_OBJECT},
    .decide = toy_decide,
    .compare = toy_compare,
    .trace = toy_trace,
};

/* effect(x): prints x and counts, so that a call made twice is seen. */
static bool effect(struct heap *h, val *args, val *ret)
{
    struct toy_world *w = world_of(h);
    val text;
    if (!val_show(h, args[0], &text))
        return false;
    buf_addf(&w->out, "<%.*s>", STR_ARG(text_str(text)));
    w->calls++;
    *ret = args[0];
    return true;
}
static const struct native_def effect_row = {.name = "effect", .fn = effect, .min = 1, .max = 1};

static bool toy_global(void *data, struct vm *vm, str name, val *ret)
{
    (void)data;
    if (name.n == 2 && name.p[0] == 'd' && name.p[1] >= '0' && name.p[1] <= '9')
        return toy_new(vm_heap(vm), name.p[1] - '0', 0, VAL_UNBOUND, VAL_UNBOUND, ret);
    if (str_is(name, "effect"))
        *ret = val_native(&effect_row);
    return true;
}

static void toy_print(void *data, str text)
{
    struct toy_world *w = data;
    buf_add_str(&w->out, text);
}

void toy_open(struct toy_world *w, const struct heap_limits *limits, bool collect_always)
{
    struct vm_host host = {.data = w, .global = toy_global, .print = toy_print};
    w->out = BUF(1 << 20);
    w->calls = 0;
    w->vm = vm_new(limits, &host);
    struct heap *h = vm_heap(w->vm);
    h->host = w;
    h->collect_always = collect_always;
    if (collect_always)
        h->collect_at = 0;
}

void toy_close(struct toy_world *w)
{
    vm_free(w->vm);
    buf_done(&w->out);
}

int toy_awaited(struct toy_world *w)
{
    val v = vm_awaited(w->vm);
    assert_true(val_is_object_of(v, &toy_class));
    return ((struct toy *)v.object)->number;
}

enum vm_outcome toy_run(struct toy_world *w, const char *program)
{
    struct err_list errors = {0};
    uint32_t id = sources_add(vm_sources(w->vm), STR("t.py"), str_of(program), POS_NONE);
    struct vm_code *code = vm_compile(w->vm, id, &errors);
    if (!code) {
        auto_buf b = BUF(BUF_TEXT_MAX);
        for (size_t i = 0; i < errors.n; i++)
            diag_add_err(&b, vm_sources(w->vm), &errors.at[i], &(struct diag_style){0});
        print_error("%s", buf_c(&b));
    }
    err_list_done(&errors);
    assert_non_null(code);
    return vm_run(w->vm, code);
}
