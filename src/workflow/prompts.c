#include "workflow/prompts.h"
#include "workflow/deferred.h"
#include <stdio.h>

struct prompt_value {
    struct object o;
    const struct prompt *prompt; /* of the evaluation's arena */
};

static const char *const option_names[] = {"tools",   "max_turns", "client", "temperature",
                                           "timeout", "retries",   "budget", "depends_on"};
enum option {
    TOOLS,
    MAX_TURNS,
    CLIENT,
    TEMPERATURE,
    TIMEOUT,
    RETRIES,
    BUDGET,
    DEPENDS_ON,
    OPTIONS
};

struct prompt_call {
    const struct prompt *prompt;
    val options[OPTIONS];
    val inputs; /* dict */
};

/* ---- arguments ---- */

static bool unexpected(struct heap *h, const struct prompt *p, str name)
{
    str names[128];
    size_t n = 0;
    for (uint32_t i = 0; i < p->inputs->n && n < 100; i++)
        names[n++] = p->inputs->fields[i].name;
    for (size_t i = 0; i < OPTIONS; i++)
        names[n++] = str_of(option_names[i]);
    long near = str_nearest(name, names, n);
    heap_raise(h, &exc_TypeError, "%.*s() got an unexpected keyword argument '%.*s'",
               STR_ARG(p->name), STR_ARG(name));
    if (near >= 0)
        err_hint(&h->fault.err, "did you mean '%.*s'?", STR_ARG(names[near]));
    return false;
}

static bool bind(struct heap *h, const struct call_args *args, struct prompt_call *c)
{
    const struct prompt *p = c->prompt;
    for (size_t i = 0; i < OPTIONS; i++)
        c->options[i] = VAL_UNBOUND;
    if (args->n)
        return heap_raise(h, &exc_TypeError, "%.*s() takes named arguments only", STR_ARG(p->name));
    if (!dict_new(h, args->named_count, &c->inputs))
        return false;
    for (uint32_t i = 0; i < args->named_count; i++) {
        str name = text_str(args->names[i]);
        size_t o = 0;
        while (o < OPTIONS && !str_is(name, option_names[o]))
            o++;
        if (o < OPTIONS)
            c->options[o] = args->named[i];
        else if (!type_field(p->inputs, name))
            return unexpected(h, p, name);
        else if (!dict_set_str(h, c->inputs.dict, name, args->named[i]))
            return false;
    }
    for (uint32_t i = 0; i < p->inputs->n; i++) {
        const struct type_field *f = &p->inputs->fields[i];
        if (f->type->kind != TYPE_OPTIONAL && val_is_unbound(dict_get_str(c->inputs.dict, f->name)))
            return heap_raise(h, &exc_TypeError, "%.*s() missing required argument: '%.*s'",
                              STR_ARG(p->name), STR_ARG(f->name));
    }
    return true;
}

/* Known parts of the arguments must fit; deferred ones are looked at when they are known. */
static bool check_inputs(struct heap *h, const struct prompt *p, str json)
{
    json_t *j = json_loadb(json.p, json.n, JSON_ALLOW_NUL, NULL);
    struct err_list errors = {.max = 20};
    auto_buf what = BUF(4096);
    buf_addf(&what, "%.*s: input", STR_ARG(p->name));
    bool ok = type_check_planned(p->inputs, j, buf_str(&what), &errors);
    json_decref(j);
    auto_buf text = BUF(1 << 16);
    for (size_t i = 0; i < errors.n; i++)
        buf_addf(&text, "%s%.*s", i ? "; " : "", STR_ARG(errors.at[i].message));
    err_list_done(&errors);
    return ok || heap_raise(h, &exc_TypeError, "%s", buf_c(&text));
}

static bool write_inputs(struct heap *h, struct json_writer *w, const struct prompt_call *c)
{
    const struct prompt *p = c->prompt;
    char what[128];

    json_key_c(w, "inputs");
    size_t from = w->out->n;
    json_begin_object(w);
    for (uint32_t i = 0; i < p->inputs->n; i++) {
        str name = p->inputs->fields[i].name;
        val v = dict_get_str(c->inputs.dict, name);
        snprintf(what, sizeof what, "%.*s(%.*s=)", STR_ARG(p->name), STR_ARG(name));
        json_key(w, name);
        if (!write_value(h, w, val_is_unbound(v) ? VAL_NONE : v, what, 0))
            return false;
    }
    json_end_object(w);
    return w->out->overflow || check_inputs(h, p, str_sub(buf_str(w->out), from, w->out->n));
}

/* ---- options ---- */

static bool is_given(val v)
{
    return !val_is_unbound(v) && v.kind != V_NONE;
}

static bool write_count(struct heap *h, struct json_writer *w, const struct prompt_call *c,
                        enum option option, int64_t own, int64_t max, int64_t *ret)
{
    val v = c->options[option];
    if (is_given(v) && (v.kind != V_INT || v.i < 0 || v.i > max))
        return heap_raise(h, &exc_TypeError, "%.*s(%s=) takes an integer from 0 to %lld",
                          STR_ARG(c->prompt->name), option_names[option], (long long)max);
    int64_t n = is_given(v) ? v.i : own;
    json_key_c(w, option_names[option]);
    if (n || is_given(v) || option == RETRIES)
        json_put_int(w, n);
    else
        json_put_null(w);
    *ret = n;
    return true;
}

static bool write_client(struct heap *h, struct json_writer *w, const struct prompt_call *c)
{
    val v = c->options[CLIENT];
    if (is_given(v) && v.kind != V_STR)
        return heap_raise(h, &exc_TypeError, "%.*s(client=) takes a text, not %s",
                          STR_ARG(c->prompt->name), val_type_name(v));
    json_key_c(w, "client");
    json_put_str_or_null(w, is_given(v) ? text_str(v) : c->prompt->client);
    return true;
}

static bool write_temperature(struct heap *h, struct json_writer *w, const struct prompt_call *c)
{
    val v = c->options[TEMPERATURE];
    double d = v.kind == V_INT ? (double)v.i : v.kind == V_FLOAT ? v.f : -1;
    if (is_given(v) && !(d >= 0 && d <= 2))
        return heap_raise(h, &exc_TypeError, "%.*s(temperature=) takes a number from 0 to 2",
                          STR_ARG(c->prompt->name));
    json_key_c(w, "temperature");
    if (is_given(v) || c->prompt->has_temperature)
        json_put_double(w, is_given(v) ? d : c->prompt->temperature);
    else
        json_put_null(w);
    return true;
}

static void write_raw(struct json_writer *w, const char *key, str json)
{
    json_key_c(w, key);
    if (json.n)
        json_put_raw(w, json);
    else
        json_put_null(w);
}

static bool check_tools(struct heap *h, const struct prompt *p, val given)
{
    bool some = p->tool_count || (given.kind == V_LIST && given.list->n) ||
                (given.kind == V_TUPLE && given.tuple->n);
    return p->agent || !some ||
           heap_refuse(
               h, "llm_tools", "write `type: agent` into its frontmatter, or take the tools out",
               "%.*s has tools, which only prompts of type agent can use", STR_ARG(p->name));
}

/* The config of SPEC 6, all of its keys. */
static bool write_config(struct heap *h, struct json_writer *w, const struct prompt_call *c,
                         struct plan_step *common)
{
    const struct prompt *p = c->prompt;
    int64_t retries = 0, turns;

    json_begin_object(w);
    json_key_c(w, "prompt_path");
    json_put_str(w, p->path);
    if (!write_inputs(h, w, c) || !write_client(h, w, c) || !check_tools(h, p, c->options[TOOLS]) ||
        !tools_write(h, w, p, c->options[TOOLS]) ||
        !write_count(h, w, c, MAX_TURNS, p->max_turns, PROMPT_TURNS_MAX, &turns) ||
        !write_temperature(h, w, c))
        return false;
    json_key_c(w, "max_tokens");
    if (p->max_tokens)
        json_put_int(w, p->max_tokens);
    else
        json_put_null(w);
    if (is_given(c->options[TIMEOUT]) &&
        !parse_duration(h, c->options[TIMEOUT], "timeout", &common->timeout_ms))
        return false;
    json_key_c(w, "timeout_ms");
    if (common->timeout_ms)
        json_put_int(w, common->timeout_ms);
    else
        json_put_null(w);
    if (!write_count(h, w, c, RETRIES, 0, 100, &retries))
        return false;
    common->retries = (uint32_t)retries;
    json_key_c(w, "repairs");
    json_put_int(w, p->repairs);
    if (is_given(c->options[BUDGET])) {
        if (!write_field(h, w, "budget", c->options[BUDGET], "budget", 0))
            return false;
    } else {
        write_raw(w, "budget", p->budget);
    }
    write_raw(w, "cache", p->cache);
    json_end_object(w);
    return true;
}

const struct prompt *prompt_of_value(val v)
{
    return ((struct prompt_value *)v.object)->prompt;
}

bool prompt_call(struct heap *h, struct object *o, const struct call_args *args, val *ret)
{
    struct prompt_call c = {.prompt = ((struct prompt_value *)o)->prompt};
    struct evaluation *e = evaluation_of(h);
    auto_buf config = BUF(CONFIG_MAX);
    struct json_writer w = JSON_WRITER(&config, false);

    if (!e->scope)
        return heap_refuse(h, "no_workflow", "call it in the workflow's function",
                           "a prompt can only be called while a workflow runs");
    if (!bind(h, args, &c))
        return false;
    heap_hold(h, c.inputs);
    struct step_draft draft = {
        .type = c.prompt->agent ? STEP_TYPE_AGENT : STEP_TYPE_LLM,
        .name = c.prompt->name,
        .depends_on = c.options[DEPENDS_ON],
        .common = {.idempotent = true},
        .uses = &c.inputs,
        .use_count = 1,
        .config = &config,
        .output = c.prompt->output,
        .is_text = !c.prompt->output,
    };
    bool ok = write_config(h, &w, &c, &draft.common) && step_register(h, &draft, ret);
    heap_release(h, 1);
    return ok;
}

static bool prompt_repr(struct heap *h, struct object *o, val *ret)
{
    return text_printf(h, ret, "<prompt %.*s>", STR_ARG(((struct prompt_value *)o)->prompt->name));
}

static const struct obj_class class_prompt = {
    .type = {.name = "prompt", .kind = V_OBJECT},
    .call = prompt_call,
    .repr = prompt_repr,
};

/* ---- plue.prompts ---- */

static bool is_prompt(str path)
{
    return str_starts(path, STR(".plue/prompts/")) && str_ends(path, STR(".prompt.md"));
}

static bool read_bundle(void *data, str path, str *ret_text)
{
    const struct bundle_file *f = bundle_find(((struct evaluation *)data)->bundle, path);
    if (f)
        *ret_text = f->text;
    return f != NULL;
}

static size_t prompts_names(struct heap *h, struct object *o, str *ret, size_t max)
{
    struct evaluation *e = evaluation_of(h);
    size_t n = 0;
    (void)o;
    for (uint32_t i = 0; i < e->bundle->n && n < max; i++) {
        const struct bundle_file *f = &e->bundle->files[i];
        n += is_prompt(f->path) && prompt_name(&e->arena, f->path, f->text, &ret[n]);
    }
    return n;
}

/* What a prompt is made of: itself, its bases, and the files that its template may include. */
static void note_files(struct evaluation *e, const struct prompt *p)
{
    struct err_list errors = {0};
    for (int i = 0; p && i < PROMPT_EXTENDS_MAX; i++) {
        const struct bundle_file *f = bundle_find(e->bundle, p->path);
        evaluation_note_file(e, f->path);
        p = p->extends.n
                ? prompt_load(&e->arena, vm_sources(e->vm), p->extends, read_bundle, e, &errors)
                : NULL;
    }
    err_list_done(&errors);
    for (uint32_t i = 0; i < e->bundle->n; i++) {
        str path = e->bundle->files[i].path;
        if (str_starts(path, STR(".plue/prompts/")) && !is_prompt(path))
            evaluation_note_file(e, path);
    }
}

bool prompts_refuse_file(struct heap *h, const char *code, str path, struct err_list *errors)
{
    size_t n = errors->n + errors->dropped;
    heap_refuse(h, code, n > 1 ? "`plue workflow lint` shows all of them" : NULL,
                n > 1 ? "%.*s has %zu mistakes" : "%.*s has a mistake", STR_ARG(path), n);
    if (errors->n && !h->fault.err.cause) {
        struct err *cause = mem_zalloc(sizeof *cause);
        err_move(cause, &errors->at[0]);
        h->fault.err.cause = cause;
    }
    err_list_done(errors);
    return false;
}

const struct prompt *prompts_load(struct heap *h, str path, val *ret, struct err_list *errors)
{
    struct evaluation *e = evaluation_of(h);
    const struct prompt *p =
        prompt_load(&e->arena, vm_sources(e->vm), path, read_bundle, e, errors);
    if (!p)
        return NULL;
    note_files(e, p);
    struct prompt_value *v = heap_new(h, V_OBJECT, sizeof *v);
    if (!v)
        return NULL;
    v->o.class = &class_prompt;
    v->prompt = p;
    *ret = val_obj(V_OBJECT, v);
    return p;
}

static bool load_prompt(struct heap *h, str path, val *ret)
{
    struct err_list errors = {.max = 100};
    bool ok = prompts_load(h, path, ret, &errors) != NULL;
    if (!ok && errors.n)
        return prompts_refuse_file(h, "invalid_prompt", path, &errors);
    err_list_done(&errors);
    return ok;
}

static bool prompts_getattr(struct heap *h, struct object *o, str name, val *ret)
{
    struct evaluation *e = evaluation_of(h);
    const struct bundle_file *found = NULL;
    str names[256], own;

    for (uint32_t i = 0; i < e->bundle->n; i++) {
        const struct bundle_file *f = &e->bundle->files[i];
        if (!is_prompt(f->path) || !prompt_name(&e->arena, f->path, f->text, &own) ||
            !str_eq(own, name))
            continue;
        if (found)
            return heap_refuse(h, "duplicate_definition", "give one of them another name",
                               "%.*s and %.*s are both called '%.*s'", STR_ARG(found->path),
                               STR_ARG(f->path), STR_ARG(name));
        found = f;
    }
    if (found)
        return load_prompt(h, found->path, ret);
    return no_attribute(h, "module 'plue.prompts'", name, names, prompts_names(h, o, names, 256));
}

static const struct obj_class class_prompts_module = {
    .type = {.name = "module", .kind = V_OBJECT},
    .getattr = prompts_getattr,
    .names = prompts_names,
};

bool prompts_module_new(struct heap *h, val *ret)
{
    struct object *o = heap_new(h, V_OBJECT, sizeof *o);
    if (!o)
        return false;
    o->class = &class_prompts_module;
    *ret = val_obj(V_OBJECT, o);
    return true;
}

/* ---- results ---- */

str prompts_complete_result(struct arena *a, const struct type *output, str step_id, str json,
                            struct err *err)
{
    struct err_list errors = {.max = 1};
    auto_buf what = BUF(4096);
    str done = json;
    json_t *j = output ? json_loadb(json.p, json.n, JSON_ALLOW_NUL, NULL) : NULL;
    json_t *value = json_object_get(j, "output");

    buf_addf(&what, "output of step '%.*s'", STR_ARG(step_id));
    if (value && !json_is_null(value) && !type_check(output, value, buf_str(&what), &errors)) {
        err_move(err, &errors.at[0]);
        err->code = "invalid_result";
        done = (str){NULL, 0};
    } else if (value && !json_is_null(value)) {
        json_object_set_new(j, "output", type_complete(output, value));
        auto_free char *text = json_dumps(j, JSON_COMPACT);
        done = arena_str(a, str_of(text));
    }
    err_list_done(&errors);
    json_decref(j);
    return done;
}
