#include "json/error.h"

static void put_place(struct json_writer *w, str path, uint32_t line, uint32_t column)
{
    json_begin_object(w);
    json_key_c(w, "path");
    json_put_str(w, path);
    json_key_c(w, "line");
    json_put_int(w, line);
    json_key_c(w, "column");
    json_put_int(w, column);
    json_end_object(w);
}

void json_put_error_members(struct json_writer *w, struct sources *s, const struct err *e)
{
    struct place place;
    json_key_c(w, "code");
    json_put_c(w, e->code ? e->code : "unknown");
    json_key_c(w, "message");
    json_put_str(w, e->message);
    json_key_c(w, "hint");
    json_put_str_or_null(w, e->hint);
    json_key_c(w, "at");
    if (s && sources_place(s, e->at, &place))
        put_place(w, place.path, place.line, place.column);
    else if (e->file.n)
        put_place(w, e->file, e->line ? e->line : 1, e->column ? e->column : 1);
    else
        json_put_null(w);
    json_key_c(w, "details");
    json_begin_array(w);
    for (const struct err *c = e->cause; c; c = c->cause) {
        json_begin_object(w);
        json_key_c(w, "code");
        json_put_c(w, c->code ? c->code : "unknown");
        json_key_c(w, "message");
        json_put_str(w, c->message);
        json_end_object(w);
    }
    json_end_array(w);
}

void json_put_error(struct json_writer *w, struct sources *s, const struct err *e)
{
    json_begin_object(w);
    json_put_error_members(w, s, e);
    json_end_object(w);
}
