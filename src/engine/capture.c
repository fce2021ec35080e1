#include "engine/capture.h"
#include "base/utf8.h"

enum { SCRATCH_MAX = 64 << 20 };

void capture_init(struct capture *c, enum log_stream stream, struct mask *mask,
                  struct log_commands *commands)
{
    *c = (struct capture){
        .stream = stream,
        .mask = mask,
        .commands = commands,
        .line = BUF(SCRATCH_MAX),
        .value = BUF(STORE_STEP_TEXT_MAX),
        .scratch = BUF(SCRATCH_MAX),
    };
}

void capture_done(struct capture *c)
{
    buf_done(&c->line);
    buf_done(&c->value);
    buf_done(&c->scratch);
    vec_done(&c->lines);
    mask_seam_done(&c->seam);
    mask_ranges_done(&c->secrets);
}

void capture_add_valid(struct buf *b, str text)
{
    while (text.n) {
        size_t bad = utf8_invalid_at(text);
        size_t nul = str_find_byte(text, '\0', 0);
        size_t stop = bad < nul ? bad : nul;
        if (stop == SIZE_MAX) {
            buf_add_str(b, text);
            return;
        }
        buf_add(b, text.p, stop);
        buf_add_c(b, "\xEF\xBF\xBD");
        text = str_sub(text, stop + 1, text.n);
    }
}

/* What the line tells the runner itself: true where the line is a secret, and stays unsaid. */
static bool obey(struct capture *c, str text)
{
    if (!c->commands)
        return false;
    struct log_command command = log_commands_read(c->commands, text);
    if (command.kind != LOG_COMMAND_ADD_MASK)
        return false;
    auto_buf secret = BUF(CAPTURE_LINE_MAX);
    log_command_add_message(&secret, &command);
    mask_add(c->mask, buf_str(&secret));
    if (c->hides)
        c->hides(c->hides_ctx, buf_str(&secret));
    return true;
}

/* A text that `stays` until lines are handed over is borrowed where nothing had to change. The
 * scratch may move while lines are added: offsets are turned into texts at the end. */
static void add_piece(struct capture *c, str text, bool stays, int64_t now_ms)
{
    auto_buf valid = BUF(SCRATCH_MAX);
    bool is_valid = utf8_invalid_at(text) == SIZE_MAX && !memchr(text.p, '\0', text.n);
    if (!is_valid) {
        capture_add_valid(&valid, text);
        text = buf_str(&valid);
    }
    mask_find(c->mask, &c->seam, text, &c->secrets);
    if (stays && is_valid && !c->secrets.list.n) {
        vec_push(&c->lines,
                 (struct log_line){.time_ms = now_ms, .stream = c->stream, .text = text});
        return;
    }
    size_t from = c->scratch.n;
    mask_hide(&c->secrets, text, &c->scratch);
    vec_push(&c->lines, (struct log_line){.seq = (int64_t)from + 1,
                                          .time_ms = now_ms,
                                          .stream = c->stream,
                                          .text = {NULL, c->scratch.n - from}});
}

static void add_line(struct capture *c, str text, int64_t now_ms)
{
    if (text.n && text.p[text.n - 1] == '\r')
        text.n--;
    if (obey(c, text))
        text = STR("::add-mask::***");
    add_piece(c, text, true, now_ms);
}

/* Where a pattern ends in whose middle the text would be cut; 0: nowhere. */
static size_t end_of_cut_secret(const struct capture *c, str text, size_t cut)
{
    for (size_t k = 0; k < c->mask->patterns.n; k++) {
        str pattern = c->mask->patterns.at[k].text;
        size_t at = str_find(text, pattern, cut >= pattern.n ? cut - pattern.n + 1 : 0);
        if (at < cut)
            return at + pattern.n;
    }
    return 0;
}

/* Offset up to which a long unfinished line may be cut: not inside of a secret, nor a character.
 * Secrets may overlap; a chain of them is followed as far as cut_unfinished keeps text for. */
static size_t cut_point(const struct capture *c, str text)
{
    size_t cut = CAPTURE_LINE_MAX, end;
    while (cut > CAPTURE_LINE_MAX - 4 && ((unsigned char)text.p[cut] & 0xC0) == 0x80)
        cut--;
    while (cut < CAPTURE_LINE_MAX + c->mask->longest && (end = end_of_cut_secret(c, text, cut)))
        cut = end;
    return cut < text.n ? cut : text.n;
}

static void cut_pieces(struct capture *c, str text, int64_t now_ms)
{
    while (text.n > CAPTURE_LINE_MAX) {
        size_t cut = cut_point(c, text);
        add_line(c, str_sub(text, 0, cut), now_ms);
        text = str_sub(text, cut, text.n);
    }
    add_line(c, text, now_ms);
}

/* Full pieces of an unfinished line; the longest secret that may still be growing stays. */
static void cut_unfinished(struct capture *c, int64_t now_ms)
{
    size_t keep = CAPTURE_LINE_MAX + 2 * c->mask->longest + 4;
    while (c->line.n > keep) {
        size_t cut = cut_point(c, buf_str(&c->line));
        add_piece(c, str_sub(buf_str(&c->line), 0, cut), false, now_ms);
        buf_cut(&c->line, 0, cut);
    }
}

static void hand_over(struct capture *c, capture_lines_fn *fn, void *ctx)
{
    for (size_t i = 0; i < c->lines.n; i++) {
        struct log_line *l = &c->lines.at[i];
        if (!l->text.p)
            l->text.p = c->scratch.p ? c->scratch.p + l->seq - 1 : "";
        l->seq = 0;
    }
    if (c->lines.n)
        fn(ctx, c->lines.at, c->lines.n);
    c->lines.n = 0;
    buf_reset(&c->scratch);
}

static void keep_value(struct capture *c, str chunk)
{
    size_t room = c->value.max - c->value.n;
    buf_add(&c->value, chunk.p, chunk.n < room ? chunk.n : room);
    c->value_cut |= chunk.n > room;
}

void capture_feed(struct capture *c, str chunk, int64_t now_ms, capture_lines_fn *fn, void *ctx)
{
    keep_value(c, chunk);
    size_t end;
    auto_buf first =
        BUF(SCRATCH_MAX); /* the line that earlier chunks began lives until hand-over */
    if (c->line.n && (end = str_find_byte(chunk, '\n', 0)) != SIZE_MAX) {
        buf_add_str(&first, buf_str(&c->line));
        buf_add(&first, chunk.p, end);
        buf_reset(&c->line);
        cut_pieces(c, buf_str(&first), now_ms);
        chunk = str_sub(chunk, end + 1, chunk.n);
    }
    while ((end = str_find_byte(chunk, '\n', 0)) != SIZE_MAX) {
        cut_pieces(c, str_sub(chunk, 0, end), now_ms);
        chunk = str_sub(chunk, end + 1, chunk.n);
    }
    buf_add_str(&c->line, chunk);
    cut_unfinished(c, now_ms);
    hand_over(c, fn, ctx);
}

void capture_finish(struct capture *c, int64_t now_ms, capture_lines_fn *fn, void *ctx)
{
    if (c->line.n)
        cut_pieces(c, buf_str(&c->line), now_ms);
    hand_over(c, fn, ctx);
    buf_reset(&c->line);
}

void capture_text(const struct capture *c, struct buf *ret)
{
    auto_buf valid = BUF(SCRATCH_MAX);
    capture_add_valid(&valid, buf_str(&c->value));
    mask_apply(c->mask, buf_str(&valid), ret);
}
