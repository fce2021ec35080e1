/* heap_int: how a heap stores its objects; shared by heap.c (allocation) and collect.c. */
#ifndef VALUE_HEAP_INT_H
#define VALUE_HEAP_INT_H
#include "base/vec.h"
#include "value/heap.h"

enum {
    CELL_STEP = 16,
    CELL_CLASSES = 33, /* class c holds cells of c * 16 bytes: up to 512 */
    CELL_LARGEST = CELL_STEP * (CELL_CLASSES - 1),
    BLOCK_FIRST_BYTES = 1024, /* blocks of a class grow fourfold up to the maximum */
    BLOCK_MAX_BYTES = 64 * 1024,
};

struct heap_block {
    struct heap_block *next;
    uint32_t cell_bytes, used, count; /* cells handed out at least once, room for cells */
    uint32_t pad;
    /* cells follow, aligned to 16 */
};

/* A cell that holds no object. */
struct free_cell {
    struct obj h; /* kind 0 */
    struct free_cell *next;
};

struct cell_class {
    struct free_cell *free;
    struct heap_block *blocks; /* the first may have cells that were never used */
};

struct heap_store {
    struct cell_class classes[CELL_CLASSES];
    VEC(struct obj *) large;
    VEC(struct obj *) pending; /* marked, not yet traced */
    VEC(val) held;
    VEC(struct obj *) reached; /* while freezing: what was visited */
    bool freezing;
};

static inline struct obj *block_cell(struct heap_block *b, uint32_t i)
{
    return (struct obj *)((char *)(b + 1) + (size_t)i * b->cell_bytes);
}

/* Arrays and outside resources of an object that ends. */
void heap_end_object(struct heap *h, struct obj *o);
void heap_free_cell_memory(struct heap_store *store);
/* Marks everything that the pending objects reach. */
void heap_trace_pending(struct heap *h);

/* The sanitizer sees the use of a freed cell. */
#if defined(__SANITIZE_ADDRESS__)
#define HEAP_POISONS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HEAP_POISONS 1
#endif
#endif
#ifdef HEAP_POISONS
#include <sanitizer/asan_interface.h>
#define heap_poison(p, n) __asan_poison_memory_region((p), (n))
#define heap_unpoison(p, n) __asan_unpoison_memory_region((p), (n))
#else
#define heap_poison(p, n) ((void)(p), (void)(n))
#define heap_unpoison(p, n) ((void)(p), (void)(n))
#endif

#endif
