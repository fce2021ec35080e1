/* Any bytes are a workflow file: it is loaded, its first workflow is planned on a push, and the
 * plan is written. Nothing may crash, hang or leak, whatever the program does. */
#include "plan/plan.h"
#include "workflow/evaluation.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bundle bundle = {0};
    bundle_add(&bundle, STR(".plue/workflows/ci.py"), str_make((const char *)data, size));
    struct heap_limits limits = heap_default_limits;
    limits.instructions = 200000;
    struct evaluation_options options = {.limits = &limits};
    struct evaluation *e = evaluation_new(&bundle, &options);
    struct err_list errors = {0};
    auto_buf json = BUF(1 << 24);

    if (evaluation_load(e, STR(".plue/workflows/ci.py"), &errors) &&
        evaluation_definition_count(e) > 0) {
        struct evaluation_request request = {
            .event =
                STR("{\"type\":\"push\",\"ref\":\"refs/heads/main\",\"inputs\":{\"a\":\"b; c\"}}")};
        if (evaluation_start(e, evaluation_definition(e, 0), &request) != EVALUATION_FAILED)
            plan_add_json(&json, evaluation_plan(e), false);
    }
    err_list_done(&errors);
    evaluation_free(e);
    bundle_done(&bundle);
    return 0;
}
