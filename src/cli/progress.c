#include "base/fd.h"
#include "cli/progress_int.h"
#include "cli/screen.h"
#include "cli/shapes.h"
#include "json/json.h"
#include <unistd.h>

/* Looking at a run takes at most one part in LOAD_SHARE of the time, but nobody waits for news any
 * longer than PAUSE_MS. */
enum { REDRAW_MS = 100, POLL_MS = 50, LOAD_SHARE = 100, PAUSE_MS = 1000, HINT_WIDTH = 1 << 16 };

enum progress_mode progress_mode_of(const struct cli *c)
{
    bool follow = cli_has(c, "follow");
    if (c->json)
        return follow ? PROGRESS_EVENTS : PROGRESS_QUIET;
    return follow ? PROGRESS_FOLLOW : c->live ? PROGRESS_LIVE : PROGRESS_PLAIN;
}

struct progress *progress_new(struct cli *c, enum progress_mode mode)
{
    struct progress *p = mem_zalloc(sizeof *p);
    p->cli = c;
    p->mode = mode;
    p->fd = mode == PROGRESS_QUIET || mode == PROGRESS_SPEECH ? STDERR_FILENO : STDOUT_FILENO;
    p->drawing = mode == PROGRESS_LIVE || (mode == PROGRESS_QUIET && c->err_live);
    p->colors = mode == PROGRESS_QUIET ? c->err_color : c->color;
    p->began_mono = clock_mono_ms();
    return p;
}

void progress_free(struct progress *p)
{
    if (!p)
        return;
    picture_done(p);
    vec_done(&p->seen);
    err_done(&p->unread);
    free(p->told);
    free(p);
}

void progress_write(struct progress *p, const struct buf *b)
{
    if (p->fd == STDOUT_FILENO)
        cli_out(p->cli, buf_str(b));
    else if (fd_write_all(p->fd, buf_c(b), b->n) != 0)
        p->drawing = false; /* nobody looks any more */
}

void progress_begin(struct progress *p, struct store_reader *reader, int64_t run_id)
{
    p->reader = reader;
    p->run_id = run_id;
    p->began_wall = clock_wall_ms();
}

void progress_skip(struct progress *p, int64_t seq)
{
    p->seq = seq;
}

void progress_copying(struct progress *p, size_t files, size_t total)
{
    p->copied = files;
    p->to_copy = total;
}

void progress_say(struct progress *p, const char *text)
{
    p->said = text;
    if (!p->drawing && p->mode != PROGRESS_EVENTS)
        cli_note("%s", text);
}

/* Whether there is news, or what could not be read the last time. */
static bool has_changed(struct progress *p)
{
    bool changed = false, again = err_is_set(&p->unread);
    err_reset(&p->unread);
    return (store_reader_changed(p->reader, &changed, &p->unread) && changed) || again;
}

void progress_update(struct progress *p)
{
    bool silent = p->mode == PROGRESS_QUIET && !p->drawing; /* what counts is the end */
    if (p->reader && !silent && clock_mono_ms() >= p->next_load &&
        (has_changed(p) || p->incomplete)) {
        int64_t began = clock_mono_ms();
        picture_update(p);
        int64_t pause = (clock_mono_ms() - began) * LOAD_SHARE;
        p->next_load = clock_mono_ms() + (pause < PAUSE_MS ? pause : PAUSE_MS);
        if (p->mode == PROGRESS_PLAIN)
            lines_update(p);
        else if (p->mode == PROGRESS_FOLLOW)
            lines_follow(p);
        else if (p->mode == PROGRESS_EVENTS)
            lines_events(p);
        else if (p->mode == PROGRESS_SPEECH)
            lines_speech(p);
    }
    if (p->drawing)
        live_draw(p, false);
}

str progress_turn(const struct progress *p)
{
    bool waits = p->loaded && p->run.status == RUN_QUEUED;
    return waits && p->run.reason.code == REASON_WAITING_FOR_RUN ? p->run.reason.text : STR("");
}

enum run_status progress_status(const struct progress *p)
{
    return p->loaded ? p->run.status : RUN_QUEUED;
}

int progress_interval_ms(const struct progress *p)
{
    bool follows =
        p->mode == PROGRESS_FOLLOW || p->mode == PROGRESS_EVENTS || p->mode == PROGRESS_SPEECH;
    return follows && !p->drawing ? POLL_MS : REDRAW_MS;
}

static void print_run(struct progress *p)
{
    auto_buf b = BUF(CLI_OUTPUT_MAX);
    struct json_writer w = JSON_WRITER(&b, true);
    if (!picture_load(p, STORE_STEPS_RESULTS))
        return;
    auto_arena a = ARENA_INIT;
    struct shape_kept kept = {0};
    if (!shape_load_kept(p->reader, &p->run, &a, &kept, &p->unread))
        return;
    shape_put_run(&w, &p->run, p->steps, p->step_count, &kept);
    cli_out_json(p->cli, &b);
}

int progress_end(struct progress *p)
{
    auto_buf b = BUF(CLI_OUTPUT_MAX);
    p->next_load = 0;
    p->incomplete = true; /* what was settled at the end has no event */
    progress_update(p);
    if (err_is_set(&p->unread))
        progress_update(p);
    if (p->drawing)
        live_draw(p, true);
    if (p->reader && p->mode == PROGRESS_QUIET)
        print_run(p);
    else if (p->loaded && p->mode != PROGRESS_EVENTS && p->mode != PROGRESS_SPEECH)
        lines_summary(p, &b);
    cli_out(p->cli, buf_str(&b));
    if (err_is_set(&p->unread)) /* what is shown may be old */
        return cli_fail(p->cli, NULL, &p->unread);
    switch (progress_status(p)) {
    case RUN_SUCCESS:
        return CLI_OK;
    case RUN_FAILED:
        return CLI_RUN_FAILED;
    case RUN_CANCELLED:
        return CLI_CANCELLED;
    default:
        return CLI_SYSTEM;
    }
}

/* ---- how steps look ---- */

const char *tone_on(bool colors, enum tone t)
{
    static const char *const sequences[] = {"",         "\x1b[32m", "\x1b[31m",
                                            "\x1b[33m", "\x1b[2m",  "\x1b[1m"};
    return colors ? sequences[t] : "";
}

const char *tone_off(bool colors)
{
    return colors ? "\x1b[0m" : "";
}

struct step_look step_look_of(const struct store_step *s)
{
    static const struct step_look looks[STEP_STATUS_COUNT] = {
        [STEP_PENDING] = {"·", TONE_FAINT},  [STEP_READY] = {"·", TONE_FAINT},
        [STEP_RUNNING] = {"*", TONE_BUSY},   [STEP_WAITING] = {"?", TONE_BUSY},
        [STEP_SUCCESS] = {"✓", TONE_GOOD},   [STEP_FAILED] = {"✗", TONE_BAD},
        [STEP_CACHED] = {"✓", TONE_GOOD},    [STEP_SKIPPED] = {"-", TONE_FAINT},
        [STEP_CANCELLED] = {"✗", TONE_BUSY},
    };
    return looks[s->status];
}

int64_t step_duration_ms(const struct store_step *s, int64_t now)
{
    if (!s->started_at)
        return -1;
    int64_t end = s->completed_at ? s->completed_at : now;
    return end > s->started_at ? end - s->started_at : 0;
}

void add_step_hint(struct buf *b, const struct store_step *s)
{
    json_t *error = json_loadb(s->error.p, s->error.n, JSON_ALLOW_NUL, NULL);
    str hint = json_get_text(error, "hint");
    if (hint.n && s->conclusion == CONCLUSION_FAILED) {
        buf_add_c(b, "    hint: ");
        screen_add(b, hint, HINT_WIDTH, false);
        buf_add_byte(b, '\n');
    }
    json_decref(error);
}

void add_step_remark(struct buf *b, const struct store_step *s)
{
    bool told =
        s->reason.code == REASON_CONTINUE_ON_ERROR || s->reason.code == REASON_JUDGED_BY_CODE;
    if (s->status == STEP_WAITING)
        buf_add_str(b, s->reason.text);
    else if (s->status == STEP_CACHED)
        buf_add_c(b, "cached");
    else if (s->outcome == OUTCOME_RECORDED)
        buf_add_c(b, "recorded, not sent");
    else if (s->has_exit_code && s->exit_code != 0 && s->outcome == OUTCOME_FAILED)
        buf_addf(b, "exit status %lld", (long long)s->exit_code);
    else if (s->error_message.n)
        buf_add_str(b, s->error_message);
    else if (s->status != STEP_SUCCESS && s->status != STEP_RUNNING &&
             s->reason.code != REASON_NONE)
        buf_add_str(b, s->reason.text.n ? s->reason.text : str_of(reason_sentence(s->reason.code)));
    if (told && s->outcome == OUTCOME_FAILED)
        buf_addf(b, " (%s)", reason_sentence(s->reason.code));
    if (s->key.try > 1)
        buf_addf(b, "%s%lld tries", b->n ? ", " : "", (long long)s->key.try);
}
