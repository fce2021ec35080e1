#include "cli/prompt_agent.h"
#include "base/clock.h"
#include "base/fd.h"
#include "cli/drive.h"
#include "cli/prompt_result.h"
#include "llm/client.h"
#include "runner/local.h"
#include <errno.h>
#include <fcntl.h>

struct attempt {
    struct cli *cli;
    struct prompt_file *file;
    struct arena arena;
    struct llm_clients clients;
    char *folder; /* of the data, owned; NULL until it was made */
    char *replay; /* full path of the record, owned; or NULL */
    struct drive drive;
    struct prompt_result result;
    struct err err; /* why there is no answer */
};

/* ---- before ---- */

static bool read_record(struct attempt *t, json_t **ret_inputs, struct err *err)
{
    const char *file = cli_value(t->cli, "replay");
    if (file && cli_has(t->cli, "record"))
        return err_set(err, "invalid_option", "--record and --replay do not go together");
    if (!file)
        return true;
    if (!engine_record_check(file, err))
        return false;
    json_t *record = json_read_file(file, JSON_UNIQUE_KEYS, err);
    *ret_inputs = json_incref(json_object_get(record, "inputs"));
    json_decref(record);
    t->replay = realpath(file, NULL);
    return t->replay || err_errno(err, "invalid_option", errno, "--replay %s", file);
}

static bool find_client(struct attempt *t, struct err *err)
{
    const struct prompt *p = t->file->prompt;
    const char *name = cli_value(t->cli, "client");
    struct llm_client client;
    if (!llm_clients_open(&t->clients, t->file->registry->root, err) ||
        !llm_clients_find(&t->clients, name ? str_of(name) : p->client, &client, err))
        return false;
    t->result = (struct prompt_result){.cli = t->cli,
                                       .prompt = p,
                                       .client = client.name,
                                       .model = client.model,
                                       .replayed = t->replay != NULL};
    return true;
}

static bool make_folder(struct attempt *t, struct err *err)
{
    const char *top = getenv("TMPDIR");
    auto_buf path = BUF(1 << 16);
    buf_addf(&path, "%s/plue-prompt-XXXXXX", top && top[0] == '/' ? top : "/tmp");
    t->folder = buf_take(&path, NULL);
    if (mkdtemp(t->folder))
        return true;
    err_errno(err, "data_folder", errno, "%s cannot be made", t->folder);
    err_hint(err, "set TMPDIR to a folder that can be written");
    free(t->folder);
    t->folder = NULL;
    return false;
}

/* ---- the run ---- */

static str event_of(struct attempt *t)
{
    auto_buf b = BUF(JSON_FILE_MAX_BYTES);
    struct json_writer w = JSON_WRITER(&b, false);
    json_t *event = json_pack("{s:s, s:O}", "type", "manual", "inputs", t->file->inputs);
    json_put(&w, event);
    json_decref(event);
    return arena_str(&t->arena, buf_str(&b));
}

/* NULL: reported, or in err. */
static struct evaluation *evaluate(struct attempt *t, const struct evaluation_request *q,
                                   int *ret_status)
{
    const char *client = cli_value(t->cli, "client");
    struct evaluation *e = evaluation_new(t->file->registry->bundle, NULL);
    struct err_list errors = {0};
    struct tool_facts facts;
    auto_err err = ERR_INIT;
    bool ok = evaluation_load_prompt(e, t->file->prompt->path, client ? str_of(client) : STR(""),
                                     &facts, &errors);
    if (!ok)
        *ret_status = cli_fail_all(t->cli, evaluation_sources(e), &errors);
    else if (!(ok = evaluation_start_tool(e, q) != EVALUATION_FAILED))
        *ret_status = cli_fail(t->cli, evaluation_sources(e), evaluation_error(e));
    else if (!(ok = engine_check_plan(evaluation_plan(e), &err)))
        *ret_status = cli_fail(t->cli, NULL, &err);
    err_list_done(&errors);
    if (ok)
        return e;
    evaluation_free(e);
    return NULL;
}

static bool start(struct attempt *t, struct evaluation *e, const struct evaluation_request *q,
                  struct err *err)
{
    struct registry *registry = t->file->registry;
    const char *backend = cli_value(t->cli, "sandbox");
    auto_buf inputs = BUF(JSON_FILE_MAX_BYTES);
    struct json_writer w = JSON_WRITER(&inputs, false);
    json_put(&w, t->file->inputs);
    if (!drive_open_scratch(t->cli, t->folder, &t->drive, err) ||
        !drive_start_engine(&t->drive, backend, registry->root, err)) {
        evaluation_free(e);
        return false;
    }
    struct engine_request run = {.evaluation = e,
                                 .bundle = registry->bundle,
                                 .repository = str_of(registry->root),
                                 .source = str_of(registry->root),
                                 .event = q->event,
                                 .repository_facts = q->repository,
                                 .trigger_type = STR("manual"),
                                 .inputs = buf_str(&inputs),
                                 .sandbox_backend = backend,
                                 .replay_file = t->replay ? str_of(t->replay) : STR("")};
    registry->bundle = NULL;
    return drive_run(&t->drive, &run, err);
}

/* ---- what became of it ---- */

static bool take_usage(struct attempt *t, struct err *err)
{
    struct store_llm_usage *rows;
    struct prompt_result *r = &t->result;
    size_t n;
    if (!store_list_llm_usage(t->drive.data.reader, t->drive.run_id, &t->arena, &rows, &n, err))
        return false;
    for (size_t i = 0; i < n; i++) {
        const struct store_llm_usage *u = &rows[i];
        r->calls++;
        r->input += u->input_tokens + u->cache_read_tokens + u->cache_write_tokens;
        r->output += u->output_tokens;
        r->usd = u->cost_microusd < 0 || r->usd < 0 ? -1 : r->usd + (double)u->cost_microusd / 1e6;
    }
    return true;
}

static void take_error(struct attempt *t, const struct store_step *s)
{
    json_t *j = json_loadb(s->error.p, s->error.n, JSON_ALLOW_NUL, NULL);
    str code = json_get_text(j, "code"), message = json_get_text(j, "message"),
        hint = json_get_text(j, "hint");
    if (!code.n)
        err_set(&t->err, "cancelled", "the agent was not waited for");
    else
        err_set(&t->err, arena_cstr(&t->arena, code), "%.*s", STR_ARG(message));
    if (hint.n)
        err_hint(&t->err, "%.*s", STR_ARG(hint));
    json_decref(j);
}

static bool take_result(struct attempt *t, struct err *err)
{
    struct store_step *steps;
    size_t n;
    if (!take_usage(t, err) || !store_load_steps(t->drive.data.reader, t->drive.run_id, STORE_LAST,
                                                 STORE_STEPS_RESULTS, &t->arena, &steps, &n, err))
        return false;
    for (size_t i = 0; i < n; i++) {
        const struct store_step *s = &steps[i];
        if (s->parent.n)
            continue;
        t->result.turns = s->turns_used;
        t->result.value =
            json_loadb(s->output.p, s->output.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        if (s->status != STEP_SUCCESS)
            take_error(t, s);
    }
    return true;
}

static bool write_record(struct attempt *t, struct err *err)
{
    const struct prompt *p = t->file->prompt;
    const char *file = cli_value(t->cli, "record");
    auto_err none = ERR_INIT;
    if (!file)
        return true;
    json_t *record = engine_record(t->drive.data.reader, t->drive.run_id, &none);
    if (!record && strcmp(none.code, "no_record") == 0)
        return true; /* nothing was answered, and why is said */
    if (!record)
        return err_move(err, &none), false;
    json_object_set_new(record, "prompt", json_stringn(p->path.p, p->path.n));
    json_object_set(record, "inputs", t->file->inputs);
    json_object_del(record, "workflow");
    auto_free char *text = json_dumps(record, JSON_INDENT(2));
    json_decref(record);
    auto_buf b = BUF(CLI_OUTPUT_MAX);
    buf_addf(&b, "%s\n", text ? text : "");
    int e = fd_write_file(AT_FDCWD, file, buf_str(&b), 0644);
    return !e || err_errno(err, "file_unwritable", e, "%s cannot be written", file);
}

static int report(struct attempt *t, int status)
{
    auto_err e = ERR_INIT;
    if (!take_result(t, &e) || !write_record(t, &e))
        return cli_fail(t->cli, NULL, &e);
    prompt_result_tell(&t->result);
    if (err_is_set(&t->err)) {
        (void)cli_fail(t->cli, NULL, &t->err);
        return status == CLI_CANCELLED ? CLI_CANCELLED : CLI_RUN_FAILED;
    }
    if (prompt_result_check(&t->result, &e)) {
        prompt_result_out(&t->result);
        return CLI_OK;
    }
    if (!t->cli->json)
        prompt_result_out(&t->result);
    (void)cli_fail(t->cli, NULL, &e);
    return CLI_RUN_FAILED;
}

static int run_agent(struct attempt *t)
{
    auto_err err = ERR_INIT;
    int status = CLI_USAGE;
    struct evaluation_request q = {event_of(t),
                                   request_describe_repository(t->file->registry->root, &t->arena)};
    struct evaluation *e = evaluate(t, &q, &status);
    if (!e)
        return status;
    if (!make_folder(t, &err)) {
        evaluation_free(e);
        return cli_fail(t->cli, NULL, &err);
    }
    if (!start(t, e, &q, &err))
        return cli_fail(t->cli, NULL, &err);
    int64_t began = clock_mono_ms();
    status = drive_loop(&t->drive);
    t->result.took_ms = clock_mono_ms() - began;
    return status == CLI_SYSTEM ? status : report(t, status);
}

static void remove_folder(struct attempt *t)
{
    auto_err e = ERR_INIT;
    if (t->folder && !runner_local_remove(t->folder, &e))
        cli_warn(t->cli, "%s is left: %.*s", t->folder, STR_ARG(e.message));
    free(t->folder);
}

int prompt_agent_test(struct prompt_file *f)
{
    struct attempt t = {.cli = f->cli, .file = f};
    struct err_list errors = {0};
    auto_err e = ERR_INIT;
    json_t *inputs = NULL;
    int status;
    if (!read_record(&t, &inputs, &e) || !prompt_file_read_inputs(f, inputs, &e) ||
        !find_client(&t, &e))
        status = cli_fail(f->cli, &f->sources, &e);
    else if (!type_check(f->prompt->inputs, f->inputs, STR("input"), &errors))
        status = cli_fail_all(f->cli, &f->sources, &errors);
    else
        status = run_agent(&t);
    drive_done(&t.drive);
    remove_folder(&t);
    prompt_result_done(&t.result);
    llm_clients_done(&t.clients);
    err_list_done(&errors);
    err_done(&t.err);
    json_decref(inputs);
    free(t.replay);
    arena_done(&t.arena);
    return status;
}
