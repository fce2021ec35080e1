#include "event/event.h"
#include "base/clock.h"
#include "json/writer.h"

static const char *const event_type_names[] = {
    "run_started",        "plan_extended",      "step_started",     "step_output",
    "llm_token",          "llm_thinking",       "tool_start",       "tool_end",
    "agent_turn",         "step_completed",     "step_skipped",     "step_held",
    "run_status_changed", "approval_requested", "approval_decided", "run_completed"};
static const char *const log_stream_names[] = {"stdout",    "stderr",      "token",
                                               "tool_call", "tool_result", "system"};

_Static_assert(sizeof event_type_names / sizeof *event_type_names == EVENT_TYPE_COUNT,
               "a word each");
_Static_assert(sizeof log_stream_names / sizeof *log_stream_names == LOG_STREAM_COUNT,
               "a word each");

const char *event_type_name(enum event_type t)
{
    return event_type_names[t];
}

const char *log_stream_name(enum log_stream s)
{
    return log_stream_names[s];
}

bool event_type_parse(str s, enum event_type *ret)
{
    for (int i = 0; i < EVENT_TYPE_COUNT; i++) {
        if (str_is(s, event_type_names[i])) {
            *ret = (enum event_type)i;
            return true;
        }
    }
    return false;
}

bool log_stream_parse(str s, enum log_stream *ret)
{
    for (int i = 0; i < LOG_STREAM_COUNT; i++) {
        if (str_is(s, log_stream_names[i])) {
            *ret = (enum log_stream)i;
            return true;
        }
    }
    return false;
}

/* What stands between the braces of an object's text. */
static str object_inside(str data)
{
    data = str_trim(data);
    if (data.n < 2)
        return str_make("", 0);
    return str_trim(str_sub(data, 1, data.n - 1));
}

static void add_line(struct buf *b, const struct log_line *line)
{
    buf_add_c(b, "\"stream\": \"");
    buf_add_c(b, log_stream_names[line->stream]);
    buf_add_c(b, "\", \"line\": ");
    json_add_quoted(b, line->text);
}

void event_add_data(struct buf *b, const struct event *e)
{
    if (!e->line) {
        buf_add_str(b, e->data);
        return;
    }
    buf_add_byte(b, '{');
    add_line(b, e->line);
    buf_add_byte(b, '}');
}

void event_add_json(struct buf *b, const struct event *e)
{
    str inside = object_inside(e->data);

    buf_add_c(b, "{\"run_id\": ");
    buf_add_int(b, e->run_id);
    buf_add_c(b, ", \"seq\": ");
    buf_add_int(b, e->seq);
    buf_add_c(b, ", \"time\": \"");
    clock_add_rfc3339(b, e->time_ms);
    buf_add_c(b, "\", \"type\": \"");
    buf_add_c(b, event_type_names[e->type]);
    buf_add_byte(b, '"');
    if (e->step_id.n) {
        buf_add_c(b, ", \"step_id\": ");
        json_add_quoted(b, e->step_id);
    }
    if (inside.n || e->line)
        buf_add_c(b, ", ");
    if (e->line)
        add_line(b, e->line);
    else
        buf_add_str(b, inside);
    buf_add_byte(b, '}');
}
