/* json: documents that come from outside (event files, configuration, results): jansson's tree,
 * with errors that name the file, the line and the column.
 * Refuses invalid UTF-8, NaN, numbers past 64 bits, nesting past JSON_DEPTH_MAX, and duplicate keys
 * where it is told so. The language's own json.loads is in module.h: its messages are CPython's,
 * which jansson's are not. */
#ifndef JSON_JSON_H
#define JSON_JSON_H
#include "diag/err.h"
#include "json/writer.h"
#include <jansson.h>

enum {
    JSON_DEPTH_MAX = 2048, /* jansson's own */
    JSON_FILE_MAX_BYTES = 64 << 20,
};
enum json_parse_flags {
    JSON_UNIQUE_KEYS = 1, /* an object with a key twice is an error; else the last one counts */
};

/* The value that `text` is; a new reference. NULL with err: invalid_json at path:line:column. */
json_t *json_parse(str text, str path, unsigned flags, struct err *err) must_use;
/* The same of a file's contents. */
json_t *json_read_file(const char *path, unsigned flags, struct err *err) must_use;

/* Borrowed text of a string; empty for NULL and everything else. */
static inline str json_text_of(const json_t *j)
{
    return json_is_string(j) ? (str){json_string_value(j), json_string_length(j)} : STR("");
}
/* The member's text; empty where it is missing or no string. Borrowed from the object. */
str json_get_text(const json_t *object, const char *key);

/* Adds to an empty *ret the object that has those members of `object`, a text made with writer.h,
 * that `names` (ended by NULL) holds and that are not null. The values are copied, not judged: what
 * reads the result finds what is wrong with them. False where the text is no object, or ret is
 * full. Names with escapes are not found. */
bool json_pick(str object, const char *const *names, struct buf *ret) must_use;

/* Writes a document in its own order. */
void json_put(struct json_writer *w, const json_t *j);

/* ---- JSON Pointer, RFC 6901 ---- */

/* "/a/0/b" from the root; NULL where it leads nowhere. Borrowed. */
json_t *json_pointer_get(json_t *root, str pointer);
/* Adds "/" and the token with its ~ and / escaped. */
void json_pointer_add(struct buf *b, str token);
void json_pointer_add_index(struct buf *b, size_t index);
/* Adds the pointer to where two documents differ first, in a's order; false: they are equal. 1 and
 * 1.0 are equal, and so are objects in another order. */
bool json_difference(const json_t *a, const json_t *b, struct buf *ret_pointer);

#endif
