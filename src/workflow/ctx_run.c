/* ctx.run and ctx.parallel. */
#include "workflow/deferred.h"
#include <ctype.h>

enum { RETRIES_MAX = 100, NAME_WORDS = 3 };

/* Arguments of ctx.run in the order of its signature; 0 is ctx. */
enum {
    RUN_NAME = 1,
    RUN_CMD,
    RUN_ENV,
    RUN_CWD,
    RUN_DEPENDS_ON,
    RUN_CACHE,
    RUN_TIMEOUT,
    RUN_RETRIES,
    RUN_CONTINUE_ON_ERROR,
    RUN_WHEN,
    RUN_IMAGE,
    RUN_NETWORK,
    RUN_SHELL,
    RUN_ARTIFACTS,
    RUN_OUTPUTS,
    RUN_IDEMPOTENT,
    RUN_ARGS,
};
static const char *const run_names[] = {"name",       "cmd",        "env",
                                        "cwd",        "depends_on", "cache",
                                        "timeout",    "retries",    "continue_on_error",
                                        "when",       "image",      "network",
                                        "shell",      "artifacts",  "outputs",
                                        "idempotent", NULL};

static bool is_given(val v)
{
    return !val_is_unbound(v) && v.kind != V_NONE;
}

static bool want(struct heap *h, val v, enum val_kind kind, const char *argument, const char *what)
{
    if (!is_given(v) || v.kind == (uint32_t)kind || (is_deferred(v) && kind == V_STR))
        return true;
    return heap_raise(h, &exc_TypeError, "ctx.run(%s=) must be %s, not %s", argument, what,
                      val_type_name(v));
}

/* "make lint" of "make lint  # all files". */
static str name_of_command(val cmd)
{
    str line = cmd.kind == V_STR ? str_trim(text_str(cmd)) : STR("");
    size_t end = str_find_byte(line, '\n', 0), words = 0, i = 0;
    line = str_sub(line, 0, end);
    while (i < line.n && words < NAME_WORDS) {
        while (i < line.n && line.p[i] != ' ')
            i++;
        if (++words < NAME_WORDS)
            while (i < line.n && line.p[i] == ' ')
                i++;
    }
    line = str_trim(str_sub(line, 0, i < STEP_NAME_MAX / 4 ? i : STEP_NAME_MAX / 4));
    return line.n ? line : STR("run");
}

static bool is_env_name(str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!(isalpha((unsigned char)s.p[i]) || s.p[i] == '_' ||
              (i && isdigit((unsigned char)s.p[i]))))
            return false;
    return s.n > 0;
}

static bool write_env_value(struct heap *h, struct json_writer *w, str name, val v)
{
    val text = v;
    if (v.kind == V_NONE)
        return heap_raise(h, &exc_TypeError,
                          "env: '%.*s' is None; leave it out, or give it a text: value or \"\"",
                          STR_ARG(name));
    if (v.kind == V_BOOL) {
        json_put_c(w, v.i ? "true" : "false");
        return true;
    }
    if (v.kind == V_INT || v.kind == V_FLOAT) {
        if (!val_str(h, v, &text))
            return false;
    } else if (v.kind != V_STR && !is_deferred(v)) {
        return heap_raise(h, &exc_TypeError, "env: '%.*s' must be a text or a number, not %s",
                          STR_ARG(name), val_type_name(v));
    }
    return write_value(h, w, text, "env", JSON_ALLOW_SECRETS);
}

/* The workflow's env first, then the step's own over it. */
static bool write_env(struct heap *h, struct json_writer *w, val own)
{
    struct evaluation *e = evaluation_of(h);
    val all, base;
    uint32_t at = 0;

    if (!dict_new(h, 0, &all))
        return false;
    if (e->running->env.n) {
        if (!val_of_json(h, e->running->env, false, &base))
            return false;
        for (struct dict_entry *x; (x = dict_next(base.dict, &at));)
            if (!dict_set(h, all.dict, x->key, x->value))
                return false;
    }
    at = 0;
    if (is_given(own))
        for (struct dict_entry *x; (x = dict_next(own.dict, &at));)
            if (!dict_set(h, all.dict, x->key, x->value))
                return false;
    json_key_c(w, "env");
    json_begin_object(w);
    at = 0;
    for (struct dict_entry *x; (x = dict_next(all.dict, &at));) {
        if (x->key.kind != V_STR || !is_env_name(text_str(x->key)))
            return heap_raise(h, &exc_ValueError, "env: names are letters, digits and underscores");
        json_key(w, text_str(x->key));
        if (!write_env_value(h, w, text_str(x->key), x->value))
            return false;
    }
    json_end_object(w);
    return true;
}

static bool one_of(struct heap *h, val v, const char *argument, const char *const *words,
                   uint32_t *ret)
{
    if (!is_given(v))
        return true;
    for (uint32_t i = 0; v.kind == V_STR && words[i]; i++) {
        if (str_is(text_str(v), words[i])) {
            *ret = i;
            return true;
        }
    }
    auto_buf all = BUF(1024);
    for (uint32_t i = 0; words[i]; i++)
        buf_addf(&all, "%s\"%s\"", i ? ", " : "", words[i]);
    return heap_raise(h, &exc_ValueError, "ctx.run(%s=) must be one of %s", argument, buf_c(&all));
}

/* What the engine's core wants to know without reading the config. */
static bool common_options(struct heap *h, const val *args, struct plan_step *s)
{
    static const char *const whens[] = {"on_success", "on_failure", "always", NULL};
    uint32_t when = 0;
    if (!one_of(h, args[RUN_WHEN], "when", whens, &when) ||
        !want(h, args[RUN_CONTINUE_ON_ERROR], V_BOOL, "continue_on_error", "True or False") ||
        !want(h, args[RUN_IDEMPOTENT], V_BOOL, "idempotent", "True or False") ||
        !want(h, args[RUN_RETRIES], V_INT, "retries", "a number") ||
        (is_given(args[RUN_TIMEOUT]) &&
         !parse_duration(h, args[RUN_TIMEOUT], "ctx.run(timeout=)", &s->timeout_ms)))
        return false;
    s->when = (enum step_when)when;
    s->when_given = is_given(args[RUN_WHEN]);
    s->continue_on_error = is_given(args[RUN_CONTINUE_ON_ERROR]) && args[RUN_CONTINUE_ON_ERROR].i;
    s->idempotent = !is_given(args[RUN_IDEMPOTENT]) || args[RUN_IDEMPOTENT].i;
    int64_t retries = is_given(args[RUN_RETRIES]) ? args[RUN_RETRIES].i : 0;
    if (retries < 0 || retries > RETRIES_MAX)
        return heap_raise(h, &exc_ValueError, "ctx.run(retries=) must be from 0 to %d",
                          RETRIES_MAX);
    s->retries = (uint32_t)retries;
    return true;
}

static bool check_kinds(struct heap *h, const val *args)
{
    return want(h, args[RUN_NAME], V_STR, "name", "a text") &&
           want(h, args[RUN_ENV], V_DICT, "env", "a dict") &&
           want(h, args[RUN_CWD], V_STR, "cwd", "a text") &&
           want(h, args[RUN_IMAGE], V_STR, "image", "a text") &&
           check_network(h, args[RUN_NETWORK], "ctx.run(network=)") &&
           want(h, args[RUN_ARTIFACTS], V_LIST, "artifacts", "a list of patterns") &&
           want(h, args[RUN_OUTPUTS], V_LIST, "outputs", "a list of names");
}

static bool write_run_config(struct heap *h, struct json_writer *w, const val *args,
                             const struct plan_step *s)
{
    static const char *const shells[] = {"bash", "sh", "python3", NULL};
    static const char *const whens[] = {"on_success", "on_failure", "always"};
    uint32_t shell = 0;
    val shell_word = args[RUN_SHELL];
    if (!one_of(h, shell_word, "shell", shells, &shell))
        return false;
    json_begin_object(w);
    if (!write_command(h, w, args[RUN_CMD],
                       is_given(shell_word) ? str_of(shells[shell]) : STR("")) ||
        !write_env(h, w, args[RUN_ENV]) || !write_field(h, w, "cwd", args[RUN_CWD], "cwd", 0) ||
        !write_field(h, w, "shell", shell_word, "shell", 0) ||
        !write_field(h, w, "image", args[RUN_IMAGE], "image", 0) ||
        !write_field(h, w, "network", args[RUN_NETWORK], "network", 0))
        return false;
    val cache = args[RUN_CACHE];
    if (cache.kind == V_STR || is_deferred(cache)) {
        /* A bare key keeps the files that the step created or changed. */
        json_key_c(w, "cache");
        json_begin_object(w);
        if (!write_field(h, w, "key", cache, "cache", 0))
            return false;
        json_key_c(w, "paths");
        json_put_null(w);
        json_key_c(w, "restore_keys");
        json_put_null(w);
        json_end_object(w);
    } else if (!write_field(h, w, "cache", cache, "cache", 0)) {
        return false;
    }
    if (!write_field(h, w, "artifacts", args[RUN_ARTIFACTS], "artifacts", 0) ||
        !write_field(h, w, "outputs", args[RUN_OUTPUTS], "outputs", 0))
        return false;
    json_key_c(w, "timeout_ms");
    if (s->timeout_ms)
        json_put_int(w, s->timeout_ms);
    else
        json_put_null(w);
    json_key_c(w, "retries");
    json_put_int(w, s->retries);
    json_key_c(w, "continue_on_error");
    json_put_bool(w, s->continue_on_error);
    json_key_c(w, "when");
    json_put_c(w, whens[s->when]);
    json_key_c(w, "idempotent");
    json_put_bool(w, s->idempotent);
    json_end_object(w);
    return true;
}

static bool native_run(struct heap *h, val *args, val *ret)
{
    struct step_draft draft = {.type = STEP_TYPE_SHELL, .depends_on = args[RUN_DEPENDS_ON]};
    auto_buf config = BUF(CONFIG_MAX);
    struct json_writer w = JSON_WRITER(&config, false);

    if (!is_given(args[RUN_CMD]))
        return heap_raise(h, &exc_TypeError, "ctx.run() missing required argument: 'cmd'");
    if (!evaluation_of(h)->scope)
        return heap_refuse(h, "no_workflow", NULL,
                           "ctx.run can only be called while a workflow runs");
    if (!check_kinds(h, args) || !common_options(h, args, &draft.common) ||
        !write_run_config(h, &w, args, &draft.common))
        return false;
    if (deferred_has_secret(args[RUN_NAME]))
        return heap_refuse(h, "secret_misused", "name the step by what it does",
                           "ctx.run(name=): a secret cannot be a step's name");
    if (is_deferred(args[RUN_NAME]))
        return heap_refuse(h, "deferred_name", "use a name that is known when the plan is made",
                           "a step's name cannot wait for the result of another step");
    draft.name =
        is_given(args[RUN_NAME]) ? text_str(args[RUN_NAME]) : name_of_command(args[RUN_CMD]);
    if (draft.name.n > STEP_NAME_MAX)
        return heap_raise(h, &exc_ValueError, "ctx.run(name=) is longer than %d bytes",
                          STEP_NAME_MAX);
    val uses[] = {args[RUN_CMD],   args[RUN_ENV],       args[RUN_CWD],
                  args[RUN_CACHE], args[RUN_ARTIFACTS], args[RUN_NETWORK]};
    draft.uses = uses;
    draft.use_count = sizeof uses / sizeof *uses;
    draft.config = &config;
    return step_register(h, &draft, ret);
}

/* ---- ctx.parallel ---- */

/* True where a member was registered by an expression that stands inside of the call at `call`,
 * the frame'th of the calls that lead to it. */
static bool stands_inside(const struct step_note *note, uint32_t frame, pos call)
{
    if (frame >= FRAMES_KEPT || frame >= note->frame_count)
        return frame >= FRAMES_KEPT;
    return note->frames[frame].source == call.source && note->frames[frame].offset >= call.offset &&
           note->frames[frame].offset < call.offset + call.length;
}

static bool older_member(struct heap *h, uint32_t step)
{
    return heap_refuse(
        h, "parallel_older_step",
        "write the members' ctx.run(...) inside of the list, and decide on results before the group",
        "ctx.parallel: its members must be registered in the call itself; step '%.*s' was not",
        STR_ARG(evaluation_of(h)->plan.steps[step].id));
}

static bool check_members(struct heap *h, const struct step_set *members)
{
    struct evaluation *e = evaluation_of(h);
    pos frames[FRAMES_KEPT];
    uint32_t depth = vm_frames(e->vm, frames, FRAMES_KEPT);
    pos call = vm_here(e->vm);

    for (uint32_t i = 0; i < members->n; i++) {
        const struct step_note *note = &e->notes.at[members->at[i]];
        if (note->epoch != e->epoch || e->plan.steps[members->at[i]].group != PLAN_NEVER ||
            (depth && !stands_inside(note, depth - 1, call)))
            return older_member(h, members->at[i]);
    }
    return true;
}

/* First step that belongs to the group's call: what precedes it precedes the whole group. */
static uint32_t first_of(struct evaluation *e, uint32_t member)
{
    uint32_t first = member;
    while (first > 0 && e->plan.steps[first - 1].parent != PLAN_NEVER &&
           e->plan.steps[first - 1].parent >= member)
        first--;
    return first;
}

/* Members come after what preceded the group, not after each other. */
static void order_members(struct evaluation *e, const struct step_set *members, uint32_t group)
{
    uint32_t before = e->notes.at[first_of(e, members->at[0])].before;
    for (uint32_t i = 0; i < members->n; i++) {
        uint32_t start = first_of(e, members->at[i]);
        for (uint32_t s = start; s <= members->at[i]; s++)
            if (!e->notes.at[s].explicit_order && e->notes.at[s].before != PLAN_NEVER &&
                e->notes.at[s].before < start)
                step_reorder(e, s, before);
        e->plan.steps[members->at[i]].group = group;
    }
}

static bool collect_members(struct heap *h, val steps, struct step_set *members)
{
    val list;
    if (!val_to_list(h, steps, &list))
        return false;
    for (uint32_t i = 0; i < list.list->n; i++) {
        val v = list.list->at[i];
        if (!val_is_object_of(v, &class_handle))
            return heap_raise(h, &exc_TypeError, "ctx.parallel() takes a list of steps, not of %s",
                              val_type_name(v));
        step_set_add(members, ((struct handle *)v.object)->step);
    }
    if (members->n == 0)
        return heap_raise(h, &exc_ValueError, "ctx.parallel() needs at least one step");
    return true;
}

static bool write_group(struct heap *h, struct buf *config, const struct step_set *members,
                        const val *args, struct plan_step *s)
{
    struct json_writer w = JSON_WRITER(config, false);
    if (is_given(args[2]) && (args[2].kind != V_INT || args[2].i < 1 || args[2].i > STEPS_MAX))
        return heap_raise(h, &exc_ValueError, "ctx.parallel(limit=) must be a number from 1");
    if (is_given(args[3]) && args[3].kind != V_BOOL)
        return heap_raise(h, &exc_TypeError, "ctx.parallel(fail_fast=) must be True or False");
    s->limit = is_given(args[2]) ? (uint32_t)args[2].i : 0;
    s->fail_fast = is_given(args[3]) && args[3].i;
    json_begin_object(&w);
    json_key_c(&w, "step_ids");
    json_begin_array(&w);
    for (uint32_t i = 0; i < members->n; i++)
        json_put_str(&w, evaluation_of(h)->plan.steps[members->at[i]].id);
    json_end_array(&w);
    json_key_c(&w, "limit");
    if (s->limit)
        json_put_int(&w, s->limit);
    else
        json_put_null(&w);
    json_key_c(&w, "fail_fast");
    json_put_bool(&w, s->fail_fast);
    json_end_object(&w);
    return true;
}

static bool register_group(struct heap *h, const val *args, const struct step_set *members,
                           val *ret)
{
    struct evaluation *e = evaluation_of(h);
    struct step_draft draft = {.type = STEP_TYPE_PARALLEL, .common = {.idempotent = true}};
    auto_buf config = BUF(CONFIG_MAX), id = BUF(2 * STEP_NAME_MAX + 64);
    val handles;

    if (!check_members(h, members) || !write_group(h, &config, members, args, &draft.common) ||
        !val_to_list(h, args[1], &handles))
        return false;
    do {
        buf_reset(&id);
        buf_addf(&id, "%.*s%sparallel-%u", STR_ARG(e->scope->prefix), e->scope->prefix.n ? "-" : "",
                 ++e->group_number);
    } while (map_has(&e->ids, buf_str(&id)));
    draft.id = draft.name = arena_str(&e->arena, buf_str(&id));
    map_set(&e->ids, draft.id, e);
    draft.depends_on = handles;
    draft.config = &config;
    order_members(e, members, e->plan.step_count);
    return step_register(h, &draft, ret);
}

static bool native_parallel(struct heap *h, val *args, val *ret)
{
    struct step_set members = {0};
    bool ok = collect_members(h, args[1], &members) && register_group(h, args, &members, ret);
    step_set_done(&members);
    return ok;
}

static const char *const parallel_names[] = {"steps", "limit", "fail_fast", NULL};
const struct native_def ctx_run_natives[] = {
    {.name = "run",
     .fn = native_run,
     .max = RUN_ARGS - 1,
     .names = run_names,
     .signature =
         "(name=None, cmd=None, env=None, cwd=None, depends_on=None, cache=None, timeout=None, retries=0, "
         "continue_on_error=False, when=\"on_success\", image=None, network=None, shell=None, "
         "artifacts=None, outputs=None, idempotent=True)",
     .doc = "A shell step."},
    {.name = "parallel",
     .fn = native_parallel,
     .min = 1,
     .max = 3,
     .names = parallel_names,
     .signature = "(steps, limit=None, fail_fast=False)",
     .doc = "Steps that run side by side; the group is a step that depends on them."},
    {0},
};
