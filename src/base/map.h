/* map: str -> pointer, insertion ordered. Keys are borrowed: whoever inserts keeps them alive.
 * Values are the caller's. The hash is seeded per process, so that no input can be made to
 * collide; the order of iteration never depends on it. */
#ifndef BASE_MAP_H
#define BASE_MAP_H
#include "base/str.h"
#include <stdint.h>

/* 64-bit hash of bytes, seeded once per process. */
uint64_t hash_bytes(const void *p, size_t n);
static inline uint64_t hash_mix(uint64_t a, uint64_t b)
{
    __uint128_t product = (__uint128_t)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}
/* Made when the process starts, so that no program can choose numbers or texts that collide. */
extern uint64_t hash_seed, hash_factor;
static inline uint64_t hash_int(uint64_t x)
{
    return hash_mix(x ^ hash_seed, hash_factor);
}

struct map_entry {
    str key;
    void *value;
    uint64_t hash; /* where there is an index */
};
struct map {
    struct map_entry *entries; /* in order of insertion; a removed one has key.p NULL */
    size_t n, used, cap;       /* live entries, entries with the removed, room */
    uint32_t *index;           /* entry + 1, or 0; NULL while there are few */
    size_t mask;
};

void map_done(struct map *m);
#define auto_map cleanup(map_done) struct map
/* NULL where the key is unknown. */
void *map_get(const struct map *m, str key);
bool map_has(const struct map *m, str key);
/* Returns the value that was there before, or NULL. */
void *map_set(struct map *m, str key, void *value);
void *map_remove(struct map *m, str key);

#define map_each(e, m)                                                               \
    for (struct map_entry *e = (m)->entries; e && e < (m)->entries + (m)->used; e++) \
        if (e->key.p)

#endif
