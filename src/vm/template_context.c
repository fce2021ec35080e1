/* Contexts, and the modules that imports make of them. */
#include "value/dict.h"
#include "value/list.h"
#include "value/ops.h"
#include "value/text.h"
#include "vm/template_int.h"

static void context_trace(struct heap *h, struct object *o)
{
    const struct context *c = (const struct context *)o;
    heap_mark(h, c->parent);
    heap_mark(h, c->vars);
    heap_mark(h, c->exported);
    heap_mark(h, c->blocks);
}

const struct obj_class context_class = {
    .type = {.name = "runtime.Context", .kind = V_OBJECT},
    .trace = context_trace,
};

val context_running(struct vm *vm)
{
    for (uint32_t i = vm->frame_count; i-- > 0;) {
        const struct frame *f = &vm->frames[i];
        if (f->code->template)
            return frame_regs(vm, f)[0];
    }
    return VAL_UNBOUND;
}

bool context_escapes(struct vm *vm)
{
    val c = context_running(vm);
    return val_is_object_of(c, &context_class) && context_of(c)->escape;
}

bool context_new(struct heap *h, struct compiled *template, val parent, val *ret)
{
    struct context *c = heap_new(h, V_OBJECT, sizeof *c);
    if (!c)
        return false;
    c->o.class = &context_class;
    c->template = template;
    c->parent = parent;
    *ret = val_obj(V_OBJECT, c);
    return !template->block_count || context_add_blocks(h, *ret, template);
}

bool context_resolve(struct heap *h, val context, str name, val *ret)
{
    const struct context *c = context_of(context);
    (void)h;
    *ret = c->vars.kind == V_DICT ? dict_get_str(c->vars.dict, name) : VAL_UNBOUND;
    if (ret->kind != V_UNBOUND)
        return true;
    if (c->parent.kind == V_DICT)
        *ret = dict_get_str(c->parent.dict, name);
    if (ret->kind == V_UNBOUND && !template_global(name, ret))
        *ret = VAL_UNBOUND;
    return true;
}

bool context_set(struct heap *h, val context, str name, val v, bool exports)
{
    struct context *c = context_of(context);
    if (c->vars.kind != V_DICT && !dict_new(h, 0, &c->vars))
        return false;
    if (!dict_set_str(h, c->vars.dict, name, v))
        return false;
    if (!exports || (name.n && name.p[0] == '_'))
        return true;
    if (c->exported.kind != V_DICT && !dict_new(h, 0, &c->exported))
        return false;
    return dict_set_str(h, c->exported.dict, name, VAL_TRUE);
}

void context_unexport(struct heap *h, val context, str name)
{
    struct context *c = context_of(context);
    val key, was;
    if (c->exported.kind != V_DICT || val_is_unbound(dict_get_str(c->exported.dict, name)))
        return;
    if (!text_new_interned(h, name, &key) || !dict_remove(h, c->exported.dict, key, &was))
        heap_clear_fault(h);
}

static bool add_all(struct heap *h, val into, val from)
{
    struct dict_entry *e;
    uint32_t at = 0;
    if (from.kind != V_DICT)
        return true;
    while ((e = dict_next(from.dict, &at)))
        if (!dict_set(h, into.dict, e->key, e->value))
            return false;
    return heap_charge(h, at);
}

bool context_all(struct heap *h, val context, val locals, val *ret)
{
    const struct context *c = context_of(context);
    uint32_t room = c->parent.kind == V_DICT ? c->parent.dict->n : 0;
    return dict_new(h, room, ret) && add_all(h, *ret, c->parent) && add_all(h, *ret, c->vars) &&
           add_all(h, *ret, locals);
}

bool context_derive(struct heap *h, val context, val locals, val *ret)
{
    struct context *from = context_of(context);
    val all;
    if (!context_all(h, context, locals, &all))
        return false;
    struct context *c = heap_new(h, V_OBJECT, sizeof *c);
    if (!c)
        return false;
    c->o.class = &context_class;
    c->template = from->template;
    c->parent = all;
    c->escape = from->escape;
    *ret = val_obj(V_OBJECT, c);
    if (from->blocks.kind != V_DICT)
        return true;
    if (!dict_new(h, from->blocks.dict->n, &c->blocks))
        return false;
    struct dict_entry *e;
    uint32_t at = 0;
    val copy;
    while ((e = dict_next(from->blocks.dict, &at)))
        if (!list_from(h, e->value.list->at, e->value.list->n, &copy) ||
            !dict_set(h, c->blocks.dict, e->key, copy))
            return false;
    return true;
}

/* ---- blocks ---- */

bool context_add_blocks(struct heap *h, val context, const struct compiled *template)
{
    struct context *c = context_of(context);
    if (c->blocks.kind != V_DICT && !dict_new(h, template->block_count, &c->blocks))
        return false;
    for (uint32_t i = 0; i < template->block_count; i++) {
        const struct template_block *b = &template->blocks[i];
        val heirs = dict_get_str(c->blocks.dict, b->name);
        if (heirs.kind == V_UNBOUND &&
            (!list_new(h, 1, &heirs) || !dict_set_str(h, c->blocks.dict, b->name, heirs)))
            return false;
        if (!list_push(h, heirs.list, b->function))
            return false;
    }
    return true;
}

bool context_blocks(struct heap *h, val context, str name, val *ret)
{
    const struct context *c = context_of(context);
    *ret = c->blocks.kind == V_DICT ? dict_get_str(c->blocks.dict, name) : VAL_UNBOUND;
    if (ret->kind == V_LIST)
        return true;
    return heap_raise(h, &exc_KeyError, "'%.*s'", STR_ARG(name));
}

/* ---- modules ---- */

struct module_object {
    struct object o;
    struct compiled *template;
    val names, body;
};

static void module_trace(struct heap *h, struct object *o)
{
    const struct module_object *m = (const struct module_object *)o;
    heap_mark(h, m->names);
    heap_mark(h, m->body);
}

static bool module_getattr(struct heap *h, struct object *o, str name, val *ret)
{
    (void)h;
    *ret = dict_get_str(((struct module_object *)o)->names.dict, name);
    return true;
}

static bool module_str(struct heap *h, struct object *o, val *ret)
{
    (void)h;
    *ret = ((struct module_object *)o)->body;
    return true;
}

static bool module_repr(struct heap *h, struct object *o, val *ret)
{
    const struct module_object *m = (const struct module_object *)o;
    return text_printf(h, ret, "<TemplateModule '%.*s'>", STR_ARG(m->template->name));
}

const struct obj_class module_class = {
    .type = {.name = "environment.TemplateModule", .kind = V_OBJECT},
    .getattr = module_getattr,
    .str = module_str,
    .repr = module_repr,
    .trace = module_trace,
};

bool module_new(struct heap *h, val context, val body, val *ret)
{
    const struct context *c = context_of(context);
    struct dict_entry *e;
    uint32_t at = 0;
    struct module_object *m = heap_new(h, V_OBJECT, sizeof *m);
    if (!m)
        return false;
    m->o.class = &module_class;
    m->template = c->template;
    m->body = body;
    *ret = val_obj(V_OBJECT, m);
    if (!dict_new(h, 0, &m->names))
        return false;
    if (c->exported.kind != V_DICT)
        return true;
    while ((e = dict_next(c->exported.dict, &at)))
        if (!dict_set(h, m->names.dict, e->key, dict_get_str(c->vars.dict, text_str(e->key))))
            return false;
    return true;
}

val module_body(val module)
{
    return ((struct module_object *)module.object)->body;
}

str module_name(val module)
{
    return ((struct module_object *)module.object)->template->name;
}

bool module_member(struct heap *h, val module, str name, val *ret)
{
    return module_getattr(h, module.object, name, ret);
}
