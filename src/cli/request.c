#include "cli/request.h"
#include "cli/event_shape.h"
#include "git/git.h"
#include "registry/match.h"
#include <stdio.h>

/* ---- what evaluations are given ---- */

static void print_to_stderr(void *data, str text)
{
    (void)data;
    fwrite(text.p, 1, text.n, stderr);
}

static const struct git_head *head_of(struct request *r)
{
    if (!r->head_known) {
        r->head_known = true;
        if (!git_read_head(r->registry.root, &r->arena, &r->head))
            r->head = (struct git_head){.ref = STR(""), .branch = STR(""), .sha = STR("")};
    }
    return &r->head;
}

static str head_field(struct request *r, str field)
{
    const struct git_head *h = head_of(r);
    return str_is(field, "ref") ? h->ref : str_is(field, "sha") ? h->sha : h->branch;
}

static bool lazy_field(void *data, str field, struct buf *ret)
{
    str value = head_field(data, field);
    buf_add_str(ret, value);
    return value.n > 0;
}

str request_describe_repository(const char *folder, struct arena *a)
{
    struct git_remote remote = {0};
    auto_buf b = BUF(1 << 16);
    struct json_writer w = JSON_WRITER(&b, false);
    git_read_remote(folder, a, &remote);
    str root = str_of(folder);
    json_begin_object(&w);
    json_key_c(&w, "name");
    json_put_str(&w, remote.name.n ? remote.name
                                   : str_sub(root, str_rfind_byte(root, '/') + 1, root.n));
    json_key_c(&w, "owner");
    json_put_str_or_null(&w, remote.owner);
    json_key_c(&w, "default_branch");
    json_put_str_or_null(&w, remote.default_branch);
    json_end_object(&w);
    return arena_str(a, buf_str(&b));
}

/* ---- the event ---- */

static bool has_trigger(const struct definition *d, const char *type, size_t *ret_count)
{
    json_t *triggers = json_loadb(d->triggers.p, d->triggers.n, 0, NULL);
    bool has = false;
    *ret_count = json_array_size(triggers);
    for (size_t i = 0; i < *ret_count; i++)
        has |= str_is(json_get_text(json_array_get(triggers, i), "type"), type);
    json_decref(triggers);
    return has;
}

/* What does not read as its type stays text, and is then reported with all other violations. */
static bool take_input(struct request *r, json_t *inputs, const char *given, struct err *err)
{
    const struct definition *d = r->found.definition;
    const char *equals = strchr(given, '=');
    if (!equals || equals == given) {
        err_set(err, "invalid_option", "--input %s: give it as NAME=VALUE", given);
        err_hint(err, "for example: --input env=staging");
        return false;
    }
    str name = str_make(given, (size_t)(equals - given)), value = str_of(equals + 1);
    const struct type *t = d->inputs ? type_field(d->inputs, name) : NULL;
    auto_err ignored = ERR_INIT;
    json_t *j = t ? type_parse_text(t, value, &ignored) : NULL;
    if (!j)
        j = json_stringn(value.p, value.n);
    if (!j || json_object_setn_new(inputs, name.p, name.n, j) != 0)
        return err_set(err, "invalid_option", "--input %.*s is not valid UTF-8", STR_ARG(name));
    return true;
}

/* A preview makes up the inputs that must be there. */
static void make_up_inputs(struct request *r, json_t *inputs)
{
    const struct type *t = r->found.definition->inputs;
    auto_buf made = BUF(1 << 20);
    for (uint32_t i = 0; t && i < t->n; i++) {
        const struct type_field *f = &t->fields[i];
        if (f->type->kind == TYPE_OPTIONAL || json_object_getn(inputs, f->name.p, f->name.n))
            continue;
        json_t *sample = type_sample(f->type);
        struct json_writer w = JSON_WRITER(&made, false);
        buf_addf(&made, "%s%.*s=", made.n ? ", " : "", STR_ARG(f->name));
        json_put(&w, sample);
        json_object_setn_new(inputs, f->name.p, f->name.n, sample);
    }
    if (made.n)
        cli_note("inputs that were not given are made up: %s", buf_c(&made));
}

static bool read_event(struct request *r, const char *path, struct err *err)
{
    r->event = json_read_file(path, JSON_UNIQUE_KEYS, err);
    return r->event && event_check_shape(r->event, str_of(path), err);
}

static void choose_event(struct request *r, enum request_purpose purpose)
{
    const struct definition *d = r->found.definition;
    size_t count = 0;
    bool manual = has_trigger(d, "manual", &count);
    if (manual || count == 0 || cli_has(r->cli, "input")) {
        r->event = json_pack("{s:s}", "type", "manual");
        return;
    }
    r->event = evaluation_synthetic_event(d, 0);
    str type = json_get_text(r->event, "type");
    cli_note("no --event was given: %s with a made-up %.*s event",
             purpose == REQUEST_RUN ? "runs" : "planned", STR_ARG(type));
}

/* Fields that a real run knows from the repository's HEAD. */
static void complete_event(struct request *r)
{
    static const char *const fields[] = {"ref", "sha", "branch"};
    for (size_t i = 0; i < 3; i++) {
        json_t *there = json_object_get(r->event, fields[i]);
        str value = head_field(r, str_of(fields[i]));
        if (i == 1 && r->commit.n && json_is_string(there) &&
            !str_eq(json_get_text(r->event, "sha"), r->commit))
            cli_note("the event's sha is not the commit of --ref: the files are those of %.*s",
                     STR_ARG(r->commit));
        if ((!there || json_is_null(there)) && value.n)
            json_object_set_new(r->event, fields[i], json_stringn(value.p, value.n));
    }
}

static bool set_inputs(struct request *r, enum request_purpose purpose, struct err_list *errors)
{
    const struct definition *d = r->found.definition;
    bool manual = str_is(json_get_text(r->event, "type"), "manual");
    json_t *inputs = json_object_get(r->event, "inputs");
    bool given = inputs != NULL;
    if (!inputs || json_is_null(inputs)) {
        inputs = json_object();
        json_object_set_new(r->event, "inputs", inputs);
    }
    for (size_t i = 0; i < r->cli->given.n; i++) {
        const struct cli_given *g = &r->cli->given.at[i];
        if (strcmp(g->option->name, "input") != 0)
            continue;
        given = true;
        if (!take_input(r, inputs, g->value, err_list_add(errors)))
            return false;
        errors->n--; /* it was not needed */
    }
    if (!manual && !given) {
        json_object_del(r->event, "inputs");
        return true;
    }
    if (purpose == REQUEST_PREVIEW && !given)
        make_up_inputs(r, inputs);
    if (evaluation_check_inputs(d, inputs, errors))
        return true;
    for (size_t i = 0; d->inputs && i < errors->n; i++)
        err_hint(&errors->at[i], "give it as --input NAME=VALUE");
    return false;
}

/* An event that no trigger is for is planned when it is asked for, and said to be one. */
static void note_no_match(struct request *r)
{
    const struct definition *d = r->found.definition;
    auto_buf why = BUF(1 << 16);
    auto_free char *type = str_dup(json_get_text(r->event, "type"));
    size_t count = 0;
    if (match_triggers(d->triggers, r->event, &why) >= 0)
        return;
    if (why.n)
        cli_note("%s; '%.*s' is planned all the same", buf_c(&why), STR_ARG(d->name));
    else if (!has_trigger(d, type, &count) && count)
        cli_note("no trigger of '%.*s' is for %s events; it is planned all the same",
                 STR_ARG(d->name), type);
}

static bool make_event(struct request *r, enum request_purpose purpose, struct err_list *errors)
{
    const char *file = cli_value(r->cli, "event");
    if (file) {
        struct err *e = err_list_add(errors);
        if (!read_event(r, file, e))
            return false;
        errors->n--;
        note_no_match(r);
    } else {
        choose_event(r, purpose);
    }
    if (purpose == REQUEST_RUN)
        complete_event(r);
    return set_inputs(r, purpose, errors);
}

/* ---- opening ---- */

bool request_open_registry(struct cli *c, struct registry *ret, int *ret_status)
{
    auto_err e = ERR_INIT;
    auto_free char *root = NULL;
    if (registry_find_root(".", &root, &e) && registry_open(root, ret, &e))
        return true;
    *ret_status = cli_fail(c, NULL, &e);
    return false;
}

/* What --ref names takes the place of HEAD and of the working tree. */
bool request_open_commit(struct cli *c, const char *root, struct arena *a, struct registry *ret,
                         struct git_head *ret_head, struct err *err)
{
    char sha[GIT_SHA_SIZE];
    str ref = str_of(cli_value(c, "ref"));
    auto_buf full = BUF(4096);
    if (!git_resolve(root, ref, sha, err) || !git_full_ref(root, ref, &full, err) ||
        !registry_open_commit(root, str_of(sha), ret, err))
        return false;
    str heads = STR("refs/heads/"), name = buf_str(&full);
    *ret_head = (struct git_head){
        .ref = arena_str(a, name),
        .branch = str_starts(name, heads) ? arena_str(a, str_sub(name, heads.n, name.n)) : STR(""),
        .sha = arena_str(a, str_of(sha))};
    return true;
}

static bool open_source(struct cli *c, struct request *r, int *ret_status)
{
    auto_err e = ERR_INIT;
    auto_free char *root = NULL;
    if (!cli_has(c, "ref"))
        return request_open_registry(c, &r->registry, ret_status);
    if (registry_find_root(".", &root, &e) &&
        request_open_commit(c, root, &r->arena, &r->registry, &r->head, &e)) {
        r->head_known = true;
        r->commit = r->head.sha;
        return true;
    }
    *ret_status = cli_fail(c, NULL, &e);
    return false;
}

static str json_text(struct request *r, const json_t *j)
{
    auto_buf b = BUF(JSON_FILE_MAX_BYTES);
    struct json_writer w = JSON_WRITER(&b, false);
    json_put(&w, j);
    return arena_str(&r->arena, buf_str(&b));
}

bool request_open(struct cli *c, enum request_purpose purpose, struct request *ret, int *ret_status)
{
    struct evaluation_options options = {.print = print_to_stderr, .data = ret};
    struct err_list errors = {0};
    *ret = (struct request){.cli = c};
    if (purpose == REQUEST_PREVIEW)
        options.lazy_field = lazy_field;
    if (!open_source(c, ret, ret_status))
        return false;
    if (!registry_find(&ret->registry, str_of(c->args.at[0]), &options, &ret->found)) {
        struct evaluation *e = ret->found.evaluation;
        *ret_status = cli_fail_all(c, e ? evaluation_sources(e) : NULL, &ret->found.errors);
        return false;
    }
    bool ok = make_event(ret, purpose, &errors);
    if (!ok)
        *ret_status = cli_fail_all(c, NULL, &errors);
    err_list_done(&errors);
    if (!ok)
        return false;
    ret->event_text = json_text(ret, ret->event);
    ret->repository_text = request_describe_repository(ret->registry.root, &ret->arena);
    return true;
}

void request_done(struct request *r)
{
    registry_found_done(&r->found);
    registry_done(&r->registry);
    json_decref(r->event);
    arena_done(&r->arena);
    *r = (struct request){0};
}

bool request_evaluate(struct request *r, enum evaluation_state *ret_state, int *ret_status)
{
    struct evaluation *e = r->found.evaluation;
    struct evaluation_request q = {.event = r->event_text, .repository = r->repository_text};
    *ret_state = evaluation_start(e, r->found.definition, &q);
    if (*ret_state != EVALUATION_FAILED)
        return true;
    *ret_status = cli_fail(r->cli, evaluation_sources(e), evaluation_error(e));
    return false;
}
