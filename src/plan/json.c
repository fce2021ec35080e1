/* The JSON of SPEC 6. Keys stand in a fixed order, so that two plans can be compared as text. */
#include "plan/plan.h"
#include "json/writer.h"

enum { PLAN_FORMAT_VERSION = 1 };

static void write_step(struct json_writer *w, const struct plan *p, const struct plan_step *s)
{
    json_begin_object(w);
    json_key_c(w, "id");
    json_put_str(w, s->id);
    json_key_c(w, "name");
    json_put_str(w, s->name);
    json_key_c(w, "type");
    json_put_c(w, step_type_name(s->type));
    json_key_c(w, "config");
    json_put_raw(w, s->config);
    json_key_c(w, "depends_on");
    json_begin_array(w);
    for (uint32_t i = 0; i < s->depends_count; i++)
        json_put_str(w, p->steps[s->depends_on[i]].id);
    json_end_array(w);
    json_end_object(w);
}

static void write_source(struct json_writer *w, const struct plan *p)
{
    json_begin_object(w);
    json_key_c(w, "path");
    json_put_str(w, p->path);
    json_key_c(w, "sha256");
    json_put_str(w, p->sha256);
    json_key_c(w, "files");
    json_begin_array(w);
    for (uint32_t i = 0; i < p->file_count; i++) {
        json_begin_object(w);
        json_key_c(w, "path");
        json_put_str(w, p->files[i].path);
        json_key_c(w, "sha256");
        json_put_str(w, p->files[i].sha256);
        json_end_object(w);
    }
    json_end_array(w);
    json_end_object(w);
}

static void write_awaits(struct json_writer *w, const struct plan *p)
{
    if (p->end != PLAN_OPEN || !p->await_count) {
        json_put_null(w);
        return;
    }
    json_begin_object(w);
    json_key_c(w, "step");
    json_put_str(w, p->steps[p->await_steps[0]].id);
    json_key_c(w, "steps");
    json_begin_array(w);
    for (uint32_t i = 0; i < p->await_count; i++)
        json_put_str(w, p->steps[p->await_steps[i]].id);
    json_end_array(w);
    json_key_c(w, "for");
    json_put_str(w, p->await_for);
    json_key_c(w, "at");
    json_begin_object(w);
    json_key_c(w, "path");
    json_put_str(w, p->await_at.path);
    json_key_c(w, "line");
    json_put_int(w, p->await_at.line);
    json_key_c(w, "column");
    json_put_int(w, p->await_at.column);
    json_end_object(w);
    json_end_object(w);
}

static void write_result(struct json_writer *w, const struct plan *p)
{
    if (p->end != PLAN_SUCCESS && p->end != PLAN_FAIL) {
        json_put_null(w);
        return;
    }
    json_begin_object(w);
    json_key_c(w, "status");
    json_put_c(w, p->end == PLAN_SUCCESS ? "success" : "fail");
    json_key_c(w, "outputs");
    json_put_raw(w, p->outputs.n ? p->outputs : STR("{}"));
    json_key_c(w, "reason");
    json_put_raw(w, p->reason.n ? p->reason : STR("null"));
    json_end_object(w);
}

void plan_put_members(struct json_writer *w, const struct plan *p)
{
    json_key_c(w, "version");
    json_put_int(w, PLAN_FORMAT_VERSION);
    json_key_c(w, "workflow");
    json_put_str(w, p->workflow);
    json_key_c(w, "source");
    write_source(w, p);
    json_key_c(w, "event");
    json_put_str_or_null(w, p->event);
    json_key_c(w, "triggers");
    json_put_raw(w, p->triggers.n ? p->triggers : STR("[]"));
    json_key_c(w, "image");
    json_put_str_or_null(w, p->image);
    json_key_c(w, "dockerfile");
    json_put_str_or_null(w, p->dockerfile);
    if (p->options.n) {
        json_key_c(w, "options");
        json_put_raw(w, p->options);
    }
    json_key_c(w, "steps");
    json_begin_array(w);
    for (uint32_t i = 0; i < p->step_count; i++)
        write_step(w, p, &p->steps[i]);
    json_end_array(w);
    json_key_c(w, "awaits");
    write_awaits(w, p);
    json_key_c(w, "result");
    write_result(w, p);
}

void plan_add_json(struct buf *b, const struct plan *p, bool indent)
{
    struct json_writer w = JSON_WRITER(b, indent);
    json_begin_object(&w);
    plan_put_members(&w, p);
    json_end_object(&w);
}

void plan_add_step_json(struct buf *b, const struct plan *p, const struct plan_step *s)
{
    struct json_writer w = JSON_WRITER(b, false);
    write_step(&w, p, s);
}
