/* plue run view: a run and its steps, or its logs. */
#include "cli/commands.h"
#include "cli/data.h"
#include "cli/progress_int.h"
#include "cli/shapes.h"
#include "json/json.h"

enum {
    FLUSH_BYTES = 1 << 20,
    LINES_AT_ONCE = 10 * 1000,
    LINE_WIDTH = 1 << 20,
    ID_COLUMN = 24,
    ID_COLUMN_MAX = 48
};

struct view {
    struct cli *cli;
    struct data data;
    int64_t id;
    struct arena arena;
    struct store_run run;
    struct store_step *steps;
    size_t step_count;
    struct shape_kept kept;
    struct buf out;
    struct json_writer writer;
    size_t id_column; /* of the summary */
    str step;         /* whose lines are printed now */
    bool prefix;
    str search;      /* only lines with this text; empty: all */
    int64_t attempt; /* 0: the lines of each step's last run; -1: all */
    int64_t passing; /* attempt whose events are read */
    struct log_commands commands;
    int64_t seq; /* of the last line or event */
    size_t n;    /* in this round */
};

static void view_done(struct view *v)
{
    data_done(&v->data);
    arena_done(&v->arena);
    buf_done(&v->out);
}

static bool load(struct view *v, struct err *err)
{
    return data_find_run(v->cli, DATA_LOOK, &v->data, &v->id, err) &&
           store_load_run(v->data.reader, v->id, &v->arena, &v->run, err) &&
           store_load_steps(v->data.reader, v->id, v->attempt > 0 ? v->attempt : STORE_LAST,
                            STORE_STEPS_RESULTS, &v->arena, &v->steps, &v->step_count, err) &&
           shape_load_kept(v->data.reader, &v->run, &v->arena, &v->kept, err);
}

/* ---- logs ---- */

static void flush(struct view *v, bool now)
{
    if (!now && v->out.n < FLUSH_BYTES)
        return;
    cli_out(v->cli, buf_str(&v->out));
    buf_reset(&v->out);
}

/* Letters in the search text that are lower case match both cases. */
static bool has_text(str line, str text)
{
    for (size_t i = 0; i + text.n <= line.n; i++) {
        size_t k = 0;
        while (k < text.n) {
            char l = line.p[i + k], t = text.p[k];
            bool same = l == t || (t >= 'a' && t <= 'z' && l == t - 'a' + 'A');
            if (!same)
                break;
            k++;
        }
        if (k == text.n)
            return true;
    }
    return false;
}

static void put_line(struct view *v, const struct log_line *line, str step)
{
    auto_buf text = BUF(CLI_OUTPUT_MAX);
    v->seq = line->seq;
    v->n++;
    if (v->search.n && !has_text(line->text, v->search))
        return;
    if (v->cli->json) {
        shape_put_line(&v->writer, line, step);
    } else if (log_text_add(&text, &v->commands, line->stream, line->text, v->cli->color)) {
        if (v->prefix)
            buf_addf(&v->out, "%s%.*s |%s ", tone_on(v->cli->color, TONE_FAINT), STR_ARG(step),
                     tone_off(v->cli->color));
        buf_add_str(&v->out, buf_str(&text));
        buf_add_byte(&v->out, '\n');
    }
    flush(v, false);
}

static bool on_line(void *ctx, const struct log_line *line)
{
    struct view *v = ctx;
    put_line(v, line, v->step);
    return true;
}

static int64_t attempt_of(const struct event *started)
{
    json_t *data = json_loadb(started->data.p, started->data.n, 0, NULL);
    int64_t attempt = json_integer_value(json_object_get(data, "attempt"));
    json_decref(data);
    return attempt;
}

/* A step that an attempt kept has its lines among an earlier one's. */
static bool is_wanted(const struct view *v, str step)
{
    if (v->attempt < 0)
        return true;
    for (size_t i = 0; i < v->step_count; i++) {
        const struct store_step *s = &v->steps[i];
        if (str_eq(s->key.step_id, step))
            return v->passing == (s->kept_from ? s->kept_from : s->key.attempt);
    }
    return false;
}

static bool on_event(void *ctx, const struct event *e)
{
    struct view *v = ctx;
    v->n++;
    v->seq = e->seq;
    if (e->type == EVENT_RUN_STARTED)
        v->passing = attempt_of(e);
    if (e->type != EVENT_STEP_OUTPUT || !is_wanted(v, e->step_id))
        return true;
    put_line(v, e->line, e->step_id);
    v->n--;
    return true;
}

/* Lines of all steps, in the order in which they came. */
static bool add_all_lines(struct view *v, struct err *err)
{
    do {
        v->n = 0;
        if (!store_read_events(v->data.reader, v->id, v->seq, LINES_AT_ONCE, on_event, v, NULL,
                               err))
            return false;
    } while (v->n == LINES_AT_ONCE);
    return true;
}

static bool add_step_lines(struct view *v, str step, struct err *err)
{
    struct store_step_key key = {
        .run_id = v->id, .step_id = step, .attempt = v->attempt > 0 ? v->attempt : STORE_LAST};
    v->commands = (struct log_commands){0};
    v->step = step;
    v->seq = 0;
    do {
        v->n = 0;
        if (!store_read_log(v->data.reader, &key, v->seq, LINES_AT_ONCE, on_line, v, err))
            return false;
    } while (v->n == LINES_AT_ONCE);
    return true;
}

static bool add_failed_lines(struct view *v, struct err *err)
{
    for (size_t i = 0; i < v->step_count; i++) {
        const struct store_step *s = &v->steps[i];
        bool failed = s->outcome == OUTCOME_FAILED || s->outcome == OUTCOME_TIMED_OUT;
        failed |= step_was_cut_off(&v->run, s);
        if (failed && step_is_shown(s) && !add_step_lines(v, s->key.step_id, err))
            return false;
    }
    return true;
}

static bool check_step(struct view *v, const char *id, struct err *err)
{
    VEC(str) ids = {0};
    bool known = false;
    for (size_t i = 0; i < v->step_count; i++) {
        known |= str_is(v->steps[i].key.step_id, id);
        vec_push(&ids, v->steps[i].key.step_id);
    }
    if (!known) {
        long near = ids.n ? str_nearest(str_of(id), ids.at, ids.n) : -1;
        err_set(err, "step_unknown", "run %lld has no step '%s'", (long long)v->id, id);
        if (near >= 0)
            err_hint(err, "did you mean '%.*s'?", STR_ARG(ids.at[near]));
        else
            err_hint(err, "`plue run view %lld` shows its steps", (long long)v->id);
    }
    vec_done(&ids);
    return known;
}

static bool print_logs(struct view *v, struct err *err)
{
    const char *step = cli_value(v->cli, "step");
    bool ok;
    if (step && !check_step(v, step, err))
        return false;
    v->prefix = !step;
    if (v->cli->json) {
        json_begin_object(&v->writer);
        json_key_c(&v->writer, "lines");
        json_begin_array(&v->writer);
    }
    if (step)
        ok = add_step_lines(v, str_of(step), err);
    else if (cli_has(v->cli, "log-failed"))
        ok = add_failed_lines(v, err);
    else
        ok = add_all_lines(v, err);
    if (ok && v->cli->json) {
        json_end_array(&v->writer);
        json_end_object(&v->writer);
        buf_add_byte(&v->out, '\n');
    }
    if (ok)
        flush(v, true);
    return ok;
}

/* ---- summary ---- */

static void add_field(struct buf *b, const char *name, str value)
{
    if (!value.n)
        return;
    buf_addf(b, "  %-10s ", name);
    screen_add(b, value, LINE_WIDTH, false);
    buf_add_byte(b, '\n');
}

static void add_head(struct view *v)
{
    const struct store_run *r = &v->run;
    struct buf *b = &v->out;
    auto_buf time = BUF(64);
    enum tone tone = r->status == RUN_SUCCESS  ? TONE_GOOD
                     : r->status == RUN_FAILED ? TONE_BAD
                                               : TONE_BUSY;
    buf_addf(b, "run %lld of %.*s: %s%s%s", (long long)r->id, STR_ARG(r->workflow),
             tone_on(v->cli->color, tone), run_status_name(r->status), tone_off(v->cli->color));
    if (r->started_at && r->completed_at) {
        buf_add_c(b, " in ");
        clock_add_duration(b, r->completed_at - r->started_at);
    }
    buf_add_byte(b, '\n');
    clock_add_rfc3339(&time, r->created_at);
    add_field(b, "created", buf_str(&time));
    add_field(b, "event", r->trigger_type);
    add_field(b, "branch", r->branch);
    add_field(b, "commit", r->sha);
    if (!str_eq(r->inputs, STR("{}")))
        add_field(b, "inputs", r->inputs);
    if (r->status != RUN_SUCCESS)
        add_field(b, "reason", r->reason.text);
    if (!str_eq(r->error_message, r->reason.text))
        add_field(b, "error", r->error_message);
    if (!str_eq(r->outputs, STR("{}")))
        add_field(b, "outputs", r->outputs);
}

static void add_step_row(struct view *v, const struct store_step *s)
{
    struct step_look look = step_look_of(s);
    auto_buf remark = BUF(CLI_OUTPUT_MAX), duration = BUF(64);
    struct buf *b = &v->out;
    int64_t ms = step_duration_ms(s, clock_wall_ms());
    if (ms >= 0)
        clock_add_duration(&duration, ms);
    add_step_remark(&remark, s);
    buf_addf(b, "  %s%s%s ", tone_on(v->cli->color, look.tone), look.symbol,
             tone_off(v->cli->color));
    size_t used = screen_add(b, s->key.step_id, LINE_WIDTH, false);
    buf_add_repeat(b, ' ', used < v->id_column ? v->id_column - used : 1);
    buf_addf(b, " %-10s %8s  ", step_status_name(s->status), buf_c(&duration));
    screen_add(b, buf_str(&remark), LINE_WIDTH, false);
    while (b->n && b->p[b->n - 1] == ' ')
        buf_cut(b, b->n - 1, 1);
    buf_add_byte(b, '\n');
    add_step_hint(b, s);
}

static void add_origin(struct view *v)
{
    json_t *origin = json_loadb(v->run.origin.p, v->run.origin.n, 0, NULL);
    auto_buf text = BUF(1 << 16);
    if (origin) {
        buf_addf(&text, "imported: run %lld of ",
                 (long long)json_integer_value(json_object_get(origin, "run")));
        screen_add(&text, json_get_text(origin, "repository"), LINE_WIDTH, false);
        add_field(&v->out, "origin", buf_str(&text));
    }
    json_decref(origin);
}

/* Whose files the run had, where that is not what its event says. */
static void add_source(struct view *v)
{
    json_t *kept = json_loadb(v->run.plan.p, v->run.plan.n, 0, NULL);
    str commit = json_get_text(kept, "commit");
    if (commit.n)
        add_field(&v->out, "files", commit);
    json_decref(kept);
    add_origin(v);
}

static void add_kept(struct view *v)
{
    const struct shape_kept *k = &v->kept;
    struct buf *b = &v->out;
    for (size_t i = 0; i < k->artifact_count; i++) {
        const struct store_artifact *a = &k->artifacts[i];
        buf_add_c(b, i ? "" : "\nartifacts\n");
        buf_add_c(b, "  ");
        screen_add(b, a->name, LINE_WIDTH, false);
        buf_addf(b, ": %lld %s, %lld bytes\n", (long long)a->files,
                 a->files == 1 ? "file" : "files", (long long)a->bytes);
    }
    for (size_t i = 0; i < k->approval_count; i++) {
        const struct store_approval *a = &k->approvals[i];
        buf_add_c(b, i ? "" : "\napprovals\n");
        buf_add_c(b, "  ");
        screen_add(b, a->name, LINE_WIDTH, false);
        buf_addf(b, ": %.*s%s%.*s", STR_ARG(a->decision.n ? a->decision : STR("waits")),
                 a->actor.n ? " by " : "", STR_ARG(a->actor));
        if (a->comment.n) {
            buf_add_c(b, ": ");
            screen_add(b, a->comment, LINE_WIDTH, false);
        }
        buf_add_byte(b, '\n');
    }
}

/* "review-comment src/a.c:3", and the text below it. */
static void add_comment(struct buf *b, const json_t *call)
{
    str path = json_get_text(call, "path"), body = json_get_text(call, "body"), line;
    buf_addf(b, "  %.*s", STR_ARG(json_get_text(call, "op")));
    if (path.n) {
        buf_add_byte(b, ' ');
        screen_add(b, path, LINE_WIDTH, false);
        buf_addf(b, ":%lld", (long long)json_integer_value(json_object_get(call, "line")));
    }
    buf_add_byte(b, '\n');
    while (str_next(&body, '\n', &line)) {
        buf_add_c(b, "    ");
        screen_add(b, line, LINE_WIDTH, false);
        buf_add_byte(b, '\n');
    }
}

static void add_comments(struct view *v)
{
    bool any = false;
    for (size_t i = 0; i < v->step_count; i++) {
        const struct store_step *s = &v->steps[i];
        if (s->type != STEP_TYPE_COMMENT || s->outcome != OUTCOME_RECORDED)
            continue;
        json_t *call = json_loadb(s->output.p, s->output.n, JSON_ALLOW_NUL, NULL);
        buf_add_c(&v->out, any ? "" : "\nrecorded, not sent: no forge is configured\n");
        any = true;
        add_comment(&v->out, call);
        json_decref(call);
    }
}

/* As the steps wrote them: Markdown, read as text. */
static void add_summaries(struct view *v)
{
    for (size_t i = 0; i < v->step_count; i++) {
        str text, line;
        if (!shape_read_summary(&v->steps[i], &v->arena, &text))
            continue;
        buf_add_c(&v->out, "\nsummary of ");
        screen_add(&v->out, v->steps[i].key.step_id, LINE_WIDTH, false);
        buf_add_byte(&v->out, '\n');
        while (str_next(&text, '\n', &line)) {
            buf_add_c(&v->out, line.n ? "  " : "");
            screen_add(&v->out, line, LINE_WIDTH, false);
            buf_add_byte(&v->out, '\n');
        }
    }
}

static void print_summary(struct view *v)
{
    if (v->cli->json) {
        shape_put_run(&v->writer, &v->run, v->steps, v->step_count, &v->kept);
        buf_add_byte(&v->out, '\n');
        flush(v, true);
        return;
    }
    add_head(v);
    add_source(v);
    buf_add_byte(&v->out, '\n');
    v->id_column = ID_COLUMN;
    for (size_t i = 0; i < v->step_count; i++) {
        size_t n = v->steps[i].key.step_id.n;
        if (step_is_shown(&v->steps[i]) && n > v->id_column && n <= ID_COLUMN_MAX)
            v->id_column = n;
    }
    for (size_t i = 0; i < v->step_count; i++)
        if (step_is_shown(&v->steps[i]))
            add_step_row(v, &v->steps[i]);
    add_summaries(v);
    add_kept(v);
    add_comments(v);
    buf_addf(&v->out, "\nits logs: plue run view %lld %s\n", (long long)v->id,
             v->run.status == RUN_FAILED ? "--log-failed" : "--log");
    flush(v, true);
}

static bool read_attempt(struct view *v, struct err *err)
{
    const char *given = cli_value(v->cli, "attempt");
    v->passing = 1;
    if (given && strcmp(given, "all") == 0) {
        v->attempt = -1;
        return true;
    }
    return cli_number(v->cli, "attempt", 0, &v->attempt, err);
}

static bool check_attempt(const struct view *v, struct err *err)
{
    if (v->attempt <= v->run.attempt)
        return true;
    err_set(err, "attempt_unknown", "run %lld has no attempt %lld", (long long)v->id,
            (long long)v->attempt);
    err_hint(err, "its last one is %lld", (long long)v->run.attempt);
    return false;
}

static int run(struct cli *c)
{
    cleanup(view_done) struct view v = {.cli = c, .out = BUF(CLI_OUTPUT_MAX)};
    auto_err e = ERR_INIT;
    bool logs =
        cli_has(c, "log") || cli_has(c, "search") || cli_has(c, "log-failed") || cli_has(c, "step");
    v.writer = JSON_WRITER(&v.out, true);
    v.search = str_of(cli_value(c, "search"));
    if (!read_attempt(&v, &e) || !load(&v, &e) || !check_attempt(&v, &e) ||
        (logs && !print_logs(&v, &e)))
        return cli_fail(c, NULL, &e);
    if (!logs)
        print_summary(&v);
    return CLI_OK;
}

const struct command command_run_view = {
    .name = "run view",
    .args = "ID",
    .min = 1,
    .max = 1,
    .summary = "show a run, its steps, or their logs",
    .example = "plue run view 12\nplue run view 12 --log-failed\nplue run view 12 --step build",
    .options = (const struct cli_option[]){{"log", NULL, "print the logs of all steps, in order"},
                                           {"log-failed", NULL, "print the logs of failed steps"},
                                           {"step", "ID", "print the log of one step"},
                                           {"search", "TEXT",
                                            "only lines with this text; lower case matches both"},
                                           {"attempt", "N", "of an earlier attempt, or of all"},
                                           CLI_DATA_DIR_OPTION,
                                           {"json", NULL, "print JSON"},
                                           {0}},
    .run = run,
};
