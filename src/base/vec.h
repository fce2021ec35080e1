/* vec: typed growing arrays.
 *     VEC(struct step) steps = {0};
 *     vec_push(&steps, step);
 *     vec_each (s, &steps) use(*s);
 *     vec_done(&steps);
 * Elements are moved when the array grows: hold an index, not a pointer. */
#ifndef BASE_VEC_H
#define BASE_VEC_H
#include "base/mem.h"

#define VEC(type)      \
    struct {           \
        type *at;      \
        size_t n, cap; \
    }

#define vec_reserve(v, want)                                             \
    do {                                                                 \
        size_t want_ = (want);                                           \
        if (want_ > (v)->cap) {                                          \
            size_t cap_ = (v)->cap ? (v)->cap * 2 : 8;                   \
            if (cap_ < want_)                                            \
                cap_ = want_;                                            \
            (v)->at = mem_realloc_array((v)->at, cap_, sizeof *(v)->at); \
            (v)->cap = cap_;                                             \
        }                                                                \
    } while (0)

#define vec_push(v, ...)                   \
    do {                                   \
        vec_reserve(v, (v)->n + 1);        \
        (v)->at[(v)->n++] = (__VA_ARGS__); \
    } while (0)

#define vec_pop(v) ((v)->at[--(v)->n])
#define vec_last(v) ((v)->at[(v)->n - 1])
#define vec_each(it, v) for (__typeof__((v)->at) it = (v)->at; it && it < (v)->at + (v)->n; it++)
#define vec_done(v)            \
    do {                       \
        free((v)->at);         \
        (v)->at = NULL;        \
        (v)->n = (v)->cap = 0; \
    } while (0)

#endif
