/* plue prompt test: one prompt and its model, without a workflow: what it says as it comes, its
 * checked answer, and what it took; recorded, replayed, and held against what is expected. Agents
 * are in prompt_agent.c. */
#include "base/clock.h"
#include "base/fd.h"
#include "cli/commands.h"
#include "cli/findings.h"
#include "cli/prompt_agent.h"
#include "cli/prompt_result.h"
#include "cli/secrets.h"
#include "dialog/dialog.h"
#include <fcntl.h>
#include <signal.h>

enum { KEY_SEARCHED = 8 }; /* bytes; a shorter key may stand anywhere by chance */

struct trial {
    struct cli *cli;
    struct registry registry;
    struct prompt_file file;
    struct llm_clients clients;
    struct llm_client client;
    struct secrets secrets;
    str key;
    json_t *record, *replayed; /* owned */
    uv_loop_t loop;
    uv_signal_t on_int;
    struct llm *llm;
    struct dialog *dialog;
    struct prompt_result result;
    struct err err;    /* why there is none */
    bool line_is_open; /* what the model says has not ended its line */
    bool said;         /* something that an answer asked for again makes void */
    bool asked, cancelled;
};

/* ---- what the model says ---- */

static void end_line(struct trial *t)
{
    if (t->line_is_open)
        (void)fd_write_all(STDERR_FILENO, "\n", 1);
    t->line_is_open = false;
}

static void said(void *user, const struct llm_event *e)
{
    struct trial *t = user;
    auto_buf b = BUF(LLM_ANSWER_MAX);
    if (t->cli->json)
        return;
    prompt_add_shown(&b, e->text);
    if (e->kind == LLM_AGAIN) {
        end_line(t);
        cli_note("asked again%s: %s", t->said ? ", the answer above is void" : "", buf_c(&b));
        t->said = false;
    } else if (e->kind == LLM_TEXT && b.n) {
        t->said = true;
        t->line_is_open = b.p[b.n - 1] != '\n';
        (void)fd_write_all(STDERR_FILENO, b.p, b.n); /* a closed stderr is no failure */
    }
}

static void stop_watching(struct trial *t)
{
    if (!uv_is_closing((uv_handle_t *)&t->on_int))
        uv_close((uv_handle_t *)&t->on_int, NULL);
}

static void answered(void *user, json_t *value, const struct dialog_spent *spent, struct err *err)
{
    struct trial *t = user;
    t->dialog = NULL;
    t->result.value = json_incref(value);
    t->result.calls = spent->calls;
    t->result.input = spent->usage.input + spent->usage.cache_read + spent->usage.cache_write;
    t->result.output = spent->usage.output;
    t->result.usd = spent->usd;
    if (err)
        err_move(&t->err, err);
    end_line(t);
    stop_watching(t);
}

static void interrupted(uv_signal_t *s, int number)
{
    struct trial *t = s->data;
    (void)number;
    t->cancelled = true;
    dialog_cancel(t->dialog);
    t->dialog = NULL;
    end_line(t);
    stop_watching(t);
}

/* ---- before it is asked ---- */

/* As in a run: --secret-file, PLUE_SECRET_NAME, the store, and then the environment. */
static bool find_key(struct trial *t, struct err *err)
{
    struct cli *c = t->cli;
    str name = t->client.key_name;
    if (!name.n || t->replayed)
        return true;
    cleanup(config_done) struct config config = {0};
    if (!config_read(t->registry.root, &config, err) ||
        !secrets_open(c, cli_value(c, "secret-file"), &t->secrets, err) ||
        !secrets_add_provided(c, &t->secrets, NULL, &config, err))
        return false;
    const char *variable = getenv(arena_cstr(&t->file.arena, name));
    if (!secrets_find(&t->secrets, name, &t->key) && variable)
        t->key = str_of(variable);
    return true;
}

static bool read_record(struct trial *t, struct err *err)
{
    const char *file = cli_value(t->cli, "replay");
    if (file && cli_has(t->cli, "record"))
        return err_set(err, "invalid_option", "--record and --replay do not go together");
    if (!file)
        return true;
    t->replayed = json_read_file(file, JSON_UNIQUE_KEYS, err);
    return t->replayed && llm_record_check(t->replayed, str_of(file), err);
}

static bool start(struct trial *t, struct err *err)
{
    const struct prompt *p = t->file.prompt;
    json_t *budget =
        p->budget.n ? json_loadb(p->budget.p, p->budget.n, JSON_DECODE_ANY, NULL) : NULL;
    struct dialog_request q = {.prompt = p,
                               .text = prompt_file_text(&t->file),
                               .root = t->registry.root,
                               .inputs = t->file.inputs,
                               .client = t->client,
                               .key = t->key,
                               .max_tokens = p->max_tokens,
                               .repairs = p->repairs,
                               .has_temperature = p->has_temperature,
                               .temperature = p->temperature,
                               .budget = budget};
    struct dialog_listener l = {.event = said, .done = answered, .data = t};
    if (t->replayed)
        llm_replay(t->llm, t->replayed);
    if (cli_has(t->cli, "record")) {
        t->record = llm_record_new();
        json_object_set_new(t->record, "prompt", json_stringn(p->path.p, p->path.n));
        json_object_set(t->record, "inputs", t->file.inputs);
        llm_record(t->llm, t->record);
    }
    t->dialog = dialog_start(t->llm, &q, &l, err);
    json_decref(budget);
    return t->dialog != NULL;
}

static void ask(struct trial *t)
{
    int64_t began = clock_mono_ms();
    uv_loop_init(&t->loop);
    uv_signal_init(&t->loop, &t->on_int);
    t->on_int.data = t;
    t->llm = llm_new(&t->loop);
    if (start(t, &t->err)) {
        t->asked = true;
        uv_signal_start(&t->on_int, interrupted, SIGINT);
        uv_run(&t->loop, UV_RUN_DEFAULT);
    }
    stop_watching(t);
    t->result.took_ms = clock_mono_ms() - began;
    if (!err_is_set(&t->err) && !t->cancelled && llm_replay_left(t->llm)) {
        err_set(&t->err, "llm_replay_diverged", "%zu calls of the record were not asked for",
                llm_replay_left(t->llm));
        err_hint(&t->err, "the conversation ended earlier than when it was recorded");
    }
    llm_free(t->llm);
    uv_run(&t->loop, UV_RUN_DEFAULT);
    uv_loop_close(&t->loop);
}

/* ---- what became of it ---- */

static bool write_record(struct trial *t, struct err *err)
{
    const char *file = cli_value(t->cli, "record");
    if (!t->record || !json_array_size(json_object_get(t->record, "calls")))
        return true;
    auto_free char *text = json_dumps(t->record, JSON_INDENT(2));
    auto_buf b = BUF(CLI_OUTPUT_MAX);
    buf_addf(&b, "%s\n", text ? text : "");
    if (t->key.n >= KEY_SEARCHED && str_find(buf_str(&b), t->key, 0) != SIZE_MAX) {
        err_set(err, "record_has_key", "the record would hold %.*s, and was not written",
                STR_ARG(t->client.key_name));
        err_hint(err, "the key stands in an input, the prompt or the answer: take it out of there");
        return false;
    }
    int e = fd_write_file(AT_FDCWD, file, buf_str(&b), 0644);
    return !e || err_errno(err, "file_unwritable", e, "%s cannot be written", file);
}

static int report(struct trial *t)
{
    auto_err e = ERR_INIT;
    prompt_result_tell(&t->result);
    if (t->cancelled) {
        err_set(&e, "cancelled", "the model was not waited for");
        (void)cli_fail(t->cli, NULL, &e);
        return CLI_CANCELLED;
    }
    bool failed = err_is_set(&t->err);
    if (!write_record(t, failed ? &e : &t->err) && failed)
        cli_note("%.*s", STR_ARG(e.message));
    if (!failed && !err_is_set(&t->err) && !prompt_result_check(&t->result, &t->err) &&
        !t->cli->json)
        prompt_result_out(&t->result);
    if (err_is_set(&t->err)) {
        const char *code = t->err.code;
        int status = cli_fail(t->cli, &t->file.sources, &t->err);
        bool own = strcmp(code, "llm_replay_diverged") == 0 || strcmp(code, "budget_exceeded") == 0;
        return t->asked || own ? CLI_RUN_FAILED : status;
    }
    prompt_result_out(&t->result);
    return CLI_OK;
}

static bool find_client(struct trial *t, struct err *err)
{
    const char *name = cli_value(t->cli, "client");
    return llm_clients_open(&t->clients, t->registry.root, err) &&
           llm_clients_find(&t->clients, name ? str_of(name) : t->file.prompt->client, &t->client,
                            err);
}

static bool prepare(struct trial *t, struct err_list *errors, struct err *err)
{
    struct prompt_file *f = &t->file;
    if (!read_record(t, err) ||
        !prompt_file_read_inputs(f, json_object_get(t->replayed, "inputs"), err) ||
        !type_check(f->prompt->inputs, f->inputs, STR("input"), errors) || !find_client(t, err))
        return false;
    t->result = (struct prompt_result){.cli = t->cli,
                                       .prompt = f->prompt,
                                       .client = t->client.name,
                                       .model = t->client.model,
                                       .replayed = t->replayed != NULL};
    return find_key(t, err);
}

static bool load(struct trial *t, struct err_list *errors, struct err *err)
{
    const struct prompt *p;
    if (!prompt_file_load(&t->file, errors, err))
        return false;
    p = t->file.prompt;
    if (p->agent || !p->tool_count)
        return true;
    err_set(err, "llm_tools", "%.*s has tools, which only prompts of type agent can use",
            STR_ARG(p->name));
    err_hint(err, "write `type: agent` into its frontmatter, or take the tools out");
    return false;
}

static int run_trial(struct trial *t)
{
    auto_err e = ERR_INIT;
    struct err_list errors = {0};
    int status;
    bool ok = load(t, &errors, &e);
    if (ok && t->file.prompt->agent) {
        status = prompt_agent_test(&t->file);
    } else if (ok && prepare(t, &errors, &e)) {
        ask(t);
        status = report(t);
    } else {
        status = errors.n ? cli_fail_all(t->cli, &t->file.sources, &errors)
                          : cli_fail(t->cli, &t->file.sources, &e);
    }
    err_list_done(&errors);
    return status;
}

static int run(struct cli *c)
{
    struct trial t = {.cli = c};
    int status = CLI_USAGE;
    if (!request_open_registry(c, &t.registry, &status))
        return status;
    t.file = (struct prompt_file){.cli = c, .registry = &t.registry};
    status = run_trial(&t);
    json_decref(t.record);
    json_decref(t.replayed);
    prompt_result_done(&t.result);
    err_done(&t.err);
    llm_clients_done(&t.clients);
    secrets_done(&t.secrets);
    prompt_file_done(&t.file);
    registry_done(&t.registry);
    return status;
}

const struct command command_prompt_test = {
    .name = "prompt test",
    .args = "FILE",
    .min = 1,
    .max = 1,
    .summary = "send a prompt to its model and check the answer",
    .doc =
        "What the model says is shown on stderr as it comes; the checked answer goes to stdout.\n"
        "An agent works with its tools in a sandbox, on a copy of the working tree that is thrown\n"
        "away.\n"
        "--record keeps the calls, with the inputs and without keys; --replay answers from such\n"
        "a file without a network, and fails where the prompt asks something else than then.",
    .example =
        "plue prompt test .plue/prompts/Review.prompt.md --input diff=x --record review.json\n"
        "plue prompt test Review.prompt.md --replay review.json --expect answer.json",
    .options = (const struct cli_option[]){{"client", "NAME", "a model, instead of the prompt's"},
                                           CLI_INPUT_OPTIONS,
                                           {"record", "FILE", "keep what was asked and answered"},
                                           {"replay", "FILE", "answer from a record"},
                                           {"expect", "FILE", "the answer must be this"},
                                           {"secret-file", "FILE", "NAME=value lines of secrets"},
                                           {"sandbox", "BACKEND",
                                            "of an agent's tools: bubblewrap (default), or none"},
                                           {"json", NULL, "print JSON"},
                                           CLI_DATA_DIR_OPTION,
                                           {0}},
    .run = run,
};
