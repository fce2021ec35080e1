#include "workflow/deferred.h"
#include "workflow/prompts.h"

static void print_text(void *data, str text)
{
    struct evaluation *e = data;
    if (e->options.print)
        e->options.print(e->options.data, text);
}

static void mark_values(void *data, struct heap *h)
{
    struct evaluation *e = data;
    for (size_t i = 0; i < e->definitions.n; i++)
        heap_mark(h, e->definitions.at[i]->function);
    for (size_t i = 0; i < e->notes.n; i++)
        heap_mark(h, e->notes.at[i].result);
    for (struct scope *s = e->scope; s; s = s->outer)
        heap_mark(h, s->inputs);
    heap_mark(h, e->event);
    heap_mark(h, e->ctx);
    heap_mark(h, e->tool_prompt);
}

static void start_machine(struct evaluation *e)
{
    struct vm_host host = {
        .data = e,
        .import = plue_import,
        .global = plue_global,
        .global_names = plue_global_names,
        .may_import = plue_may_import,
        .mark = mark_values,
        .print = print_text,
        .awaits = true,
        .type_of_list = plue_list_type,
    };
    e->vm = vm_new(e->options.limits, &host);
    e->heap = vm_heap(e->vm);
    e->heap->host = e;
    e->event = e->ctx = e->root.inputs = e->tool_prompt = VAL_UNBOUND;
}

struct evaluation *evaluation_new(const struct bundle *b, const struct evaluation_options *options)
{
    struct evaluation *e = mem_zalloc(sizeof *e);
    e->bundle = b;
    if (options)
        e->options = *options;
    e->options.id_prefix = arena_str(&e->request_arena, e->options.id_prefix);
    start_machine(e);
    return e;
}

/* Everything but what outlives a rebuild: results, the request, the first definitions. */
static void forget_machine(struct evaluation *e)
{
    vm_free(e->vm);
    vec_done(&e->definitions);
    vec_done(&e->files);
    vec_done(&e->notes);
    vec_done(&e->codes);
    map_done(&e->ids);
    map_done(&e->slugs);
}

void evaluation_free(struct evaluation *e)
{
    if (!e)
        return;
    forget_machine(e);
    vec_done(&e->loaded);
    map_done(&e->results);
    err_done(&e->error);
    err_list_done(&e->warnings);
    arena_done(&e->arena);
    arena_done(&e->first_arena);
    arena_done(&e->request_arena);
    free(e);
}

struct sources *evaluation_sources(struct evaluation *e)
{
    return vm_sources(e->vm);
}

bool evaluation_has_file(const struct evaluation *e, str path)
{
    for (size_t i = 0; i < e->files.n; i++)
        if (str_eq(e->files.at[i], path))
            return true;
    return false;
}

void evaluation_note_file(struct evaluation *e, str path)
{
    if (!evaluation_has_file(e, path))
        vec_push(&e->files, path);
}

static bool run_file(struct evaluation *e, const struct bundle_file *file, struct err_list *errors)
{
    uint32_t source = sources_add(vm_sources(e->vm), file->path, file->text, POS_NONE);
    struct vm_code *code = vm_compile(e->vm, source, errors);
    if (!code)
        return false;
    vec_push(&e->codes, code);
    evaluation_note_file(e, file->path);
    enum vm_outcome outcome = vm_run(e->vm, code);
    if (outcome == VM_DONE)
        return true;
    if (outcome == VM_FAILED)
        err_move(err_list_add(errors), vm_error(e->vm));
    else
        err_at(err_list_add(errors), "await_at_top", vm_position(e->vm),
               "the top of a file cannot wait for the result of a step");
    return false;
}

bool evaluation_load(struct evaluation *e, str path, struct err_list *errors)
{
    const struct bundle_file *file = bundle_find(e->bundle, path);
    if (!file) {
        err_set(err_list_add(errors), "file_missing", "there is no file %.*s", STR_ARG(path));
        return false;
    }
    if (!run_file(e, file, errors))
        return false;
    vec_push(&e->loaded, file->path);
    return true;
}

uint32_t evaluation_definition_count(const struct evaluation *e)
{
    return (uint32_t)e->definitions.n;
}

const struct definition *evaluation_definition(const struct evaluation *e, uint32_t index)
{
    return &e->definitions.at[index]->def;
}

const struct definition *evaluation_find(const struct evaluation *e, enum definition_kind kind,
                                         str name)
{
    for (size_t i = 0; i < e->definitions.n; i++)
        if (e->definitions.at[i]->def.kind == kind && str_eq(e->definitions.at[i]->def.name, name))
            return &e->definitions.at[i]->def;
    return NULL;
}

void evaluation_lint(struct evaluation *e, struct err_list *warnings)
{
    for (size_t i = 0; i < e->codes.n; i++)
        vm_lint(e->vm, e->codes.at[i], warnings);
    for (size_t i = 0; i < e->warnings.n; i++)
        err_move(err_list_add(warnings), &e->warnings.at[i]);
    err_list_done(&e->warnings);
}

/* ---- the plan's frame ---- */

static void describe_plan(struct evaluation *e, const struct definition *d)
{
    struct plan *p = &e->plan;
    json_t *event = json_loadb(e->request.event.p, e->request.event.n, JSON_ALLOW_NUL, NULL);
    const char *type = json_string_value(json_object_get(event, "type"));

    *p = (struct plan){
        .arena = &e->arena,
        .workflow = arena_str(&e->arena, d->name),
        .path = d->path,
        .event = arena_str(&e->arena, str_of(type ? type : "")),
        .triggers = d->triggers,
        .image = d->image,
        .dockerfile = d->dockerfile,
        .timeout_ms = d->timeout_ms,
        .env = d->env,
        .network = d->network,
        .options = d->options,
        .has_services = d->has_services,
    };
    json_decref(event);
}

static void list_files(struct evaluation *e)
{
    struct plan *p = &e->plan;
    if (p->file_count == e->files.n)
        return;
    p->files = arena_array(&e->arena, struct plan_file, e->files.n);
    p->file_count = (uint32_t)e->files.n;
    for (uint32_t i = 0; i < p->file_count; i++) {
        p->files[i].path = e->files.at[i];
        p->files[i].sha256 = plan_sha256(&e->arena, bundle_find(e->bundle, e->files.at[i])->text);
        if (str_eq(p->files[i].path, p->path))
            p->sha256 = p->files[i].sha256;
    }
}

/* ---- outcomes of the machine ---- */

static enum evaluation_state fail(struct evaluation *e)
{
    val exception = vm_exception(e->vm);
    e->failed_step = STR("");
    if (exception.kind == V_EXC && exception.exc->type == &exc_StepFailed &&
        exception.exc->extra.kind == V_STR)
        e->failed_step = arena_str(&e->arena, text_str(exception.exc->extra));
    err_move(&e->error, vm_error(e->vm));
    e->plan.end = PLAN_ERROR;
    return e->state = EVALUATION_FAILED;
}

enum evaluation_state evaluation_fail_here(struct evaluation *e)
{
    struct fault *f = &e->heap->fault;
    err_reset(&e->error);
    if (f->kind == FAULT_EXCEPTION) {
        val text = VAL_UNBOUND;
        val exc = f->value;
        heap_clear_fault(e->heap);
        bool ok = val_str(e->heap, exc, &text);
        err_at(&e->error, "exception", e->running->at, "%s: %.*s", exc.exc->type->name,
               STR_ARG(ok ? text_str(text) : STR("?")));
    } else {
        err_move(&e->error, &f->err);
        if (!e->error.at.source)
            e->error.at = e->running->at;
    }
    heap_clear_fault(e->heap);
    e->plan.end = PLAN_ERROR;
    return e->state = EVALUATION_FAILED;
}

static bool write_result(struct evaluation *e, val v, const char *what, str *ret)
{
    auto_buf b = BUF(CONFIG_MAX);
    struct json_writer w = JSON_WRITER(&b, false);
    if (!write_value(e->heap, &w, v, what, 0))
        return false;
    *ret = arena_str(&e->arena, buf_str(&b));
    return true;
}

static enum evaluation_state finish(struct evaluation *e)
{
    val result = vm_result(e->vm);
    struct plan *p = &e->plan;
    bool ok = true;

    p->end = PLAN_SUCCESS;
    if (val_is_object_of(result, &class_end)) {
        const struct end_value *end = (const struct end_value *)result.object;
        p->end = end->failed ? PLAN_FAIL : PLAN_SUCCESS;
        ok = end->failed ? write_result(e, end->reason, "ctx.fail(reason)", &p->reason)
                         : write_result(e, end->outputs, "ctx.success(...)", &p->outputs);
    } else if (result.kind != V_NONE) {
        ok = heap_raise(
            e->heap, &exc_TypeError,
            "workflow %.*s must return ctx.success(...), ctx.fail(...) or nothing, not %s",
            STR_ARG(p->workflow), val_type_name(result));
    }
    if (!ok)
        return evaluation_fail_here(e);
    if (!plan_check(p, &e->error)) {
        p->end = PLAN_ERROR;
        return e->state = EVALUATION_FAILED;
    }
    return e->state = EVALUATION_DONE;
}

/* "if not review.approved:  # why" -> "if not review.approved" */
static str statement_of(str line)
{
    char quote = 0;
    for (size_t i = 0; i < line.n; i++) {
        char c = line.p[i];
        if (quote && c == '\\')
            i++;
        else if (quote)
            quote = c == quote ? 0 : quote;
        else if (c == '"' || c == '\'')
            quote = c;
        else if (c == '#')
            line.n = i;
    }
    line = str_trim(line);
    return str_ends(line, STR(":")) ? str_sub(line, 0, line.n - 1) : line;
}

static void set_await(struct evaluation *e, const struct step_set *steps)
{
    struct plan *p = &e->plan;
    struct place place = {0};
    p->end = PLAN_OPEN;
    p->await_count = steps->n;
    p->await_steps = arena_array(&e->arena, uint32_t, steps->n);
    memcpy(p->await_steps, steps->at, steps->n * sizeof *steps->at);
    if (sources_place(vm_sources(e->vm), vm_position(e->vm), &place)) {
        p->await_at = (struct plan_place){place.path, place.line, place.column};
        p->await_for = statement_of(place.line_text);
    }
}

static enum evaluation_state suspend(struct evaluation *e, bool kept)
{
    struct step_set all = {0}, new = {0};
    val awaited = vm_awaited(e->vm);
    int64_t fuel = e->heap->fuel;

    e->lost = !kept;
    e->epoch++;
    bool ok = deferred_steps(e->heap, awaited, &all);
    e->heap->fuel = fuel; /* the count does not depend on how often the evaluation stopped */
    /* Those that have ended by now are among them: a plan never depends on the finishing order. */
    for (uint32_t i = 0; ok && i < all.n; i++)
        if (!e->notes.at[all.at[i]].decided)
            step_set_add(&new, all.at[i]);
    if (ok)
        set_await(e, &new);
    step_set_done(&all);
    step_set_done(&new);
    if (!ok)
        return evaluation_fail_here(e);
    if (!plan_check_growth(&e->plan, e->checked, &e->error)) {
        e->plan.end = PLAN_ERROR;
        return e->state = EVALUATION_FAILED;
    }
    e->checked = e->plan.step_count;
    return e->state = EVALUATION_AWAIT;
}

static enum evaluation_state settle(struct evaluation *e, enum vm_outcome outcome)
{
    list_files(e);
    switch (outcome) {
    case VM_DONE:
        return finish(e);
    case VM_FAILED:
        return fail(e);
    default:
        return suspend(e, outcome == VM_AWAIT);
    }
}

bool evaluation_begin(struct evaluation *e, const struct definition *d, str *ret_inputs)
{
    describe_plan(e, d);
    e->running = d;
    e->epoch = e->group_number = e->checked = 0;
    e->root = (struct scope){.before = PLAN_NEVER, .def = d, .inputs = VAL_UNBOUND};
    e->scope = &e->root;
    json_t *event = json_loadb(e->request.event.p, e->request.event.n, JSON_ALLOW_NUL, NULL);
    json_t *inputs = json_object_get(event, "inputs");
    auto_free char *text = json_is_object(inputs) ? json_dumps(inputs, JSON_COMPACT) : NULL;
    json_decref(event);
    *ret_inputs = arena_str(&e->arena, text ? str_of(text) : STR("{}"));
    return inputs_new(e->heap, *ret_inputs, d->inputs, &e->root.inputs) &&
           ctx_new(e->heap, &e->ctx);
}

enum evaluation_state evaluation_end(struct evaluation *e)
{
    list_files(e);
    e->plan.end = PLAN_SUCCESS;
    if (plan_check(&e->plan, &e->error))
        return e->state = EVALUATION_DONE;
    e->plan.end = PLAN_ERROR;
    return e->state = EVALUATION_FAILED;
}

static enum evaluation_state run(struct evaluation *e, struct loaded_definition *l)
{
    str inputs;
    if (!evaluation_begin(e, &l->def, &inputs))
        return evaluation_fail_here(e);
    struct call_args args = {.at = &e->ctx, .n = 1};
    return settle(e, vm_run_call(e->vm, l->function, &args));
}

static void keep_request(struct evaluation *e, const struct evaluation_request *request)
{
    e->request.event = arena_str(&e->request_arena, request->event);
    e->request.repository = arena_str(&e->request_arena, request->repository);
}

enum evaluation_state evaluation_start(struct evaluation *e, const struct definition *d,
                                       const struct evaluation_request *request)
{
    keep_request(e, request);
    return run(e, e->definitions.at[d->index]);
}

enum evaluation_state evaluation_start_tool(struct evaluation *e,
                                            const struct evaluation_request *request)
{
    keep_request(e, request);
    return e->tool ? run(e, e->definitions.at[e->tool->index]) : tool_prompt_run(e);
}

bool evaluation_set_result(struct evaluation *e, str step_id, str result, struct err *err)
{
    json_error_t je;
    json_t *j = json_loadb(result.p, result.n, JSON_ALLOW_NUL, &je);
    bool object = json_is_object(j);
    json_decref(j);
    if (!object)
        return err_set(err, "invalid_result", "the result of step '%.*s' is not a JSON object",
                       STR_ARG(step_id));
    struct given_result *given = arena_new(&e->request_arena, struct given_result);
    given->json = arena_str(&e->request_arena, result);
    map_set(&e->results, arena_str(&e->request_arena, step_id), given);
    uint32_t step = (uint32_t)(uintptr_t)map_get(&e->ids, step_id) - 1;
    if (step >= e->plan.step_count || !str_eq(e->plan.steps[step].id, step_id))
        return true;
    str json =
        prompts_complete_result(&e->arena, e->notes.at[step].output, step_id, given->json, err);
    if (!json.p)
        return false;
    if (result_record(e->heap, json, &e->notes.at[step].result))
        return true;
    err_move(err, &e->heap->fault.err);
    err_set(err, "invalid_result", "the result of step '%.*s' cannot be used", STR_ARG(step_id));
    heap_clear_fault(e->heap);
    return false;
}

/* From the start with the recorded results; the steps must come out the same. */
static enum evaluation_state rebuild(struct evaluation *e)
{
    struct plan before = e->plan;
    struct arena old_arena = e->arena;
    uint32_t index = e->running->index;
    struct err_list errors = {.max = 1};
    bool ok = true;

    forget_machine(e);
    e->arena = (struct arena)ARENA_INIT;
    e->scope = NULL;
    e->rebuilds++;
    start_machine(e);
    for (size_t i = 0; ok && i < e->loaded.n; i++)
        ok = run_file(e, bundle_find(e->bundle, e->loaded.at[i]), &errors);
    if (ok) {
        run(e, e->definitions.at[index]);
    } else {
        err_move(&e->error, &errors.at[0]);
        e->plan.end = PLAN_ERROR;
        e->state = EVALUATION_FAILED;
    }
    err_list_done(&errors);
    auto_err difference = ERR_INIT;
    if (ok && e->state != EVALUATION_FAILED && !plan_same_start(&before, &e->plan, &difference)) {
        err_move(&e->error, &difference);
        e->plan.end = PLAN_ERROR;
        e->state = EVALUATION_FAILED;
    }
    /* Callers hold definitions of the first evaluation. */
    if (!e->first_arena.blocks)
        e->first_arena = old_arena;
    else
        arena_done(&old_arena);
    return e->state;
}

enum evaluation_state evaluation_resume(struct evaluation *e)
{
    if (e->state != EVALUATION_AWAIT)
        return e->state;
    for (uint32_t i = 0; i < e->plan.await_count; i++)
        if (val_is_unbound(e->notes.at[e->plan.await_steps[i]].result))
            return e->state;
    e->plan.await_count = 0;
    return e->lost ? rebuild(e) : settle(e, vm_resume(e->vm));
}

const struct plan *evaluation_plan(const struct evaluation *e)
{
    return &e->plan;
}

struct err *evaluation_error(struct evaluation *e)
{
    return &e->error;
}

str evaluation_failed_step(const struct evaluation *e)
{
    return e->failed_step;
}

int64_t evaluation_instructions(const struct evaluation *e)
{
    return vm_instructions(e->vm);
}

uint32_t evaluation_rebuilds(const struct evaluation *e)
{
    return e->rebuilds;
}
