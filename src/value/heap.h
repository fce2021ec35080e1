/* heap: where the objects of one evaluation live, and what the evaluation may use.
 * One heap per evaluation; heaps share nothing but static data, so that any number of them may run
 * in threads. Mark and sweep. Collection happens only at the machine's safepoints (heap_collect),
 * never inside an allocation: a native may hold values in C locals as long as it does not call
 * back into the machine; what it holds across such a call it keeps with heap_hold.
 *
 * Faults: an operation that cannot go on returns false and leaves the reason here. */
#ifndef VALUE_HEAP_H
#define VALUE_HEAP_H
#include "diag/err.h"
#include "value/val.h"

enum fault_kind {
    FAULT_NONE,
    FAULT_EXCEPTION, /* a Python exception: `value` is a V_EXC; programs may catch it */
    FAULT_LIMIT,     /* a limit was passed: cannot be caught; err says which */
    FAULT_REFUSED,   /* against the rules (policy, plan errors): cannot be caught; err says why */
    FAULT_AWAIT,     /* a decision needs what is not there yet: `value` is the deferred value */
};

struct fault {
    enum fault_kind kind;
    val value;
    struct err err;
};

struct heap_limits {
    int64_t instructions; /* default 10 million */
    size_t bytes;         /* default 64 MiB */
    uint32_t depth;       /* default 200: calls, and nesting of data in repr, ==, hash, json */
    size_t output;        /* bytes of print; default 1 MiB */
};
extern const struct heap_limits heap_default_limits;

struct heap {
    struct heap_limits limits;
    int64_t fuel; /* instructions left; below 0: FAULT_LIMIT at the next charge */
    size_t bytes; /* in use, garbage included, until it is collected */
    size_t collect_at;
    bool collect_always; /* for tests: at every safepoint */
    uint32_t depth;
    const char *stack_limit; /* the C stack may not grow below it; NULL: unknown */
    uint32_t native_depth; /* natives on the C stack that run the machine: an await there cannot be
                              kept */
    struct fault fault;

    /* Set by whoever owns the machine; value/ only calls them. */
    void *machine;
    bool (*call)(struct heap *h, val fn, const struct call_args *args, val *ret);
    bool (*resume)(struct heap *h, val generator, val *ret); /* V_UNBOUND in ret: exhausted */
    void (*mark_roots)(struct heap *h);
    void (*trace)(struct heap *h, struct obj *o); /* V_FUNC, V_GEN, V_CELL */
    void (*free)(struct heap *h, struct obj *o);  /* the same */
    str (*name)(struct heap *h, val v);           /* the name of a V_FUNC or V_GEN, for repr */
    /* a op b where one is OBJ_MARKUP; *ret_done false: as of any str. NULL: there are none. */
    bool (*markup_binary)(struct heap *h, int op, val a, val b, bool *ret_done, val *ret);
    void *host; /* of the plue module (workflow/); not touched here */

    struct heap_store *store; /* cells, large objects, hold stack */
    struct text_pool *texts;  /* interned strings; of text.c, made on first use */
};

/* ---- life ---- */
void heap_init(struct heap *h, const struct heap_limits *limits); /* NULL: defaults */
void heap_done(struct heap *h);
#define auto_heap cleanup(heap_done) struct heap

/* ---- allocation ---- */
/* A zeroed object of `size` bytes with its header filled; NULL with FAULT_LIMIT. */
void *heap_new(struct heap *h, enum val_kind kind, size_t size) must_use;
/* Arrays that belong to objects: accounted; NULL with FAULT_LIMIT (the old array stays). */
void *heap_array(struct heap *h, void *old, size_t old_size, size_t new_size) must_use;
void heap_array_free(struct heap *h, void *p, size_t size);

/* The fault of passing the limit on memory; for sizes that are known to be too much before. */
bool heap_out_of_bytes(struct heap *h);

/* ---- collection: safepoints only ---- */
static inline bool heap_wants_collection(const struct heap *h)
{
    return h->bytes >= h->collect_at;
}
void heap_collect(struct heap *h);
void heap_mark(struct heap *h, val v);
void heap_mark_obj(struct heap *h, struct obj *o);
/* Keeps values across a call into the machine; balanced, last in first out. */
void heap_hold(struct heap *h, val v);
void heap_release(struct heap *h, uint32_t n);

/* ---- budget ---- */
bool heap_out_of_fuel(struct heap *h); /* sets the fault, returns false */
/* Spends n instructions; false with FAULT_LIMIT. */
static inline bool heap_charge(struct heap *h, int64_t n)
{
    h->fuel -= n;
    return h->fuel >= 0 ? true : heap_out_of_fuel(h);
}
/* One level of nesting deeper; false with FAULT_LIMIT. heap_leave is owed only after true. */
bool heap_enter(struct heap *h) must_use;
static inline void heap_leave(struct heap *h)
{
    h->depth--;
}

/* ---- faults: all return false, and the first one stays ---- */
/* "TypeError: ..." etc.; the message is CPython's, byte for byte. */
bool heap_raise(struct heap *h, const struct type_info *type, const char *fmt, ...)
    printf_like(3, 4);
/* With args of its own: KeyError(key); texts that hold untrusted parts. Copies args. */
bool heap_raise_with(struct heap *h, const struct type_info *type, const val *args, uint32_t n);
/* A new exception object, not raised. */
bool heap_exception(struct heap *h, const struct type_info *type, const val *args, uint32_t n,
                    val *ret) must_use;
/* An exception object of the program's own. */
bool heap_raise_val(struct heap *h, val exc);
/* Uncatchable refusal; code and message as in diag/err.h; hint may be NULL. */
bool heap_refuse(struct heap *h, const char *code, const char *hint, const char *fmt, ...)
    printf_like(4, 5);
bool heap_limit(struct heap *h, const char *code, const char *fmt, ...) printf_like(3, 4);
bool heap_await(struct heap *h, val deferred);
/* Forgets the fault. */
void heap_clear_fault(struct heap *h);

#endif
