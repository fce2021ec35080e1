/* The list that is redrawn in place. It never has more lines than the terminal: what is left out is
 * counted, and what matters now (running, failed, just ended) is left out last. */
#include "cli/progress_int.h"

enum {
    NAME_COLUMN_MAX = 40,
    DURATION_COLUMN = 8,
    LINES_AROUND = 4,
    LINES_OF_HELD = 2,
    FRAME_MAX = 4 << 20
};

static const char *const spinner[] = {"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"};
enum { SPINNER_COUNT = sizeof spinner / sizeof *spinner, SPINNER_MS = 100 };

static const char *spin(const struct progress *p)
{
    return spinner[(clock_mono_ms() - p->began_mono) / SPINNER_MS % SPINNER_COUNT];
}

/* The smaller, the sooner it is shown. */
static int importance(const struct store_step *s)
{
    switch (s->status) {
    case STEP_RUNNING:
    case STEP_WAITING:
        return 0;
    case STEP_FAILED:
        return 1;
    case STEP_CANCELLED:
        return 2;
    case STEP_SUCCESS:
    case STEP_CACHED:
        return 3;
    case STEP_READY:
        return 4;
    case STEP_PENDING:
        return 5;
    default:
        return 6;
    }
}

/* Marks at most `room` steps: by importance; finished ones from the newest back. */
static void choose(const struct progress *p, bool *shown, size_t room)
{
    for (int level = 0; level <= 6 && room; level++) {
        bool backwards = level == 3 || level == 1;
        for (size_t k = 0; k < p->step_count && room; k++) {
            size_t i = backwards ? p->step_count - 1 - k : k;
            if (step_is_shown(&p->steps[i]) && importance(&p->steps[i]) == level) {
                shown[i] = true;
                room--;
            }
        }
    }
}

struct counts {
    size_t all, done, failed, running, waiting, skipped;
};

static struct counts count(const struct progress *p)
{
    struct counts n = {0};
    for (size_t i = 0; i < p->step_count; i++) {
        const struct store_step *s = &p->steps[i];
        if (!step_is_shown(s))
            continue;
        n.all++;
        n.done += step_status_is_final(s->status);
        n.failed += s->status == STEP_FAILED;
        n.skipped += s->status == STEP_SKIPPED;
        n.running += s->status == STEP_RUNNING;
        n.waiting += s->status == STEP_PENDING || s->status == STEP_READY;
    }
    return n;
}

static void end_line(struct progress *p, struct buf *b)
{
    buf_add_c(b, "\x1b[K\n");
    p->drawn++;
}

static void add_header(struct progress *p, struct buf *b, const struct counts *n, size_t width)
{
    auto_buf text = BUF(FRAME_MAX);
    bool final = p->loaded && run_status_is_final(p->run.status);
    int64_t from = p->loaded && p->run.created_at ? p->run.created_at : p->began_wall;
    int64_t to = final && p->run.completed_at ? p->run.completed_at : clock_wall_ms();
    if (p->loaded)
        buf_addf(&text, "%.*s  run %lld  %s  ", STR_ARG(p->run.workflow), (long long)p->run_id,
                 run_status_name(p->run.status));
    else
        buf_add_c(&text, "starting  ");
    clock_add_duration(&text, from && to > from ? to - from : 0);
    if (n->all)
        buf_addf(&text, "  %zu/%zu steps", n->done, n->all);
    if (n->failed)
        buf_addf(&text, ", %zu failed", n->failed);
    buf_add_c(b, tone_on(p->colors, TONE_STRONG));
    buf_addf(b, "%s ", final ? p->run.status == RUN_SUCCESS ? "✓" : "✗" : spin(p));
    screen_add(b, buf_str(&text), width - 3, false);
    buf_add_c(b, tone_off(p->colors));
    end_line(p, b);
}

static bool keep_line(void *ctx, const struct log_line *line)
{
    struct buf *b = ctx;
    buf_reset(b);
    buf_add_str(b, line->text);
    return true;
}

static void add_last_line(struct progress *p, struct buf *b, const struct store_step *s)
{
    auto_err e = ERR_INIT;
    if (p->reader && !store_read_log_tail(p->reader, &s->key, 1, keep_line, b, &e))
        buf_reset(b);
}

static void add_step(struct progress *p, struct buf *b, const struct store_step *s, size_t column,
                     size_t width)
{
    struct step_look look = step_look_of(s);
    auto_buf remark = BUF(FRAME_MAX), duration = BUF(64);
    int64_t ms = step_duration_ms(s, clock_wall_ms());
    if (ms >= 0)
        clock_add_duration(&duration, ms);
    bool running = s->status == STEP_RUNNING;
    if (running)
        add_last_line(p, &remark, s);
    else
        add_step_remark(&remark, s);
    buf_addf(b, "  %s%s%s ", tone_on(p->colors, look.tone), running ? spin(p) : look.symbol,
             tone_off(p->colors));
    size_t used = screen_add_id(b, s->key.step_id, column);
    buf_add_repeat(b, ' ', column - used + 1);
    buf_addf(b, "%*s  ", DURATION_COLUMN, buf_c(&duration));
    size_t before = 4 + column + 1 + DURATION_COLUMN + 2;
    buf_add_c(b, tone_on(p->colors, s->status == STEP_FAILED ? TONE_BAD : TONE_FAINT));
    if (before + 1 < width)
        screen_add(b, buf_str(&remark), width - before - 1, false);
    buf_add_c(b, tone_off(p->colors));
    end_line(p, b);
}

/* What waits for a person: a step that is held, or else one that asks for an approval. */
static const struct store_step *find_held(const struct progress *p)
{
    const struct store_step *asks = NULL;
    for (size_t i = 0; i < p->step_count; i++) {
        const struct store_step *s = &p->steps[i];
        if (s->status == STEP_WAITING && s->reason.code != REASON_WAITING_FOR_APPROVAL)
            return s;
        if (s->status == STEP_WAITING && !asks)
            asks = s;
    }
    return asks;
}

/* What to type elsewhere, whole, where the step's line has no room for it. */
static void add_held(struct progress *p, struct buf *b, size_t width)
{
    static const char *const words[][2] = {
        {"look", "attach"}, {"go on", "continue"}, {"decide", "approve"}};
    const struct store_step *s = find_held(p);
    bool asks = s && s->reason.code == REASON_WAITING_FOR_APPROVAL;
    size_t first = asks ? LINES_OF_HELD : 0, end = asks ? LINES_OF_HELD + 1 : LINES_OF_HELD;
    for (size_t i = first; s && i < end; i++) {
        auto_buf text = BUF(FRAME_MAX);
        buf_addf(&text, "  %-6s in another terminal: plue run %s %lld %.*s", words[i][0],
                 words[i][1], (long long)p->run_id, STR_ARG(s->key.step_id));
        screen_add(b, buf_str(&text), width - 1, false);
        end_line(p, b);
    }
}

static void add_steps(struct progress *p, struct buf *b, const struct counts *n,
                      struct screen_size size)
{
    size_t around = LINES_AROUND + (find_held(p) ? LINES_OF_HELD : 0);
    size_t room = size.height > around ? size.height - around : 1, column = 8;
    auto_free bool *shown = mem_zalloc(p->step_count + 1);
    choose(p, shown, room);
    for (size_t i = 0; i < p->step_count; i++)
        if (step_is_shown(&p->steps[i]) && p->steps[i].key.step_id.n > column)
            column = p->steps[i].key.step_id.n;
    if (column > NAME_COLUMN_MAX)
        column = NAME_COLUMN_MAX;
    if (column > size.width * 2 / 5)
        column = size.width * 2 / 5;
    for (size_t i = 0; i < p->step_count; i++)
        if (shown[i])
            add_step(p, b, &p->steps[i], column, size.width);
    if (n->all > room) {
        auto_buf text = BUF(FRAME_MAX);
        buf_addf(&text, "    and %zu more; in all %zu done, %zu running, %zu waiting, %zu skipped",
                 n->all - room, n->done - n->skipped, n->running, n->waiting, n->skipped);
        buf_add_c(b, tone_on(p->colors, TONE_FAINT));
        screen_add(b, buf_str(&text), size.width - 1, false);
        buf_add_c(b, tone_off(p->colors));
        end_line(p, b);
    }
}

static void add_notice(struct progress *p, struct buf *b, size_t width)
{
    auto_buf text = BUF(FRAME_MAX);
    str turn = progress_turn(p);
    if (turn.n)
        buf_addf(&text, "  %.*s", STR_ARG(turn));
    else if (p->said)
        buf_addf(&text, "  %s", p->said);
    else if (p->to_copy && p->copied < p->to_copy)
        buf_addf(&text, "  copying the working tree: %zu of %zu files", p->copied, p->to_copy);
    else
        return;
    screen_add(b, buf_str(&text), width - 1, false);
    end_line(p, b);
}

void live_draw(struct progress *p, bool last)
{
    auto_buf b = BUF(FRAME_MAX);
    struct screen_size size = screen_size_of(p->fd);
    struct counts n = count(p);
    bool resized = p->drawn && (size.width != p->width || size.height != p->height);
    p->width = size.width;
    p->height = size.height;
    if (resized) /* nobody knows how the terminal has broken the old lines */
        buf_add_c(&b, "\x1b[H\x1b[J");
    else if (p->drawn)
        buf_addf(&b, "\x1b[%zuA\r", p->drawn);
    else
        buf_add_c(&b, "\x1b[?25l");
    p->drawn = 0;
    add_header(p, &b, &n, size.width);
    add_steps(p, &b, &n, size);
    if (!last) {
        add_held(p, &b, size.width);
        add_notice(p, &b, size.width);
    }
    buf_add_c(&b, "\x1b[J"); /* what the last frame had below */
    if (last)
        buf_add_c(&b, "\x1b[?25h");
    progress_write(p, &b);
    if (last)
        p->drawing = false;
}
