/* diff: how one plan differs from another: steps, edges, commands and other configuration, image,
 * result, and what the steps are granted (secrets, hosts). A pure function of two plans.
 * Steps are the same where their ids are. The order of steps is no difference; what a step waits
 * for is. */
#ifndef PLAN_DIFF_H
#define PLAN_DIFF_H
#include "base/vec.h"
#include "plan/plan.h"
#include "json/writer.h"

enum plan_change_kind {
    PLAN_CHANGE_PLAN, /* field of the plan: image, dockerfile, triggers, env, timeout_ms, result,
                         and what else @workflow was given */
    PLAN_CHANGE_STEP_ADDED,
    PLAN_CHANGE_STEP_REMOVED,
    PLAN_CHANGE_STEP,       /* field of the step: type, name, or a key of its config */
    PLAN_CHANGE_EDGE_ADDED, /* is: the dependency */
    PLAN_CHANGE_EDGE_REMOVED,
    PLAN_CHANGE_SECRET_ADDED, /* is: its name; of one step */
    PLAN_CHANGE_SECRET_REMOVED,
    PLAN_CHANGE_EGRESS_ADDED, /* is: "host:port" or "all"; step empty: of all steps */
    PLAN_CHANGE_EGRESS_REMOVED,
};

struct plan_change {
    enum plan_change_kind kind;
    str step;    /* id; empty where the whole plan is meant */
    str field;   /* empty where it does not apply */
    str was, is; /* JSON; empty where there is none */
};
struct plan_diff {
    struct arena arena;              /* owns the texts */
    VEC(struct plan_change) changes; /* of the plan, then of its steps in order, then grants */
};
/* Either plan may be NULL: all of the other one is new, or gone. */
void plan_diff_make(struct plan_diff *ret, const struct plan *was, const struct plan *is);
void plan_diff_done(struct plan_diff *d);
#define auto_plan_diff cleanup(plan_diff_done) struct plan_diff

/* An array of {"change", "step", "field", "from", "to"}. */
void plan_diff_put_json(struct json_writer *w, const struct plan_diff *d);
/* A line or a few for each change, indented. */
void plan_diff_add_text(struct buf *b, const struct plan_diff *d, bool color);

#endif
