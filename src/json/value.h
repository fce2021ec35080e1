/* value: JSON text to values of the machine and back.
 * Reads what CPython's json.loads reads, with its messages; the words of a JSONDecodeError's
 * extra are msg, doc, pos, lineno and colno. A lone surrogate is an error, since strings hold
 * whole characters, and an integer past 64 bits is an OverflowError. */
#ifndef JSON_VALUE_H
#define JSON_VALUE_H
#include "value/heap.h"
#include "json/writer.h"

enum json_read_flags {
    JSON_UNTRUSTED = 1, /* every string, keys too, is untrusted */
    JSON_RECORDS = 2,   /* objects are records: their fields are attributes */
};
/* text is valid UTF-8. Keeps nothing of it. */
bool json_read_val(struct heap *h, str text, unsigned flags, val *ret) must_use;

/* Writes None, bool, int, float, str, lists, tuples, and dicts with string keys; TypeError for
 * others, ValueError for a container inside of itself. Deferred values are decided. */
bool json_write_val(struct heap *h, struct json_writer *w, val v) must_use;

/* The rows dumps and loads of the module `json`; ends with a row without a name. */
extern const struct native_def json_module[];

#endif
