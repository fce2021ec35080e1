/* uses: what a template takes from its context, as far as its text tells, for lint. It renders and
 * opens nothing. */
#ifndef VM_USES_H
#define VM_USES_H
#include "base/arena.h"
#include "diag/err.h"

struct template_name {
    str name;
    pos at;         /* where it stands first in this block */
    uint32_t block; /* that it stands in: index + 1, or 0 */
};
struct template_names {
    struct template_name *at;
    uint32_t n, cap;
};

struct template_choice { /* what a template's name may be */
    const str *names;
    uint32_t n;
    bool list;      /* the first that is found is taken; otherwise n is 1 */
    bool extends;   /* else it is included or imported */
    uint32_t block; /* as of a name */
};
struct template_choices {
    struct template_choice *at;
    uint32_t n, cap;
};

struct template_part { /* a block */
    str name;
    uint32_t outer; /* the block around it: index + 1, or 0 */
    bool super;     /* it mentions super */
};

struct template_uses {            /* in the arena, each name once, in the order of the text */
    struct template_names loads;  /* names that are read */
    struct template_names known;  /* names that it assigns somewhere, or asks whether they are there
                                   * (is defined, default): reading one is no mistake */
    struct template_part *blocks; /* in the order of the text */
    uint32_t block_count;
    struct template_choices others; /* templates that it extends, includes or imports, as far as
                                     * their names are constants, where these see its context */
};

/* The template in `source` from byte `from` on. False: err, of its syntax. Globals of the language
 * are no loads. */
bool template_uses_read(struct sources *s, uint32_t source, size_t from, struct arena *a,
                        struct template_uses *ret, struct err *err) must_use;
bool template_names_has(const struct template_names *n, str name);

#endif
