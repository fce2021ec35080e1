/* A prompt's text for its model. */
#include "vm/render.h"
#include "dialog/dialog_int.h"
#include "json/value.h"
#include <unistd.h>

static bool make_context(const struct prompt *p, json_t *inputs, struct heap *h, val *ret,
                         struct err *err)
{
    auto_buf schema = BUF(BUF_TEXT_MAX);
    struct json_writer w = JSON_WRITER(&schema, true);
    json_t *context = type_complete(p->inputs, inputs);
    if (p->output)
        type_write_json_schema(&w, p->output);
    json_object_set_new(context, "output_schema", json_stringn(buf_c(&schema), schema.n));
    auto_free char *text = json_dumps(context, JSON_COMPACT);
    json_decref(context);
    if (json_read_val(h, str_of(text), 0, ret))
        return true;
    err_move(err, &h->fault.err);
    return false;
}

static size_t body_at(str path, str text)
{
    return str_ends(path, STR(".prompt.md")) ? prompt_body_at(text) : 0;
}

/* The renderer's sources end with it: the place is kept as text. */
static void keep_place(struct renderer *r, struct err *from, struct err *to)
{
    struct place p;
    err_set(to, "prompt_failed", "the prompt cannot be rendered: %.*s", STR_ARG(from->message));
    if (from->hint.n)
        err_hint(to, "%.*s", STR_ARG(from->hint));
    if (sources_place(renderer_sources(r), from->at, &p))
        err_in_file(to, p.path, p.line, p.column);
}

bool dialog_render(const struct dialog_request *q, struct buf *out, struct err *err)
{
    struct render_options options = {
        .limits = render_limits(), .undefined = UNDEFINED_STRICT, .body_at = body_at};
    struct renderer *r = renderer_new(&options);
    auto_buf own = BUF(1 << 16), top = BUF(1 << 16);
    auto_err e = ERR_INIT;
    val context = VAL_UNBOUND;
    str path = q->prompt->path;
    size_t slash = str_rfind_byte(path, '/');
    buf_addf(&own, "%s/%.*s", q->root, STR_ARG(str_sub(path, 0, slash)));
    buf_addf(&top, "%s/.plue/prompts", q->root);
    /* Of an imported run the repository is not there: what it includes is missing then. */
    bool here = access(q->root, F_OK) == 0;
    bool ok = (!here ||
               (renderer_add_root(r, buf_c(&own), &e) && renderer_add_root(r, buf_c(&top), &e))) &&
              make_context(q->prompt, q->inputs, renderer_heap(r), &context, &e);
    if (ok) {
        heap_hold(renderer_heap(r), context);
        ok = render_text(r, str_sub(path, slash + 1, path.n), path, q->text,
                         prompt_body_at(q->text), context, out, &e);
        heap_release(renderer_heap(r), 1);
    }
    if (out->overflow) {
        err_set(err, "prompt_failed", "the rendered prompt takes more than %d MiB",
                DIALOG_INPUTS_MAX >> 20);
        err_hint(err, LLM_CONTEXT_HINT);
    } else if (!ok) {
        keep_place(r, &e, err);
    }
    renderer_free(r);
    return ok && !out->overflow;
}
