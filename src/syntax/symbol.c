#include "syntax/symbol.h"
#include "base/map.h"
#include "base/utf8.h"
#include <utf8proc.h>

enum { FIRST_SLOTS = 256 };

void symbols_done(struct symbols *t)
{
    free(t->at);
    free(t->slots);
    *t = (struct symbols){0};
}

static void grow_slots(struct symbols *t)
{
    uint32_t count = t->slots ? (t->mask + 1) * 2 : FIRST_SLOTS;
    struct symbol_slot *slots = mem_zalloc(count * sizeof *slots);
    for (uint32_t i = 0; t->slots && i <= t->mask; i++) {
        if (!t->slots[i].symbol_plus_1)
            continue;
        uint32_t j = t->slots[i].hash & (count - 1);
        while (slots[j].symbol_plus_1)
            j = (j + 1) & (count - 1);
        slots[j] = t->slots[i];
    }
    free(t->slots);
    t->slots = slots;
    t->mask = count - 1;
}

uint32_t symbols_intern(struct symbols *t, str name)
{
    if (!t->slots || t->n * 2 > t->mask)
        grow_slots(t);
    uint32_t hash = (uint32_t)hash_bytes(name.p, name.n);
    uint32_t i = hash & t->mask;
    for (; t->slots[i].symbol_plus_1; i = (i + 1) & t->mask)
        if (t->slots[i].hash == hash && str_eq(t->at[t->slots[i].symbol_plus_1 - 1], name))
            return t->slots[i].symbol_plus_1 - 1;
    if (t->n == t->cap) {
        t->cap = t->cap ? t->cap * 2 : FIRST_SLOTS;
        t->at = mem_realloc_array(t->at, t->cap, sizeof *t->at);
    }
    t->at[t->n++] = name;
    t->slots[i] = (struct symbol_slot){hash, t->n};
    return t->n - 1;
}

struct range {
    uint32_t from, to;
};

/* Unicode's Other_ID_Start and Other_ID_Continue: what the categories below do not cover. */
static const struct range more_start[] = {{0x1885, 0x1886}, {0x2118, 0x2118}, {0x212E, 0x212E}};
static const struct range more_continue[] = {
    {0x00B7, 0x00B7}, {0x0387, 0x0387}, {0x1369, 0x1371}, {0x19DA, 0x19DA}};
/* Letters that are not XID_Start, since they fall apart under NFKC. */
static const struct range not_start[] = {
    {0x037A, 0x037A}, {0x0E33, 0x0E33}, {0x0EB3, 0x0EB3}, {0x2E2F, 0x2E2F}, {0xFC5E, 0xFC63},
    {0xFDFA, 0xFDFB}, {0xFE70, 0xFE70}, {0xFE72, 0xFE72}, {0xFE74, 0xFE74}, {0xFE76, 0xFE76},
    {0xFE78, 0xFE78}, {0xFE7A, 0xFE7A}, {0xFE7C, 0xFE7C}, {0xFE7E, 0xFE7E}, {0xFF9E, 0xFF9F}};
static const struct range not_continue[] = {{0x037A, 0x037A}, {0x2E2F, 0x2E2F}, {0xFC5E, 0xFC63},
                                            {0xFDFA, 0xFDFB}, {0xFE70, 0xFE70}, {0xFE72, 0xFE72},
                                            {0xFE74, 0xFE74}, {0xFE76, 0xFE76}, {0xFE78, 0xFE78},
                                            {0xFE7A, 0xFE7A}, {0xFE7C, 0xFE7C}, {0xFE7E, 0xFE7E}};

static bool in_ranges(uint32_t cp, const struct range *at, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (cp >= at[i].from && cp <= at[i].to)
            return true;
    return false;
}
#define IN(cp, table) in_ranges(cp, table, sizeof(table) / sizeof *(table))

static bool is_start(uint32_t cp)
{
    switch (utf8proc_category((utf8proc_int32_t)cp)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_NL:
        return !IN(cp, not_start);
    default:
        return cp == '_' || IN(cp, more_start);
    }
}

static bool is_continue(uint32_t cp)
{
    switch (utf8proc_category((utf8proc_int32_t)cp)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_PC:
        return true;
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
        return !IN(cp, not_continue);
    default:
        return is_start(cp) || IN(cp, more_continue);
    }
}

size_t symbol_start_length(str text, size_t at)
{
    size_t end = at;
    return is_start(utf8_next(text, &end)) ? end - at : 0;
}

size_t symbol_continue_length(str text, size_t at)
{
    size_t end = at;
    return is_continue(utf8_next(text, &end)) ? end - at : 0;
}

str symbol_normalise(struct arena *a, str name)
{
    utf8proc_uint8_t *form = NULL;
    utf8proc_ssize_t n = utf8proc_map((const utf8proc_uint8_t *)name.p, (utf8proc_ssize_t)name.n,
                                      &form, UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT);
    str result = n > 0 ? arena_str(a, str_make((const char *)form, (size_t)n)) : STR("");
    free(form);
    return result;
}
