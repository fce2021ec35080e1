/* error: an err as the JSON object that CLI, API and database share (SPEC 21). */
#ifndef JSON_ERROR_H
#define JSON_ERROR_H
#include "diag/err.h"
#include "json/writer.h"

/* {"code", "message", "hint", "at": {"path", "line", "column"} | null, "details": []}; causes are
 * details. s may be NULL. */
void json_put_error(struct json_writer *w, struct sources *s, const struct err *e);
/* The members alone, for an object that has more of them. */
void json_put_error_members(struct json_writer *w, struct sources *s, const struct err *e);

#endif
