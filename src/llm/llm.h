/* llm: one question to a model, streamed, asked again where that helps, and cancelled at any time.
 * Messages are JSON in one neutral form for all providers, so that a transcript is their text:
 *
 *     [{"role": "user" | "assistant", "content": [block, ...]}, ...]
 *     {"type": "text", "text": "..."}
 *     {"type": "thinking", "thinking": "...", "signature": "..."}, {"type": "redacted_thinking",
 * ...}
 *     {"type": "tool_use", "id": "...", "name": "...", "input": {...}}
 *     {"type": "tool_result", "tool_use_id": "...", "content": "...", "is_error": false}
 *
 * An answer's content goes back unchanged as the next assistant message. Half an answer is never
 * given out: a stream that breaks is asked for again, and what it had told is void (LLM_AGAIN).
 * Knows nothing of prompts, tools' execution, steps or storage. libcurl is loaded by the first
 * call. Everything happens on one libuv loop; callbacks come from it, never from within llm_start.
 */
#ifndef LLM_LLM_H
#define LLM_LLM_H
#include "base/buf.h"
#include "llm/client.h"
#include <jansson.h>
#include <uv.h>

enum {
    LLM_ANSWER_MAX = 32 << 20, /* bytes of one answer */
    LLM_BLOCKS_MAX = 1000,     /* blocks of one answer */
    LLM_TRIES_MAX = 5,         /* of one call, the first included */
    LLM_CONNECT_MS = 10 * 1000,
    LLM_FIRST_BYTE_MS = 120 * 1000,
    LLM_BETWEEN_BYTES_MS = 60 * 1000,
    LLM_WHOLE_MS = 15 * 60 * 1000,
    LLM_RETRY_FIRST_MS = 500, /* doubled with each try, with jitter */
    LLM_RETRY_LONGEST_MS = 30 * 1000,
    LLM_RETRY_AFTER_MS = 120 * 1000, /* asked for by a provider; beyond it the call fails */
    LLM_MAX_TOKENS = 8192,           /* of an answer, where nothing says otherwise */
};

struct llm_request {
    str system;              /* empty: none */
    json_t *messages;        /* borrowed, as all of these */
    json_t *tools;           /* [{"name", "description", "input_schema"}]; NULL or empty: none */
    str tool_choice;         /* "" or "auto", "any", "none", or a tool's name */
    str answer_tool;         /* the one of `tools` that carries the final answer; empty: none */
    json_t *output_schema;   /* the answer's text is JSON of this schema; NULL: free text */
    int64_t max_tokens;      /* 0: LLM_MAX_TOKENS */
    int64_t thinking_tokens; /* 0: no thinking */
    bool has_temperature;
    double temperature;
    bool cache;   /* the system text and the tools are worth the provider's cache */
    json_t *kept; /* an answer of llm_answer_json or a record, given without asking; borrowed; NULL:
                   * none */
};

/* 0: the constants above. */
struct llm_limits {
    int64_t connect_ms, first_byte_ms, between_bytes_ms, whole_ms, retry_first_ms;
    int tries;
};

enum llm_event_kind {
    LLM_TEXT,      /* text */
    LLM_THINKING,  /* text */
    LLM_TOOL_CALL, /* text: the tool's name; its arguments follow with the answer */
    LLM_AGAIN,     /* text: why; what was told so far is void */
};
struct llm_event {
    enum llm_event_kind kind;
    str text; /* borrowed */
};

/* Of llm_context. */
#define LLM_CONTEXT_HINT \
    "give it less to read (a part of a diff or log, `limit` of a tool), or another client"

enum llm_stop {
    LLM_STOP_END,
    LLM_STOP_TOOL_USE,
    LLM_STOP_MAX_TOKENS,
    LLM_STOP_REFUSAL,
    LLM_STOP_PAUSE,
    LLM_STOP_CONTEXT, /* the model's context was full */
    LLM_STOP_COUNT
};
const char *llm_stop_name(enum llm_stop s);
bool llm_stop_parse(str s, enum llm_stop *ret) must_use;

struct llm_usage {
    int64_t input; /* tokens that no cache had */
    int64_t output, cache_read, cache_write;
};

struct llm_answer {
    json_t *content; /* owned: an array of blocks */
    enum llm_stop stop;
    struct llm_usage usage;
    str model, id; /* as the provider names them; owned by the call */
    int tries;
    int64_t first_token_ms, whole_ms; /* since the last try began */
    bool was_kept;                    /* no model was asked */
};
/* The answer without its usage, to be given again as llm_request's `kept`. A new reference. */
json_t *llm_answer_json(const struct llm_answer *a);
/* The text blocks' text. */
void llm_answer_text(const struct llm_answer *a, struct buf *ret);
/* US dollars; negative where the prices are unknown. */
double llm_cost(const struct llm_client *c, const struct llm_usage *u);

struct llm_listener {
    void (*event)(void *data, const struct llm_event *e); /* may be NULL */
    /* Once, last: the answer, or err (one of the codes llm_*). Both borrowed; the call ends after.
     */
    void (*done)(void *data, const struct llm_answer *answer, struct err *err);
    void *data;
};

/* ---- calls ---- */
struct llm;
struct llm *llm_new(uv_loop_t *loop);
/* Cancels what still runs; its handles are closed by the loop. */
void llm_free(struct llm *l);

struct llm_call;
/* key: empty where the client needs none; copied, as everything is. NULL with err where the call
 * cannot be made at all (llm_no_key, llm_no_curl). limits may be NULL. */
struct llm_call *llm_start(struct llm *l, const struct llm_client *client, str key,
                           const struct llm_request *request, const struct llm_limits *limits,
                           const struct llm_listener *listener, struct err *err) must_use;
/* No callback comes any more; the call is gone. Not from within a callback. */
void llm_cancel(struct llm_call *c);

/* ---- records: what was asked and answered, for a replay without a network ---- */
/* The request as the record's key: SHA-256 in hexadecimal over everything that the answer depends
 * on; no key is in it. */
enum { LLM_REQUEST_HASH = 65 };
void llm_request_hash(const struct llm_client *c, const struct llm_request *q,
                      char ret[LLM_REQUEST_HASH]);
/* One call of a record: {"request_sha256", "client", "request", "answer"}. Of a call that failed
 * (a is NULL) the answer is {"error": {"code", "message", "hint"}}. A new reference. */
json_t *llm_record_call(const struct llm_client *c, const struct llm_request *q,
                        const struct llm_answer *a, const struct err *failed);
/* An empty record: {"format": "plue-record", "version": 1, "calls": []}. A new reference. */
json_t *llm_record_new(void);
/* Whether a document is a record of this version; false with err (invalid_record). */
bool llm_record_check(json_t *record, str path, struct err *err) must_use;
/* Each answer from now on is added to the record's calls (kept; NULL: no more). */
void llm_record(struct llm *l, json_t *record);
/* Calls from now on are answered from this record (kept) and by nothing else: llm_replay_diverged
 * where a request is not in it, with the place where it differs. Each recorded call answers once,
 * whatever their order. */
void llm_replay(struct llm *l, json_t *record);
/* Recorded calls that have not been asked for. */
size_t llm_replay_left(const struct llm *l);

/* The same call by call, for who gives recorded answers as `kept`. record is kept. */
struct llm_recorded;
struct llm_recorded *llm_recorded_new(json_t *record);
void llm_recorded_free(struct llm_recorded *r);
/* The answer to this request, borrowed; NULL with err (llm_replay_diverged). */
json_t *llm_recorded_take(struct llm_recorded *r, const struct llm_client *c,
                          const struct llm_request *q, struct err *err) must_use;
size_t llm_recorded_left(const struct llm_recorded *r);

#endif
