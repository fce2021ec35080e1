#include "vm/render.h"
#include "diag/print.h"
#include "template/parse.h"
#include "value/ops.h"
#include "value/text.h"
#include "vm/template_int.h"

struct renderer {
    struct templates t;
};

struct heap_limits render_limits(void)
{
    struct heap_limits limits = heap_default_limits;
    limits.instructions = RENDER_INSTRUCTIONS;
    limits.depth = RENDER_DEPTH;
    limits.output = RENDER_OUTPUT_MAX;
    return limits;
}

/* ---- life ---- */

struct renderer *renderer_new(const struct render_options *options)
{
    struct renderer *r = mem_zalloc(sizeof *r);
    struct templates *t = &r->t;
    t->options = *options;
    if (!options->limits.instructions)
        t->options.limits = render_limits();
    t->vm = vm_new(&t->options.limits, NULL);
    t->vm->templates = t;
    t->vm->heap.markup_binary = markup_binary;
    t->vm->heap.collect_always = options->collect_always;
    if (options->collect_always)
        t->vm->heap.collect_at = 0;
    t->loader = loader_new();
    return r;
}

static void compiled_free(struct compiled *c)
{
    free((char *)c->name.p);
    free(c);
}

void renderer_free(struct renderer *r)
{
    if (!r)
        return;
    struct templates *t = &r->t;
    while (t->all) {
        struct compiled *c = t->all;
        t->all = c->next;
        compiled_free(c);
    }
    t->vm->templates = NULL;
    vm_free(t->vm);
    loader_free(t->loader);
    for (uint32_t i = 0; i < t->out_cap; i++) {
        buf_done(t->outs[i]);
        free(t->outs[i]);
    }
    free(t->outs);
    free(r);
}

bool renderer_add_root(struct renderer *r, const char *path, struct err *err)
{
    return loader_add_root(r->t.loader, path, err);
}

struct heap *renderer_heap(struct renderer *r)
{
    return vm_heap(r->t.vm);
}

struct sources *renderer_sources(struct renderer *r)
{
    return vm_sources(r->t.vm);
}

/* ---- compiling ---- */

static bool new_function(struct heap *h, struct code *code, val *ret)
{
    struct func_obj *fn = heap_new(h, V_FUNC, sizeof *fn);
    if (!fn)
        return false;
    fn->code = code;
    *ret = val_obj(V_FUNC, fn);
    return true;
}

static void drop(struct templates *t, struct compiled *c)
{
    struct vm_code **file = &t->vm->codes;
    while (*file && *file != c->file)
        file = &(*file)->next;
    if (*file) {
        *file = c->file->next;
        code_free(c->file);
    }
    compiled_free(c);
}

static bool compile_into(struct templates *t, struct compiled *c, size_t from,
                         struct err_list *errors)
{
    struct template_tree tree;
    struct heap *h = &t->vm->heap;
    auto_err e = ERR_INIT;
    if (!template_parse(vm_sources(t->vm), c->file->source, from, &c->file->arena, &tree, &e)) {
        err_move(err_list_add(errors), &e);
        return false;
    }
    if (!template_compile_tree(t, c, &tree, errors))
        return false;
    bool ok = new_function(h, c->file->main, &c->root);
    for (uint32_t i = 0; ok && i < c->block_count; i++)
        ok = new_function(h, c->blocks[i].code, &c->blocks[i].function);
    if (!ok) {
        err_move(err_list_add(errors), &h->fault.err);
        heap_clear_fault(h);
    }
    return ok;
}

/* NULL: errors say why. */
static struct compiled *compile_text(struct templates *t, str name, str path, str text, size_t from,
                                     struct err_list *errors)
{
    auto_buf plain = BUF(BUF_TEXT_MAX);
    if (template_normalize(text, &plain)) {
        for (size_t i = from; i-- > 0;)
            from -= text.p[i] == '\r' && text.p[i + 1] == '\n';
        text = buf_str(&plain);
    }
    struct compiled *c = mem_zalloc(sizeof *c);
    c->name = str_make(str_dup(name), name.n);
    c->file = code_new(t->vm, sources_add(vm_sources(t->vm), path, text, POS_NONE), false);
    if (!compile_into(t, c, from, errors)) {
        drop(t, c);
        return NULL;
    }
    c->next = t->all;
    t->all = c;
    return c;
}

/* Templates whose files have changed: nothing runs in them. */
static void drop_stale(struct templates *t)
{
    for (struct compiled **at = &t->all; *at;) {
        struct compiled *c = *at;
        c->module = VAL_UNBOUND;
        if (!c->stale) {
            at = &c->next;
            continue;
        }
        *at = c->next;
        drop(t, c);
    }
}

static struct compiled *find_known(struct templates *t, str name, bool from_text)
{
    for (struct compiled *c = t->all; c; c = c->next)
        if (!c->stale && c->from_text == from_text && str_eq(c->name, name))
            return c;
    return NULL;
}

static bool raise_first(struct heap *h, struct err_list *errors)
{
    h->fault.kind = FAULT_REFUSED;
    err_move(&h->fault.err, &errors->at[0]);
    err_list_done(errors);
    return false;
}

bool template_get(struct templates *t, str name, struct compiled **ret)
{
    struct heap *h = &t->vm->heap;
    struct compiled *known = find_known(t, name, false);
    struct template_stamp stamp;
    struct err_list errors = {0};
    auto_buf path = BUF(BUF_TEXT_MAX), text = BUF(TEMPLATE_MAX_SOURCE + 1);
    auto_err e = ERR_INIT;
    *ret = known;
    if (known && known->seen == t->render)
        return true;
    if (known && loader_is_same(t->loader, name, &known->stamp)) {
        known->seen = t->render;
        return true;
    }
    if (known)
        known->stale = true;
    *ret = NULL;
    enum loader_outcome outcome = loader_find(t->loader, name, &stamp, &path, &text, &e);
    if (outcome == LOADER_FAILED) {
        err_move(err_list_add(&errors), &e);
        return raise_first(h, &errors);
    }
    if (outcome == LOADER_MISSING)
        return true;
    size_t from = t->options.body_at ? t->options.body_at(buf_str(&path), buf_str(&text)) : 0;
    *ret = compile_text(t, name, buf_str(&path), buf_str(&text), from, &errors);
    if (!*ret)
        return raise_first(h, &errors);
    err_list_done(&errors);
    (*ret)->stamp = stamp;
    (*ret)->seen = t->render;
    return true;
}

/* ---- rendering ---- */

static void begin(struct templates *t)
{
    struct heap *h = &t->vm->heap;
    h->fuel = h->limits.instructions;
    h->depth = 0;
    t->render++;
    t->out_count = 0;
    t->written = 0;
    drop_stale(t);
    heap_clear_fault(h);
}

/* Of Jinja2's own errors the text alone; of others with the type before it. */
static void plain_message(struct vm *vm, val exception, struct err *e)
{
    static const str colon = STR_INIT(": ");
    size_t at = str_find(e->message, colon, 0);
    (void)vm;
    if (exception.kind == V_EXC && template_error_is_plain(exception.exc->type)) {
        if (at != SIZE_MAX)
            e->message = str_sub(e->message, at + 2, SIZE_MAX);
        else
            e->message = STR("template not found");
        if (type_is_subclass(exception.exc->type, &exc_TemplateNotFound)) {
            e->code = "template_not_found";
            if (exception.exc->type == &exc_TemplateNotFound)
                e->message = arena_printf(&e->arena, "the template '%.*s' is not found",
                                          STR_ARG(e->message));
            err_hint(e, "names are looked up below the template folders, without \"..\"");
        } else {
            e->code =
                exception.exc->type == &exc_UndefinedError ? "undefined_value" : "template_error";
        }
    }
}

static bool run_into(struct templates *t, struct compiled *c, val context, struct err *err)
{
    struct vm *vm = t->vm;
    struct heap *h = &vm->heap;
    val made = VAL_UNBOUND;
    if (!context_new(h, c, context, &made)) {
        err_move(err, &h->fault.err);
        heap_clear_fault(h);
        return false;
    }
    struct call_args args = {.at = &made, .n = 1};
    heap_hold(h, made);
    enum vm_outcome outcome = vm_run_call(vm, c->root, &args);
    heap_release(h, 1);
    if (outcome == VM_DONE)
        return true;
    if (outcome == VM_FAILED) {
        err_move(err, vm_error(vm));
        plain_message(vm, vm_exception(vm), err);
        return false;
    }
    return err_at(err, "not_supported", vm_position(vm),
                  "a value that is known only later cannot be rendered");
}

/* A caller who has nothing yet is written to at once: large values are copied only once. */
static bool run(struct templates *t, struct compiled *c, val context, struct buf *out,
                struct err *err)
{
    size_t max = out->max;
    bool at_once = !out->n && !out->overflow;
    if (!template_push(t)) {
        err_move(err, &t->vm->heap.fault.err);
        heap_clear_fault(&t->vm->heap);
        return false;
    }
    struct buf *own = t->outs[0];
    if (at_once) {
        t->outs[0] = t->out = out;
        out->max = max < own->max ? max : own->max;
    }
    bool ok = run_into(t, c, context, err);
    t->outs[0] = own;
    out->max = max;
    if (at_once && !ok)
        buf_reset(out);
    else if (ok && !at_once)
        buf_add_str(out, buf_str(own));
    return ok && (!out->overflow || err_set(err, "output_limit", "the rendered text is too long"));
}

static bool fail_with(struct err *err, struct err_list *errors)
{
    err_move(err, &errors->at[0]);
    err_list_done(errors);
    return false;
}

bool render_file(struct renderer *r, str name, val context, struct buf *out, struct err *err)
{
    struct templates *t = &r->t;
    struct heap *h = &t->vm->heap;
    struct compiled *c;
    begin(t);
    if (!template_get(t, name, &c)) {
        err_move(err, &h->fault.err);
        heap_clear_fault(h);
        return false;
    }
    if (!c)
        return err_set(err, "template_not_found", "the template '%.*s' is not found",
                       STR_ARG(name));
    return run(t, c, context, out, err);
}

bool render_text(struct renderer *r, str name, str path, str text, size_t from, val context,
                 struct buf *out, struct err *err)
{
    struct templates *t = &r->t;
    struct err_list errors = {0};
    begin(t);
    struct compiled *c = find_known(t, name, true);
    uint64_t hash = hash_bytes(text.p, text.n);
    if (c && (c->stamp.size != text.n || c->stamp.inode != hash || c->stamp.device != from)) {
        c->stale = true;
        c = NULL;
    }
    if (!c) {
        c = compile_text(t, name, path, text, from, &errors);
        if (!c)
            return fail_with(err, &errors);
        err_list_done(&errors);
        c->from_text = true;
        c->stamp = (struct template_stamp){.device = from, .inode = hash, .size = text.n};
    }
    return run(t, c, context, out, err);
}

bool render_check(struct renderer *r, str path, str text, size_t from, struct err_list *errors)
{
    struct templates *t = &r->t;
    size_t before = errors->n;
    begin(t);
    struct compiled *c = compile_text(t, path, path, text, from, errors);
    if (!c)
        return false;
    c->stale = c->from_text = true;
    vm_lint(t->vm, c->file, errors);
    return errors->n == before;
}

/* ---- errors ---- */

void render_add_error(struct buf *b, struct sources *s, const struct err *e, bool color)
{
    struct diag_style style = {.color = color, .severity = "error"};
    struct err alone = *e;
    struct place place;
    alone.frames = NULL;
    alone.frame_count = 0;
    diag_add_err(b, s, &alone, &style);
    size_t n = e->frame_count;
    if (n && e->frames[n - 1].at.source == e->at.source &&
        e->frames[n - 1].at.offset == e->at.offset)
        n--;
    while (n-- > 0)
        if (sources_place(s, e->frames[n].at, &place))
            buf_addf(b, "%.*s:%u:%u: in %.*s\n", STR_ARG(place.path), place.line, place.column,
                     STR_ARG(e->frames[n].name));
}
