/* placement: whether a workflow can run on this machine: labels= and sandbox= of @workflow. */
#ifndef CLI_PLACEMENT_H
#define CLI_PLACEMENT_H
#include "cli/command.h"
#include "plan/plan.h"

enum { PLACEMENT_LABELS_MAX = 100 /* of a machine, and of a workflow */ };

#define CLI_LABELS_OPTION                                                                       \
    {                                                                                           \
        "labels", "LIST", "more labels of this machine, with commas (also $PLUE_RUNNER_LABELS)" \
    }

/* given: the backend that --sandbox or an earlier attempt names; NULL: none. *ret_backend is given,
 * or what the workflow asks for, in a. A file alone never switches the sandbox off. */
bool placement_choose(struct cli *c, const struct plan *p, const char *given, struct arena *a,
                      const char **ret_backend, struct err *err) must_use;

#endif
