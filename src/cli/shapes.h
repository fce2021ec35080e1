/* shapes: the JSON of SPEC 21 from rows and definitions, for the CLI. */
#ifndef CLI_SHAPES_H
#define CLI_SHAPES_H
#include "store/tables.h"
#include "workflow/evaluation.h"
#include "json/writer.h"

void shape_put_workflow(struct json_writer *w, const struct definition *d, str content_hash);
/* What a run has kept beside its steps' results. */
struct shape_kept {
    struct store_artifact *artifacts;
    size_t artifact_count;
    struct store_approval *approvals;
    size_t approval_count;
    int64_t queue_position; /* 0: none */
};
/* Of a queued run alone. */
bool shape_load_place(struct store_reader *r, const struct store_run *run, struct shape_kept *ret,
                      struct err *err) must_use;
/* In a; of the run's last attempt. */
bool shape_load_kept(struct store_reader *r, const struct store_run *run, struct arena *a,
                     struct shape_kept *ret, struct err *err) must_use;
/* steps NULL: a run without its steps, as lists have it (of kept the place at most). */
void shape_put_run(struct json_writer *w, const struct store_run *run,
                   const struct store_step *steps, size_t n, const struct shape_kept *kept);
/* kept: of all the run's steps. */
void shape_put_step(struct json_writer *w, const struct store_step *s,
                    const struct shape_kept *kept);
/* What a shell step wrote to $PLUE_SUMMARY; false: nothing. */
bool shape_read_summary(const struct store_step *s, struct arena *a, str *ret);
/* With the step that printed it, since logs of several steps stand together. */
void shape_put_line(struct json_writer *w, const struct log_line *line, str step_id);

#endif
