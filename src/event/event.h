/* event: what happens in a run, as every watcher sees it: one struct, one JSON form (SPEC 13).
 * An event has a place (seq) in its run, counted from 1 without gaps, over all attempts. */
#ifndef EVENT_EVENT_H
#define EVENT_EVENT_H
#include "base/buf.h"
#include "event/states.h"

enum event_type {
    EVENT_RUN_STARTED,
    EVENT_PLAN_EXTENDED,
    EVENT_STEP_STARTED,
    EVENT_STEP_OUTPUT,
    EVENT_LLM_TOKEN,
    EVENT_LLM_THINKING,
    EVENT_TOOL_START,
    EVENT_TOOL_END,
    EVENT_AGENT_TURN,
    EVENT_STEP_COMPLETED,
    EVENT_STEP_SKIPPED,
    EVENT_STEP_HELD,
    EVENT_RUN_STATUS_CHANGED,
    EVENT_APPROVAL_REQUESTED,
    EVENT_APPROVAL_DECIDED,
    EVENT_RUN_COMPLETED,
    EVENT_TYPE_COUNT
};
const char *event_type_name(enum event_type t);
bool event_type_parse(str s, enum event_type *ret) must_use;

struct log_line;
/* data: the event's own fields as a JSON object's text without the common ones ("{}" where there
 * are none). Of a line of a log it is not made until it is asked for: event_add_data. Strs are
 * borrowed. */
struct event {
    int64_t run_id, seq;
    int64_t time_ms;
    enum event_type type;
    str step_id; /* empty where it does not apply */
    str data;
    const struct log_line *line; /* instead of data; EVENT_STEP_OUTPUT alone; borrowed */
};

/* data, or {"stream": "stdout", "line": "..."} of the line. */
void event_add_data(struct buf *b, const struct event *e);
/* {"run_id", "seq", "time", "type", "step_id"?, ...data}. */
void event_add_json(struct buf *b, const struct event *e);

enum log_stream {
    LOG_STDOUT,
    LOG_STDERR,
    LOG_TOKEN,
    LOG_TOOL_CALL,
    LOG_TOOL_RESULT,
    LOG_SYSTEM,
    LOG_STREAM_COUNT
};
const char *log_stream_name(enum log_stream s);
bool log_stream_parse(str s, enum log_stream *ret) must_use;

/* One line of a step's log; its event is EVENT_STEP_OUTPUT. */
struct log_line {
    int64_t seq; /* of the event */
    int64_t time_ms;
    enum log_stream stream;
    str text; /* without the newline; masked; valid UTF-8 */
};

#endif
