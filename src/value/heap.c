#include "value/heap.h"
#include "value/heap_int.h"
#include "value/list.h"
#include "value/text.h"
#include "value/types.h"

enum {
    COLLECT_FIRST_BYTES = 1 << 20,
    MIB = 1 << 20,
    MESSAGE_MAX = 64 << 10, /* of an exception that value/ words itself */
};

const struct heap_limits heap_default_limits = {
    .instructions = 10000000,
    .bytes = 64 * (size_t)MIB,
    .depth = 200,
    .output = MIB,
};

/* ---- life ---- */

void heap_init(struct heap *h, const struct heap_limits *limits)
{
    *h = (struct heap){.limits = limits ? *limits : heap_default_limits};
    h->fuel = h->limits.instructions;
    h->collect_at =
        h->limits.bytes / 4 < COLLECT_FIRST_BYTES ? h->limits.bytes / 4 : COLLECT_FIRST_BYTES;
    h->store = mem_zalloc(sizeof *h->store);
}

void heap_done(struct heap *h)
{
    struct heap_store *store = h->store;
    if (!store)
        return;
    text_pool_done(h);
    for (int c = 1; c < CELL_CLASSES; c++)
        for (struct heap_block *b = store->classes[c].blocks; b; b = b->next)
            for (uint32_t i = 0; i < b->used; i++)
                if (block_cell(b, i)->kind)
                    heap_end_object(h, block_cell(b, i));
    vec_each (o, &store->large)
        heap_end_object(h, *o);
    heap_free_cell_memory(store);
    vec_done(&store->pending);
    vec_done(&store->reached);
    vec_done(&store->held);
    free(store);
    h->store = NULL;
    err_done(&h->fault.err);
}

void heap_free_cell_memory(struct heap_store *store)
{
    for (int c = 1; c < CELL_CLASSES; c++) {
        struct heap_block *b = store->classes[c].blocks;
        while (b) {
            struct heap_block *next = b->next;
            heap_unpoison(b + 1, (size_t)b->cell_bytes * b->count);
            free(b);
            b = next;
        }
    }
    vec_each (o, &store->large)
        free(*o);
    vec_done(&store->large);
}

/* ---- allocation ---- */

bool heap_out_of_bytes(struct heap *h)
{
    heap_limit(h, "memory_limit", "the evaluation needs more than its %zu bytes of memory",
               h->limits.bytes);
    err_hint(&h->fault.err, "keep less data at a time, or raise the limit on memory");
    return false;
}

static struct obj *cell_from_block(struct cell_class *class, uint32_t cell_bytes)
{
    struct heap_block *b = class->blocks;
    if (!b || b->used == b->count) {
        size_t bytes = b ? (size_t)b->cell_bytes * b->count * 4 : BLOCK_FIRST_BYTES;
        if (bytes > BLOCK_MAX_BYTES)
            bytes = BLOCK_MAX_BYTES;
        b = mem_alloc(sizeof *b + bytes);
        *b = (struct heap_block){.next = class->blocks,
                                 .cell_bytes = cell_bytes,
                                 .count = (uint32_t)(bytes / cell_bytes)};
        class->blocks = b;
        heap_poison(b + 1, bytes);
    }
    return block_cell(b, b->used++);
}

static struct obj *new_large(struct heap *h, size_t size)
{
    struct obj *o = mem_zalloc(size);
    vec_push(&h->store->large, o);
    return o;
}

void *heap_new(struct heap *h, enum val_kind kind, size_t size)
{
    struct obj *o;

    size = (size + CELL_STEP - 1) & ~(size_t)(CELL_STEP - 1);
    if (size > UINT32_MAX || h->bytes + size > h->limits.bytes) {
        heap_out_of_bytes(h);
        return NULL;
    }
    if (size <= CELL_LARGEST) {
        struct cell_class *class = &h->store->classes[size / CELL_STEP];
        struct free_cell *cell = class->free;
        if (cell) {
            class->free = cell->next;
            o = &cell->h;
        } else {
            o = cell_from_block(class, (uint32_t)size);
        }
        heap_unpoison(o, size);
        memset(o, 0, size);
    } else {
        o = new_large(h, size);
    }
    h->bytes += size;
    o->kind = (uint8_t)kind;
    o->bytes = (uint32_t)size;
    return o;
}

void *heap_array(struct heap *h, void *old, size_t old_size, size_t new_size)
{
    if (new_size > old_size && new_size - old_size > h->limits.bytes - h->bytes) {
        heap_out_of_bytes(h);
        return NULL;
    }
    void *p = mem_realloc(old, new_size);
    h->bytes += new_size - old_size;
    return p;
}

void heap_array_free(struct heap *h, void *p, size_t size)
{
    free(p);
    h->bytes -= size;
}

/* ---- budget ---- */

bool heap_out_of_fuel(struct heap *h)
{
    h->fuel = -1;
    heap_limit(h, "instruction_limit", "the evaluation takes more than its %lld instructions",
               (long long)h->limits.instructions);
    err_hint(&h->fault.err,
             "look for a loop that does not end, or raise the limit on instructions");
    return false;
}

bool heap_enter(struct heap *h)
{
    const char *stack = __builtin_frame_address(0);
    if (h->depth < h->limits.depth && stack > h->stack_limit) {
        h->depth++;
        return true;
    }
    heap_limit(h, "depth_limit", "calls or data are nested deeper than the depth limit of %u",
               h->limits.depth);
    err_hint(&h->fault.err, "look for a recursion that does not end, or for a container that holds "
                            "itself; or raise the limit on depth");
    return false;
}

/* ---- faults ---- */

bool heap_raise_val(struct heap *h, val exc)
{
    if (h->fault.kind == FAULT_NONE) {
        h->fault.kind = FAULT_EXCEPTION;
        h->fault.value = exc;
    }
    return false;
}

bool heap_exception(struct heap *h, const struct type_info *type, const val *args, uint32_t n,
                    val *ret)
{
    val tuple;
    if (!tuple_from(h, args, n, &tuple))
        return false;
    struct exc_obj *e = heap_new(h, V_EXC, sizeof *e);
    if (!e)
        return false;
    e->type = type;
    e->args = tuple;
    *ret = val_obj(V_EXC, e);
    return true;
}

bool heap_raise_with(struct heap *h, const struct type_info *type, const val *args, uint32_t n)
{
    val exc;
    if (!heap_exception(h, type, args, n, &exc))
        return false;
    return heap_raise_val(h, exc);
}

bool heap_raise(struct heap *h, const struct type_info *type, const char *fmt, ...)
{
    auto_buf message = BUF(MESSAGE_MAX);
    va_list args;
    val text;

    if (h->fault.kind != FAULT_NONE)
        return false;
    va_start(args, fmt);
    buf_addv(&message, fmt, args);
    va_end(args);
    if (!text_new(h, buf_str(&message), &text))
        return false;
    return heap_raise_with(h, type, &text, 1);
}

static bool heap_set_err(struct heap *h, enum fault_kind kind, const char *code, const char *hint,
                         const char *fmt, va_list args) printf_like(5, 0);
static bool heap_set_err(struct heap *h, enum fault_kind kind, const char *code, const char *hint,
                         const char *fmt, va_list args)
{
    if (h->fault.kind != FAULT_NONE)
        return false;
    auto_buf message = BUF(MESSAGE_MAX);
    buf_addv(&message, fmt, args);
    h->fault.kind = kind;
    err_set(&h->fault.err, code, "%s", buf_c(&message));
    if (hint)
        err_hint(&h->fault.err, "%s", hint);
    return false;
}

bool heap_refuse(struct heap *h, const char *code, const char *hint, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    heap_set_err(h, FAULT_REFUSED, code, hint, fmt, args);
    va_end(args);
    return false;
}

bool heap_limit(struct heap *h, const char *code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    heap_set_err(h, FAULT_LIMIT, code, NULL, fmt, args);
    va_end(args);
    return false;
}

bool heap_await(struct heap *h, val deferred)
{
    if (h->fault.kind == FAULT_NONE) {
        h->fault.kind = FAULT_AWAIT;
        h->fault.value = deferred;
    }
    return false;
}

void heap_clear_fault(struct heap *h)
{
    h->fault.kind = FAULT_NONE;
    h->fault.value = VAL_UNBOUND;
    err_reset(&h->fault.err);
}
