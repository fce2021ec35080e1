/* collect: mark and sweep with an explicit stack, so that no nesting of data can end the C stack.
 * The same marking walks what a value reaches for val_freeze. */
#include "value/heap_int.h"
#include "value/iter.h"
#include "value/ops.h"
#include "value/text.h"
#include "value/view.h"

enum { COLLECT_USUAL_STEP = 1 << 20, COLLECT_MIN_STEP = 1 << 16 };

/* ---- marking ---- */

void heap_mark_obj(struct heap *h, struct obj *o)
{
    if (!o || o->mark)
        return;
    if (o->kind == V_STR) {
        /* Strings are leaves: their bytes are marked at once. Freezing does not care for them. */
        struct str_obj *s = (struct str_obj *)o;
        if (h->store->freezing)
            return;
        o->mark = 1;
        if (s->taint)
            s->taint->h.mark = 1;
        if (s->back)
            ((struct obj *)s->back)->mark = 1;
        return;
    }
    o->mark = 1;
    vec_push(&h->store->pending, o);
}

void heap_mark(struct heap *h, val v)
{
    if (val_is_obj(v))
        heap_mark_obj(h, v.o);
}

static void mark_all(struct heap *h, const val *at, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        heap_mark(h, at[i]);
}

static void mark_exception(struct heap *h, const struct exc_obj *e)
{
    heap_mark(h, e->args);
    heap_mark(h, e->cause);
    heap_mark(h, e->context);
    heap_mark(h, e->extra);
    for (uint32_t i = 0; i < e->trace_count; i++)
        heap_mark(h, e->trace[i].function);
}

static void mark_entries(struct heap *h, const struct obj *o)
{
    if (o->kind == V_DICT) {
        const struct dict_obj *d = (const struct dict_obj *)o;
        for (uint32_t i = 0; i < d->used; i++) {
            heap_mark(h, d->entries[i].key);
            heap_mark(h, d->entries[i].value);
        }
        return;
    }
    const struct set_obj *s = (const struct set_obj *)o;
    for (uint32_t i = 0; i < s->used; i++)
        heap_mark(h, s->entries[i].key);
}

static void trace_object(struct heap *h, struct obj *o)
{
    switch ((enum val_kind)o->kind) {
    case V_TUPLE:
        mark_all(h, ((struct tuple_obj *)o)->at, ((struct tuple_obj *)o)->n);
        break;
    case V_LIST:
        mark_all(h, ((struct list_obj *)o)->at, ((struct list_obj *)o)->n);
        break;
    case V_DICT:
    case V_SET:
    case V_FROZENSET:
        mark_entries(h, o);
        break;
    case V_SLICE:
        mark_all(h, &((struct slice_obj *)o)->low, 3);
        break;
    case V_VIEW:
        heap_mark_obj(h, &((struct view_obj *)o)->dict->h);
        break;
    case V_ITER:
        mark_all(h, ((struct iter_obj *)o)->held, ((struct iter_obj *)o)->held_count);
        break;
    case V_EXC:
        mark_exception(h, (struct exc_obj *)o);
        break;
    case V_METHOD:
        heap_mark(h, ((struct method_obj *)o)->self);
        break;
    case V_FUNC:
    case V_GEN:
    case V_CELL:
        if (h->trace)
            h->trace(h, o);
        break;
    case V_OBJECT:
        if (((struct object *)o)->class->trace)
            ((struct object *)o)->class->trace(h, (struct object *)o);
        break;
    default:
        break;
    }
}

void heap_trace_pending(struct heap *h)
{
    struct heap_store *store = h->store;
    while (store->pending.n) {
        struct obj *o = vec_pop(&store->pending);
        if (store->freezing)
            vec_push(&store->reached, o);
        trace_object(h, o);
    }
}

/* ---- sweeping ---- */

void heap_end_object(struct heap *h, struct obj *o)
{
    switch ((enum val_kind)o->kind) {
    case V_LIST: {
        struct list_obj *l = (struct list_obj *)o;
        heap_array_free(h, l->at, l->cap * sizeof *l->at);
        break;
    }
    case V_DICT: {
        struct dict_obj *d = (struct dict_obj *)o;
        heap_array_free(h, d->entries, d->cap * sizeof *d->entries);
        if (d->index)
            heap_array_free(h, d->index, ((size_t)d->mask + 1) * sizeof *d->index);
        break;
    }
    case V_SET:
    case V_FROZENSET: {
        struct set_obj *s = (struct set_obj *)o;
        heap_array_free(h, s->entries, s->cap * sizeof *s->entries);
        if (s->index)
            heap_array_free(h, s->index, ((size_t)s->mask + 1) * sizeof *s->index);
        break;
    }
    case V_EXC: {
        struct exc_obj *e = (struct exc_obj *)o;
        heap_array_free(h, e->trace, e->trace_cap * sizeof *e->trace);
        break;
    }
    case V_FUNC:
    case V_GEN:
    case V_CELL:
        if (h->free)
            h->free(h, o);
        break;
    case V_OBJECT:
        if (((struct object *)o)->class->free)
            ((struct object *)o)->class->free(h, (struct object *)o);
        break;
    default:
        break;
    }
}

/* True where the object lives on; otherwise what it owned is gone and its cell may be reused. */
static bool sweep_object(struct heap *h, struct obj *o)
{
    if (o->mark) {
        o->mark = 0;
        return true;
    }
    heap_end_object(h, o);
    h->bytes -= o->bytes;
    o->kind = 0;
    return false;
}

/* Prepends the block's free cells, lowest address first; true where nothing lives in it. */
static bool sweep_block(struct heap *h, struct heap_block *b, struct free_cell **free_list)
{
    struct free_cell *first = *free_list;
    bool empty = true;

    for (uint32_t i = b->used; i-- > 0;) {
        struct obj *o = block_cell(b, i);
        if (o->kind && sweep_object(h, o)) {
            empty = false;
            continue;
        }
        struct free_cell *cell = (struct free_cell *)o;
        cell->next = first;
        first = cell;
        /* The link stays readable; the rest of the cell is nobody's. */
        heap_poison(cell + 1, b->cell_bytes - sizeof *cell);
    }
    if (!empty)
        *free_list = first;
    return empty;
}

static void sweep_class(struct heap *h, struct cell_class *class)
{
    struct heap_block **at = &class->blocks;

    class->free = NULL;
    while (*at) {
        struct heap_block *b = *at;
        if (!sweep_block(h, b, &class->free)) {
            at = &b->next;
        } else if (at == &class->blocks) {
            b->used = 0; /* kept, so that a loop of garbage does not go to malloc each time */
            heap_poison(b + 1, (size_t)b->cell_bytes * b->count);
            at = &b->next;
        } else {
            *at = b->next;
            heap_unpoison(b + 1, (size_t)b->cell_bytes * b->count);
            free(b);
        }
    }
}

static void sweep_large(struct heap *h)
{
    struct heap_store *store = h->store;
    size_t live = 0;
    for (size_t i = 0; i < store->large.n; i++) {
        struct obj *o = store->large.at[i];
        if (sweep_object(h, o))
            store->large.at[live++] = o;
        else
            free(o);
    }
    store->large.n = live;
}

void heap_collect(struct heap *h)
{
    struct heap_store *store = h->store;

    if (h->mark_roots)
        h->mark_roots(h);
    heap_mark(h, h->fault.value);
    mark_all(h, store->held.at, (uint32_t)store->held.n);
    heap_trace_pending(h);
    text_pool_sweep(h, 1);
    for (int c = 1; c < CELL_CLASSES; c++)
        sweep_class(h, &store->classes[c]);
    sweep_large(h);

    /* Garbage may grow to as much as what lives, and to a quarter of what is left. */
    size_t left = h->bytes < h->limits.bytes ? (h->limits.bytes - h->bytes) / 4 : 0;
    size_t step = h->bytes < COLLECT_USUAL_STEP ? COLLECT_USUAL_STEP : h->bytes;
    if (step > left)
        step = left > COLLECT_MIN_STEP ? left : COLLECT_MIN_STEP;
    h->collect_at = h->collect_always ? 0 : h->bytes + step;
}

/* ---- holding ---- */

void heap_hold(struct heap *h, val v)
{
    vec_push(&h->store->held, v);
}

void heap_release(struct heap *h, uint32_t n)
{
    h->store->held.n -= n;
}

/* ---- freezing ---- */

bool val_freeze(struct heap *h, val v)
{
    struct heap_store *store = h->store;

    store->freezing = true;
    heap_mark(h, v);
    heap_trace_pending(h);
    store->freezing = false;
    vec_each (o, &store->reached) {
        (*o)->mark = 0;
        (*o)->flags |= OBJ_FROZEN;
    }
    size_t n = store->reached.n;
    vec_done(&store->reached);
    return heap_charge(h, (int64_t)n);
}
