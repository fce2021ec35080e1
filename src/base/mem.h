/* mem: allocation that cannot fail, and the cleanup attributes the whole tree uses.
 * Running out of real memory ends the process here, in one place, with a message; passing a
 * limit of Plue's own is an ordinary error and is raised elsewhere. */
#ifndef BASE_MEM_H
#define BASE_MEM_H
#include <stddef.h>
#include <stdlib.h>

#define must_use __attribute__((warn_unused_result))
#define printf_like(fmt, args) __attribute__((format(printf, fmt, args)))
#define cleanup(fn) __attribute__((cleanup(fn)))

/* Zeroed memory; free with free(). */
void *mem_zalloc(size_t n);
/* Uninitialised memory; free with free(). */
void *mem_alloc(size_t n);
/* As mem_alloc; what is large comes in huge pages where the kernel has them, since each page costs
 * a fault at its first use. */
void *mem_alloc_pages(size_t n);
void *mem_realloc(void *p, size_t n);
/* n elements of size bytes each; ends the process when the product overflows. */
void *mem_realloc_array(void *p, size_t n, size_t size);
/* NUL-terminated copy of n bytes. */
char *mem_dup(const char *p, size_t n);

/* For `cleanup(mem_freep)` on a pointer variable. */
static inline void mem_freep(void *pp)
{
    free(*(void **)pp);
}
#define auto_free cleanup(mem_freep)

/* Moves a pointer out of a variable with a cleanup attribute. */
#define steal(p)                        \
    __extension__({                     \
        __typeof__(p) steal_tmp_ = (p); \
        (p) = NULL;                     \
        steal_tmp_;                     \
    })

#endif
