/* plue workflow diff: how the plans of two commits differ. Each workflow is planned at both, with
 * the same made-up event of each of its triggers (or a given one), and played through. */
#include "base/map.h"
#include "cli/commands.h"
#include "cli/event_shape.h"
#include "cli/findings.h"
#include "cli/request.h"
#include "engine/rehearse.h"
#include "plan/diff.h"

struct known_workflow {
    str name, path, triggers;
};
struct side {
    str label; /* as it was given; "the working tree" */
    str sha;   /* empty: the working tree */
    struct registry registry;
    VEC(struct known_workflow) workflows; /* by name */
    struct findings errors;
};

/* One workflow's plan at one side. */
struct planned {
    struct registry_found found;
    struct rehearsal *rehearsal;
    const struct plan *plan; /* NULL: it is not there, or does not evaluate */
};

struct difference { /* of one workflow with some events that give the same one */
    str events;
    str json, text;
};

struct comparison {
    struct cli *cli;
    struct arena arena;
    struct side sides[2];
    json_t *event; /* of --event */
    json_t *results;
    struct buf text, json;
    struct json_writer writer;
    size_t changed, added, removed, same;
    struct map noted; /* notes that were given */
};

static void comparison_done(struct comparison *k)
{
    for (int i = 0; i < 2; i++) {
        vec_done(&k->sides[i].workflows);
        findings_done(&k->sides[i].errors);
        registry_done(&k->sides[i].registry);
    }
    json_decref(k->event);
    json_decref(k->results);
    map_done(&k->noted);
    buf_done(&k->text);
    buf_done(&k->json);
    arena_done(&k->arena);
}

/* ---- the two sides ---- */

struct noting {
    struct comparison *k;
    struct side *s;
};

static void note_workflows(void *ctx, struct registry_file *f)
{
    const struct noting *c = ctx;
    struct evaluation *e = f->evaluation;
    findings_add_all(&c->s->errors, evaluation_sources(e), &f->errors, "error");
    for (uint32_t i = 0; f->loaded && i < evaluation_definition_count(e); i++) {
        const struct definition *d = evaluation_definition(e, i);
        if (d->kind != DEFINITION_WORKFLOW || !str_eq(d->path, f->path))
            continue;
        vec_push(&c->s->workflows, (struct known_workflow){arena_str(&c->k->arena, d->name),
                                                           arena_str(&c->k->arena, d->path),
                                                           arena_str(&c->k->arena, d->triggers)});
    }
}

static int by_name(const void *a, const void *b)
{
    return str_cmp(((const struct known_workflow *)a)->name,
                   ((const struct known_workflow *)b)->name);
}

static bool open_side(struct comparison *k, struct side *s, const char *root, str revision,
                      struct err *err)
{
    struct noting ctx = {k, s};
    s->errors.color = k->cli->err_color;
    s->label = revision.n ? revision : STR("the working tree");
    s->sha = STR("");
    if (revision.n) {
        if (!registry_find_commit(root, revision, &k->arena, &s->sha, err) ||
            !registry_open_commit(root, s->sha, &s->registry, err))
            return false;
    } else if (!registry_open(root, &s->registry, err)) {
        return false;
    }
    findings_add_all(&s->errors, NULL, &s->registry.unread, "error");
    registry_each(&s->registry, REGISTRY_WORKFLOWS, NULL, note_workflows, &ctx);
    if (s->workflows.n)
        qsort(s->workflows.at, s->workflows.n, sizeof *s->workflows.at, by_name);
    return true;
}

/* "A..B", "A.." and "..B" with HEAD as the other, and "A" against the working tree. */
static bool open_sides(struct comparison *k, struct err *err)
{
    str range = str_of(k->cli->args.at[0]);
    auto_free char *root = NULL;
    size_t dots = str_find(range, STR(".."), 0);
    str a = str_sub(range, 0, dots), b = STR("");
    if (str_has(range, STR("..."))) {
        err_set(err, "invalid_revisions", "%.*s: three dots are not known here", STR_ARG(range));
        err_hint(err, "for what B changed since it left A: plue workflow diff $(git merge-base A "
                      "B)..B");
        return false;
    }
    if (dots != SIZE_MAX) {
        b = str_sub(range, dots + 2, range.n);
        if (!b.n)
            b = STR("HEAD");
        if (!a.n)
            a = STR("HEAD");
    }
    return registry_find_root(".", &root, err) && open_side(k, &k->sides[0], root, a, err) &&
           open_side(k, &k->sides[1], root, b, err);
}

/* ---- one workflow ---- */

static const struct known_workflow *find_known(const struct side *s, str name)
{
    for (size_t i = 0; i < s->workflows.n; i++)
        if (str_eq(s->workflows.at[i].name, name))
            return &s->workflows.at[i];
    return NULL;
}

static void planned_done(struct planned *p)
{
    rehearsal_free(p->rehearsal);
    registry_found_done(&p->found);
}

/* What fails with made-up results may be fine with real ones; the steps before it are compared. */
static void note_exception(struct comparison *k, const struct side *s, str name,
                           struct evaluation *e)
{
    const struct err *error = evaluation_error(e);
    struct place place = {0};
    sources_place(evaluation_sources(e), error->at, &place);
    auto_buf note = BUF(1 << 16);
    buf_addf(&note,
             "%.*s ends at %.*s with an exception (%.*s:%u): its steps before that are "
             "compared; --results FILE plans further",
             STR_ARG(name), STR_ARG(s->label), STR_ARG(place.path), place.line);
    if (!k->cli->json && !map_has(&k->noted, buf_str(&note))) {
        map_set(&k->noted, arena_str(&k->arena, buf_str(&note)), k);
        cli_note("%s", buf_c(&note));
    }
}

static void make_plan(struct comparison *k, struct side *s, str name, str event,
                      struct planned *ret)
{
    enum rehearsal_end end = REHEARSAL_ENDED;
    auto_err err = ERR_INIT;
    *ret = (struct planned){0};
    if (!registry_find(&s->registry, name, NULL, &ret->found)) {
        struct evaluation *e = ret->found.evaluation;
        findings_add_all(&s->errors, e ? evaluation_sources(e) : NULL, &ret->found.errors, "error");
        return;
    }
    struct evaluation *e = ret->found.evaluation;
    struct evaluation_request q = {.event = event, .repository = STR("{}")};
    evaluation_start(e, ret->found.definition, &q);
    ret->rehearsal = rehearsal_new(e, k->results);
    if (!rehearsal_play(ret->rehearsal, &end, &err))
        findings_add(&s->errors, NULL, &err, "error");
    else if (end == REHEARSAL_FAILED && strcmp(evaluation_error(e)->code, "exception") != 0)
        findings_add(&s->errors, evaluation_sources(e), evaluation_error(e), "error");
    else
        ret->plan = evaluation_plan(e);
    if (end == REHEARSAL_FAILED && ret->plan)
        note_exception(k, s, name, e);
}

/* The difference for one event; joined to an earlier event's where it is the same. */
static void compare_event(struct comparison *k, const struct known_workflow *const at[2],
                          const json_t *event, struct difference *all, size_t *n)
{
    struct planned planned[2] = {0};
    auto_plan_diff diff = {0};
    auto_free char *event_text = json_dumps(event, JSON_COMPACT);
    bool whole = true;
    for (int i = 0; i < 2; i++) {
        if (!at[i])
            continue;
        make_plan(k, &k->sides[i], at[i]->name, str_of(event_text), &planned[i]);
        whole &= planned[i].plan != NULL;
    }
    if (whole) {
        auto_buf json = BUF(CLI_OUTPUT_MAX), text = BUF(CLI_OUTPUT_MAX);
        struct json_writer w = JSON_WRITER(&json, false);
        plan_diff_make(&diff, planned[0].plan, planned[1].plan);
        plan_diff_put_json(&w, &diff);
        plan_diff_add_text(&text, &diff, k->cli->color);
        const char *type = json_string_value(json_object_get(event, "type"));
        size_t i = 0;
        while (i < *n && !str_eq(all[i].json, buf_str(&json)))
            i++;
        if (i < *n)
            all[i].events = arena_printf(&k->arena, "%.*s, %s", STR_ARG(all[i].events), type);
        else if (diff.changes.n)
            all[(*n)++] = (struct difference){arena_str(&k->arena, str_of(type)),
                                              arena_str(&k->arena, buf_str(&json)),
                                              arena_str(&k->arena, buf_str(&text))};
    }
    planned_done(&planned[0]);
    planned_done(&planned[1]);
}

enum { EVENTS_MAX = 64 };

/* A made-up event of each trigger that either side has, the newer side's first. */
static size_t make_events(struct comparison *k, const struct known_workflow *const at[2],
                          json_t **ret)
{
    size_t n = 0;
    if (k->event) {
        ret[n++] = json_incref(k->event);
        return n;
    }
    for (int i = 1; i >= 0; i--) {
        if (!at[i])
            continue;
        auto_registry_found found = {0};
        if (!registry_find(&k->sides[i].registry, at[i]->name, NULL, &found))
            continue;
        json_t *triggers = json_loadb(at[i]->triggers.p, at[i]->triggers.n, 0, NULL);
        size_t count = json_array_size(triggers);
        for (uint32_t t = 0; n < EVENTS_MAX && t < (count ? count : 1); t++) {
            json_t *event = evaluation_synthetic_event(found.definition, t);
            bool known = false;
            for (size_t e = 0; e < n; e++)
                known |=
                    json_equal(json_object_get(ret[e], "type"), json_object_get(event, "type"));
            if (known)
                json_decref(event);
            else
                ret[n++] = event;
        }
        json_decref(triggers);
    }
    return n;
}

static void put_workflow(struct comparison *k, const struct known_workflow *w, const char *status,
                         const struct difference *all, size_t n)
{
    struct json_writer *j = &k->writer;
    json_begin_object(j);
    json_key_c(j, "name");
    json_put_str(j, w->name);
    json_key_c(j, "path");
    json_put_str(j, w->path);
    json_key_c(j, "status");
    json_put_c(j, status);
    json_key_c(j, "plans");
    json_begin_array(j);
    for (size_t i = 0; i < n; i++) {
        str events = all[i].events, event;
        json_begin_object(j);
        json_key_c(j, "events");
        json_begin_array(j);
        while (str_next(&events, ',', &event))
            json_put_str(j, str_trim(event));
        json_end_array(j);
        json_key_c(j, "changes");
        json_put_raw(j, all[i].json);
        json_end_object(j);
    }
    json_end_array(j);
    json_end_object(j);
}

static void compare_workflow(struct comparison *k, str name)
{
    const struct known_workflow *at[2] = {find_known(&k->sides[0], name),
                                          find_known(&k->sides[1], name)};
    json_t *events[EVENTS_MAX];
    struct difference all[EVENTS_MAX];
    size_t n = 0, count = make_events(k, at, events);
    size_t errors = k->sides[0].errors.errors + k->sides[1].errors.errors;
    for (size_t i = 0; i < count; i++) {
        compare_event(k, at, events[i], all, &n);
        json_decref(events[i]);
    }
    bool failed = k->sides[0].errors.errors + k->sides[1].errors.errors > errors;
    const char *status = failed   ? "error"
                         : !at[0] ? "added"
                         : !at[1] ? "removed"
                         : n      ? "changed"
                                  : "same";
    const struct known_workflow *w = at[1] ? at[1] : at[0];
    size_t *counter = !at[0] ? &k->added : !at[1] ? &k->removed : n ? &k->changed : &k->same;
    ++*counter;
    put_workflow(k, w, status, all, n);
    if (!at[0] || !at[1])
        buf_addf(&k->text, "%.*s: %s\n", STR_ARG(name),
                 at[1] ? "a new workflow" : "the workflow is gone");
    for (size_t i = 0; i < n; i++)
        buf_addf(&k->text, "%.*s, planned for %.*s:\n%.*s\n", STR_ARG(name), STR_ARG(all[i].events),
                 STR_ARG(all[i].text));
}

static void compare_all(struct comparison *k)
{
    const struct side *a = &k->sides[0], *b = &k->sides[1];
    const char *only = k->cli->args.n > 1 ? k->cli->args.at[1] : NULL;
    size_t i = 0, j = 0;
    while (i < a->workflows.n || j < b->workflows.n) {
        int order = i == a->workflows.n   ? 1
                    : j == b->workflows.n ? -1
                                          : by_name(&a->workflows.at[i], &b->workflows.at[j]);
        str name = order <= 0 ? a->workflows.at[i].name : b->workflows.at[j].name;
        i += order <= 0;
        j += order >= 0;
        if (!only || str_is(name, only))
            compare_workflow(k, name);
    }
}

/* ---- the command ---- */

static bool check_name(struct comparison *k, struct err *err)
{
    VEC(str) names = {0};
    if (k->cli->args.n < 2)
        return true;
    str wanted = str_of(k->cli->args.at[1]);
    bool known = false;
    for (int s = 0; s < 2; s++)
        vec_each (w, &k->sides[s].workflows) {
            vec_push(&names, w->name);
            known |= str_eq(w->name, wanted);
        }
    if (!known) {
        long near = names.n ? str_nearest(wanted, names.at, names.n) : -1;
        err_set(err, "unknown_definition", "neither %.*s nor %.*s has a workflow '%.*s'",
                STR_ARG(k->sides[0].label), STR_ARG(k->sides[1].label), STR_ARG(wanted));
        if (near >= 0)
            err_hint(err, "did you mean '%.*s'?", STR_ARG(names.at[near]));
    }
    vec_done(&names);
    return known;
}

static bool read_options(struct comparison *k, struct err *err)
{
    const char *event = cli_value(k->cli, "event"), *results = cli_value(k->cli, "results");
    if (event && (!(k->event = json_read_file(event, JSON_UNIQUE_KEYS, err)) ||
                  !event_check_shape(k->event, str_of(event), err)))
        return false;
    return !results || (k->results = json_read_file(results, JSON_UNIQUE_KEYS, err));
}

static void put_side(struct json_writer *w, const char *key, const struct side *s)
{
    json_key_c(w, key);
    json_begin_object(w);
    json_key_c(w, "revision");
    json_put_str_or_null(w, s->sha.n ? s->label : STR(""));
    json_key_c(w, "sha");
    json_put_str_or_null(w, s->sha);
    json_end_object(w);
}

static void print_errors(struct comparison *k, struct side *s)
{
    if (!s->errors.errors)
        return;
    cli_note("at %.*s:", STR_ARG(s->label));
    findings_print(k->cli, &s->errors);
}

static int answer(struct comparison *k)
{
    struct side *a = &k->sides[0], *b = &k->sides[1];
    size_t different = k->changed + k->added + k->removed;
    json_end_array(&k->writer);
    json_key_c(&k->writer, "errors");
    json_begin_object(&k->writer);
    json_key_c(&k->writer, "a");
    findings_put_json(&k->writer, &a->errors);
    json_key_c(&k->writer, "b");
    findings_put_json(&k->writer, &b->errors);
    json_end_object(&k->writer);
    json_end_object(&k->writer);
    if (k->cli->json) {
        cli_out_json(k->cli, &k->json);
    } else {
        buf_addf(&k->text, "%zu changed, %zu added, %zu removed, %zu the same\n", k->changed,
                 k->added, k->removed, k->same);
        cli_out(k->cli, buf_str(&k->text));
        print_errors(k, a);
        print_errors(k, b);
    }
    if (a->errors.errors + b->errors.errors)
        return CLI_USAGE;
    return different && cli_has(k->cli, "exit-code") ? CLI_RUN_FAILED : CLI_OK;
}

static int run(struct cli *c)
{
    cleanup(comparison_done) struct comparison k = {.cli = c};
    auto_err e = ERR_INIT;
    k.text = BUF(CLI_OUTPUT_MAX);
    k.json = BUF(CLI_OUTPUT_MAX);
    k.writer = JSON_WRITER(&k.json, true);
    if (!read_options(&k, &e) || !open_sides(&k, &e) || !check_name(&k, &e))
        return cli_fail(c, NULL, &e);
    json_begin_object(&k.writer);
    put_side(&k.writer, "a", &k.sides[0]);
    put_side(&k.writer, "b", &k.sides[1]);
    json_key_c(&k.writer, "workflows");
    json_begin_array(&k.writer);
    compare_all(&k);
    return answer(&k);
}

const struct command command_workflow_diff = {
    .name = "workflow diff",
    .args = "A..B [NAME]",
    .min = 1,
    .max = 2,
    .summary = "show how plans changed between two commits",
    .doc =
        "A and B are git revisions; A alone is compared with the working tree. Each workflow is\n"
        "planned at both with a made-up event of each trigger, as if every step succeeded. New\n"
        "secrets and network access are marked with \"!\".",
    .example = "plue workflow diff main..HEAD\nplue workflow diff HEAD\n"
               "plue workflow diff v1.0..v1.1 deploy --event push.json --json",
    .options =
        (const struct cli_option[]){
            {"event", "FILE", "plan with this event alone, as JSON in the shape of ctx.event"},
            {"results", "FILE", "results of steps, as JSON, where success is not meant"},
            {"exit-code", NULL, "exit with 1 where something differs"},
            {"json", NULL, "print JSON"},
            {0}},
    .run = run,
};
