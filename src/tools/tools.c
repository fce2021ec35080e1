/* Which tools there are, and calls of them. */
#include "llm/http.h"
#include "tools/tools_int.h"
#include <signal.h>

static const struct tool_field read_file_fields[] = {
    {"path", "string", "relative to the workspace", true},
    {"offset", "integer", "first line, counted from 1", false},
    {"limit", "integer", "number of lines, at most 2000", false},
    {0}};
static const struct tool_field write_file_fields[] = {
    {"path", "string", "relative to the workspace; missing folders are made", true},
    {"content", "string", "the whole new text", true},
    {0}};
static const struct tool_field edit_file_fields[] = {
    {"path", "string", "relative to the workspace", true},
    {"old", "string", "text that is in the file exactly once", true},
    {"new", "string", "what takes its place", true},
    {0}};
static const struct tool_field shell_fields[] = {
    {"command", "string", "run by bash in the workspace", true},
    {"timeout", "integer", "seconds", false},
    {0}};
static const struct tool_field glob_fields[] = {{"pattern", "string", "as src/**/*.c", true}, {0}};
static const struct tool_field grep_fields[] = {
    {"pattern", "string", "an extended regular expression", true},
    {"path", "string", "file or folder to search; the workspace where it is not given", false},
    {0}};

static const struct tool_field websearch_fields[] = {
    {"query", "string", "what to search the web for", true}, {0}};

static const struct tool_kind kinds[] = {
    {"read_file", "Read a text file.", read_file_fields, read_file_begin, true},
    {"write_file", "Write a text file, replacing what is there.", write_file_fields,
     write_file_begin, false},
    {"edit_file", "Replace one piece of text in a file.", edit_file_fields, edit_file_begin, false},
    {"shell", "Run a command; gives stdout, stderr and exit_code.", shell_fields, shell_begin,
     false},
    {"glob", "List the files whose paths match a pattern.", glob_fields, glob_begin, true},
    {"grep", "Search files for lines that match; gives PATH:LINE:TEXT.", grep_fields, grep_begin,
     true},
    {"websearch", "Search the web; gives at most 5 of title, url and snippet.", websearch_fields,
     websearch_begin, false},
};

static const struct tool_kind *find_kind(str name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (str_is(name, kinds[i].name))
            return &kinds[i];
    return NULL;
}

static str text_at(json_t *j, const char *key)
{
    json_t *v = json_object_get(j, key);
    return json_is_string(v) ? str_make(json_string_value(v), json_string_length(v)) : STR("");
}

/* ---- the start ---- */

static bool is_server(json_t *tool)
{
    return json_is_string(json_object_get(json_object_get(tool, "config"), "command"));
}

bool tools_check(json_t *tool, struct err *err)
{
    str name = text_at(tool, "name");
    if (is_server(tool))
        return true;
    if (json_is_true(json_object_get(tool, "builtin")) && find_kind(name))
        return true;
    return err_set(err, "no_executor", "the tool '%.*s' has no executor yet", STR_ARG(name));
}

static void read_words(struct arena *a, json_t *list, const str **ret, size_t *ret_n)
{
    *ret_n = json_array_size(list);
    str *words = arena_alloc(a, (*ret_n + 1) * sizeof *words);
    for (size_t i = 0; i < *ret_n; i++) {
        json_t *w = json_array_get(list, i);
        words[i] = arena_str(a, json_is_string(w) ? str_of(json_string_value(w)) : STR(""));
    }
    *ret = words;
}

/* Blocks for a moment, where a ref has to be found. */
static bool find_ref(struct tools *t, json_t *j, struct tool *tool, struct err *err)
{
    str repo = text_at(j, "repo"), ref = text_at(j, "ref");
    char sha[GIT_SHA_SIZE];
    str own = t->options.repository_name;
    if (repo.n && !str_is(repo, ".") && !str_eq(repo, own)) {
        err_set(err, "tool_repository", "%s(repo=): '%.*s' is not the run's repository (%.*s)",
                tool->kind->name, STR_ARG(repo), STR_ARG(own));
        err_hint(err, "tools read the run's own repository: repo=ctx.repo");
        return false;
    }
    if (!repo.n && !ref.n)
        return true;
    if (!git_resolve(t->options.repository, ref.n ? ref : STR("HEAD"), sha, err))
        return false;
    tool->sha = arena_cstr(&t->arena, str_of(sha));
    return true;
}

static bool check_search(const struct tools *t, struct err *err)
{
    if (!t->options.search_key_name.n || t->options.search_key.n || t->options.search_off)
        return true;
    err_set(err, "websearch_key", "websearch has no key: %.*s is not set",
            STR_ARG(t->options.search_key_name));
    err_hint(err,
             "set it as an environment variable or by `plue secret set %.*s`, or take websearch "
             "out of the tools",
             STR_ARG(t->options.search_key_name));
    return false;
}

static bool add_tool(struct tools *t, json_t *j, struct err *err)
{
    json_t *config = json_object_get(j, "config");
    if (!tools_check(j, err))
        return false;
    struct tool tool = {.kind = find_kind(text_at(j, "name")),
                        .timeout_ms = json_integer_value(json_object_get(config, "timeout_ms"))};
    read_words(&t->arena, json_object_get(config, "allow"), &tool.grant.allow,
               &tool.grant.allow_count);
    read_words(&t->arena, json_object_get(config, "deny"), &tool.grant.deny,
               &tool.grant.deny_count);
    if (tool.kind->begin == websearch_begin && !check_search(t, err))
        return false;
    if (tool.kind->reads_refs && !find_ref(t, j, &tool, err))
        return false;
    vec_push(&t->all, tool);
    return true;
}

static const char *const *copy_list(struct arena *a, const char *const *list)
{
    size_t n = 0;
    while (list && list[n])
        n++;
    const char **copy = arena_array(a, const char *, n + 1);
    for (size_t i = 0; i < n; i++)
        copy[i] = arena_cstr(a, str_of(list[i]));
    copy[n] = NULL;
    return copy;
}

struct tools *tools_new(const struct tools_options *options, struct err *err)
{
    struct tools *t = mem_zalloc(sizeof *t);
    t->options = *options;
    t->options.tools = NULL;
    t->options.step = arena_cstr(&t->arena, str_of(options->step));
    t->options.repository = arena_cstr(&t->arena, str_of(options->repository));
    t->options.search_url = arena_str(&t->arena, options->search_url);
    t->options.search_key_name = arena_str(&t->arena, options->search_key_name);
    t->options.search_key = arena_str(&t->arena, options->search_key);
    t->options.repository_name = arena_str(&t->arena, options->repository_name);
    t->options.image = options->image ? arena_cstr(&t->arena, str_of(options->image)) : NULL;
    t->options.env = copy_list(&t->arena, options->env);
    t->options.path = copy_list(&t->arena, options->path);
    for (size_t i = 0; i < json_array_size(options->tools); i++) {
        json_t *tool = json_array_get(options->tools, i);
        if (is_server(tool))
            vec_push(&t->servers, server_new(t, tool));
        if (!json_is_true(json_object_get(tool, "builtin")) || add_tool(t, tool, err))
            continue;
        tools_free(t);
        return NULL;
    }
    return t;
}

/* ---- servers ---- */

static bool all_ready(const struct tools *t, const struct err **ret_err)
{
    for (size_t i = 0; i < t->servers.n; i++)
        if (!server_is_ready(t->servers.at[i], ret_err) || *ret_err)
            return *ret_err != NULL;
    return true;
}

static bool any_runs(const struct tools *t)
{
    for (size_t i = 0; i < t->servers.n; i++)
        if (server_is_running(t->servers.at[i]))
            return true;
    return false;
}

/* Whoever is told may free the tools. */
static void tell(uv_timer_t *timer)
{
    struct tools *t = timer->data;
    const struct err *err = NULL;
    if (t->ready && all_ready(t, &err)) {
        tools_ready_fn *ready = t->ready;
        t->ready = NULL;
        ready(t->user, err);
        return;
    }
    if (t->closed && !any_runs(t)) {
        void (*closed)(void *) = t->closed;
        t->closed = NULL;
        closed(t->user);
    }
}

void tools_server_changed(struct tools *t)
{
    uv_timer_start(t->later, tell, 0, 0);
}

static void timer_closed(uv_handle_t *h)
{
    free(h);
}

void tools_free(struct tools *t)
{
    if (!t)
        return;
    vec_each (s, &t->servers)
        server_free(*s);
    if (t->later)
        uv_close((uv_handle_t *)t->later, timer_closed);
    vec_done(&t->servers);
    http_free(t->http);
    vec_done(&t->all);
    arena_done(&t->arena);
    free(t);
}

bool tools_open(struct tools *t, tools_ready_fn *ready, void *user)
{
    if (!t->servers.n)
        return false;
    t->ready = ready;
    t->user = user;
    t->later = mem_zalloc(sizeof *t->later);
    uv_timer_init(t->options.loop, t->later);
    t->later->data = t;
    vec_each (s, &t->servers)
        server_start(*s);
    return true;
}

bool tools_close(struct tools *t, void (*closed)(void *user), void *user)
{
    t->ready = NULL;
    if (!any_runs(t))
        return false;
    t->closed = closed;
    t->user = user;
    vec_each (s, &t->servers)
        server_end(*s);
    return true;
}

void tool_process_name(struct tools *t, struct buf *ret)
{
    buf_addf(ret, "%s.t%u", t->options.step, ++t->commands);
}

json_t *tools_describe(const struct tools *t)
{
    json_t *all = json_array();
    for (size_t i = 0; i < t->all.n; i++) {
        const struct tool_kind *k = t->all.at[i].kind;
        json_t *properties = json_object(), *required = json_array();
        for (const struct tool_field *f = k->fields; f->name; f++) {
            json_object_set_new(
                properties, f->name,
                json_pack("{s:s, s:s}", "type", f->type, "description", f->description));
            if (f->required)
                json_array_append_new(required, json_string(f->name));
        }
        json_array_append_new(all, json_pack("{s:s, s:s, s:{s:s, s:o, s:o, s:b}}", "name", k->name,
                                             "description", k->description, "input_schema", "type",
                                             "object", "properties", properties, "required",
                                             required, "additionalProperties", 0));
    }
    for (size_t i = 0; i < t->servers.n; i++)
        json_array_extend(all, server_tools(t->servers.at[i]));
    return all;
}

/* ---- calls ---- */

static bool fits(const struct tool_field *f, json_t *v)
{
    return strcmp(f->type, "string") == 0 ? json_is_string(v) : json_is_integer(v);
}

static bool check_input(const struct tool_kind *k, json_t *input, struct err *err)
{
    const char *name;
    json_t *v;
    if (!json_is_object(input))
        return err_set(err, "tool_arguments", "%s takes an object of arguments", k->name);
    for (const struct tool_field *f = k->fields; f->name; f++) {
        v = json_object_get(input, f->name);
        if (v && !fits(f, v))
            return err_set(err, "tool_arguments", "%s: %s must be of type %s", k->name, f->name,
                           f->type);
        if (!v && f->required)
            return err_set(err, "tool_arguments", "%s: the argument %s is missing", k->name,
                           f->name);
    }
    json_object_foreach(input, name, v)
    {
        const struct tool_field *f = k->fields;
        while (f->name && strcmp(f->name, name) != 0)
            f++;
        if (!f->name)
            return err_set(err, "tool_arguments", "%s has no argument %.100s", k->name, name);
    }
    return true;
}

static struct server *find_server(const struct tools *t, str name)
{
    for (size_t i = 0; i < t->servers.n; i++) {
        json_t *tool, *all = server_tools(t->servers.at[i]);
        size_t k;
        json_array_foreach(all, k, tool)
        {
            if (str_eq(text_at(tool, "name"), name))
                return t->servers.at[i];
        }
    }
    return NULL;
}

static const struct tool *find_tool(const struct tools *t, str name, struct err *err)
{
    auto_buf names = BUF(1 << 16);
    json_t *all = tools_describe(t), *tool;
    size_t n;
    json_array_foreach(all, n, tool)
    {
        buf_addf(&names, "%s%s", n ? ", " : "", json_string_value(json_object_get(tool, "name")));
    }
    json_decref(all);
    for (size_t i = 0; i < t->all.n; i++)
        if (str_is(name, t->all.at[i].kind->name))
            return &t->all.at[i];
    err_set(err, "unknown_tool", "there is no tool '%.*s'; there are: %s",
            STR_ARG(str_sub(name, 0, name.n < 100 ? name.n : 100)), buf_c(&names));
    return NULL;
}

static void unlink_call(struct tool_call *c)
{
    struct tool_call **at = &c->tools->live;
    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    json_decref(c->input);
}

bool tools_call(struct tools *t, str name, json_t *input, tools_done_fn *done, void *user,
                struct err *err)
{
    struct server *server = find_server(t, name);
    const struct tool *tool = server ? NULL : find_tool(t, name, err);
    if (!server && (!tool || !check_input(tool->kind, input, err)))
        return false;
    struct tool_call *c = mem_zalloc(sizeof *c);
    *c = (struct tool_call){.tools = t,
                            .tool = tool,
                            .input = json_deep_copy(input),
                            .done = done,
                            .user = user,
                            .next = t->live};
    t->live = c;
    if (server ? server_call(server, c, name, err) : tool->kind->begin(c, err))
        return true;
    unlink_call(c);
    free(c);
    return false;
}

void tools_stop(struct tools *t)
{
    for (struct tool_call *c = t->live; c; c = c->next)
        if (c->process)
            runner_kill(c->process, SIGKILL);
        else if (c->search)
            websearch_stop(c);
    vec_each (s, &t->servers)
        server_kill(*s);
}

void tool_done(struct tool_call *c, str result, bool is_error)
{
    unlink_call(c);
    c->done(c->user, result, is_error);
    free(c);
}

void tool_failed(struct tool_call *c, const struct err *err)
{
    auto_buf text = BUF(TOOLS_TEXT_MAX), valid = BUF(4 * TOOLS_TEXT_MAX);
    buf_addf(&text, "%.*s", STR_ARG(err->message));
    if (err->hint.n)
        buf_addf(&text, " (%.*s)", STR_ARG(err->hint));
    add_valid(&valid, buf_str(&text));
    tool_done(c, buf_str(&valid), true);
}

str tool_text(const struct tool_call *c, const char *name)
{
    return text_at(c->input, name);
}

int64_t tool_int(const struct tool_call *c, const char *name, int64_t fallback)
{
    json_t *v = json_object_get(c->input, name);
    return v ? json_integer_value(v) : fallback;
}

/* The runner refuses what leaves the workspace; here only its own name is taken off. */
bool tool_path(const struct tool_call *c, const char *name, const char **ret, struct err *err)
{
    static const char own[] = "/workspace";
    json_t *v = json_object_get(c->input, name);
    const char *path = v ? json_string_value(v) : "";
    if (v && json_string_length(v) != strlen(path))
        return err_set(err, "tool_arguments", "%s holds a NUL", name);
    if (strncmp(path, own, sizeof own - 1) == 0 &&
        (path[sizeof own - 1] == '/' || !path[sizeof own - 1]))
        path += sizeof own - 1 + (path[sizeof own - 1] == '/');
    *ret = strcmp(path, ".") == 0 ? "" : path;
    if (*path == '/')
        return err_set(err, "path_leaves", "%s must be relative to the workspace", name);
    return true;
}
