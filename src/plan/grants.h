/* grants: what a plan lets each step use beside its workspace: secrets, hosts, tools of agents.
 * Known before anything runs: shown with the plan, compared between plans, and held against what
 * was used. */
#ifndef PLAN_GRANTS_H
#define PLAN_GRANTS_H
#include "base/map.h"
#include "base/vec.h"
#include "plan/plan.h"

enum plan_grant_kind {
    PLAN_GRANT_SECRET, /* its name */
    PLAN_GRANT_EGRESS, /* "host:port" or "all" */
    PLAN_GRANT_TOOL,   /* its name, as the model calls it */
};

struct plan_grant {
    enum plan_grant_kind kind;
    str step; /* id; empty: of all steps */
    str name;
    str key; /* equal where all three are */
};
struct plan_grants {
    struct arena arena;          /* owns the texts but for ids */
    VEC(struct plan_grant) list; /* those of all steps, then of each in its order; each once */
    struct map keys;
};
/* Keeps the plan; NULL grants nothing. */
void plan_find_grants(const struct plan *p, struct plan_grants *ret);
void plan_grants_done(struct plan_grants *g);
#define auto_plan_grants cleanup(plan_grants_done) struct plan_grants

#endif
