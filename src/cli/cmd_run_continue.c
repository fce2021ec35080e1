/* plue run continue: a held step goes on. */
#include "base/clock.h"
#include "cli/commands.h"
#include "cli/held.h"
#include <time.h>

enum { WAIT_MS = 10000, POLL_MS = 20 };

static bool ask(const struct data *d, const struct store_step *s, bool again, struct err *err)
{
    auto_buf data = BUF(CLI_OUTPUT_MAX);
    struct json_writer w = JSON_WRITER(&data, false);
    json_begin_object(&w);
    json_key_c(&w, "step");
    json_put_str(&w, s->key.step_id);
    json_key_c(&w, "again");
    json_put_bool(&w, again);
    json_end_object(&w);
    struct store_command wish = {.run_id = s->key.run_id,
                                 .kind = STR("continue"),
                                 .data = buf_str(&data),
                                 .created_at = clock_wall_ms()};
    struct store_batch *b = store_batch_new(d->store);
    store_add_command(b, &wish);
    return store_commit(d->store, b, NULL, err);
}

/* Its owner looks for wishes a few times a second. A new try may have failed and be held again
 * before anybody looks. False: nothing has happened. */
static bool wait_until_it_goes(const struct data *d, const struct store_step *s,
                               enum step_status *ret)
{
    struct store_step_key key = {
        .run_id = s->key.run_id, .step_id = s->key.step_id, .attempt = s->key.attempt};
    struct store_step now = *s;
    for (int waited = 0; waited < WAIT_MS; waited += POLL_MS) {
        auto_arena a = ARENA_INIT;
        auto_err e = ERR_INIT;
        if (store_load_step(d->reader, &key, &a, &now, &e) &&
            (now.status != STEP_WAITING || now.reason.code != s->reason.code ||
             now.key.try != s->key.try)) {
            *ret = now.status;
            return true;
        }
        nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000L}, NULL);
    }
    return false;
}

static void report(struct cli *c, const struct store_step *s, enum step_status status)
{
    auto_buf b = BUF(CLI_OUTPUT_MAX);
    struct json_writer w = JSON_WRITER(&b, true);
    if (!c->json) {
        cli_outf(c, "%.*s of run %lld goes on\n", STR_ARG(s->key.step_id),
                 (long long)s->key.run_id);
        return;
    }
    json_begin_object(&w);
    json_key_c(&w, "run_id");
    json_put_int(&w, s->key.run_id);
    json_key_c(&w, "step");
    json_put_str(&w, s->key.step_id);
    json_key_c(&w, "status");
    json_put_c(&w, step_status_name(status));
    json_end_object(&w);
    cli_out_json(c, &b);
}

static int run(struct cli *c)
{
    auto_data d = {0};
    auto_arena a = ARENA_INIT;
    auto_err e = ERR_INIT;
    struct store_step s;
    int64_t id;
    bool again = cli_has(c, "again");
    if (!data_find_run(c, DATA_WRITE, &d, &id, &e) ||
        !held_find(&d, id, c->args.n > 1 ? c->args.at[1] : NULL, &a, &s, &e))
        return cli_fail(c, NULL, &e);
    if (again && s.reason.code == REASON_HELD_BEFORE) {
        err_set(&e, "invalid_option", "--again: step '%.*s' has not run yet",
                STR_ARG(s.key.step_id));
        err_hint(&e, "without it the step runs now");
        return cli_fail(c, NULL, &e);
    }
    if (!ask(&d, &s, again, &e))
        return cli_fail(c, NULL, &e);
    enum step_status status;
    if (!wait_until_it_goes(&d, &s, &status)) {
        err_set(&e, "attach_no_owner", "the process that drives run %lld does not answer",
                (long long)id);
        err_hint(&e, "it goes on with the step once it does");
        return cli_fail(c, NULL, &e);
    }
    report(c, &s, status);
    return CLI_OK;
}

const struct command command_run_continue = {
    .name = "run continue",
    .args = "ID [STEP]",
    .min = 1,
    .max = 2,
    .summary = "let a held step go on",
    .doc =
        "A step that --break-before holds runs now. After a failed try its failure counts, with\n"
        "the retries that it has; with --again its command runs once more, in the files as they\n"
        "are now. Shells that are attached to the step end.",
    .example = "plue run continue 12\nplue run continue 12 test --again",
    .options = (const struct cli_option[]){{"again", NULL, "run the failed command once more"},
                                           CLI_DATA_DIR_OPTION,
                                           {"json", NULL, "print JSON"},
                                           {0}},
    .run = run,
};
