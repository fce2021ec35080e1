/* evaluation: one workflow being turned into a plan. Its interface is messages: a bundle of
 * sources, an event, inputs and recorded results go in; steps, awaits, diagnostics and a result
 * come out. No pointer into the machine escapes. No I/O, no clock, no randomness.
 *
 *     e = evaluation_new(bundle, options)
 *     evaluation_load(e, ".plue/workflows/ci.py", &errors)     definitions appear
 *     evaluation_start(e, definition, request)                 AWAIT, DONE or FAILED
 *     ... run the plan so far; for each finished step that it awaits:
 *     evaluation_set_result(e, step, result_json)
 *     evaluation_resume(e)                                     the plan has grown
 *
 * To rebuild a suspended evaluation after a restart: the same calls with the recorded results set
 * before evaluation_start; decisions on them do not suspend. The steps and ids are the same. */
#ifndef WORKFLOW_EVALUATION_H
#define WORKFLOW_EVALUATION_H
#include "plan/plan.h"
#include "types/type.h"
#include "value/heap.h"

/* ---- what goes in ---- */

/* Texts below .plue that may be evaluated; read by registry/. */
struct bundle_file {
    str path; /* ".plue/workflows/ci.py" */
    str text;
};
struct bundle {
    struct arena arena; /* owns paths and texts */
    struct bundle_file *files;
    uint32_t n;
};
void bundle_done(struct bundle *b);
void bundle_add(struct bundle *b, str path, str text);
const struct bundle_file *bundle_find(const struct bundle *b, str path);

struct evaluation_options {
    const struct heap_limits *limits; /* NULL: defaults */
    /* print(): finished pieces of text, in order. NULL: dropped. */
    void (*print)(void *data, str text);
    /* Fields of an event that cost something to know ("ref", "sha", "branch"), asked for only when
     * a preview reads them. False: unknown (None). NULL: none. */
    bool (*lazy_field)(void *data, str field, struct buf *ret);
    void *data;
    str id_prefix; /* of all steps' ids: "fix.run-tests-1."; copied */
};

/* The event as SPEC 4 shapes it (a JSON object with "type"), repository {"name", "owner",
 * "default_branch"}; borrowed for the call. Inputs are the event's "inputs", already of the
 * trigger's types (evaluation_check_inputs). */
struct evaluation_request {
    str event;      /* JSON object text */
    str repository; /* JSON object text; empty: unknown */
};

enum definition_kind { DEFINITION_WORKFLOW, DEFINITION_TOOL, DEFINITION_ACTION };

struct definition {
    enum definition_kind kind;
    str name;
    str path;
    pos at;       /* of its def, in evaluation_sources */
    str triggers; /* JSON array text, as SPEC 21 writes triggers */
    str image, dockerfile, description;
    const struct type *inputs;             /* of the manual trigger, tool or action; NULL: none */
    const struct type *output;             /* of a tool */
    int64_t timeout_ms;                    /* 0: the default */
    str concurrency, network, labels, env; /* JSON text; empty: absent */
    str options; /* JSON object text of all of @workflow's options; empty: none was given */
    bool has_services;
    uint32_t index; /* of evaluation_definition */
};

/* ---- life ---- */

struct evaluation;
struct evaluation *evaluation_new(const struct bundle *b, const struct evaluation_options *options);
void evaluation_free(struct evaluation *e);
struct sources *evaluation_sources(struct evaluation *e);

/* Runs the top level of one file. All its errors are added; false then. May be called for several
 * files; names must be unique among them. */
bool evaluation_load(struct evaluation *e, str path, struct err_list *errors) must_use;
uint32_t evaluation_definition_count(const struct evaluation *e);
const struct definition *evaluation_definition(const struct evaluation *e, uint32_t index);
const struct definition *evaluation_find(const struct evaluation *e, enum definition_kind kind,
                                         str name);
/* Warnings of the loaded files (unknown names, a value that could become an option, raw). */
void evaluation_lint(struct evaluation *e, struct err_list *warnings);

/* ---- planning ---- */

enum evaluation_state {
    EVALUATION_AWAIT,  /* the plan is PLAN_OPEN */
    EVALUATION_DONE,   /* the plan has its result */
    EVALUATION_FAILED, /* evaluation_error; the plan so far stands, PLAN_ERROR */
};

/* Checks a request's inputs against the manual trigger's (or the tool's) types. */
bool evaluation_check_inputs(const struct definition *d, json_t *inputs,
                             struct err_list *errors) must_use;
/* {"type": ...} as a synthetic event of the definition's trigger `index`; a new reference. */
json_t *evaluation_synthetic_event(const struct definition *d, uint32_t trigger);

enum evaluation_state evaluation_start(struct evaluation *e, const struct definition *d,
                                       const struct evaluation_request *request);
/* Result of a finished step, JSON object text, copied:
 *   {"outcome", "conclusion", "exit_code"?, "stdout"?, "stderr"?, "outputs"?, "output"?,
 * "duration_ms"?} Missing keys: success, 0, "", {}. Also of steps that are not in the plan yet
 * (rebuilding): by id. */
bool evaluation_set_result(struct evaluation *e, str step_id, str result, struct err *err) must_use;
/* After EVALUATION_AWAIT, when all of the plan's await_steps have results. */
enum evaluation_state evaluation_resume(struct evaluation *e);

/* ---- tools of the repository ---- */

struct prompt;
struct tool_facts { /* texts and types live as long as the evaluation */
    str file;       /* of the bundle */
    str description;
    const struct type *inputs;   /* an object; NULL: none */
    const struct type *output;   /* NULL: none declared */
    const struct prompt *prompt; /* that it is; NULL: a function */
};
/* //tools:NAME: the tool of .plue/tools/NAME.py ("-" and "_" alike), or the prompt of
 * NAME.prompt.md. For one of them in each evaluation. */
bool evaluation_load_tool(struct evaluation *e, str name, struct tool_facts *ret,
                          struct err_list *errors) must_use;
/* The prompt of this file as such a tool; client: empty, or instead of its own. */
bool evaluation_load_prompt(struct evaluation *e, str path, str client, struct tool_facts *ret,
                            struct err_list *errors) must_use;
/* The tool with the inputs of the event, which fit its types. A prompt's plan is its one step. */
enum evaluation_state evaluation_start_tool(struct evaluation *e,
                                            const struct evaluation_request *request);

/* Borrowed; grows with every resume. Old steps keep their index; only judged_from may change. */
const struct plan *evaluation_plan(const struct evaluation *e);
/* Of EVALUATION_FAILED; borrowed. failed_step: id of the step whose failure an uncaught StepFailed
 * reports, or empty. */
struct err *evaluation_error(struct evaluation *e);
str evaluation_failed_step(const struct evaluation *e);
int64_t evaluation_instructions(const struct evaluation *e);
/* How often evaluation_resume had to begin anew, since the await stood below a native (map, filter,
 * list.sort with a key). */
uint32_t evaluation_rebuilds(const struct evaluation *e);

#endif
