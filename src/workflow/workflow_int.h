/* workflow_int: what the files of this folder share. An evaluation owns a machine and grows a plan;
 * the plue module's natives find it through the heap's host pointer. */
#ifndef WORKFLOW_WORKFLOW_INT_H
#define WORKFLOW_WORKFLOW_INT_H
#include "base/map.h"
#include "base/vec.h"
#include "value/dict.h"
#include "value/list.h"
#include "value/ops.h"
#include "value/text.h"
#include "value/types.h"
#include "vm/vm.h"
#include "workflow/evaluation.h"

enum {
    STEPS_MAX = 100000,         /* of one plan */
    STEP_NAME_MAX = 200,        /* bytes */
    STEP_PREFIX_MAX = 4096,     /* bytes, with the prefixes of actions and tools */
    FRAMES_KEPT = 6,            /* outermost calls remembered per step, for ctx.parallel */
    CONFIG_MAX = 4 << 20,       /* bytes of one step's config */
    DEFINITIONS_MAX = 1000,     /* of one evaluation */
    EXPR_TEXT_MAX = 64 << 10,   /* bytes of one deferred expression */
    EXPR_DEPTH_MAX = 120,       /* nesting of one deferred expression */
    EXPR_INSTRUCTIONS = 1000000 /* for evaluating one of them */
};

/* What evaluation knows of a step beside its row in the plan. */
struct step_note {
    val result;          /* record of the finished step, or V_UNBOUND */
    uint32_t epoch;      /* awaits before it was registered */
    bool explicit_order; /* depends_on was given */
    bool decided;        /* the program has decided on a result of it */
    uint32_t before;     /* the step registered just before it, or PLAN_NEVER */
    uint32_t order;      /* a dependency that it has for program order alone, or PLAN_NEVER */
    uint32_t frame_count;
    struct {
        uint32_t source, offset;
    } frames[FRAMES_KEPT];
    const struct type *output; /* of a model step; NULL: none declared */
    bool is_text;              /* its answer is text */
};

struct loaded_definition {
    struct definition def;
    val function;
};

struct step_set { /* ascending, each once */
    uint32_t *at;
    uint32_t n, cap;
};

/* Where ctx.* registers: the workflow itself, or an action that it calls. */
struct scope {
    struct scope *outer;
    str prefix;      /* of ids; "" for the workflow */
    uint32_t before; /* the step registered just before, or PLAN_NEVER */
    val inputs;      /* record */
    const struct definition *def;
    /* depends_on= of the action's call: what those of its steps come after that depend on none of
     * the action's own, which begin at `first`. */
    bool has_entry;
    struct step_set entry;
    uint32_t first;
};

struct evaluation {
    const struct bundle *bundle; /* keeps */
    struct evaluation_options options;
    struct arena arena;         /* plan, definitions */
    struct arena first_arena;   /* the same of the first evaluation, after a rebuild */
    struct arena request_arena; /* what was given: event, results */
    struct vm *vm;
    struct heap *heap;
    VEC(struct loaded_definition *) definitions;
    VEC(str) files;              /* evaluated, in order */
    VEC(struct vm_code *) codes; /* of the files, for lint */
    VEC(str) loaded;             /* paths given to evaluation_load, for rebuilding */
    struct map results;          /* step id -> struct given_result, of the arena */
    struct plan plan;
    VEC(struct step_note) notes;
    struct map ids;   /* of the plan's steps; values are index + 1 */
    struct map slugs; /* slug -> last number used */
    struct scope *scope;
    struct scope root;
    uint32_t epoch;
    uint32_t checked;      /* steps of the plan that plan_check_growth has seen */
    uint32_t rebuilds;     /* evaluations made anew since an await could not be kept */
    uint32_t group_number; /* of the last ctx.parallel without a name */
    const struct definition *running;
    struct evaluation_request request; /* copied into the arena */
    val event;                         /* record, or V_UNBOUND */
    val ctx;
    const struct definition *tool; /* of evaluation_load_tool; NULL: none, or a prompt */
    val tool_prompt;               /* or V_UNBOUND */
    str tool_file;
    str tool_client; /* instead of the prompt's; empty: none */
    struct err error;
    str failed_step;
    struct err_list warnings;
    enum evaluation_state state;
    bool lost; /* the suspended machine cannot go on: evaluate anew */
};

struct given_result {
    str json;
};

static inline struct evaluation *evaluation_of(struct heap *h)
{
    return h->host;
}

/* ---- objects.c: the small classes ---- */
extern const struct obj_class class_module, class_ctx, class_handle, class_outputs, class_trigger,
    class_decorator, class_definition, class_option, class_type, class_end, class_namespace;

/* A native bound to self, as an attribute gives it. */
bool bind_native(struct heap *h, const struct native_def *def, val self, val *ret) must_use;
/* The row of this name in a table that ends with a row without one. */
const struct native_def *find_native(const struct native_def *table, str name);
/* AttributeError with "did you mean", as CPython words it. */
bool no_attribute(struct heap *h, const char *what, str name, const str *names, size_t n);

/* ---- typed.c: types as values ---- */
struct type_value {
    struct object o;
    const struct type *type;
};
bool type_value_new(struct heap *h, const struct type *t, val *ret) must_use;
/* str, int, schema(...), enum(...): the type a value stands for; TypeError where it is none. */
bool type_of_value(struct heap *h, val v, const char *what, const struct type **ret) must_use;
/* A dict of names and types as an object type; `of` says whose, for errors. */
bool typed_object(struct heap *h, val dict, const char *of, val *ret) must_use;
bool plue_list_type(void *data, struct vm *vm, val of, val *ret);
extern const struct native_def typed_natives[]; /* schema, enum, optional, dict types */

/* ---- trigger.c ---- */
struct trigger_value {
    struct object o;
    str type, json;
    const struct type *inputs; /* of manual */
};
extern const struct native_def trigger_natives[];

/* ---- options.c: cache, concurrency, service ---- */
struct option_value { /* a JSON object made of a constructor's arguments, for one option of a step
                       */
    struct object o;
    const char *kind; /* "cache", "concurrency", "service" */
    val fields;       /* dict */
};
extern const struct native_def option_natives[];
/* "all", or a list of "host:port". */
bool check_network(struct heap *h, val v, const char *what) must_use;
/* What @workflow was given beside its triggers, image and env, as the plan shows it. */
struct workflow_options {
    val concurrency, network, services, labels, priority, sandbox;
};
bool write_workflow_options(struct heap *h, const struct workflow_options *given,
                            struct definition *d) must_use;

/* ---- define.c: @workflow, @tool, @action ---- */
extern const struct native_def define_natives[];
struct definition_value {
    struct object o;
    struct loaded_definition *loaded;
};

/* ---- ctx.c and its parts ---- */
extern const struct native_def ctx_run_natives[];  /* run, parallel */
extern const struct native_def ctx_step_natives[]; /* read, write, log, ... */
extern const struct native_def ctx_git_natives[];
extern const struct native_def ctx_issue_natives[];
extern const struct native_def ctx_end_natives[]; /* success, fail */
bool ctx_new(struct heap *h, val *ret) must_use;
bool event_new(struct heap *h, struct evaluation *e, val *ret) must_use;
bool event_field_is_known(str name);
/* ctx.inputs over a dict of fields. */
bool inputs_of(struct heap *h, val fields, const struct type *types, val *ret) must_use;
bool inputs_new(struct heap *h, str json, const struct type *types, val *ret) must_use;

/* What ctx.success and ctx.fail return. */
struct end_value {
    struct object o;
    bool failed;
    val reason;  /* any JSON value, or V_UNBOUND */
    val outputs; /* dict */
};

/* ---- step.c: registering ---- */
struct handle {
    struct object o;
    uint32_t step;
};
struct step_draft {
    enum step_type type;
    str name;
    str id;                  /* reserved before, or empty */
    val depends_on;          /* as the argument was given, or V_UNBOUND */
    struct plan_step common; /* when, retries, ... */
    const val *uses;         /* values whose deferred parts make dependencies */
    uint32_t use_count;
    struct buf *config;
    const struct type *output; /* llm, agent: of its answer; NULL: none */
    bool is_text;              /* llm, agent: the answer is text */
};
/* Appends the step; its handle in ret. */
bool step_register(struct heap *h, const struct step_draft *d, val *ret) must_use;
bool handle_new(struct heap *h, uint32_t step, val *ret) must_use;
/* An id that no other step will get. */
str step_reserve_id(struct evaluation *e, str prefix, str name);
/* Moves a dependency of mere program order. */
void step_reorder(struct evaluation *e, uint32_t step, uint32_t order);
/* Dependencies that stand in a value: handles, lists and deferred values; added to a sorted set. */
void step_set_add(struct step_set *s, uint32_t step);
void step_set_done(struct step_set *s);
/* depends_on= as it was given: handles and lists of them; TypeError otherwise. */
bool step_set_add_explicit(struct heap *h, val depends_on, struct step_set *set) must_use;
/* Marks that the code has read the status of a step. */
void step_judge(struct evaluation *e, uint32_t step);

/* ---- config.c: values to JSON ---- */
/* One key and value of a config; deferred values as {"$expr"}. Refuses secrets unless allowed. */
enum { JSON_ALLOW_SECRETS = 1 };
bool write_value(struct heap *h, struct json_writer *w, val v, const char *what,
                 int flags) must_use;
bool write_field(struct heap *h, struct json_writer *w, const char *key, val v, const char *what,
                 int flags) must_use;
/* cmd: quoted where it is known, checked where it is not. */
bool write_command(struct heap *h, struct json_writer *w, val cmd, str shell) must_use;
/* 90, "90s", "1h30m" to milliseconds. */
bool parse_duration(struct heap *h, val v, const char *what, int64_t *ret_ms) must_use;

/* ---- result.c ---- */
/* Untrusted values of a JSON text: strings untrusted, objects records. */
bool val_of_json(struct heap *h, str json, bool untrusted, val *ret) must_use;
/* The record of a step's result: ok, failed, exit_code, stdout, ... */
bool result_record(struct heap *h, str json, val *ret) must_use;

/* ---- action.c ---- */
bool action_call(struct heap *h, struct loaded_definition *l, const struct call_args *args,
                 val *ret) must_use;

/* ---- evaluation.c ---- */
void evaluation_note_file(struct evaluation *e, str path);
bool evaluation_has_file(const struct evaluation *e, str path);
/* The plan of a definition begins, without its function. False with a fault. */
bool evaluation_begin(struct evaluation *e, const struct definition *d, str *ret_inputs) must_use;
/* It ends with the steps that it has. */
enum evaluation_state evaluation_end(struct evaluation *e);
/* A fault of our own after the program has ended. */
enum evaluation_state evaluation_fail_here(struct evaluation *e);

/* ---- tool_file.c ---- */
/* The prompt of evaluation_load_tool as a plan of one step. */
enum evaluation_state tool_prompt_run(struct evaluation *e);
/* At plan time: the tool exists and loads, and its files are noted. */
bool tool_file_check(struct heap *h, str prompt, str name) must_use;

/* ---- module.c ---- */
bool plue_import(void *data, struct vm *vm, str module, pos at, val *ret);
bool plue_global(void *data, struct vm *vm, str name, val *ret);
size_t plue_global_names(void *data, str *ret, size_t max);
bool plue_may_import(void *data, str module, struct err *err);

#endif
