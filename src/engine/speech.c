#include "engine/speech_int.h"

enum { DATA_MAX = 4 << 20, TEXT_MAX = 64 << 20, SHOWN_MAX = 1 << 20 };

struct piece {
    enum event_type type;
    struct buf text; /* masked */
};

struct speech {
    struct sink sink;
    enum event_type type; /* of what is held */
    struct buf held;      /* may be the start of a secret */
    VEC(struct piece) waiting;
    unsigned writing; /* batches of pieces that are under way */
    bool said;        /* something, since this turn began or was asked for again */
};

struct speech *speech_new(struct sink sink)
{
    struct speech *s = mem_zalloc(sizeof *s);
    struct live_step *l = &sink.run->steps[sink.step];
    *s = (struct speech){.sink = sink, .type = EVENT_LLM_TOKEN, .held = BUF(TEXT_MAX)};
    l->out.stream = LOG_TOKEN;
    l->err.stream = LOG_SYSTEM;
    l->out.commands = l->err.commands = NULL;
    return s;
}

void speech_free(struct speech *s)
{
    if (!s)
        return;
    vec_each (p, &s->waiting)
        buf_done(&p->text);
    vec_done(&s->waiting);
    buf_done(&s->held);
    free(s);
}

static struct live_step *step_of(const struct speech *s)
{
    return &s->sink.run->steps[s->sink.step];
}

static void add_event(struct speech *s, struct store_batch *b, enum event_type type, str data)
{
    record_event(s->sink.run, b, type, s->sink.run->plan.steps[s->sink.step].id, data);
}

static void add_line(struct speech *s, struct store_batch *b, enum log_stream stream, str text)
{
    struct store_step_key key = record_key(s->sink.run, s->sink.step);
    struct log_line line = {.time_ms = clock_wall_ms(), .stream = stream, .text = text};
    store_append_log(b, &key, &line, 1);
    step_of(s)->log_lines++;
    step_of(s)->log_bytes += (int64_t)text.n + 1;
}

/* ---- pieces ---- */

struct written {
    uint32_t step, try;
};
static void write_pieces(struct speech *s);

static void pieces_written(struct live_run *r, void *data)
{
    const struct written *w = data;
    struct speech *s = llm_step_speech(r, w->step);
    if (!s || r->core.steps[w->step].tries != w->try)
        return;
    s->writing--;
    if (!s->writing && s->waiting.n)
        write_pieces(s);
}

static void write_pieces(struct speech *s)
{
    struct live_run *r = s->sink.run;
    struct store_batch *b = store_batch_new(r->engine->options.store);
    vec_each (p, &s->waiting) {
        auto_buf data = BUF(DATA_MAX);
        struct json_writer w = JSON_WRITER(&data, false);
        json_begin_object(&w);
        json_key_c(&w, "token");
        json_put_str(&w, buf_str(&p->text));
        json_end_object(&w);
        add_event(s, b, p->type, buf_str(&data));
        buf_done(&p->text);
    }
    s->waiting.n = 0;
    s->writing++;
    struct written *w = mem_alloc(sizeof *w);
    *w = (struct written){s->sink.step, r->core.steps[s->sink.step].tries};
    run_submit(r, b, pieces_written, w);
}

/* Where a text may be cut that is at most so long: not within a character. */
static size_t cut_at(str text, size_t max)
{
    if (text.n <= max)
        return text.n;
    while (max && ((unsigned char)text.p[max] & 0xC0) == 0x80)
        max--;
    return max;
}

static void put(struct speech *s, str text)
{
    auto_buf masked = BUF(TEXT_MAX), valid = BUF(2 * TEXT_MAX);
    if (step_of(s)->log_full)
        return;
    mask_apply(run_mask(s->sink.run), text, &masked);
    capture_add_valid(&valid, buf_str(&masked));
    for (str rest = buf_str(&valid); rest.n;) {
        struct piece *last = s->waiting.n ? &vec_last(&s->waiting) : NULL;
        if (!last || last->type != s->type || last->text.n >= SPEECH_PIECE_MAX / 2) {
            vec_push(&s->waiting, (struct piece){s->type, BUF(SPEECH_PIECE_MAX)});
            last = &vec_last(&s->waiting);
        }
        size_t n = cut_at(rest, SPEECH_PIECE_MAX - last->text.n);
        buf_add_str(&last->text, str_sub(rest, 0, n));
        rest = str_sub(rest, n, rest.n);
    }
    if (!s->writing && s->waiting.n)
        write_pieces(s);
}

static void put_held(struct speech *s, size_t n)
{
    put(s, str_sub(buf_str(&s->held), 0, n));
    buf_cut(&s->held, 0, n);
}

static void say(struct speech *s, enum event_type type, str text)
{
    if (type != s->type)
        put_held(s, s->held.n);
    s->type = type;
    buf_add_str(&s->held, text);
    put_held(s, mask_settled(run_mask(s->sink.run), buf_str(&s->held)));
}

/* ---- lines ---- */

static void keep_thoughts(void *ctx, const struct log_line *lines, size_t n)
{
    struct speech *s = ctx;
    for (size_t i = 0; i < n; i++) {
        auto_buf text = BUF(SHOWN_MAX);
        struct log_line line = lines[i];
        buf_addf(&text, "thinks: %.*s", STR_ARG(line.text));
        line.text = buf_str(&text);
        step_keep_lines(&s->sink, &line, 1);
    }
}

static void end_thoughts(struct speech *s)
{
    capture_finish(&step_of(s)->err, clock_wall_ms(), keep_thoughts, s);
}

static void end_words(struct speech *s)
{
    capture_finish(&step_of(s)->out, clock_wall_ms(), step_keep_lines, &s->sink);
}

void speech_pause(struct speech *s)
{
    put_held(s, s->held.n);
    if (s->waiting.n)
        write_pieces(s);
    end_thoughts(s);
    end_words(s);
}

static void again(struct speech *s, str why)
{
    auto_buf line = BUF(SHOWN_MAX), masked = BUF(SHOWN_MAX);
    speech_pause(s);
    buf_addf(&line, "asked again%s: %.*s", s->said ? ", the answer above is void" : "",
             STR_ARG(why));
    s->said = false;
    mask_apply(run_mask(s->sink.run), buf_str(&line), &masked);
    record_system_line(s->sink.run, s->sink.step, buf_str(&masked));
}

void speech_add(struct speech *s, const struct llm_event *e)
{
    switch (e->kind) {
    case LLM_TEXT:
        s->said |= e->text.n > 0;
        end_thoughts(s);
        say(s, EVENT_LLM_TOKEN, e->text);
        capture_feed(&step_of(s)->out, e->text, clock_wall_ms(), step_keep_lines, &s->sink);
        break;
    case LLM_THINKING:
        s->said |= e->text.n > 0;
        end_words(s);
        say(s, EVENT_LLM_THINKING, e->text);
        capture_feed(&step_of(s)->err, e->text, clock_wall_ms(), keep_thoughts, s);
        break;
    case LLM_AGAIN:
        again(s, e->text);
        break;
    case LLM_TOOL_CALL:
        break;
    }
}

/* ---- turns and calls ---- */

void speech_turn(struct speech *s, int64_t turn, int64_t max_turns)
{
    auto_buf data = BUF(DATA_MAX);
    struct store_batch *b = store_batch_new(s->sink.run->engine->options.store);
    buf_addf(&data, "{\"turn\": %lld, \"max_turns\": %lld}", (long long)turn, (long long)max_turns);
    s->said = false;
    add_event(s, b, EVENT_AGENT_TURN, buf_str(&data));
    run_submit(s->sink.run, b, run_nothing, NULL);
}

static void log_text(struct speech *s, struct store_batch *b, enum log_stream stream,
                     const char *what, str name, str text)
{
    auto_buf line = BUF(SHOWN_MAX), valid = BUF(SHOWN_MAX);
    size_t shown = cut_at(text, SPEECH_LOGGED_MAX);
    capture_add_valid(&valid, str_sub(text, 0, shown));
    buf_addf(&line, "%s %.*s ", what, STR_ARG(str_sub(name, 0, 100)));
    for (size_t i = 0; i < valid.n; i++)
        if (valid.p[i] == '\n')
            buf_add_str(&line, STR("\\n"));
        else
            buf_add_byte(&line, valid.p[i]);
    if (shown < text.n)
        buf_addf(&line, " [%zu of %zu bytes]", shown, text.n);
    add_line(s, b, stream, buf_str(&line));
}

static void put_clipped(struct json_writer *w, str text)
{
    auto_buf b = BUF(2 * SPEECH_VALUE_MAX);
    size_t shown = cut_at(text, SPEECH_VALUE_MAX);
    capture_add_valid(&b, str_sub(text, 0, shown));
    if (shown < text.n)
        buf_addf(&b, " [%zu of %zu bytes]", shown, text.n);
    json_put_str(w, buf_str(&b));
}

static void begin_data(struct json_writer *w, const struct speech_call *c)
{
    json_begin_object(w);
    json_key_c(w, "call_id");
    json_put_str(w, c->id);
    json_key_c(w, "tool");
    json_put_str(w, c->name);
}

/* Masking may have taken away what made it JSON. */
static bool is_json(str text)
{
    json_t *j = json_loadb(text.p, text.n, JSON_ALLOW_NUL | JSON_DECODE_ANY, NULL);
    json_decref(j);
    return j != NULL;
}

void speech_add_call(struct speech *s, struct store_batch *b, const struct speech_call *c,
                     str input)
{
    auto_buf data = BUF(DATA_MAX);
    struct json_writer w = JSON_WRITER(&data, false);
    begin_data(&w, c);
    json_key_c(&w, "input");
    if (input.n <= SPEECH_VALUE_MAX && is_json(input))
        json_put_raw(&w, input);
    else
        put_clipped(&w, input);
    json_end_object(&w);
    add_event(s, b, EVENT_TOOL_START, buf_str(&data));
    log_text(s, b, LOG_TOOL_CALL, "calls", c->name, input);
}

void speech_add_result(struct speech *s, struct store_batch *b, const struct speech_call *c,
                       enum speech_end how, str text)
{
    static const char *const words[] = {"gave:", "failed:", "refused:"};
    auto_buf data = BUF(DATA_MAX);
    struct json_writer w = JSON_WRITER(&data, false);
    begin_data(&w, c);
    json_key_c(&w, "output");
    put_clipped(&w, text);
    json_key_c(&w, "success");
    json_put_bool(&w, how == SPEECH_GAVE);
    json_end_object(&w);
    add_event(s, b, EVENT_TOOL_END, buf_str(&data));
    log_text(s, b, LOG_TOOL_RESULT, words[how], c->name, text);
}
