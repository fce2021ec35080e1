#include "plan/plan.h"
#include "json/writer.h"

struct plan_step *plan_add_step(struct plan *p)
{
    if (p->step_count == p->step_cap) {
        uint32_t cap = p->step_cap ? p->step_cap * 2 : 16;
        struct plan_step *steps = arena_array(p->arena, struct plan_step, cap);
        if (p->step_count)
            memcpy(steps, p->steps, sizeof *steps * p->step_count);
        p->steps = steps;
        p->step_cap = cap;
    }
    struct plan_step *s = &p->steps[p->step_count++];
    *s = (struct plan_step){
        .judged_from = PLAN_NEVER,
        .group = PLAN_NEVER,
        .parent = PLAN_NEVER,
        .idempotent = true,
    };
    return s;
}

uint32_t plan_find(const struct plan *p, str id)
{
    for (uint32_t i = 0; i < p->step_count; i++)
        if (str_eq(p->steps[i].id, id))
            return i;
    return PLAN_NEVER;
}

void plan_add_slug(struct buf *b, str name)
{
    size_t start = b->n;
    bool dash = false;

    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
            if (dash && b->n > start)
                buf_add_byte(b, '-');
            dash = false;
            buf_add_byte(b, c);
        } else {
            dash = true;
        }
    }
    if (b->n == start)
        buf_add_c(b, "step");
}
