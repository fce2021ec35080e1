/* plan: the frozen outcome of an evaluation: steps, what it awaits, or its result (SPEC 6).
 * Plain data in an arena: no value of the machine's heap is in it. The engine runs it, the CLI
 * prints it, two of them can be compared as text. Steps are only ever appended.
 * Refuses nothing by itself: plan_check judges. */
#ifndef PLAN_PLAN_H
#define PLAN_PLAN_H
#include "base/arena.h"
#include "base/buf.h"
#include "diag/err.h"
#include "event/states.h"

enum step_when { WHEN_ON_SUCCESS, WHEN_ON_FAILURE, WHEN_ALWAYS };

enum { PLAN_NEVER = UINT32_MAX };

struct plan_step {
    str id, name;
    enum step_type type;
    str config;           /* JSON object text with all keys of the type, in order; may hold $expr */
    uint32_t *depends_on; /* indices of earlier steps, ascending, each once */
    uint32_t depends_count;
    /* What the engine's core needs without reading the config: */
    bool when_given; /* when= was written: skipping does not spread to it */
    enum step_when when;
    bool continue_on_error;
    bool idempotent;
    uint32_t retries;
    int64_t timeout_ms; /* 0: the default */
    uint32_t group;     /* index of the parallel group that it is a member of, or PLAN_NEVER */
    uint32_t parent;    /* index of the action step that it belongs to, or PLAN_NEVER */
    uint32_t limit;     /* PARALLEL: members at a time; 0: no limit */
    bool fail_fast;     /* PARALLEL */
    /* Steps with index >= judged_from were registered after the code had read this step's status:
     * its failure is the code's to judge for them and for the run. PLAN_NEVER: never read. */
    uint32_t judged_from;
    struct {
        str path;
        uint32_t line, column;
    } at; /* the call that registered it */
};

struct plan_place {
    str path;
    uint32_t line, column;
};

enum plan_end {
    PLAN_OPEN,    /* evaluation goes on when `awaits` is there */
    PLAN_SUCCESS, /* ctx.success, or the function returned nothing */
    PLAN_FAIL,    /* ctx.fail */
    PLAN_ERROR,   /* an exception or refusal ended the evaluation: `error` */
};

struct plan_file {
    str path, sha256; /* hexadecimal */
};

struct plan {
    struct arena *arena; /* keeps */
    str workflow;
    str path, sha256;
    struct plan_file *files; /* every evaluated file */
    uint32_t file_count;
    str event;             /* type of the event */
    str triggers;          /* JSON array text */
    str image, dockerfile; /* empty: absent */
    int64_t timeout_ms;    /* of the run; 0: the default */
    str env;               /* JSON object text: the workflow's env, may hold $expr */
    str network;           /* JSON: null, "all" or a list */
    str options;           /* JSON object text of the workflow's options; empty: none was given */
    bool has_services;
    struct plan_step *steps;
    uint32_t step_count, step_cap;
    enum plan_end end;
    /* PLAN_OPEN: */
    uint32_t *await_steps; /* all that it waits for, the first first */
    uint32_t await_count;
    str await_for; /* the statement that decides, as source text */
    struct plan_place await_at;
    /* PLAN_SUCCESS, PLAN_FAIL: */
    str outputs; /* JSON object text, may hold $expr */
    str reason;  /* JSON text of the reason, may hold $expr; empty: none */
};

/* Appends a zeroed step with judged_from, group and parent PLAN_NEVER and idempotent set. */
struct plan_step *plan_add_step(struct plan *p);
/* Index of the step with this id, or PLAN_NEVER. */
uint32_t plan_find(const struct plan *p, str id);

/* The JSON of SPEC 6, keys in their fixed order, indented by 2 or compact; or its members alone. */
void plan_add_json(struct buf *b, const struct plan *p, bool indent);
struct json_writer;
void plan_put_members(struct json_writer *w, const struct plan *p);
void plan_add_step_json(struct buf *b, const struct plan *p, const struct plan_step *s);

/* Unique ids, known dependencies, no cycles (the error prints the cycle), groups that hold. */
bool plan_check(const struct plan *p, struct err *err) must_use;

/* The same for what was appended since a check of the first `from` steps, by a builder that keeps
 * ids unique: a plan that grows step by step is checked in linear time. */
bool plan_check_growth(const struct plan *p, uint32_t from, struct err *err) must_use;

/* Where and how a rebuilt plan differs from the recorded one: false, with both sides in err. The
 * recorded one may be shorter (`grown` is its continuation). */
bool plan_same_start(const struct plan *recorded, const struct plan *grown,
                     struct err *err) must_use;

/* SHA-256 in hexadecimal, in arena a. */
str plan_sha256(struct arena *a, str bytes);

/* "Run tests" -> run-tests: lower case, other runs of characters than a-z 0-9 become "-"; "step"
 * where nothing is left. */
void plan_add_slug(struct buf *b, str name);

#endif
