/* writer: JSON text, streamed into a buf; the one place that writes JSON.
 * Knows the commas and the indentation; the caller keeps begin and end balanced. Strings must be
 * valid UTF-8; everything above ASCII is written as it is. Overflow is the buf's, sticky. */
#ifndef JSON_WRITER_H
#define JSON_WRITER_H
#include "base/buf.h"

struct json_writer {
    struct buf *out; /* borrowed */
    bool indent;     /* by 2 per level; else compact with ", " and ": " */
    uint32_t depth;
    bool first;     /* nothing stands yet in the present object or array */
    bool after_key; /* the next value follows its key */
};

#define JSON_WRITER(buf, pretty) \
    ((struct json_writer){.out = (buf), .indent = (pretty), .first = true})

void json_begin_object(struct json_writer *w);
void json_end_object(struct json_writer *w);
void json_begin_array(struct json_writer *w);
void json_end_array(struct json_writer *w);
void json_key(struct json_writer *w, str key);
static inline void json_key_c(struct json_writer *w, const char *key)
{
    json_key(w, str_of(key));
}
void json_put_str(struct json_writer *w, str s);
void json_put_c(struct json_writer *w, const char *s); /* null where s is NULL */
/* null where s is empty. */
void json_put_str_or_null(struct json_writer *w, str s);
void json_put_int(struct json_writer *w, int64_t i);
void json_put_double(struct json_writer *w, double d); /* null where it is not finite */
void json_put_bool(struct json_writer *w, bool b);
void json_put_null(struct json_writer *w);
/* A value that is JSON text already, compact; re-indented where the writer indents. */
void json_put_raw(struct json_writer *w, str text);

/* A string with its quotes and escapes, for text that is not a document (keys of expressions). */
void json_add_quoted(struct buf *b, str s);

#endif
