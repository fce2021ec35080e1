/* Tools of the repository: //tools:NAME is .plue/tools/NAME.py or NAME.prompt.md. */
#include "workflow/prompts.h"

/* ---- finding ---- */

static bool same_name(str a, str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (a.p[i] != b.p[i] && !(a.p[i] == '-' && b.p[i] == '_') &&
            !(a.p[i] == '_' && b.p[i] == '-'))
            return false;
    return true;
}

static const struct bundle_file *find_file(const struct bundle *b, str name)
{
    static const char *const endings[] = {".py", ".prompt.md"};
    for (size_t i = 0; i < 2; i++) {
        auto_buf path = BUF(4096);
        buf_addf(&path, ".plue/tools/%.*s%s", STR_ARG(name), endings[i]);
        for (uint32_t f = 0; f < b->n; f++)
            if (same_name(b->files[f].path, buf_str(&path)))
                return &b->files[f];
    }
    return NULL;
}

/* The one with the file's name, or else the only one. */
static const struct definition *find_definition(struct evaluation *e, str path, str name)
{
    const struct definition *only = NULL;
    uint32_t count = 0;
    for (uint32_t i = 0; i < evaluation_definition_count(e); i++) {
        const struct definition *d = evaluation_definition(e, i);
        if (d->kind != DEFINITION_TOOL || !str_eq(d->path, path))
            continue;
        if (same_name(d->name, name))
            return d;
        only = d;
        count++;
    }
    return count == 1 ? only : NULL;
}

static bool load_definition(struct evaluation *e, str path, str name, struct tool_facts *ret,
                            struct err_list *errors)
{
    if (!evaluation_load(e, path, errors))
        return false;
    const struct definition *d = find_definition(e, path, name);
    if (!d) {
        struct err *err = err_list_add(errors);
        err_set(err, "unknown_tool", "%.*s has no tool '%.*s'", STR_ARG(path), STR_ARG(name));
        err_hint(err, "write @tool(description=, inputs=, output=) above a function of that name");
        err_in_file(err, path, 1, 1);
        return false;
    }
    e->tool = d;
    *ret = (struct tool_facts){
        .file = path, .description = d->description, .inputs = d->inputs, .output = d->output};
    return true;
}

static bool load_prompt_tool(struct evaluation *e, str path, struct tool_facts *ret,
                             struct err_list *errors)
{
    const struct prompt *p = prompts_load(e->heap, path, &e->tool_prompt, errors);
    if (!p) {
        if (!errors->n)
            err_move(err_list_add(errors), &e->heap->fault.err);
        heap_clear_fault(e->heap);
        return false;
    }
    *ret = (struct tool_facts){.file = path,
                               .description = p->description,
                               .inputs = p->inputs,
                               .output = p->output,
                               .prompt = p};
    return true;
}

/* Places by path: they outlive the evaluation. */
static void name_places(struct evaluation *e, struct err_list *errors)
{
    for (size_t i = 0; i < errors->n; i++) {
        struct err *err = &errors->at[i];
        struct place place = {0};
        if (!err->at.source || !sources_place(vm_sources(e->vm), err->at, &place))
            continue;
        err->at = POS_NONE;
        err_in_file(err, place.path, place.line, place.column);
    }
}

bool evaluation_load_tool(struct evaluation *e, str name, struct tool_facts *ret,
                          struct err_list *errors)
{
    const struct bundle_file *f = find_file(e->bundle, name);
    if (!f) {
        struct err *err = err_list_add(errors);
        err_set(err, "unknown_tool", "there is no tool //tools:%.*s", STR_ARG(name));
        err_hint(err, "a tool is .plue/tools/NAME.py or NAME.prompt.md");
        return false;
    }
    e->tool_file = f->path;
    bool ok = str_ends(f->path, STR(".py")) ? load_definition(e, f->path, name, ret, errors)
                                            : load_prompt_tool(e, f->path, ret, errors);
    name_places(e, errors);
    return ok;
}

bool evaluation_load_prompt(struct evaluation *e, str path, str client, struct tool_facts *ret,
                            struct err_list *errors)
{
    e->tool_file = arena_str(&e->arena, path);
    e->tool_client = arena_str(&e->arena, client);
    bool ok = load_prompt_tool(e, e->tool_file, ret, errors);
    name_places(e, errors);
    return ok;
}

/* ---- a prompt as a plan ---- */

/* Held until the call has been made. */
static bool hold_text(struct heap *h, str text, val *ret, uint32_t *held)
{
    if (!text_new(h, text, ret))
        return false;
    heap_hold(h, *ret);
    ++*held;
    return true;
}

static bool call_with(struct evaluation *e, str inputs)
{
    struct heap *h = e->heap;
    struct call_args args = {0};
    val fields, handle, names[PROMPT_FIELDS_MAX + 1], values[PROMPT_FIELDS_MAX + 1];
    uint32_t at = 0, held = 1;
    if (!val_of_json(h, inputs, true, &fields))
        return false;
    heap_hold(h, fields);
    for (struct dict_entry *i; (i = dict_next(fields.dict, &at));) {
        if (args.named_count == PROMPT_FIELDS_MAX) {
            heap_release(h, held);
            return heap_limit(h, "too_many_inputs", "a prompt has at most %d inputs",
                              PROMPT_FIELDS_MAX);
        }
        names[args.named_count] = i->key;
        values[args.named_count++] = i->value;
    }
    args.names = names;
    args.named = values;
    bool ok = true;
    if (e->tool_client.n) {
        ok = hold_text(h, STR("client"), &names[args.named_count], &held) &&
             hold_text(h, e->tool_client, &values[args.named_count], &held);
        args.named_count++;
    }
    ok = ok && prompt_call(h, e->tool_prompt.object, &args, &handle);
    heap_release(h, held);
    return ok;
}

enum evaluation_state tool_prompt_run(struct evaluation *e)
{
    struct definition *d = arena_new(&e->arena, struct definition);
    str inputs;
    *d = (struct definition){.kind = DEFINITION_TOOL,
                             .name = prompt_of_value(e->tool_prompt)->name,
                             .path = e->tool_file};
    if (!evaluation_begin(e, d, &inputs) || !call_with(e, inputs))
        return evaluation_fail_here(e);
    return evaluation_end(e);
}

/* ---- at plan time ---- */

/* What an agent may call later is known, and kept with the run, before it starts. */
bool tool_file_check(struct heap *h, str prompt, str name)
{
    struct evaluation *e = evaluation_of(h);
    const struct bundle_file *f = find_file(e->bundle, name);
    struct err_list errors = {.max = 100};
    struct evaluation_options options = {.limits = e->options.limits};
    struct tool_facts facts;
    if (!f)
        return heap_refuse(h, "unknown_tool", "a tool is .plue/tools/NAME.py or NAME.prompt.md",
                           "prompt %.*s: there is no tool //tools:%.*s", STR_ARG(prompt),
                           STR_ARG(name));
    if (evaluation_has_file(e, f->path))
        return true;
    evaluation_note_file(e, f->path);
    struct evaluation *own = evaluation_new(e->bundle, &options);
    bool ok = evaluation_load_tool(own, name, &facts, &errors);
    if (!ok)
        prompts_refuse_file(h, "invalid_tool", f->path, &errors);
    err_list_done(&errors);
    for (size_t i = 0; ok && i < own->files.n; i++)
        evaluation_note_file(e, own->files.at[i]);
    const struct prompt *p = ok ? facts.prompt : NULL;
    for (uint32_t i = 0; p && ok && i < p->tool_count; i++)
        ok = !p->tools[i].path.n || tool_file_check(h, p->name, p->tools[i].name);
    evaluation_free(own);
    return ok;
}
