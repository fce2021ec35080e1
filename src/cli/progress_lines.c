/* A run as lines: for pipes, for --follow, and what is said at its end. */
#include "cli/progress_int.h"
#include "cli/prompt_result.h"
#include "json/json.h"

enum {
    TAIL_LINES = 20,
    FAILURES_SHOWN_MAX = 5,
    EVENTS_AT_ONCE = 1000,
    BYTES_AT_ONCE = 256 << 10,
    LINE_WIDTH = 1 << 20
};

static void add_step_line(struct progress *p, struct buf *b, const struct store_step *s)
{
    struct step_look look = step_look_of(s);
    auto_buf remark = BUF(CLI_OUTPUT_MAX);
    int64_t ms = step_duration_ms(s, clock_wall_ms());
    add_step_remark(&remark, s);
    buf_addf(b, "%s%s%s ", tone_on(p->colors, look.tone), look.symbol, tone_off(p->colors));
    screen_add(b, s->key.step_id, LINE_WIDTH, false);
    buf_addf(b, " %s", step_status_name(s->status));
    if (ms >= 0 && step_status_is_final(s->status)) {
        buf_add_c(b, " in ");
        clock_add_duration(b, ms);
    }
    if (remark.n) {
        buf_add_c(b, ": ");
        screen_add(b, buf_str(&remark), LINE_WIDTH, false);
    }
    buf_add_byte(b, '\n');
}

static void add_title(struct progress *p, struct buf *b)
{
    buf_addf(b, "%.*s: run %lld (%.*s)\n", STR_ARG(p->run.workflow), (long long)p->run_id,
             STR_ARG(p->run.trigger_type));
}

static void add_turn_line(struct progress *p, struct buf *b)
{
    str turn = progress_turn(p);
    if (!turn.n || (p->told && str_is(turn, p->told)))
        return;
    free(p->told);
    p->told = str_dup(turn);
    buf_addf(b, "? run %lld ", (long long)p->run_id);
    screen_add(b, turn, LINE_WIDTH, false);
    buf_add_byte(b, '\n');
}

/* Steps that changed since they were told of. */
static void add_changes(struct progress *p, struct buf *b)
{
    while (p->seen.n < p->step_count)
        vec_push(&p->seen, (struct seen_step){STEP_PENDING, 1});
    for (size_t i = 0; i < p->step_count; i++) {
        const struct store_step *s = &p->steps[i];
        struct seen_step *seen = &p->seen.at[i];
        if (seen->status == s->status && seen->try == s->key.try)
            continue;
        *seen = (struct seen_step){s->status, s->key.try};
        if (step_is_shown(s) && (s->status == STEP_RUNNING || s->status == STEP_WAITING ||
                                 step_status_is_final(s->status)))
            add_step_line(p, b, s);
    }
}

void lines_update(struct progress *p)
{
    auto_buf b = BUF(CLI_OUTPUT_MAX);
    if (!p->loaded)
        return;
    if (!p->done)
        add_title(p, &b);
    p->done = true;
    add_turn_line(p, &b);
    add_changes(p, &b);
    progress_write(p, &b);
}

/* ---- events ---- */

struct batch {
    struct progress *progress;
    struct buf out;
    size_t n;
};

/* One more event is in it. Lines can be long, and many. */
static void count_event(struct batch *b)
{
    b->n++;
    if (b->out.n < BYTES_AT_ONCE)
        return;
    progress_write(b->progress, &b->out);
    buf_reset(&b->out);
}

static void read_events(struct progress *p, store_read_event_fn *fn)
{
    auto_err e = ERR_INIT;
    for (;;) {
        struct batch b = {.progress = p, .out = BUF(CLI_OUTPUT_MAX)};
        bool ok =
            store_read_events(p->reader, p->run_id, p->seq, EVENTS_AT_ONCE, fn, &b, &p->seq, &e);
        progress_write(p, &b.out);
        buf_done(&b.out);
        if (!ok || b.n < EVENTS_AT_ONCE)
            return;
    }
}

static bool put_event(void *ctx, const struct event *e)
{
    struct batch *b = ctx;
    event_add_json(&b->out, e);
    buf_add_byte(&b->out, '\n');
    count_event(b);
    return true;
}

void lines_events(struct progress *p)
{
    read_events(p, put_event);
}

/* The row may be older than the event, or already of the next try: then the event says it. */
static void add_ended_step(struct progress *p, struct buf *b, const struct store_step *row,
                           const struct event *e)
{
    json_t *data = json_loadb(e->data.p, e->data.n, JSON_ALLOW_NUL, NULL);
    json_t *code = json_object_get(data, "exit_code");
    struct store_step s = *row;
    enum step_status status = STEP_SKIPPED;
    if (step_status_parse(json_get_text(data, "status"), &status) && status != row->status) {
        s = (struct store_step){.key = row->key, .status = status, .outcome = OUTCOME_FAILED};
        s.has_exit_code = json_is_integer(code);
        s.exit_code = json_integer_value(code);
    }
    add_step_line(p, b, &s);
    json_decref(data);
}

static void add_output(struct batch *b, const struct event *e)
{
    struct progress *p = b->progress;
    size_t before = b->out.n;
    buf_add_c(&b->out, tone_on(p->colors, TONE_FAINT));
    buf_add_str(&b->out, e->step_id);
    buf_add_c(&b->out, " |");
    buf_add_c(&b->out, tone_off(p->colors));
    buf_add_byte(&b->out, ' ');
    if (log_text_add(&b->out, &p->commands, e->line->stream, e->line->text, p->colors))
        buf_add_byte(&b->out, '\n');
    else
        buf_cut(&b->out, before, b->out.n - before); /* it shows nothing */
}

static void add_turn(struct batch *b, const struct event *e)
{
    json_t *data = json_loadb(e->data.p, e->data.n, 0, NULL);
    buf_addf(&b->out, "* %.*s turn %lld of %lld\n", STR_ARG(e->step_id),
             (long long)json_integer_value(json_object_get(data, "turn")),
             (long long)json_integer_value(json_object_get(data, "max_turns")));
    json_decref(data);
}

static void add_held(struct batch *b, const struct event *e)
{
    json_t *data = json_loadb(e->data.p, e->data.n, JSON_ALLOW_NUL, NULL);
    buf_addf(&b->out, "? %.*s %.*s\n", STR_ARG(e->step_id), STR_ARG(json_get_text(data, "text")));
    json_decref(data);
}

static bool follow_event(void *ctx, const struct event *e)
{
    struct batch *b = ctx;
    struct progress *p = b->progress;
    count_event(b);
    if (e->type == EVENT_STEP_OUTPUT)
        add_output(b, e);
    else if (e->type == EVENT_AGENT_TURN)
        add_turn(b, e);
    else if (e->type == EVENT_STEP_HELD)
        add_held(b, e);
    if (e->type != EVENT_STEP_STARTED && e->type != EVENT_STEP_COMPLETED &&
        e->type != EVENT_STEP_SKIPPED)
        return true;
    const struct store_step *s = map_get(&p->index, e->step_id);
    if (!s || !step_is_shown(s))
        return true;
    if (e->type == EVENT_STEP_STARTED)
        buf_addf(&b->out, "* %.*s running\n", STR_ARG(e->step_id));
    else
        add_ended_step(p, &b->out, s, e);
    return true;
}

void lines_follow(struct progress *p)
{
    auto_buf b = BUF(CLI_OUTPUT_MAX);
    if (p->loaded) {
        if (!p->done)
            add_title(p, &b);
        p->done = true;
        add_turn_line(p, &b);
        progress_write(p, &b);
    }
    read_events(p, follow_event);
}

/* ---- what an agent says ---- */

static void end_line(struct batch *b)
{
    if (b->progress->line_is_open)
        buf_add_byte(&b->out, '\n');
    b->progress->line_is_open = false;
}

static void add_token(struct batch *b, str text)
{
    size_t before = b->out.n;
    prompt_add_shown(&b->out, text);
    if (b->out.n > before)
        b->progress->line_is_open = b->out.p[b->out.n - 1] != '\n';
}

/* Lines of the agent itself stand alone; those of its tools' steps after their names. Its words are
 * there already, as they came. */
static void add_spoken_line(struct batch *b, const struct event *e)
{
    bool own = str_find_byte(e->step_id, '.', 0) == SIZE_MAX;
    if (own && e->line->stream == LOG_TOKEN)
        return;
    end_line(b);
    if (!own)
        buf_addf(&b->out, "%.*s | ", STR_ARG(e->step_id));
    screen_add(&b->out, e->line->text, LINE_WIDTH, false);
    buf_add_byte(&b->out, '\n');
}

static bool speech_event(void *ctx, const struct event *e)
{
    struct batch *b = ctx;
    bool own = str_find_byte(e->step_id, '.', 0) == SIZE_MAX;
    count_event(b);
    if (e->type == EVENT_STEP_OUTPUT)
        add_spoken_line(b, e);
    if (e->type != EVENT_LLM_TOKEN && e->type != EVENT_AGENT_TURN)
        return true;
    json_t *data = json_loadb(e->data.p, e->data.n, JSON_ALLOW_NUL, NULL);
    if (e->type == EVENT_LLM_TOKEN && own) {
        add_token(b, json_get_text(data, "token"));
    } else if (e->type == EVENT_AGENT_TURN) {
        end_line(b);
        add_turn(b, e);
    }
    json_decref(data);
    return true;
}

void lines_speech(struct progress *p)
{
    if (!p->cli->json)
        read_events(p, speech_event);
}

/* ---- the end ---- */

struct tail {
    struct buf *out;
    bool colors;
};

static bool add_tail_line(void *ctx, const struct log_line *line)
{
    struct tail *t = ctx;
    buf_add_c(t->out, "    ");
    screen_add(t->out, line->text, LINE_WIDTH, t->colors);
    buf_add_byte(t->out, '\n');
    return true;
}

static bool is_failure(const struct store_step *s)
{
    return s->conclusion == CONCLUSION_FAILED && step_is_shown(s) && s->type != STEP_TYPE_ACTION &&
           s->reason.code != REASON_JUDGED_BY_CODE;
}

static void add_failures(struct progress *p, struct buf *b)
{
    size_t shown = 0, failed = 0;
    for (size_t i = 0; i < p->step_count; i++) {
        const struct store_step *s = &p->steps[i];
        auto_err e = ERR_INIT;
        struct tail t = {b, p->colors};
        bool bad = is_failure(s) || (step_is_shown(s) && step_was_cut_off(&p->run, s));
        if (!bad || ++failed > FAILURES_SHOWN_MAX)
            continue;
        shown++;
        buf_add_byte(b, '\n');
        add_step_line(p, b, s);
        add_step_hint(b, s);
        if (p->mode != PROGRESS_FOLLOW &&
            !store_read_log_tail(p->reader, &s->key, TAIL_LINES, add_tail_line, &t, &e))
            buf_addf(b, "    (its log cannot be read: %.*s)\n", STR_ARG(e.message));
    }
    if (failed > shown)
        buf_addf(b, "\nand %zu more failed steps\n", failed - shown);
}

static void add_run_error(struct progress *p, struct buf *b)
{
    json_t *error = json_loadb(p->run.error.p, p->run.error.n, JSON_ALLOW_NUL, NULL);
    json_t *at = json_object_get(error, "at");
    if (error && p->run.error_message.n) {
        buf_add_byte(b, '\n');
        if (json_is_object(at))
            buf_addf(b, "%.*s:%lld:%lld: ", STR_ARG(json_get_text(at, "path")),
                     (long long)json_integer_value(json_object_get(at, "line")),
                     (long long)json_integer_value(json_object_get(at, "column")));
        buf_addf(b, "%serror:%s ", tone_on(p->colors, TONE_BAD), tone_off(p->colors));
        screen_add(b, p->run.error_message, LINE_WIDTH, false);
        buf_add_byte(b, '\n');
        str hint = json_get_text(error, "hint");
        if (hint.n)
            buf_addf(b, "  hint: %.*s\n", STR_ARG(hint));
    }
    json_decref(error);
}

void lines_summary(struct progress *p, struct buf *b)
{
    const struct store_run *r = &p->run;
    enum tone tone = r->status == RUN_SUCCESS ? TONE_GOOD : TONE_BAD;
    add_failures(p, b);
    if (r->status != RUN_CANCELLED)
        add_run_error(p, b);
    buf_addf(b, "\n%srun %lld %s%s", tone_on(p->colors, tone), (long long)p->run_id,
             run_status_name(r->status), tone_off(p->colors));
    if (r->started_at && r->completed_at) {
        buf_add_c(b, " in ");
        clock_add_duration(b, r->completed_at - r->started_at);
    }
    if ((r->status == RUN_FAILED && r->reason.code != REASON_NONE) ||
        r->reason.code == REASON_SUPERSEDED)
        buf_addf(b, ": %.*s", STR_ARG(r->reason.text));
    buf_add_byte(b, '\n');
    if (r->outputs.n && !str_eq(r->outputs, STR("{}")))
        buf_addf(b, "outputs: %.*s\n", STR_ARG(r->outputs));
    if (!r->started_at)
        buf_addf(b, "see more: plue why %lld\n", (long long)p->run_id);
    else if (r->status == RUN_FAILED)
        buf_addf(b, "see more: plue run view %lld --log-failed\n", (long long)p->run_id);
    else
        buf_addf(b, "see more: plue run view %lld --log\n", (long long)p->run_id);
}
