/* plue prompt test: one prompt and its model, without a workflow: what it says as it comes, its
 * checked answer, and what it took; recorded, replayed, and held against what is expected. */
#include "base/clock.h"
#include "base/fd.h"
#include "cli/commands.h"
#include "cli/findings.h"
#include "cli/prompt_file.h"
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
    json_t *value; /* of the answer; owned */
    struct dialog_spent spent;
    struct err err;    /* why there is none */
    bool line_is_open; /* what the model says has not ended its line */
    bool asked, cancelled;
    int64_t took_ms;
};

/* ---- what the model says ---- */

/* A model's text commands no terminal. */
static void add_shown(struct buf *b, str text)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        bool c1 = c == 0xc2 && i + 1 < text.n && (unsigned char)text.p[i + 1] < 0xa0;
        if (c1 || (c < ' ' && c != '\n' && c != '\t') || c == 0x7f) {
            buf_add_byte(b, '?');
            i += c1;
        } else {
            buf_add_byte(b, text.p[i]);
        }
    }
}

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
    add_shown(&b, e->text);
    if (e->kind == LLM_AGAIN) {
        end_line(t);
        cli_note("asked again, what stands above is void: %s", buf_c(&b));
    } else if (e->kind == LLM_TEXT && b.n) {
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
    t->value = json_incref(value);
    t->spent = *spent;
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

static bool load_clients(struct trial *t, struct err *err)
{
    auto_buf text = BUF(CONFIG_FILE_MAX), path = BUF(1 << 16);
    struct err_list errors = {0};
    const char *name = cli_value(t->cli, "client");
    buf_addf(&path, "%s/.plue/config.yaml", t->registry.root);
    int e = fd_read_file(AT_FDCWD, buf_c(&path), &text);
    if (e && e != ENOENT)
        return err_errno(err, "invalid_config", e, "%s cannot be read", buf_c(&path));
    bool ok = llm_clients_init(&t->clients, buf_str(&text), STR(".plue/config.yaml"), &errors);
    if (!ok && errors.n)
        err_move(err, &errors.at[0]);
    err_list_done(&errors);
    return ok && llm_clients_find(&t->clients, name ? str_of(name) : t->file.prompt->client,
                                  &t->client, err);
}

/* As in a run: --secret-file, PLUE_SECRET_NAME, the store, and then the environment. */
static bool find_key(struct trial *t, struct err *err)
{
    struct cli *c = t->cli;
    auto_data d = {0};
    auto_err none = ERR_INIT;
    str name = t->client.key_name;
    if (!name.n || t->replayed)
        return true;
    if (!secrets_open(c, cli_value(c, "secret-file"), &t->secrets, err))
        return false;
    if (data_open(c, DATA_LOOK, &d, &none)) {
        if (!secrets_add_kept(c, &t->secrets, &d, err))
            return false;
    } else if (strcmp(none.code, "database_missing") != 0) {
        err_move(err, &none);
        return false;
    }
    const char *variable = getenv(arena_cstr(&t->file.arena, name));
    if (!secrets_find(&t->secrets, name, &t->key) && variable)
        t->key = str_of(variable);
    return true;
}

static bool check_kind(const struct prompt *p, struct err *err)
{
    if (!p->agent && !p->tool_count)
        return true;
    err_set(err, "llm_tools", "%.*s has tools or is an agent, and tools are used in runs only",
            STR_ARG(p->name));
    err_hint(err, "call it in a workflow, and start that with plue workflow run");
    return false;
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
    t->took_ms = clock_mono_ms() - began;
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

static void add_json(struct buf *b, const json_t *j)
{
    auto_free char *text = json_dumps(j, JSON_INDENT(2) | JSON_ENCODE_ANY);
    buf_add_c(b, text ? text : "nothing");
}

static json_t *read_expected(struct trial *t, const char *file, struct err *err)
{
    auto_buf text = BUF(JSON_FILE_MAX_BYTES);
    if (t->file.prompt->output)
        return json_read_file(file, JSON_UNIQUE_KEYS, err);
    int e = fd_read_file(AT_FDCWD, file, &text);
    str s = str_trim(buf_str(&text));
    json_t *j = e ? NULL : json_stringn(s.n ? s.p : "", s.n);
    if (e)
        err_errno(err, "file_unreadable", e, "%s cannot be read", file);
    else if (!j)
        err_set(err, "file_not_text", "%s is not UTF-8", file);
    return j;
}

static bool check_expected(struct trial *t, struct err *err)
{
    const char *file = cli_value(t->cli, "expect");
    auto_buf where = BUF(1 << 16), wanted = BUF(CLI_OUTPUT_MAX), found = BUF(CLI_OUTPUT_MAX);
    if (!file)
        return true;
    json_t *expected = read_expected(t, file, err), *value = json_incref(t->value);
    if (json_is_string(value)) { /* white space around it says nothing */
        str s = str_trim(json_text_of(value));
        json_t *trimmed = json_stringn(s.n ? s.p : "", s.n);
        json_decref(value);
        value = trimmed;
    }
    if (expected && json_difference(expected, value, &where)) {
        add_json(&wanted, json_pointer_get(expected, buf_str(&where)));
        add_json(&found, json_pointer_get(value, buf_str(&where)));
        err_set(err, "output_differs", "the answer is not what %s expects%s%s: %s, and not %s",
                file, where.n ? ": at " : "", buf_c(&where), buf_c(&found), buf_c(&wanted));
    }
    json_decref(expected);
    json_decref(value);
    return !err_is_set(err);
}

static void put_usage(struct json_writer *w, const struct trial *t)
{
    const struct llm_usage *u = &t->spent.usage;
    json_key_c(w, "usage");
    json_begin_object(w);
    json_key_c(w, "input_tokens");
    json_put_int(w, u->input + u->cache_read + u->cache_write);
    json_key_c(w, "output_tokens");
    json_put_int(w, u->output);
    json_key_c(w, "cost_usd");
    if (t->spent.usd < 0)
        json_put_null(w);
    else
        json_put_double(w, t->spent.usd);
    json_end_object(w);
}

static void out_json(struct trial *t)
{
    auto_buf b = BUF(CLI_OUTPUT_MAX);
    struct json_writer w = JSON_WRITER(&b, true);
    json_begin_object(&w);
    json_key_c(&w, "prompt");
    json_put_str(&w, t->file.prompt->name);
    json_key_c(&w, "client");
    json_put_str(&w, t->client.name);
    json_key_c(&w, "model");
    json_put_str(&w, t->client.model);
    json_key_c(&w, "output");
    json_put(&w, t->value);
    json_key_c(&w, "calls");
    json_put_int(&w, t->spent.calls);
    put_usage(&w, t);
    json_key_c(&w, "duration_ms");
    json_put_int(&w, t->took_ms);
    json_end_object(&w);
    cli_out_json(t->cli, &b);
}

static void out_text(struct trial *t)
{
    auto_buf b = BUF(CLI_OUTPUT_MAX), shown = BUF(CLI_OUTPUT_MAX);
    if (!json_is_string(t->value))
        add_json(&b, t->value);
    else if (!t->cli->live || !t->cli->err_live) /* else it stands there already */
        buf_add_str(&b, json_text_of(t->value));
    if (b.n && b.p[b.n - 1] != '\n')
        buf_add_byte(&b, '\n');
    if (t->cli->live)
        add_shown(&shown, buf_str(&b));
    cli_out(t->cli, buf_str(t->cli->live ? &shown : &b));
}

static void tell_usage(struct trial *t)
{
    const struct llm_usage *u = &t->spent.usage;
    auto_buf b = BUF(4096);
    if (t->cli->json || !t->spent.calls)
        return;
    buf_addf(&b, "%.*s, %d call%s%s, %lld tokens in, %lld out", STR_ARG(t->client.name),
             t->spent.calls, t->spent.calls == 1 ? "" : "s", t->replayed ? " replayed" : "",
             (long long)(u->input + u->cache_read + u->cache_write), (long long)u->output);
    if (t->spent.usd >= 0)
        buf_addf(&b, ", $%.6f", t->spent.usd);
    cli_note("%s", buf_c(&b));
}

static int report(struct trial *t)
{
    auto_err e = ERR_INIT;
    tell_usage(t);
    if (t->cancelled) {
        err_set(&e, "cancelled", "the model was not waited for");
        (void)cli_fail(t->cli, NULL, &e);
        return CLI_CANCELLED;
    }
    bool failed = err_is_set(&t->err);
    if (!write_record(t, failed ? &e : &t->err) && failed)
        cli_note("%.*s", STR_ARG(e.message));
    if (!failed && !err_is_set(&t->err) && !check_expected(t, &t->err) && !t->cli->json)
        out_text(t);
    if (err_is_set(&t->err)) {
        const char *code = t->err.code;
        int status = cli_fail(t->cli, &t->file.sources, &t->err);
        bool own = strcmp(code, "llm_replay_diverged") == 0 || strcmp(code, "budget_exceeded") == 0;
        return t->asked || own ? CLI_RUN_FAILED : status;
    }
    if (t->cli->json)
        out_json(t);
    else
        out_text(t);
    return CLI_OK;
}

static bool prepare(struct trial *t, struct err_list *errors, struct err *err)
{
    struct prompt_file *f = &t->file;
    if (!prompt_file_load(f, errors, err) || !check_kind(f->prompt, err) || !read_record(t, err) ||
        !prompt_file_read_inputs(f, json_object_get(t->replayed, "inputs"), err))
        return false;
    if (!type_check(f->prompt->inputs, f->inputs, STR("input"), errors))
        return false;
    return load_clients(t, err) && find_key(t, err);
}

static int run_trial(struct trial *t)
{
    auto_err e = ERR_INIT;
    struct err_list errors = {0};
    int status;
    if (prepare(t, &errors, &e)) {
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
    json_decref(t.value);
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
                                           {"json", NULL, "print JSON"},
                                           CLI_DATA_DIR_OPTION,
                                           {0}},
    .run = run,
};
