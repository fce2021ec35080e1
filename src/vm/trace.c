/* Exceptions as people read them: python3's traceback text, byte for byte where it is known. */
#include "value/ops.h"
#include "value/text.h"
#include "vm/machine_int.h"

enum {
    CHAIN_MAX = 100,   /* exceptions printed of one chain */
    REPEATS_SHOWN = 3, /* of equal neighbouring places, as python3 does */
    MESSAGE_MAX = 1 << 20,
};

static void add_type(struct buf *b, const struct type_info *type)
{
    if (type == &exc_JSONDecodeError)
        buf_add_c(b, "json.decoder.");
    buf_add_c(b, type->name);
}

/* A deferred value in an uncaught exception is what its steps gave, where they have ended: nothing
 * comes behind the report that could wait for them. */
static void settle_args(struct heap *h, const struct exc_obj *x)
{
    struct tuple_obj *args = x->args.kind == V_TUPLE ? x->args.tuple : NULL;
    heap_hold(h, val_obj(V_EXC, (void *)(uintptr_t)x));
    for (uint32_t i = 0; args && i < args->n; i++) {
        val known;
        if (val_is_deferred(args->at[i]) && val_decide(h, args->at[i], &known))
            args->at[i] = known;
        else if (h->fault.kind != FAULT_NONE)
            heap_clear_fault(h);
    }
    heap_release(h, 1);
}

void trace_add_message(struct vm *vm, struct buf *b, val exception)
{
    struct heap *h = &vm->heap;
    val text;
    int64_t fuel = h->fuel;
    add_type(b, exception.exc->type);
    if (h->fault.kind != FAULT_NONE)
        heap_clear_fault(h);
    h->fuel = INT64_MAX / 2; /* the report is not the program's work */
    settle_args(h, exception.exc);
    if (!val_show(h, exception, &text))
        buf_add_c(b, ": <exception str() failed>");
    else if (text.kind == V_STR && text.s->n) {
        buf_add_c(b, ": ");
        buf_add_str(b, text_str(text)); /* NUL bytes too */
    }
    h->fuel = fuel;
    heap_clear_fault(h);
}

/* ---- places ---- */

str trace_name(const struct trace_entry *t)
{
    if (t->function.kind == V_STR)
        return text_str(t->function);
    if (t->function.kind != V_FUNC)
        return STR("<module>");
    return ((struct func_obj *)t->function.o)->code->name;
}

/* The operator of the instruction that stands for this place; none: length 0. */
static struct span find_mark(struct vm *vm, const struct trace_entry *t)
{
    for (const struct vm_code *file = vm->codes; file; file = file->next) {
        if (file->source != t->source)
            continue;
        for (size_t i = 0; i < file->codes.n; i++) {
            const struct code *c = file->codes.at[i];
            for (uint32_t k = 0; k < c->op_count; k++)
                if (c->spans[k].offset == t->offset && c->spans[k].length == t->length &&
                    c->spans[k].mark_length)
                    return c->spans[k];
        }
    }
    return (struct span){0};
}

static size_t columns(str s, size_t bytes)
{
    size_t n = 0;
    for (size_t i = 0; i < bytes && i < s.n; i++)
        n += (s.p[i] & 0xc0) != 0x80;
    return n;
}

/* ^^^^ under the part of the line that raised, ~~^~~ where it is an operation; nothing under all of
 * the line. mark counts from the beginning of the line, as from does. */
static void add_carets(struct buf *b, str line, size_t from, size_t length, size_t mark,
                       size_t mark_length)
{
    str trimmed = str_trim(line);
    size_t indent = (size_t)(trimmed.p - line.p), end = indent + trimmed.n;
    if (from < indent || from >= end)
        return;
    size_t to = from + length;
    bool marked = mark_length && to <= end;
    if (to > end)
        to = end;
    if ((to - from >= trimmed.n && !marked) || to <= from)
        return;
    buf_add_c(b, "    ");
    buf_add_repeat(b, ' ', columns(trimmed, from - indent));
    if (marked) {
        size_t mark_end = mark + mark_length;
        buf_add_repeat(b, '~', columns(str_sub(line, from, mark), mark - from));
        buf_add_repeat(b, '^', columns(str_sub(line, mark, mark_end), mark_length));
        buf_add_repeat(b, '~', columns(str_sub(line, mark_end, to), to - mark_end));
    } else {
        buf_add_repeat(b, '^', columns(str_sub(line, from, to), to - from));
    }
    buf_add_byte(b, '\n');
}

static void add_entry(struct vm *vm, struct buf *b, const struct trace_entry *t)
{
    struct place place;
    pos at = {t->source, t->offset, t->length};
    if (!sources_place(&vm->sources, at, &place))
        return;
    buf_addf(b, "  File \"%.*s\", line %u, in %.*s\n", STR_ARG(place.path), place.line,
             STR_ARG(trace_name(t)));
    str trimmed = str_trim(place.line_text);
    if (trimmed.n == 0)
        return;
    buf_addf(b, "    %.*s\n", STR_ARG(trimmed));
    const char *text = sources_get(&vm->sources, t->source)->text.p;
    size_t line = (size_t)(place.line_text.p - text);
    struct span mark = find_mark(vm, t);
    add_carets(b, place.line_text, t->offset - line, t->length, mark.mark - line, mark.mark_length);
}

static bool same_place(struct vm *vm, const struct trace_entry *a, const struct trace_entry *b)
{
    struct place x, y;
    return a->source == b->source &&
           sources_place(&vm->sources, (pos){a->source, a->offset, 0}, &x) &&
           sources_place(&vm->sources, (pos){b->source, b->offset, 0}, &y) && x.line == y.line &&
           str_eq(trace_name(a), trace_name(b));
}

static void add_repeats(struct buf *b, uint32_t repeats)
{
    if (repeats > REPEATS_SHOWN)
        buf_addf(b, "  [Previous line repeated %u more time%s]\n", repeats - REPEATS_SHOWN,
                 repeats - REPEATS_SHOWN == 1 ? "" : "s");
}

static void add_places(struct vm *vm, struct buf *b, const struct exc_obj *e)
{
    uint32_t repeats = 0;
    for (uint32_t i = e->trace_count; i-- > 0;) {
        bool again = i + 1 < e->trace_count && same_place(vm, &e->trace[i], &e->trace[i + 1]);
        if (!again) {
            add_repeats(b, repeats);
            repeats = 0;
        }
        if (++repeats <= REPEATS_SHOWN)
            add_entry(vm, b, &e->trace[i]);
    }
    add_repeats(b, repeats);
}

/* ---- chains ---- */

/* The exception that is printed before e, or NULL; ret_text: the words between them. */
static const struct exc_obj *before(const struct exc_obj *e, const char **ret_text)
{
    if (e->cause.kind == V_EXC) {
        *ret_text = "The above exception was the direct cause of the following exception:";
        return e->cause.exc;
    }
    if (e->cause.kind == V_UNBOUND && e->context.kind == V_EXC) {
        *ret_text = "During handling of the above exception, another exception occurred:";
        return e->context.exc;
    }
    return NULL;
}

void vm_add_traceback(struct vm *vm, struct buf *b)
{
    const struct exc_obj *chain[CHAIN_MAX];
    const char *texts[CHAIN_MAX] = {0};
    uint32_t n = 0;
    if (vm->exception.kind != V_EXC)
        return;
    for (const struct exc_obj *e = vm->exception.exc; e && n < CHAIN_MAX;) {
        bool seen = false;
        for (uint32_t i = 0; i < n; i++)
            seen = seen || chain[i] == e;
        if (seen)
            break;
        chain[n] = e;
        e = before(e, &texts[n]);
        n++;
    }
    for (uint32_t i = n; i-- > 0;) {
        if (chain[i]->trace_count) {
            buf_add_c(b, "Traceback (most recent call last):\n");
            add_places(vm, b, chain[i]);
        }
        trace_add_message(vm, b, val_obj(V_EXC, (void *)(uintptr_t)chain[i]));
        buf_add_byte(b, '\n');
        if (i > 0)
            buf_addf(b, "\n%s\n\n", texts[i - 1]);
    }
}
