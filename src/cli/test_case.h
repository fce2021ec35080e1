/* test_case: tests of workflows as .plue/tests/NAME.yaml writes them (SPEC 20.2): an event and step
 * results go in, and the plan that grows from them is expected. Every part knows its place in the
 * file. Refuses unknown keys and parts of the wrong kind; knows nothing of plans. */
#ifndef CLI_TEST_CASE_H
#define CLI_TEST_CASE_H
#include "base/vec.h"
#include "yaml/node.h"

struct test_case {
    const struct yaml_node *node;   /* the whole */
    const struct yaml_node *expect; /* NULL: nothing is expected yet */
    const struct yaml_node *results;
    str name, workflow;
    pos name_at, workflow_at, event_at;
    json_t *event, *results_json; /* owned; NULL where not given */
};
struct test_file {
    str path; /* as it is shown */
    char *file;
    struct arena arena;
    struct sources sources;
    VEC(struct test_case) cases;
    struct err_list errors; /* of the file: then there are no cases */
};
void test_file_read(struct test_file *t, const char *file, str path);
void test_file_done(struct test_file *t);

#endif
