/* type: the one type model of workflow inputs, tool inputs, prompt inputs and outputs (SPEC 7).
 * Plain immutable data in an arena; no value of the machine is in it, so that a type can leave the
 * evaluation that made it. Knows nothing of prompts or workflows. */
#ifndef TYPES_TYPE_H
#define TYPES_TYPE_H
#include "base/arena.h"
#include "diag/err.h"
#include "json/writer.h"
#include <jansson.h>

enum type_kind {
    TYPE_STR,
    TYPE_INT,
    TYPE_FLOAT,
    TYPE_BOOL,
    TYPE_ANY,
    TYPE_SECRET,   /* inputs of actions only: an opaque string */
    TYPE_ENUM,     /* one of `words` */
    TYPE_LIST,     /* of `of` */
    TYPE_OPTIONAL, /* `of`, or null, or absent */
    TYPE_DICT,     /* string keys, values of `of` */
    TYPE_OBJECT,   /* `fields` and no others */
};

struct type;
struct type_field {
    str name;
    const struct type *type;
};
struct type {
    enum type_kind kind;
    const struct type *of;
    const str *words;
    const struct type_field *fields;
    uint32_t n; /* of words or fields */
};

extern const struct type type_of_str, type_of_int, type_of_float, type_of_bool, type_of_any,
    type_of_secret;

const struct type *type_new_list(struct arena *a, const struct type *of);
const struct type *type_new_optional(struct arena *a, const struct type *of);
const struct type *type_new_dict(struct arena *a, const struct type *of);
/* words and fields are kept: they live in the arena. */
const struct type *type_new_enum(struct arena *a, const str *words, uint32_t n);
const struct type *type_new_object(struct arena *a, const struct type_field *fields, uint32_t n);
/* NULL where the object has no such field. */
const struct type *type_field(const struct type *object, str name);

/* "list(str)", "enum(\"a\", \"b\")", "optional(int)": as a workflow writes it. */
void type_add_text(struct buf *b, const struct type *t);
/* JSON Schema, draft 2020-12. */
void type_write_json_schema(struct json_writer *w, const struct type *t);

/* A value as its type wants it. Every violation is added to errors with its JSON Pointer in the
 * message; false where there was one. */
bool type_check(const struct type *t, json_t *value, str what, struct err_list *errors) must_use;
/* The same of a value in a plan: {"$expr": ...} stands for a value that is not known yet and fits
 * everywhere, {"$literal": v} for v. */
bool type_check_planned(const struct type *t, json_t *value, str what,
                        struct err_list *errors) must_use;
/* A value that has passed type_check as programs and templates want it: absent optional fields are
 * null, fields stand in the declared order, an integer that was written 1.0 is 1. A new reference.
 */
json_t *type_complete(const struct type *t, json_t *value);
/* The type in short, as people write it: {file: string, line?: integer, tags: string[]}. */
void type_add_typescript(struct buf *b, const struct type *t);
/* Text of the command line (--input n=3) to a JSON value: numbers, booleans (true, false, yes, no,
 * 1, 0), JSON for lists, dicts and objects, whose insides are not looked at: type_check does. NULL
 * with err set where the text is none of these. */
json_t *type_parse_text(const struct type *t, str text, struct err *err) must_use;
/* A made-up value for a synthetic event: "", 0, false, the first word, [], null. A new reference.
 */
json_t *type_sample(const struct type *t);

#endif
