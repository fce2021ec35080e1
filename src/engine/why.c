#include "engine/why.h"
#include "base/clock.h"
#include "base/map.h"
#include "json/json.h"

enum { SENTENCE_MAX = 1 << 20, NAMES_MAX = 8 };

struct facts {
    struct store_reader *reader;
    struct why *why;
    struct store_run run;
    struct store_step *steps;
    size_t n;
    struct map index; /* id -> struct store_step */
};

void why_done(struct why *w)
{
    vec_done(&w->sentences);
    arena_done(&w->arena);
}

static void say(struct facts *f, struct buf *b)
{
    if (f->why->sentences.n < WHY_SENTENCES_MAX)
        vec_push(&f->why->sentences, arena_str(&f->why->arena, buf_str(b)));
}

/* ---- pieces of sentences ---- */

static const struct store_step *find(const struct facts *f, str id)
{
    return map_get(&f->index, id);
}

typedef bool step_test(const struct store_step *s);

static bool has_failed(const struct store_step *s)
{
    return s->outcome == OUTCOME_FAILED || s->outcome == OUTCOME_TIMED_OUT;
}
static bool has_ended_badly(const struct store_step *s)
{
    return has_failed(s) || s->outcome == OUTCOME_CANCELLED;
}
static bool is_open(const struct store_step *s)
{
    return !step_status_is_final(s->status);
}
static bool is_running(const struct store_step *s)
{
    return s->status == STEP_RUNNING;
}

static void add_name(struct buf *b, str id, size_t n, size_t *shown)
{
    if (*shown < NAMES_MAX)
        buf_addf(b, "%s'%.*s'", *shown ? ", " : "", STR_ARG(id));
    else if (*shown == NAMES_MAX)
        buf_addf(b, " and %zu more", n - NAMES_MAX);
    ++*shown;
}

/* Steps before this one, over any number of steps, that pass the test. */
struct gathering {
    const struct facts *facts;
    step_test *test;
    struct map seen;
    VEC(str) ids;
};

static void gather(struct gathering *g, const struct store_step *s)
{
    VEC(const struct store_step *) stack = {0};
    vec_push(&stack, s);
    while (stack.n) {
        const struct store_step *at = vec_pop(&stack);
        json_t *ids = json_loadb(at->depends_on.p, at->depends_on.n, 0, NULL);
        for (size_t i = 0; i < json_array_size(ids); i++) {
            const struct store_step *d =
                find(g->facts, str_of(json_string_value(json_array_get(ids, i))));
            if (!d || map_has(&g->seen, d->key.step_id))
                continue;
            map_set(&g->seen, d->key.step_id, (void *)d);
            if (g->test(d) && d->type != STEP_TYPE_PARALLEL)
                vec_push(&g->ids, d->key.step_id);
            else
                vec_push(&stack, d);
        }
        json_decref(ids);
    }
    vec_done(&stack);
}

/* ", ", quoted; false where there is none. */
static bool add_before(const struct facts *f, const struct store_step *s, step_test *test,
                       struct buf *b)
{
    struct gathering g = {.facts = f, .test = test};
    size_t shown = 0;
    gather(&g, s);
    for (size_t i = 0; i < g.ids.n; i++)
        add_name(b, g.ids.at[i], g.ids.n, &shown);
    map_done(&g.seen);
    vec_done(&g.ids);
    return shown > 0;
}

static json_t *config_of(const struct store_step *s)
{
    return json_loadb(s->config.p, s->config.n, JSON_ALLOW_NUL, NULL);
}

static void add_time(struct buf *b, int64_t from, int64_t to)
{
    clock_add_duration(b, to > from ? to - from : 0);
}

/* ---- a step ---- */

static void say_ran(struct facts *f, const struct store_step *s)
{
    auto_buf b = BUF(SENTENCE_MAX);
    json_t *config = config_of(s);
    str when = json_get_text(config, "when");
    auto_buf before = BUF(SENTENCE_MAX);
    bool failed_before = add_before(f, s, has_failed, &before);
    if (!s->started_at || s->kept_from) {
        json_decref(config);
        return;
    }
    if (str_is(when, "always"))
        buf_add_c(&b, "It ran because it has when=\"always\".");
    else if (str_is(when, "on_failure"))
        buf_addf(&b, "It ran because it has when=\"on_failure\", and %s failed before it.",
                 buf_c(&before));
    else if (failed_before)
        buf_addf(&b,
                 "It ran although %s failed before it: the workflow had read that status, or "
                 "lets that step fail.",
                 buf_c(&before));
    else if (str_eq(s->depends_on, STR("[]")))
        buf_add_c(&b, "It ran at once: it depends on no other step.");
    else
        buf_add_c(&b, "It ran when all that it depends on had succeeded.");
    say(f, &b);
    json_decref(config);
}

static bool read_tail(void *ctx, const struct log_line *line)
{
    struct buf *b = ctx;
    if (line->stream != LOG_SYSTEM && str_trim(line->text).n) {
        buf_reset(b);
        buf_add_str(b, str_trim(line->text));
    }
    return true;
}

static void say_last_line(struct facts *f, const struct store_step *s)
{
    auto_buf line = BUF(SENTENCE_MAX), b = BUF(SENTENCE_MAX);
    auto_err ignored = ERR_INIT;
    if (!store_read_log_tail(f->reader, &s->key, 5, read_tail, &line, &ignored) || !line.n)
        return;
    buf_addf(&b, "The last that it wrote: %s", buf_c(&line));
    say(f, &b);
}

static void say_reached_hosts(struct facts *f, const struct store_step *s)
{
    json_t *config = config_of(s);
    json_t *network = json_object_get(config, "network");
    auto_buf b = BUF(SENTENCE_MAX);
    if (json_array_size(network)) {
        buf_add_c(&b, "Of the network it could reach only");
        for (size_t i = 0; i < json_array_size(network); i++)
            buf_addf(&b, "%s %s", i ? "," : "", json_string_value(json_array_get(network, i)));
        buf_add_c(&b, "; its log names what was refused.");
        say(f, &b);
    }
    json_decref(config);
}

static void say_tries(struct facts *f, const struct store_step *s)
{
    for (int64_t try = 1; try < s->key.try; try++) {
        auto_arena a = ARENA_INIT;
        auto_buf b = BUF(SENTENCE_MAX);
        auto_err ignored = ERR_INIT;
        struct store_step_key key = s->key;
        struct store_step old;
        key.try = try;
        if (!store_load_step(f->reader, &key, &a, &old, &ignored))
            continue;
        buf_addf(&b, "Try %lld of %lld did not succeed: %.*s.", (long long)try,
                 (long long)s->key.try,
                 STR_ARG(old.error_message.n ? old.error_message : old.reason.text));
        say(f, &b);
    }
}

static void say_hint(struct facts *f, const struct store_step *s)
{
    auto_buf b = BUF(SENTENCE_MAX);
    json_t *error = json_loadb(s->error.p, s->error.n, JSON_ALLOW_NUL, NULL);
    str hint = json_get_text(error, "hint");
    buf_addf(&b, "What may mend it: %.*s.", STR_ARG(hint));
    if (hint.n)
        say(f, &b);
    json_decref(error);
}

static void say_failed(struct facts *f, const struct store_step *s)
{
    auto_buf b = BUF(SENTENCE_MAX);
    if (s->outcome == OUTCOME_TIMED_OUT) {
        buf_add_c(&b, "It was ended after ");
        add_time(&b, s->started_at, s->completed_at);
        buf_addf(&b, ": %.*s.", STR_ARG(s->error_message.n ? s->error_message : s->reason.text));
    } else {
        buf_addf(&b, "It failed: %.*s.",
                 STR_ARG(s->error_message.n ? s->error_message : s->reason.text));
    }
    say(f, &b);
    say_hint(f, s);
    say_tries(f, s);
    say_last_line(f, s);
    say_reached_hosts(f, s);
    buf_reset(&b);
    if (s->conclusion == CONCLUSION_SUCCESS)
        buf_add_c(&b, "It counts as a success: continue_on_error lets it fail.");
    else
        buf_addf(&b, "Its log: plue run view %lld --step %.*s", (long long)f->run.id,
                 STR_ARG(s->key.step_id));
    say(f, &b);
}

static void say_skipped(struct facts *f, const struct store_step *s)
{
    auto_buf b = BUF(SENTENCE_MAX), names = BUF(SENTENCE_MAX);
    bool any = add_before(f, s, has_ended_badly, &names);
    buf_addf(&b, "It was skipped: %.*s", STR_ARG(s->reason.text));
    if (s->reason.code == REASON_GROUP_FAILED_FAST)
        buf_add_c(&b, ", and the group has fail_fast=True.");
    else if (any && s->reason.code != REASON_NOTHING_FAILED)
        buf_addf(&b, ", namely %s.", buf_c(&names));
    else
        buf_add_byte(&b, '.');
    say(f, &b);
}

static void say_waits(struct facts *f, const struct store_step *s)
{
    auto_buf b = BUF(SENTENCE_MAX), names = BUF(SENTENCE_MAX);
    size_t shown = 0, running = 0;
    if (s->reason.code == REASON_WAITING_FOR_RETRY) {
        say_tries(f, s);
        buf_addf(&b, "It %.*s.", STR_ARG(s->reason.text));
        say(f, &b);
        return;
    }
    buf_addf(&b, "It has not begun: it %.*s", STR_ARG(s->reason.text));
    if (s->reason.code == REASON_WAITING_FOR_STEPS && add_before(f, s, is_open, &names)) {
        buf_addf(&b, ", now for %s", buf_c(&names));
    } else if (s->reason.code == REASON_WAITING_FOR_SLOT) {
        for (size_t i = 0; i < f->n; i++)
            running += is_running(&f->steps[i]);
        buf_addf(&b, "; %zu steps run", running);
        for (size_t i = 0; i < f->n; i++)
            if (is_running(&f->steps[i]))
                add_name(&names, f->steps[i].key.step_id, running, &shown);
        buf_addf(&b, "%s%s", shown ? ": " : "", buf_c(&names));
    }
    buf_add_byte(&b, '.');
    say(f, &b);
    if (f->run.status == RUN_QUEUED && f->run.reason.text.n) {
        buf_reset(&b);
        buf_addf(&b, "Its run is queued: %.*s.", STR_ARG(f->run.reason.text));
        say(f, &b);
    }
}

static void say_succeeded(struct facts *f, const struct store_step *s)
{
    auto_buf b = BUF(SENTENCE_MAX);
    json_t *config = config_of(s), *cache = json_object_get(config, "cache");
    if (s->kept_from) {
        buf_addf(&b, "It did not run in this attempt: attempt %lld had its result, which was kept.",
                 (long long)s->kept_from);
    } else if (s->outcome == OUTCOME_CACHED) {
        buf_add_c(&b, "It did not run: its cache had an exact hit.");
    } else {
        buf_add_c(&b, "It succeeded");
        if (s->started_at) {
            buf_add_c(&b, " after ");
            add_time(&b, s->started_at, s->completed_at);
        }
        buf_add_byte(&b, '.');
    }
    say(f, &b);
    say_tries(f, s);
    buf_reset(&b);
    if (s->type == STEP_TYPE_SHELL && s->outcome == OUTCOME_SUCCESS && !s->kept_from) {
        buf_add_c(&b, cache && !json_is_null(cache)
                          ? "It was not taken from the cache: there was no entry of its key."
                          : "It was not cached: it has no cache=.");
        say(f, &b);
    }
    json_decref(config);
}

/* What its plan lets it use is more than it needs. */
static void say_unused(struct facts *f, const struct store_step *s, bool name_it)
{
    struct store_step_key key = s->key;
    struct store_grant *unused;
    size_t n = 0;
    auto_arena a = ARENA_INIT;
    auto_buf b = BUF(SENTENCE_MAX);
    auto_err ignored = ERR_INIT;
    if (s->kept_from)
        key.attempt = s->kept_from;
    if (!store_list_unused_grants(f->reader, &key, &a, &unused, &n, &ignored) || !n)
        return;
    if (name_it)
        buf_addf(&b, "Step '%.*s' was granted and never used", STR_ARG(s->key.step_id));
    else
        buf_add_c(&b, "It was granted and never used");
    for (size_t i = 0; i < n; i++)
        buf_addf(&b, "%s the %.*s %.*s", i ? "," : "", STR_ARG(unused[i].kind),
                 STR_ARG(unused[i].name));
    buf_add_byte(&b, '.');
    say(f, &b);
}

static void say_decision(struct facts *f, const struct store_approval *a, struct buf *b)
{
    if (!str_is(a->decision, "approved")) /* a rejection is the step's error */
        return;
    buf_addf(b, "It was %.*s by %.*s", STR_ARG(a->decision), STR_ARG(a->actor));
    if (a->comment.n)
        buf_addf(b, ": %.*s", STR_ARG(a->comment));
    buf_add_byte(b, '.');
    say(f, b);
}

static void say_reviewers(struct facts *f, const struct store_approval *a, struct buf *b)
{
    json_t *reviewers = json_loadb(a->reviewers.p, a->reviewers.n, JSON_DECODE_ANY, NULL);
    size_t n = json_array_size(reviewers), shown = 0;
    if (n)
        buf_add_c(b, "It asks for ");
    for (size_t i = 0; i < n; i++)
        add_name(b, str_of(json_string_value(json_array_get(reviewers, i))), n, &shown);
    if (n) {
        buf_add_c(b, "; that is recorded, and anybody may decide.");
        say(f, b);
    }
    json_decref(reviewers);
}

/* Who was to decide, and who did. */
static void say_approval(struct facts *f, const struct store_step *s)
{
    auto_arena a = ARENA_INIT;
    auto_buf b = BUF(SENTENCE_MAX);
    auto_err ignored = ERR_INIT;
    struct store_approval *list;
    size_t n = 0;
    int64_t attempt = s->kept_from ? s->kept_from : s->key.attempt;
    if (s->type != STEP_TYPE_APPROVAL ||
        !store_list_approvals(f->reader, f->run.id, attempt, &a, &list, &n, &ignored))
        return;
    for (size_t i = 0; i < n; i++) {
        if (!str_eq(list[i].step_id, s->key.step_id))
            continue;
        if (list[i].decided_at)
            say_decision(f, &list[i], &b);
        else
            say_reviewers(f, &list[i], &b);
    }
}

static void explain_status(struct facts *f, const struct store_step *s)
{
    auto_buf b = BUF(SENTENCE_MAX);
    switch (s->status) {
    case STEP_PENDING:
    case STEP_READY:
        say_waits(f, s);
        return;
    case STEP_RUNNING:
        buf_add_c(&b, "It runs since ");
        add_time(&b, s->started_at, clock_wall_ms());
        buf_add_byte(&b, '.');
        say(f, &b);
        say_tries(f, s);
        return;
    case STEP_WAITING:
    case STEP_CANCELLED:
        buf_addf(&b, "It %s%.*s.",
                 s->status == STEP_WAITING ? "" : "was cancelled: ", STR_ARG(s->reason.text));
        say(f, &b);
        say_approval(f, s);
        return;
    case STEP_SKIPPED:
        say_skipped(f, s);
        return;
    case STEP_FAILED:
        say_failed(f, s);
        return;
    default:
        if (has_failed(s))
            say_failed(f, s);
        else
            say_succeeded(f, s);
        say_approval(f, s);
    }
}

static void explain_step(struct facts *f, const struct store_step *s)
{
    say_ran(f, s);
    explain_status(f, s);
    say_unused(f, s, false);
}

/* ---- a run ---- */

static void say_owner(struct facts *f)
{
    struct store_owner self;
    struct store_lease lease;
    bool has = false;
    auto_err e = ERR_INIT;
    auto_buf b = BUF(SENTENCE_MAX);
    if (!store_owner_self(&self, &e) || !store_load_lease(f->reader, f->run.id, &lease, &has, &e))
        return;
    if (has && !store_lease_is_free(&lease, &self, clock_wall_ms()))
        buf_addf(&b, "Process %lld on %s drives it.", (long long)lease.owner.pid,
                 lease.owner.machine);
    else
        buf_addf(&b, "No living process drives it: plue run resume %lld goes on with it.",
                 (long long)f->run.id);
    say(f, &b);
}

static void say_steps(struct facts *f, step_test *test, const char *before, const char *after)
{
    auto_buf b = BUF(SENTENCE_MAX);
    size_t n = 0, shown = 0;
    for (size_t i = 0; i < f->n; i++)
        n += test(&f->steps[i]) && f->steps[i].type != STEP_TYPE_PARALLEL;
    if (!n)
        return;
    buf_add_c(&b, before);
    for (size_t i = 0; i < f->n; i++)
        if (test(&f->steps[i]) && f->steps[i].type != STEP_TYPE_PARALLEL)
            add_name(&b, f->steps[i].key.step_id, n, &shown);
    buf_add_c(&b, after);
    say(f, &b);
}

static bool waits_for_slot(const struct store_step *s)
{
    return s->status == STEP_READY;
}
static bool waits_for_retry(const struct store_step *s)
{
    return s->status == STEP_PENDING && s->reason.code == REASON_WAITING_FOR_RETRY;
}
static bool is_skipped(const struct store_step *s)
{
    return s->status == STEP_SKIPPED;
}
static bool is_kept(const struct store_step *s)
{
    return s->kept_from;
}
static bool failed_and_counts(const struct store_step *s)
{
    return has_failed(s) && s->conclusion == CONCLUSION_FAILED && s->type != STEP_TYPE_ACTION;
}

static void explain_run(struct facts *f)
{
    const struct store_run *r = &f->run;
    auto_buf b = BUF(SENTENCE_MAX);
    buf_addf(&b, "Run %lld of %.*s began by a %.*s event and is %s", (long long)r->id,
             STR_ARG(r->workflow), STR_ARG(r->trigger_type), run_status_name(r->status));
    if (r->attempt > 1)
        buf_addf(&b, " in its attempt %lld", (long long)r->attempt);
    buf_addf(&b, "%s%.*s.", r->reason.text.n ? ": " : "", STR_ARG(r->reason.text));
    say(f, &b);
    if (r->error_message.n && r->status != RUN_SUCCESS &&
        !str_eq(r->error_message, r->reason.text)) {
        buf_reset(&b);
        buf_addf(&b, "The error: %.*s.", STR_ARG(r->error_message));
        say(f, &b);
    }
    if (!run_status_is_final(r->status))
        say_owner(f);
    for (size_t i = 0; i < f->n; i++) {
        if (f->steps[i].status != STEP_WAITING)
            continue;
        buf_reset(&b);
        buf_addf(&b, "Step %.*s %.*s.", STR_ARG(f->steps[i].key.step_id),
                 STR_ARG(f->steps[i].reason.text));
        say(f, &b);
    }
    say_steps(f, is_kept, "Kept of an earlier attempt: ", ".");
    say_steps(f, is_running, "Now running: ", ".");
    say_steps(f, waits_for_slot, "Ready, and waiting for a place: ", ".");
    say_steps(f, waits_for_retry, "Waiting for their next try: ", ".");
    say_steps(f, failed_and_counts, "Failed: ", ".");
    say_steps(f, is_skipped, "Skipped for it, or by their when=: ", ".");
    for (size_t i = 0; i < f->n; i++)
        say_unused(f, &f->steps[i], true);
    for (size_t i = 0; i < f->n; i++) {
        if (!failed_and_counts(&f->steps[i]))
            continue;
        buf_reset(&b);
        buf_addf(&b, "More of a step: plue why %lld %.*s", (long long)r->id,
                 STR_ARG(f->steps[i].key.step_id));
        say(f, &b);
        break;
    }
}

static bool fail_step(const struct facts *f, str id, struct err *err)
{
    VEC(str) ids = {0};
    for (size_t i = 0; i < f->n; i++)
        vec_push(&ids, f->steps[i].key.step_id);
    long near = ids.n ? str_nearest(id, ids.at, ids.n) : -1;
    err_set(err, "step_unknown", "run %lld has no step '%.*s'", (long long)f->run.id, STR_ARG(id));
    if (near >= 0)
        err_hint(err, "did you mean '%.*s'?", STR_ARG(ids.at[near]));
    vec_done(&ids);
    return false;
}

static bool explain(struct facts *f, str step_id, struct err *err)
{
    for (size_t i = 0; i < f->n; i++)
        map_set(&f->index, f->steps[i].key.step_id, &f->steps[i]);
    const struct store_step *s = step_id.n ? find(f, step_id) : NULL;
    if (step_id.n && !s)
        return fail_step(f, step_id, err);
    if (s)
        explain_step(f, s);
    else
        explain_run(f);
    return true;
}

bool why_explain(struct store_reader *r, int64_t run_id, str step_id, struct why *ret,
                 struct err *err)
{
    struct facts f = {.reader = r, .why = ret};
    if (!store_load_run(r, run_id, &ret->arena, &f.run, err) ||
        !store_load_steps(r, run_id, STORE_LAST, STORE_STEPS_RESULTS, &ret->arena, &f.steps, &f.n,
                          err))
        return false;
    bool ok = explain(&f, step_id, err);
    map_done(&f.index);
    return ok;
}
