#include "cli/held.h"
#include "base/clock.h"

static bool is_held(const struct store_step *s)
{
    return s->status == STEP_WAITING &&
           (s->reason.code == REASON_HELD_BEFORE || s->reason.code == REASON_HELD_AFTER_FAILURE);
}

static bool fail_unknown(int64_t run_id, const char *step, const struct store_step *steps, size_t n,
                         struct err *err)
{
    VEC(str) ids = {0};
    for (size_t i = 0; i < n; i++)
        vec_push(&ids, steps[i].key.step_id);
    long near = ids.n ? str_nearest(str_of(step), ids.at, ids.n) : -1;
    err_set(err, "step_unknown", "run %lld has no step '%s'", (long long)run_id, step);
    if (near >= 0)
        err_hint(err, "did you mean '%.*s'?", STR_ARG(ids.at[near]));
    else
        err_hint(err, "plue run view %lld lists its steps", (long long)run_id);
    vec_done(&ids);
    return false;
}

static bool fail_none(int64_t run_id, const struct store_step *steps, size_t n, size_t held,
                      struct err *err)
{
    if (!held) {
        err_set(err, "step_not_held", "no step of run %lld is held", (long long)run_id);
        err_hint(err, "plue run view %lld shows where it is", (long long)run_id);
        return false;
    }
    err_set(err, "step_not_held", "several steps of run %lld are held: name one",
            (long long)run_id);
    for (size_t i = 0; i < n; i++)
        if (is_held(&steps[i]))
            err_hint(err, "%.*s", STR_ARG(steps[i].key.step_id));
    return false;
}

static bool choose(const struct store_step *steps, size_t n, int64_t run_id, const char *step,
                   struct store_step *ret, struct err *err)
{
    size_t held = 0;
    const struct store_step *found = NULL;
    for (size_t i = 0; i < n; i++) {
        held += is_held(&steps[i]);
        if (step ? str_is(steps[i].key.step_id, step) : is_held(&steps[i]))
            found = &steps[i];
    }
    if (step && !found)
        return fail_unknown(run_id, step, steps, n, err);
    if (!step && held != 1)
        return fail_none(run_id, steps, n, held, err);
    if (is_held(found)) {
        *ret = *found;
        return true;
    }
    err_set(err, "step_not_held", "step '%s' of run %lld is not held: it is %s", step,
            (long long)run_id, step_status_name(found->status));
    if (step_status_is_final(found->status))
        err_hint(err, "hold it in another attempt: plue run rerun %lld --break-before %s",
                 (long long)run_id, step);
    else
        err_hint(err,
                 "plue run view %lld shows where it is; only steps that --break-before or "
                 "--break-on-failure hold can be attached to",
                 (long long)run_id);
    return false;
}

static bool check_owner(const struct data *d, int64_t run_id, struct err *err)
{
    struct store_owner self;
    struct store_lease lease;
    bool has = false;
    if (!store_owner_self(&self, err) || !store_load_lease(d->reader, run_id, &lease, &has, err))
        return false;
    if (has && !store_lease_is_free(&lease, &self, clock_wall_ms()))
        return true;
    err_set(err, "attach_no_owner", "no process drives run %lld any more", (long long)run_id);
    err_hint(err, "plue run resume %lld goes on with it, and holds the step again",
             (long long)run_id);
    return false;
}

bool held_find(const struct data *d, int64_t run_id, const char *step, struct arena *a,
               struct store_step *ret, struct err *err)
{
    struct store_run run;
    struct store_step *steps;
    size_t n;
    if (!store_load_run(d->reader, run_id, a, &run, err) ||
        !store_load_steps(d->reader, run_id, STORE_LAST, STORE_STEPS_BRIEF, a, &steps, &n, err))
        return false;
    if (run_status_is_final(run.status)) {
        err_set(err, "step_not_held", "run %lld has ended: %s", (long long)run_id,
                run_status_name(run.status));
        err_hint(err, "hold a step in another attempt: plue run rerun %lld --break-before STEP",
                 (long long)run_id);
        return false;
    }
    return choose(steps, n, run_id, step, ret, err) && check_owner(d, run_id, err);
}
