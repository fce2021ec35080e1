#include "base/map.h"
#include <sys/random.h>

uint64_t hash_seed, hash_factor;

/* Before main, so that the hashes need not ask whether it is there. */
__attribute__((constructor)) static void make_seed(void)
{
    if (getrandom(&hash_seed, sizeof hash_seed, GRND_NONBLOCK) != (ssize_t)sizeof hash_seed)
        hash_seed = (uint64_t)(uintptr_t)&hash_seed * 0x9e3779b97f4a7c15u;
    hash_factor = (hash_seed * 0xe7037ed1a0b428dbu) | 1;
}

static inline uint64_t read_8(const unsigned char *p)
{
    uint64_t w;
    memcpy(&w, p, 8);
    return w;
}

/* Up to 8 bytes; some count twice, which does no harm. */
static inline uint64_t read_tail(const unsigned char *p, size_t n)
{
    uint32_t low, high;
    if (n >= 4) {
        memcpy(&low, p, 4);
        memcpy(&high, p + n - 4, 4);
        return (uint64_t)high << 32 | low;
    }
    return n ? p[0] | (uint64_t)p[n / 2] << 8 | (uint64_t)p[n - 1] << 16 : 0;
}

uint64_t hash_bytes(const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    uint64_t h = hash_seed ^ n;
    size_t left = n;
    for (; left >= 16; left -= 16, p += 16) {
        h = hash_mix(read_8(p) ^ 0x8ebc6af09c88c6e3u ^ h, read_8(p + 8) ^ 0x589965cc75374cc3u);
    }
    uint64_t a = left >= 8 ? read_8(p) : read_tail(p, left);
    uint64_t b = left > 8 ? read_tail(p + 8, left - 8) : 0;
    return hash_mix(h ^ a ^ 0x1d8e4e27c47d124fu, b ^ hash_seed ^ 0xeb44accab455d165u);
}

enum { SMALL = 8 /* entries that are looked through one by one, without an index */ };

void map_done(struct map *m)
{
    free(m->entries);
    free(m->index);
    *m = (struct map){0};
}

/* Slot in the index of the key's entry, or of the free place for it. */
static size_t map_slot(const struct map *m, str key, uint64_t hash)
{
    size_t i = hash & m->mask;
    for (;; i = (i + 1) & m->mask) {
        uint32_t e = m->index[i];
        if (!e)
            return i;
        const struct map_entry *entry = &m->entries[e - 1];
        if (entry->hash == hash && entry->key.p && str_eq(entry->key, key))
            return i;
    }
}

/* entry + 1, or 0 */
static uint32_t find_small(const struct map *m, str key)
{
    for (size_t i = 0; i < m->used; i++)
        if (m->entries[i].key.n == key.n && m->entries[i].key.p && str_eq(m->entries[i].key, key))
            return (uint32_t)i + 1;
    return 0;
}

static void make_index(struct map *m)
{
    size_t slots = 16;
    while (slots < m->cap * 2)
        slots *= 2;
    bool hashed = m->index != NULL;
    free(m->index);
    m->index = mem_zalloc(slots * sizeof *m->index);
    m->mask = slots - 1;
    for (size_t i = 0; i < m->used; i++) {
        struct map_entry *e = &m->entries[i];
        e->hash = hashed ? e->hash : hash_bytes(e->key.p, e->key.n);
        m->index[map_slot(m, e->key, e->hash)] = (uint32_t)i + 1;
    }
}

/* Makes room for another entry. */
static void map_rebuild(struct map *m)
{
    size_t live = 0;
    for (size_t i = 0; i < m->used; i++)
        if (m->entries[i].key.p)
            m->entries[live++] = m->entries[i];
    m->used = live;
    if (m->cap < live * 2 || m->cap < SMALL) {
        m->cap = live * 2 < SMALL ? SMALL : live * 2;
        m->entries = mem_realloc_array(m->entries, m->cap, sizeof *m->entries);
    }
    if (m->cap > SMALL)
        make_index(m);
}

static struct map_entry *map_find(const struct map *m, str key)
{
    uint32_t e =
        m->index ? m->index[map_slot(m, key, hash_bytes(key.p, key.n))] : find_small(m, key);
    return e ? &m->entries[e - 1] : NULL;
}

void *map_get(const struct map *m, str key)
{
    struct map_entry *e = map_find(m, key);
    return e ? e->value : NULL;
}

bool map_has(const struct map *m, str key)
{
    return map_find(m, key) != NULL;
}

void *map_set(struct map *m, str key, void *value)
{
    bool indexed = m->index != NULL;
    uint64_t hash = indexed ? hash_bytes(key.p, key.n) : 0;
    size_t slot = indexed ? map_slot(m, key, hash) : 0;
    uint32_t at = indexed ? m->index[slot] : find_small(m, key);
    if (at) {
        void *old = m->entries[at - 1].value;
        m->entries[at - 1].value = value;
        return old;
    }
    if (m->used == m->cap) {
        map_rebuild(m);
        if (m->index && !indexed)
            hash = hash_bytes(key.p, key.n);
        if (m->index)
            slot = map_slot(m, key, hash);
    }
    m->entries[m->used++] = (struct map_entry){key.p ? key : STR(""), value, hash};
    if (m->index)
        m->index[slot] = (uint32_t)m->used;
    m->n++;
    return NULL;
}

void *map_remove(struct map *m, str key)
{
    struct map_entry *e = map_find(m, key);
    if (!e)
        return NULL;
    void *old = e->value;
    e->key = (str){NULL, 0};
    m->n--;
    return old;
}
