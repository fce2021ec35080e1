/* Deferred values whose steps have results, to concrete ones; and as parts of a command. */
#include "workflow/deferred.h"

static bool evaluate(struct heap *h, val v, val *ret);

static bool evaluate_inside(struct heap *h, val v, val *ret);

static bool evaluate_dict(struct heap *h, const struct dict_obj *d, val *ret)
{
    uint32_t at = 0;
    val copy;
    if (!dict_new(h, d->n, &copy))
        return false;
    for (struct dict_entry *e; (e = dict_next((struct dict_obj *)d, &at));) {
        val value;
        if (!evaluate_inside(h, e->value, &value) || !dict_set(h, copy.dict, e->key, value))
            return false;
    }
    *ret = copy;
    return true;
}

/* Arguments may hold deferred values inside of lists, tuples and dicts. */
static bool evaluate_inside(struct heap *h, val v, val *ret)
{
    if (is_deferred(v))
        return evaluate(h, v, ret);
    if (v.kind == V_LIST || v.kind == V_TUPLE) {
        val copy;
        uint32_t n = v.kind == V_LIST ? v.list->n : v.tuple->n;
        const val *at = v.kind == V_LIST ? v.list->at : v.tuple->at;
        if (!(v.kind == V_LIST ? list_from(h, at, n, &copy) : tuple_from(h, at, n, &copy)))
            return false;
        val *to = copy.kind == V_LIST ? copy.list->at : copy.tuple->at;
        for (uint32_t i = 0; i < n; i++)
            if (!evaluate_inside(h, to[i], &to[i]))
                return false;
        *ret = copy;
        return true;
    }
    if (v.kind == V_DICT && !(v.dict->h.flags & OBJ_RECORD))
        return evaluate_dict(h, v.dict, ret);
    if (v.kind == V_SLICE) {
        val low, high, step;
        return evaluate_inside(h, v.slice->low, &low) && evaluate_inside(h, v.slice->high, &high) &&
               evaluate_inside(h, v.slice->step, &step) && slice_new(h, low, high, step, ret);
    }
    *ret = v;
    return true;
}

static bool step_field(struct heap *h, const struct deferred *d, val *ret)
{
    struct evaluation *e = evaluation_of(h);
    uint32_t step = deferred_of(d->a)->step;
    val record = e->notes.at[step].result;
    val field = dict_get_str(record.dict, d->name);
    if (!val_is_unbound(field)) {
        *ret = field;
        return true;
    }
    val outcome = dict_get_str(record.dict, STR("outcome"));
    str word = outcome.kind == V_STR ? text_str(outcome) : STR("failed");
    str id = e->plan.steps[step].id;
    bool skipped = str_eq(word, STR("skipped"));
    heap_raise(h, &exc_StepFailed, "step '%.*s' %s%.*s, so it has no %.*s", STR_ARG(id),
               skipped ? "was " : "", STR_ARG(word), STR_ARG(d->name));
    if (h->fault.kind == FAULT_EXCEPTION) {
        val name;
        if (text_new(h, id, &name))
            h->fault.value.exc->extra = name;
    }
    return false;
}

static bool evaluate_call(struct heap *h, const struct deferred *d, val *ret)
{
    val fn = VAL_UNBOUND, args;
    uint32_t named = d->names.kind == V_TUPLE ? d->names.tuple->n : 0;

    if (!evaluate_inside(h, d->args, &args))
        return false;
    struct call_args call = {
        .at = args.tuple->at,
        .n = args.tuple->n - named,
        .names = named ? d->names.tuple->at : NULL,
        .named = args.tuple->at + args.tuple->n - named,
        .named_count = named,
    };
    if (d->kind == DEFERRED_NATIVE)
        return native_call(h, d->def, d->self, &call, ret);
    const struct deferred *method = deferred_of(d->a);
    val self;
    if (!evaluate(h, method->a, &self))
        return false;
    const struct native_def *def = self.kind == V_DICT && (self.dict->h.flags & OBJ_RECORD)
                                       ? NULL
                                       : val_find_method(self, method->name);
    if (def)
        return native_call(h, def, self, &call, ret);
    return val_getattr(h, self, method->name, &fn) && h->call(h, fn, &call, ret);
}

static bool evaluate_concat(struct heap *h, const struct deferred *d, val *ret)
{
    val parts;
    if (!evaluate_inside(h, d->args, &parts))
        return false;
    for (uint32_t i = 0; i < parts.tuple->n; i++)
        if (parts.tuple->at[i].kind != V_STR &&
            !val_str(h, parts.tuple->at[i], &parts.tuple->at[i]))
            return false;
    return val_concat(h, parts.tuple->at, parts.tuple->n, ret);
}

static bool evaluate_node(struct heap *h, const struct deferred *d, val *ret)
{
    val a, b = VAL_UNBOUND;

    switch ((enum deferred_kind)d->kind) {
    case DEFERRED_STEP:
        *ret = evaluation_of(h)->notes.at[d->step].result;
        return true;
    case DEFERRED_CALL:
    case DEFERRED_NATIVE:
        return evaluate_call(h, d, ret);
    case DEFERRED_CONCAT:
        return evaluate_concat(h, d, ret);
    case DEFERRED_SECRET:
        return heap_refuse(h, "secret_decided", NULL, "code cannot decide on a secret");
    case DEFERRED_HASH_FILES:
        return heap_refuse(
            h, "hash_decided", "pass it on to cache=, which uses it when the step starts",
            "code cannot decide on hash_files: it is computed when the step that uses it starts");
    case DEFERRED_ATTR:
        if (is_deferred(d->a) && deferred_of(d->a)->kind == DEFERRED_STEP)
            return step_field(h, d, ret);
        return evaluate(h, d->a, &a) && val_getattr(h, a, d->name, ret);
    case DEFERRED_RAW:
        if (!evaluate(h, d->a, &a))
            return false;
        if (a.kind != V_STR && !val_str(h, a, &a))
            return false;
        return text_set_trust(h, a, true, ret);
    default:
        break;
    }
    if (!evaluate(h, d->a, &a) || (!val_is_unbound(d->b) && !evaluate_inside(h, d->b, &b)))
        return false;
    switch ((enum deferred_kind)d->kind) {
    case DEFERRED_ITEM:
        return val_getitem(h, a, b, ret);
    case DEFERRED_UNARY:
        return op_unary(h, (enum unary_op)d->op, a, ret);
    case DEFERRED_BINARY:
        return op_binary(h, (enum binary_op)d->op, a, b, ret);
    case DEFERRED_COMPARE:
        return op_compare(h, (enum compare_op)d->op, a, b, ret);
    case DEFERRED_FORMAT:
        return val_format(h, a, d->conversion, b, ret);
    default:
        return heap_refuse(h, "internal", NULL, "unknown deferred expression");
    }
}

static bool evaluate(struct heap *h, val v, val *ret)
{
    if (!is_deferred(v)) {
        *ret = v;
        return true;
    }
    if (!heap_charge(h, 1) || !heap_enter(h))
        return false;
    bool ok = evaluate_node(h, deferred_of(v), ret);
    heap_leave(h);
    return ok;
}

/* A deferred expression has instructions of its own, so that a plan's count does not depend on how
 * large the results are. */
bool deferred_evaluate(struct heap *h, val v, val *ret)
{
    int64_t fuel = h->fuel;
    h->fuel = EXPR_INSTRUCTIONS;
    bool ok = evaluate(h, v, ret);
    h->fuel = fuel;
    return ok;
}

/* ---- commands ---- */

void shell_parts_done(struct shell_parts *p)
{
    free(p->at);
    *p = (struct shell_parts){0};
}

static bool add_part(struct heap *h, struct shell_parts *p, struct shell_part part)
{
    if (p->n >= SHELL_PARTS_MAX)
        return heap_limit(h, "command_too_long", "a command has more than %d parts",
                          SHELL_PARTS_MAX);
    if (p->n == p->cap) {
        p->cap = p->cap ? p->cap * 2 : 8;
        p->at = mem_realloc_array(p->at, p->cap, sizeof *p->at);
    }
    p->at[p->n++] = part;
    return true;
}

static bool add_text_parts(struct heap *h, val s, struct shell_parts *p)
{
    const struct taint *t = s.s->taint;
    str text = text_str(s);
    size_t at = 0;
    for (uint32_t i = 0; t && i < t->n; i++) {
        if (t->at[i][0] > at &&
            !add_part(h, p, (struct shell_part){.text = str_sub(text, at, t->at[i][0])}))
            return false;
        str untrusted = str_sub(text, t->at[i][0], t->at[i][1]);
        if (!add_part(h, p, (struct shell_part){.text = untrusted, .untrusted = true}))
            return false;
        at = t->at[i][1];
    }
    return at >= text.n || add_part(h, p, (struct shell_part){.text = str_sub(text, at, text.n)});
}

static bool is_plain_format(const struct deferred *d)
{
    return d->kind == DEFERRED_FORMAT && !d->conversion &&
           (val_is_unbound(d->b) || (d->b.kind == V_STR && d->b.s->n == 0));
}

bool shell_parts_of(struct heap *h, val v, struct shell_parts *p)
{
    if (v.kind == V_STR)
        return add_text_parts(h, v, p);
    if (!is_deferred(v)) {
        val text;
        return val_str(h, v, &text) && add_text_parts(h, text, p);
    }
    const struct deferred *d = deferred_of(v);
    if (!heap_enter(h))
        return false;
    bool ok = true;
    if (d->kind == DEFERRED_CONCAT) {
        for (uint32_t i = 0; ok && i < d->args.tuple->n; i++)
            ok = shell_parts_of(h, d->args.tuple->at[i], p);
    } else if (d->kind == DEFERRED_BINARY && d->op == BINARY_ADD) {
        ok = shell_parts_of(h, d->a, p) && shell_parts_of(h, d->b, p);
    } else if (is_plain_format(d)) {
        ok = shell_parts_of(h, d->a, p);
    } else if (d->kind == DEFERRED_RAW) {
        /* Trusted, but not known yet: judged again, with its text, when the step starts. */
        ok = add_part(h, p, (struct shell_part){.text = STR("x")});
    } else {
        ok = add_part(h, p, (struct shell_part){.untrusted = true, .unknown = true});
    }
    heap_leave(h);
    return ok;
}
