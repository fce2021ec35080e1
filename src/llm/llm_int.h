/* llm_int: what calls and wires share. A wire is one protocol: how a request is written, and how
 * the events of its stream become an answer. */
#ifndef LLM_LLM_INT_H
#define LLM_LLM_INT_H
#include "base/vec.h"
#include "llm/llm.h"

/* The tool that carries structured output where the model or the schema has no better way. */
#define LLM_OUTPUT_TOOL "give_answer"
#define LLM_OUTPUT_DESCRIPTION "Give the final answer in this form."

enum block_kind { BLOCK_TEXT, BLOCK_THINKING, BLOCK_REDACTED, BLOCK_TOOL };
struct answer_block {
    enum block_kind kind;
    int64_t index;
    char *id, *name;      /* TOOL; owned */
    struct buf text;      /* text, thinking, a tool's arguments, redacted data */
    struct buf signature; /* THINKING */
    bool is_output;       /* TOOL: the structured output */
};

/* An answer while its events come in. */
struct answer_reader {
    VEC(struct answer_block) blocks;
    size_t bytes;
    struct llm_usage usage;
    char *model, *id;
    enum llm_stop stop;
    bool stopped;      /* why it stopped is known */
    bool ended;        /* the stream has said that it is whole */
    bool wants_output; /* by LLM_OUTPUT_TOOL */
    int64_t first_at;  /* when the first text came, 0: not yet */
    const struct llm_listener *listener;
};
void reader_done(struct answer_reader *r);
/* The block of this index, made where it is new. NULL with err past LLM_BLOCKS_MAX. */
struct answer_block *reader_block(struct answer_reader *r, int64_t index, enum block_kind kind,
                                  struct err *err) must_use;
struct answer_block *reader_find(struct answer_reader *r, int64_t index);
void reader_name_tool(struct answer_reader *r, struct answer_block *b, str id, str name);
/* More of a block's text; told to the listener. */
bool reader_add(struct answer_reader *r, struct answer_block *b, str text,
                struct err *err) must_use;
/* The content of the whole answer; NULL with err (llm_bad_answer) where it makes no sense. */
json_t *reader_content(struct answer_reader *r, struct err *err) must_use;

struct llm_wire {
    const char *name, *path;
    /* Whether the protocol's own structured output takes this schema of an object; NULL: any. */
    bool (*takes_schema)(const json_t *schema);
    json_t *(*body)(const struct llm_client *c, const struct llm_request *q);
    /* At most HTTP_HEADERS_MAX - 1 of them, owned by the caller. */
    size_t (*headers)(str key, char **ret);
    /* One event of the stream. */
    bool (*read)(struct answer_reader *r, str type, str data, struct err *err);
};
extern const struct llm_wire llm_anthropic, llm_openai;

/* What a provider's error object says: {"error": {"type", "message"}} and its kin; false where the
 * text is none. */
bool wire_error_text(json_t *j, str *ret_type, str *ret_message);
/* err from an error that came in the stream. */
void wire_set_error(json_t *j, struct err *err);
json_t *wire_parse(str data, struct err *err) must_use;
/* Whether the schema is one of an object, which is what providers can enforce. */
bool wire_schema_is_object(const json_t *schema);
/* Whether it has nothing that the Messages API refuses where it constrains answers itself. */
bool wire_schema_is_strict(const json_t *schema);
/* How this request's answer is held to its schema; OUTPUT_FREE where it has none that could be. */
enum output_form { OUTPUT_FREE, OUTPUT_NATIVE, OUTPUT_TOOL };
enum output_form wire_output(const struct llm_client *c, const struct llm_request *q);
int64_t wire_int(const json_t *object, const char *key, int64_t otherwise);

/* ---- status.c ---- */
/* err from an answer that is none: its status, and its body, which may be an error object. */
void status_error(const struct llm_client *c, long status, str body, struct err *err);

/* ---- record.c ---- */
/* A call without its answer: what is asked now, for good. A new reference. */
json_t *record_question(const struct llm_client *c, const struct llm_request *q);
void record_answer(json_t *call, const struct llm_answer *a);
void record_failure(json_t *call, const struct err *failed);
bool record_read_answer(json_t *j, struct llm_answer *ret) must_use;
/* The recorded failure; false where it is none. */
bool record_read_failure(json_t *j, struct err *ret) must_use;

#endif
