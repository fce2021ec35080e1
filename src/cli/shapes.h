/* shapes: the JSON of SPEC 21 from rows and definitions, for the CLI. */
#ifndef CLI_SHAPES_H
#define CLI_SHAPES_H
#include "store/tables.h"
#include "workflow/evaluation.h"
#include "json/writer.h"

void shape_put_workflow(struct json_writer *w, const struct definition *d, str content_hash);
/* steps NULL: a run without its steps, as lists have it. */
void shape_put_run(struct json_writer *w, const struct store_run *run,
                   const struct store_step *steps, size_t n);
void shape_put_step(struct json_writer *w, const struct store_step *s);
/* With the step that printed it, since logs of several steps stand together. */
void shape_put_line(struct json_writer *w, const struct log_line *line, str step_id);

#endif
