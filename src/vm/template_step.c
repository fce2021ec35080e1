/* What a template's instructions do: output, blocks, loading, calls of macros and filters. */
#include "base/num.h"
#include "value/dict.h"
#include "value/list.h"
#include "value/ops.h"
#include "value/text.h"
#include "vm/template_int.h"

/* ---- output ---- */

static bool too_much(struct heap *h)
{
    heap_limit(h, "output_limit", "the template writes more than %zu bytes", h->limits.output);
    return false;
}

bool template_push(struct templates *t)
{
    if (t->out_count == t->out_cap) {
        uint32_t cap = t->out_cap ? t->out_cap * 2 : 8;
        t->outs = mem_realloc_array(t->outs, cap, sizeof *t->outs);
        for (uint32_t i = t->out_cap; i < cap; i++)
            t->outs[i] = mem_zalloc(sizeof **t->outs);
        t->out_cap = cap;
    }
    t->out = t->outs[t->out_count++];
    t->out->n = 0;
    t->out->overflow = false;
    t->out->max = t->vm->heap.limits.output;
    return true;
}

bool template_pop(struct templates *t, bool markup, val *ret)
{
    enum { KEPT_MAX = 1 << 20 };
    struct heap *h = &t->vm->heap;
    struct buf *b = t->out;
    t->written -= b->n;
    bool ok = markup ? markup_from(h, buf_str(b), ret) : text_new(h, buf_str(b), ret);
    if (b->cap > KEPT_MAX)
        buf_done(b);
    t->out_count--;
    t->out = t->out_count ? t->outs[t->out_count - 1] : NULL;
    return ok;
}

bool template_emit_text(struct vm *vm, str text)
{
    struct templates *t = vm->templates;
    t->written += text.n;
    if (t->written > vm->heap.limits.output)
        return too_much(&vm->heap);
    if (text.n == 1) { /* a space or a newline between two values */
        buf_add_byte(t->out, text.p[0]);
        return true;
    }
    buf_add_str(t->out, text);
    return text.n < 64 || heap_charge(&vm->heap, (int64_t)(text.n / 64));
}

bool template_emit(struct vm *vm, val v, int escape)
{
    struct heap *h = &vm->heap;
    char digits[24];
    if (v.kind == V_INT) {
        uint64_t u = v.i < 0 ? 0 - (uint64_t)v.i : (uint64_t)v.i;
        size_t at = sizeof digits;
        do
            digits[--at] = (char)('0' + u % 10);
        while (u /= 10);
        if (v.i < 0)
            digits[--at] = '-';
        return template_emit_text(vm, str_make(digits + at, sizeof digits - at));
    }
    if (escape == 2)
        escape = context_escapes(vm);
    if (v.kind != V_STR) {
        heap_hold(h, v);
        bool ok = escape ? markup_escape(h, v, &v) : val_str(h, v, &v);
        heap_release(h, 1);
        if (!ok)
            return false;
        escape = 0;
    }
    if (!escape || val_is_markup(v))
        return template_emit_text(vm, text_str(v));
    auto_buf b = BUF(BUF_TEXT_MAX);
    markup_add_escaped(&b, text_str(v));
    return template_emit_text(vm, buf_str(&b));
}

/* ---- loading ---- */

static bool not_found(struct heap *h, val name)
{
    if (val_is_undefined(name))
        return undefined_raise(h, name);
    val text;
    if (!val_str(h, name, &text))
        return false;
    return heap_raise(h, &exc_TemplateNotFound, "%.*s", STR_ARG(text_str(text)));
}

/* None of the names of a list. */
static bool none_found(struct heap *h, val names)
{
    auto_buf b = BUF(1 << 16);
    for (uint32_t i = 0; i < names.list->n; i++) {
        val text;
        if (!val_str(h, names.list->at[i], &text))
            return false;
        buf_addf(&b, "%s%.*s", i ? ", " : "", STR_ARG(text_str(text)));
    }
    return heap_raise(h, &exc_TemplatesNotFound, "none of the templates given were found: %s",
                      buf_c(&b));
}

/* *ret NULL: it is not there, and `missing` may be. */
static bool load(struct vm *vm, val name, bool select, bool missing, struct compiled **ret)
{
    struct heap *h = &vm->heap;
    val names;
    *ret = NULL;
    if (name.kind == V_STR) {
        if (!template_get(vm->templates, text_str(name), ret))
            return false;
        return *ret || missing || not_found(h, name);
    }
    if (val_is_undefined(name))
        return undefined_raise(h, name);
    if (!select)
        return missing || not_found(h, name);
    if (!val_to_list(h, name, &names))
        return false;
    if (!names.list->n && !missing)
        return heap_raise(h, &exc_TemplatesNotFound,
                          "Tried to select from an empty list of templates.");
    for (uint32_t i = 0; i < names.list->n && !*ret; i++) {
        val one = names.list->at[i];
        if (one.kind == V_STR && !template_get(vm->templates, text_str(one), ret))
            return false;
    }
    return *ret || missing || none_found(h, names);
}

/* R[at] = function, R[at + 1] = its context. */
static bool prepare(struct vm *vm, struct compiled *c, val locals, uint32_t at)
{
    struct heap *h = &vm->heap;
    val context = vm_regs(vm)[0], all, made;
    if (locals.kind == V_DICT) {
        if (!context_all(h, context, locals, &all))
            return false;
    } else {
        all = VAL_UNBOUND;
    }
    if (!context_new(h, c, all, &made))
        return false;
    vm_regs(vm)[at] = c->root;
    vm_regs(vm)[at + 1] = made;
    return true;
}

static bool step_include(struct vm *vm, const struct instr *pc)
{
    const val *R = vm_regs(vm);
    struct compiled *c;
    if (!load(vm, R[pc->a], true, pc->c, &c))
        return false;
    if (!c) {
        vm_regs(vm)[pc->a] = VAL_NONE;
        return true;
    }
    return prepare(vm, c, R[pc->b], pc->a);
}

/* c: bit 0: may be missing; bit 1: of an include, which takes lists. */
static bool step_import(struct vm *vm, const struct instr *pc)
{
    const val *R = vm_regs(vm);
    val locals = R[pc->a + 1];
    struct compiled *c;
    if (!load(vm, R[pc->a], pc->c & 2, pc->c & 1, &c))
        return false;
    vm_regs(vm)[pc->a] = VAL_NONE;
    if (!c) {
        vm_regs(vm)[pc->a + 1] = VAL_FALSE;
        return true;
    }
    if (locals.kind != V_DICT && c->module.kind != V_UNBOUND) {
        vm_regs(vm)[pc->a] = c->module;
        vm_regs(vm)[pc->a + 1] = VAL_TRUE;
        return true;
    }
    return prepare(vm, c, locals, pc->a + 1u);
}

static bool step_extends(struct vm *vm, const struct instr *pc)
{
    struct compiled *c;
    const val *R = vm_regs(vm);
    if (!load(vm, R[pc->b], false, false, &c) || !context_add_blocks(&vm->heap, R[0], c))
        return false;
    vm_regs(vm)[pc->a] = c->root;
    return true;
}

static bool step_module(struct vm *vm, const struct instr *pc)
{
    val *R = vm_regs(vm), module, context = R[pc->a + 2];
    if (!module_new(&vm->heap, context, R[pc->b], &module))
        return false;
    if (!pc->c)
        context_of(context)->template->module = module;
    vm_regs(vm)[pc->a] = module;
    return true;
}

/* ---- blocks ---- */

static bool step_block(struct vm *vm, const struct instr *pc, str name)
{
    struct heap *h = &vm->heap;
    val *R = vm_regs(vm), heirs, context = R[pc->b];
    bool scoped = pc->flag == STEP_SCOPED;
    if (!context_blocks(h, context, name, &heirs))
        return false;
    val function = heirs.list->at[0];
    if (scoped && !context_derive(h, context, R[pc->a], &context))
        return false;
    vm_regs(vm)[pc->a] = function;
    vm_regs(vm)[pc->a + 1] = context;
    return true;
}

static bool step_required(struct vm *vm, const struct instr *pc, str name)
{
    val heirs;
    if (!context_blocks(&vm->heap, vm_regs(vm)[pc->b], name, &heirs))
        return false;
    if (heirs.list->n > 1)
        return true;
    return heap_raise(&vm->heap, &exc_TemplateRuntimeError, "Required block '%.*s' not found",
                      STR_ARG(name));
}

/* ---- ~ ---- */

static bool step_concat(struct vm *vm, const struct instr *pc, bool escaped)
{
    struct heap *h = &vm->heap;
    auto_text_builder b;
    bool markup = false;
    text_builder_init(&b, h);
    for (uint32_t i = 0; i < pc->c; i++)
        markup = markup || (escaped && val_is_markup(vm_regs(vm)[pc->b + i]));
    for (uint32_t i = 0; i < pc->c; i++) {
        val v = vm_regs(vm)[pc->b + i];
        if (!(markup ? markup_escape(h, v, &v) : val_str(h, v, &v)))
            return false;
        text_builder_add_val(&b, v);
        if (!heap_charge(h, v.s->n / 64))
            return false;
    }
    val joined;
    if (!text_builder_finish(&b, &joined) || (markup && !markup_of(h, joined, &joined)))
        return false;
    vm_regs(vm)[pc->a] = joined;
    return true;
}

/* ---- steps ---- */

static bool step_pop(struct vm *vm, const struct instr *pc)
{
    val text;
    bool markup = pc->c == MARKUP_ALWAYS || (pc->c == MARKUP_CONTEXT && context_escapes(vm)) ||
                  (pc->c == MARKUP_CALLER && vm_regs(vm)[MACRO_ESCAPE].b);
    if (!template_pop(vm->templates, markup, &text))
        return false;
    vm_regs(vm)[pc->a] = text;
    return true;
}

static bool step_loop(struct vm *vm, const struct instr *pc)
{
    val *R = vm_regs(vm), loop;
    bool recursive = pc->c & 1;
    val recurse = recursive ? R[pc->b] : VAL_UNBOUND;
    int64_t depth = recursive ? R[pc->b + 1].i : 0;
    if (!loop_new(&vm->heap, R[pc->a], !(pc->c & 2), recurse, R[0], depth, &loop))
        return false;
    vm_regs(vm)[pc->a] = loop;
    return true;
}

static bool step_not_exported(struct vm *vm, const struct instr *pc, str name)
{
    auto_buf b = BUF(1 << 16);
    const val *R = vm_regs(vm);
    val out;
    buf_addf(&b, "the template '%.*s' (imported on %.*s) does not export the requested name '%.*s'",
             STR_ARG(module_name(R[pc->b])), STR_ARG(text_str(R[pc->a])), STR_ARG(name));
    if (!undefined_hint(&vm->heap, buf_str(&b), &out))
        return false;
    vm_regs(vm)[pc->a] = out;
    return true;
}

static bool step_parameter(struct vm *vm, const struct instr *pc, str name)
{
    auto_buf b = BUF(1 << 16);
    val out;
    buf_addf(&b, "parameter '%.*s' was not provided", STR_ARG(name));
    if (!undefined_hint(&vm->heap, buf_str(&b), &out))
        return false;
    vm_regs(vm)[pc->a] = out;
    return true;
}

static bool step_space(struct vm *vm, const struct instr *pc)
{
    if (val_is_namespace(vm_regs(vm)[pc->a]))
        return true;
    return heap_raise(&vm->heap, &exc_TemplateRuntimeError,
                      "cannot assign attribute on non-namespace object");
}

static bool no_row(struct vm *vm, const char *what, str name)
{
    return heap_raise(&vm->heap, &exc_TemplateRuntimeError, "No %s named '%.*s' found.", what,
                      STR_ARG(name));
}

bool template_step(struct vm *vm, const struct instr *pc)
{
    struct heap *h = &vm->heap;
    const struct code *code = vm_top_frame(vm)->code;
    val *R = vm_regs(vm), out;
    enum template_step step = (enum template_step)pc->flag;
    switch (step) {
    case STEP_RESOLVE:
        return context_resolve(h, R[pc->b], code->names[pc->c], &R[pc->a]);
    case STEP_PUSH:
        return template_push(vm->templates);
    case STEP_POP:
        return step_pop(vm, pc);
    case STEP_SELF:
        if (!template_self(h, R[pc->b], &out))
            return false;
        break;
    case STEP_SUPER:
        if (!template_super(h, R[pc->b], val_obj(V_FUNC, vm_top_frame(vm)->func),
                            code->names[pc->c], &out))
            return false;
        break;
    case STEP_EXPORT:
        return context_set(h, R[pc->a], code->names[pc->c], R[pc->b], true);
    case STEP_UNEXPORT:
        context_unexport(h, R[pc->a], code->names[pc->c]);
        return true;
    case STEP_LOCAL:
        return R[pc->b].kind == V_UNBOUND ||
               dict_set_str(h, R[pc->a].dict, code->names[pc->c], R[pc->b]);
    case STEP_BLOCK:
    case STEP_SCOPED:
        return step_block(vm, pc, code->names[pc->c]);
    case STEP_REQUIRED:
        return step_required(vm, pc, code->names[pc->c]);
    case STEP_EXTENDS:
        return step_extends(vm, pc);
    case STEP_TWICE:
        return heap_raise(h, &exc_TemplateRuntimeError, "extended multiple times");
    case STEP_INCLUDE:
        return step_include(vm, pc);
    case STEP_IMPORT:
        return step_import(vm, pc);
    case STEP_MODULE:
        return step_module(vm, pc);
    case STEP_BODY:
        out = module_body(R[pc->a]);
        break;
    case STEP_MEMBER:
        if (!module_member(h, R[pc->b], code->names[pc->c], &out))
            return false;
        break;
    case STEP_NOT_EXPORTED:
        return step_not_exported(vm, pc, code->names[pc->c]);
    case STEP_SPACE:
        return step_space(vm, pc);
    case STEP_SET_SPACE:
        return namespace_set(h, R[pc->a], code->names[pc->c], R[pc->b]);
    case STEP_LOOP:
        return step_loop(vm, pc);
    case STEP_NO_ELSE:
        if (!undefined_lenient(h, text_str(R[pc->a]), &out))
            return false;
        break;
    case STEP_NO_FILTER:
        return no_row(vm, "filter", code->names[pc->c]);
    case STEP_NO_TEST:
        return no_row(vm, "test", code->names[pc->c]);
    case STEP_GET_ESCAPE:
        out = val_bool(context_of(R[0])->escape);
        break;
    case STEP_SET_ESCAPE: {
        bool truth;
        if (!val_truth(h, R[pc->a], &truth))
            return false;
        context_of(vm_regs(vm)[0])->escape = truth;
        return true;
    }
    case STEP_PARAMETER:
        return step_parameter(vm, pc, code->names[pc->c]);
    case STEP_MARKUP:
        out = R[pc->a];
        if ((!pc->b || context_of(R[0])->escape) && out.kind == V_STR && !markup_of(h, out, &out))
            return false;
        break;
    case STEP_SLICE: {
        bool markup = val_is_markup(R[pc->b]);
        if (!val_getitem(h, R[pc->b], R[pc->c], &out) || (markup && !markup_of(h, out, &out)))
            return false;
        break;
    }
    case STEP_CONCAT:
    case STEP_CONCAT_ESCAPED:
        return step_concat(vm, pc, step == STEP_CONCAT_ESCAPED);
    }
    vm_regs(vm)[pc->a] = out;
    return true;
}

/* ---- macros ---- */

static bool macro_error(struct heap *h, const struct template_info *m, const char *what)
{
    auto_buf name = BUF(1 << 16);
    if (m->anonymous)
        buf_add_c(&name, "None");
    else
        buf_addf(&name, "'%.*s'", STR_ARG(m->name));
    return heap_raise(h, &exc_TypeError, "macro %s %s", buf_c(&name), what);
}

/* The value of a named argument, which is taken; VAL_UNBOUND: it was not given. */
static val take_named(const struct call_args *args, bool *taken, str name)
{
    for (uint32_t i = 0; i < args->named_count; i++)
        if (!taken[i] && str_eq(text_str(args->names[i]), name)) {
            taken[i] = true;
            return args->named[i];
        }
    return VAL_UNBOUND;
}

static bool rest_of_names(struct heap *h, const struct template_info *m,
                          const struct call_args *args, const bool *taken, val *ret)
{
    auto_buf b = BUF(1 << 16);
    if (m->kwargs && !dict_new(h, args->named_count, ret))
        return false;
    for (uint32_t i = 0; i < args->named_count; i++) {
        str name = text_str(args->names[i]);
        if (taken[i])
            continue;
        if (m->kwargs) {
            if (!dict_set(h, ret->dict, args->names[i], args->named[i]))
                return false;
            continue;
        }
        for (uint32_t k = i; k < args->named_count; k++)
            if (!taken[k] && str_is(text_str(args->names[k]), "caller"))
                return macro_error(h, m,
                                   "was invoked with two values for the special caller argument. "
                                   "This is most likely a bug.");
        buf_addf(&b, "takes no keyword argument '%.*s'", STR_ARG(name));
        return macro_error(h, m, buf_c(&b));
    }
    return true;
}

bool template_bind(struct vm *vm, struct func_obj *fn, const struct call_args *args, val *regs)
{
    struct heap *h = &vm->heap;
    const struct template_info *m = fn->code->macro;
    auto_free bool *taken = mem_zalloc(args->named_count + 1);
    uint32_t n = args->n < m->n ? args->n : m->n, at = MACRO_FIRST + m->n;
    bool found_caller = n == m->n && m->explicit_caller;
    regs[MACRO_CONTEXT] = val_obj(V_OBJECT, fn->at[0]);
    const struct frame *caller = vm->frame_count > 1 ? vm_top_frame(vm) - 1 : NULL;
    bool escape = context_of(regs[MACRO_CONTEXT])->escape;
    if (caller && caller->code->template)
        escape = context_of(frame_regs(vm, caller)[0])->escape;
    regs[MACRO_ESCAPE] = val_bool(escape);
    for (uint32_t i = 0; i < n; i++)
        regs[MACRO_FIRST + i] = args->at[i];
    for (uint32_t i = n; i < m->n; i++) {
        regs[MACRO_FIRST + i] = take_named(args, taken, m->names[i]);
        found_caller = found_caller || str_is(m->names[i], "caller");
    }
    if (m->caller && !found_caller) {
        val v = take_named(args, taken, STR("caller"));
        if ((v.kind == V_UNBOUND || v.kind == V_NONE) &&
            !undefined_hint(h, STR("No caller defined"), &v))
            return false;
        regs[at++] = v;
    }
    val rest = VAL_UNBOUND;
    if (!rest_of_names(h, m, args, taken, &rest))
        return false;
    if (m->kwargs)
        regs[at++] = rest;
    if (m->varargs)
        return tuple_from(h, args->at + n, args->n - n, &regs[at]);
    if (args->n <= m->n)
        return true;
    auto_buf b = BUF(1 << 16);
    buf_addf(&b, "takes not more than %u argument(s)", m->n);
    return macro_error(h, m, buf_c(&b));
}

/* ---- filters ---- */

bool template_filter(struct vm *vm, const struct instr *pc, val *regs, val *ret)
{
    struct heap *h = &vm->heap;
    const struct native_def *def = template_row(pc->flag & 1, pc[1].c);
    struct call_args args = {.at = regs + pc->b + 1, .n = pc->c};
    val at[2];
    if (pc->flag & 2) {
        if (!call_spread_names(h, regs[pc->b + 2], at))
            return false;
        args = (struct call_args){regs[pc->b + 1].list->at, regs[pc->b + 1].list->n, at[0].list->at,
                                  at[1].list->at, at[0].list->n};
    } else if (pc[1].b) {
        const struct tuple_obj *names = vm_top_frame(vm)->code->consts[pc[1].b - 1].tuple;
        args.n -= names->n;
        args.names = names->at;
        args.named = args.at + args.n;
        args.named_count = names->n;
    }
    return native_call(h, def, regs[pc->b], &args, ret);
}

/* ---- what the collector must see ---- */

void template_mark(struct templates *t, struct heap *h)
{
    for (const struct compiled *c = t->all; c; c = c->next) {
        heap_mark(h, c->root);
        heap_mark(h, c->module);
        for (uint32_t i = 0; i < c->block_count; i++)
            heap_mark(h, c->blocks[i].function);
    }
}
