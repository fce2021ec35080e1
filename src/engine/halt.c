/* Where nothing can be recorded any more this process's part of its runs ends: steps are killed at
 * once, runs are let go from the loop, since whoever told of the failure may still use them. What
 * is recorded stays, and a resume goes on from there. */
#include "engine/engine_int.h"
#include <signal.h>

static void kill_steps(struct live_run *r)
{
    for (uint32_t i = 0; i < r->step_count; i++)
        if (r->steps[i].llm)
            llm_step_stop(r, i);
        else if (r->steps[i].process)
            runner_kill(r->steps[i].process, SIGKILL);
}

void engine_halt(struct engine *e, struct err *err)
{
    if (e->halted)
        return;
    e->halted = true;
    err_move(&e->failure, err);
    for (struct live_run *r = e->runs; r; r = r->next)
        kill_steps(r);
}

void engine_let_go(struct engine *e)
{
    for (struct live_run *r = e->runs, *next; r; r = next) {
        next = r->next;
        if (r->complete)
            continue;
        r->complete = r->halted = true;
        kill_steps(r);
        run_stop_timers(r);
        attach_close(r);
        run_forget(r);
    }
}
