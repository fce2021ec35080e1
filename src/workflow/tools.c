/* plue.tools: the built-in tools as constructors, and what tools= of a prompt's call may hold. */
#include "workflow/deferred.h"
#include "workflow/namespace.h"
#include "workflow/prompts.h"
#include <stdio.h>

/* A tool with the options of this call. */
struct tool_value {
    struct object o;
    const char *name;
    val repo, ref, allow, deny; /* V_UNBOUND: not given */
    int64_t timeout_ms;
    val server, command, network; /* of an MCP server; else V_UNBOUND */
};

static void tool_trace(struct heap *h, struct object *o)
{
    struct tool_value *t = (struct tool_value *)o;
    heap_mark(h, t->repo);
    heap_mark(h, t->ref);
    heap_mark(h, t->allow);
    heap_mark(h, t->deny);
    heap_mark(h, t->server);
    heap_mark(h, t->command);
    heap_mark(h, t->network);
}

static bool tool_repr(struct heap *h, struct object *o, val *ret)
{
    return text_printf(h, ret, "<tool %s>", ((struct tool_value *)o)->name);
}

static const struct obj_class class_tool = {
    .type = {.name = "tool", .kind = V_OBJECT},
    .repr = tool_repr,
    .trace = tool_trace,
};

static bool tool_new(struct heap *h, const char *name, struct tool_value **ret_tool, val *ret)
{
    struct tool_value *t = heap_new(h, V_OBJECT, sizeof *t);
    if (!t)
        return false;
    t->o.class = &class_tool;
    t->name = name;
    t->repo = t->ref = t->allow = t->deny = t->server = t->command = t->network = VAL_UNBOUND;
    *ret_tool = t;
    *ret = val_obj(V_OBJECT, t);
    return true;
}

static bool reading_tool(struct heap *h, const char *name, val *args, val *ret)
{
    struct tool_value *t;
    if (!tool_new(h, name, &t, ret))
        return false;
    t->repo = args[0];
    t->ref = args[1];
    return true;
}

static bool native_read_file(struct heap *h, val *args, val *ret)
{
    return reading_tool(h, "read_file", args, ret);
}

static bool native_glob(struct heap *h, val *args, val *ret)
{
    return reading_tool(h, "glob", args, ret);
}

static bool native_grep(struct heap *h, val *args, val *ret)
{
    return reading_tool(h, "grep", args, ret);
}

static bool native_websearch(struct heap *h, val *args, val *ret)
{
    struct tool_value *t;
    (void)args;
    return tool_new(h, "websearch", &t, ret);
}

static bool is_text_list(val v)
{
    if (val_is_unbound(v) || v.kind == V_NONE)
        return true;
    for (uint32_t i = 0; v.kind == V_LIST && i < v.list->n; i++)
        if (v.list->at[i].kind != V_STR)
            return false;
    return v.kind == V_LIST;
}

static bool granted_tool(struct heap *h, const char *name, const char *what, val *args,
                         struct tool_value **ret_tool, val *ret)
{
    if (!is_text_list(args[0]) || !is_text_list(args[1]))
        return heap_raise(h, &exc_TypeError, "%s(): allow and deny take lists of %s", name, what);
    if (!tool_new(h, name, ret_tool, ret))
        return false;
    (*ret_tool)->allow = args[0];
    (*ret_tool)->deny = args[1];
    return true;
}

static bool native_write_file(struct heap *h, val *args, val *ret)
{
    struct tool_value *t;
    return granted_tool(h, "write_file", "paths", args, &t, ret);
}

static bool native_edit_file(struct heap *h, val *args, val *ret)
{
    struct tool_value *t;
    return granted_tool(h, "edit_file", "paths", args, &t, ret);
}

static bool native_shell(struct heap *h, val *args, val *ret)
{
    struct tool_value *t;
    if (!granted_tool(h, "shell", "commands", args, &t, ret))
        return false;
    return val_is_unbound(args[2]) || args[2].kind == V_NONE ||
           parse_duration(h, args[2], "shell(timeout=)", &t->timeout_ms);
}

/* Its command is the author's alone: what came from outside could be read as code. */
static bool check_command(struct heap *h, val v)
{
    if (v.kind != V_STR || !text_str(v).n)
        return heap_raise(h, &exc_TypeError, "mcp(command=) takes a text that is known, not %s",
                          v.kind == V_STR ? "an empty one" : val_type_name(v));
    return text_is_trusted(v) ||
           heap_refuse(h, "unsafe_command",
                       "write the command itself; what it works on is in the workspace",
                       "mcp(command=): a part of it comes from outside");
}

static bool native_mcp(struct heap *h, val *args, val *ret)
{
    struct tool_value *t;
    if (args[0].kind != V_STR || !prompt_is_server_name(text_str(args[0])))
        return heap_raise(h, &exc_ValueError,
                          "mcp(): a server's name has at most %d letters, digits and -",
                          PROMPT_SERVER_NAME_MAX);
    if (!check_command(h, args[1]) || !granted_tool(h, "mcp", "tools", args + 2, &t, ret) ||
        !check_network(h, args[4], "mcp(network=)"))
        return false;
    t->server = args[0];
    t->command = args[1];
    t->network = args[4];
    return val_is_unbound(args[5]) || args[5].kind == V_NONE ||
           parse_duration(h, args[5], "mcp(timeout=)", &t->timeout_ms);
}

static const char *const reading_names[] = {"repo", "ref", NULL};
static const char *const writing_names[] = {"allow", "deny", NULL};
static const char *const mcp_names[] = {"name",    "command", "allow", "deny",
                                        "network", "timeout", NULL};
static const char *const shell_names[] = {"allow", "deny", "timeout", NULL};
#define READING "(repo=None, ref=None)"
#define WRITING "(allow=None, deny=None)"
static const struct native_def tool_natives[] = {
    {.name = "read_file",
     .fn = native_read_file,
     .max = 2,
     .names = reading_names,
     .signature = READING,
     .doc = "Reads a file of the workspace, or of a commit."},
    {.name = "glob",
     .fn = native_glob,
     .max = 2,
     .names = reading_names,
     .signature = READING,
     .doc = "Lists the files that match."},
    {.name = "grep",
     .fn = native_grep,
     .max = 2,
     .names = reading_names,
     .signature = READING,
     .doc = "Searches in files."},
    {.name = "write_file",
     .fn = native_write_file,
     .max = 2,
     .names = writing_names,
     .signature = WRITING,
     .doc = "Writes a file of the workspace."},
    {.name = "edit_file",
     .fn = native_edit_file,
     .max = 2,
     .names = writing_names,
     .signature = WRITING,
     .doc = "Replaces text in a file of the workspace."},
    {.name = "websearch", .fn = native_websearch, .signature = "()", .doc = "Searches the web."},
    {.name = "shell",
     .fn = native_shell,
     .max = 3,
     .names = shell_names,
     .signature = "(allow=None, deny=None, timeout=None)",
     .doc = "Runs commands in the step's sandbox."},
    {.name = "mcp",
     .fn = native_mcp,
     .min = 2,
     .max = 6,
     .names = mcp_names,
     .signature = "(name, command, allow=None, deny=None, network=None, timeout=None)",
     .doc = "The tools of an MCP server, which runs in the step's sandbox."},
    {0},
};

static size_t tools_names(struct heap *h, struct object *o, str *ret, size_t max)
{
    size_t n = 0;
    (void)h;
    (void)o;
    for (const struct native_def *d = tool_natives; d->name && n < max; d++)
        ret[n++] = str_of(d->name);
    return n;
}

static bool tools_getattr(struct heap *h, struct object *o, str name, val *ret)
{
    const struct native_def *def = find_native(tool_natives, name);
    str names[16];
    if (!def)
        return no_attribute(h, "module 'plue.tools'", name, names, tools_names(h, o, names, 16));
    *ret = val_native(def);
    return true;
}

static const struct obj_class class_tools_module = {
    .type = {.name = "module", .kind = V_OBJECT},
    .getattr = tools_getattr,
    .names = tools_names,
};

bool tools_module_new(struct heap *h, val *ret)
{
    struct object *o = heap_new(h, V_OBJECT, sizeof *o);
    if (!o)
        return false;
    o->class = &class_tools_module;
    *ret = val_obj(V_OBJECT, o);
    return true;
}

/* ---- the tools of a call ---- */

struct chosen {
    str name, path;               /* path: "//tools:x" of a custom one */
    const struct tool_value *own; /* NULL: without options */
    str server;                   /* of a prompt's MCP server: its config, JSON */
};

static bool choose(struct heap *h, val v, const char *what, struct chosen *ret)
{
    *ret = (struct chosen){0};
    if (val_is_object_of(v, &class_tool)) {
        ret->own = (const struct tool_value *)v.object;
        ret->name = ret->own->server.kind == V_STR
                        ? arena_str(&evaluation_of(h)->arena, text_str(ret->own->server))
                        : str_of(ret->own->name);
        return true;
    }
    for (const struct native_def *d = tool_natives; v.kind == V_NATIVE && d->name; d++) {
        if (val_identical(v, val_native(d)) && !d->min) {
            ret->name = str_of(d->name);
            return true;
        }
    }
    if (v.kind != V_STR)
        return heap_raise(h, &exc_TypeError,
                          "%s(tools=): a tool is a name, or a call of plue.tools, not %s", what,
                          val_type_name(v));
    str text = arena_str(&evaluation_of(h)->arena, text_str(v));
    ret->name = text;
    if (prompt_tool_reference(text, &ret->name))
        ret->path = text;
    else if (!prompt_is_builtin_tool(text))
        return heap_refuse(h, "unknown_tool",
                           "a tool of the repository is written \"//tools:NAME\"",
                           "%s(tools=): there is no tool '%.*s'", what, STR_ARG(text));
    return true;
}

static bool write_repo(struct heap *h, struct json_writer *w, val repo)
{
    if (!val_is_object_of(repo, &class_namespace))
        return write_field(h, w, "repo", repo, "tools", 0);
    const struct dict_obj *fields = ((struct namespace_value *)repo.object)->fields.dict;
    val owner = dict_get_str(fields, STR("owner")), name = dict_get_str(fields, STR("name"));
    auto_buf text = BUF(4096);
    if (name.kind != V_STR)
        buf_add_byte(&text, '.');
    if (name.kind == V_STR && owner.kind == V_STR)
        buf_addf(&text, "%.*s/", STR_ARG(text_str(owner)));
    if (name.kind == V_STR)
        buf_add_str(&text, text_str(name));
    json_key_c(w, "repo");
    json_put_str(w, buf_str(&text));
    return true;
}

static bool write_tool(struct heap *h, struct json_writer *w, const struct chosen *c)
{
    const struct tool_value *own = c->own;
    bool is_server = c->server.n || (own && own->server.kind == V_STR);
    json_begin_object(w);
    json_key_c(w, "name");
    json_put_str(w, c->name);
    json_key_c(w, "builtin");
    json_put_bool(w, !c->path.n && !is_server);
    json_key_c(w, "path");
    json_put_str_or_null(w, c->path);
    if (!write_repo(h, w, own ? own->repo : VAL_UNBOUND) ||
        !write_field(h, w, "ref", own ? own->ref : VAL_UNBOUND, "tools", 0))
        return false;
    json_key_c(w, "config");
    if (c->server.n) {
        json_put_raw(w, c->server);
        json_end_object(w);
        return true;
    }
    json_begin_object(w);
    if (!write_field(h, w, "allow", own ? own->allow : VAL_UNBOUND, "tools", 0) ||
        !write_field(h, w, "deny", own ? own->deny : VAL_UNBOUND, "tools", 0))
        return false;
    json_key_c(w, "timeout_ms");
    if (own && own->timeout_ms)
        json_put_int(w, own->timeout_ms);
    else
        json_put_null(w);
    if (is_server && (!write_field(h, w, "command", own->command, "tools", 0) ||
                      !write_field(h, w, "network", own->network, "tools", 0)))
        return false;
    json_end_object(w);
    json_end_object(w);
    return true;
}

/* The caller's tool takes the place of the prompt's of the same name; a new one needs `dynamic`. */
static bool add_chosen(struct heap *h, const struct prompt *p, struct chosen *all, uint32_t own,
                       uint32_t *n, const struct chosen *c)
{
    for (uint32_t i = 0; i < *n; i++) {
        if (!str_eq(all[i].name, c->name))
            continue;
        bool same = i >= own && c->path.n && str_eq(all[i].path, c->path);
        if (i >= own && !same)
            return heap_refuse(h, "duplicate_tool", "give each tool once",
                               "%.*s(tools=): there are two tools called '%.*s'", STR_ARG(p->name),
                               STR_ARG(c->name));
        all[i] = *c;
        return true;
    }
    if (!p->dynamic)
        return heap_refuse(h, "tool_not_allowed",
                           "add `dynamic` to its tools to let callers choose",
                           "prompt %.*s takes no further tools: '%.*s' is none of its own",
                           STR_ARG(p->name), STR_ARG(c->name));
    if (*n == PROMPT_TOOLS_MAX * 2)
        return heap_limit(h, "too_many_tools", "a step has at most %d tools", PROMPT_TOOLS_MAX * 2);
    all[(*n)++] = *c;
    return true;
}

bool tools_write(struct heap *h, struct json_writer *w, const struct prompt *p, val given)
{
    struct chosen all[PROMPT_TOOLS_MAX * 2], c;
    uint32_t n = 0, count = 0;
    const val *at = NULL;
    char what[64];

    snprintf(what, sizeof what, "%.*s", STR_ARG(p->name));
    for (; n < p->tool_count; n++)
        all[n] = (struct chosen){p->tools[n].name, p->tools[n].path, NULL, p->tools[n].server};
    if (given.kind == V_LIST || given.kind == V_TUPLE) {
        at = given.kind == V_LIST ? given.list->at : given.tuple->at;
        count = given.kind == V_LIST ? given.list->n : given.tuple->n;
    } else if (!val_is_unbound(given) && given.kind != V_NONE) {
        return heap_raise(h, &exc_TypeError, "%s(tools=) takes a list, not %s", what,
                          val_type_name(given));
    }
    for (uint32_t i = 0; i < count; i++)
        if (!choose(h, at[i], what, &c) || !add_chosen(h, p, all, p->tool_count, &n, &c))
            return false;
    json_key_c(w, "tools");
    json_begin_array(w);
    for (uint32_t i = 0; i < n; i++) {
        if (all[i].path.n && !tool_file_check(h, p->name, all[i].name))
            return false;
        if (!write_tool(h, w, &all[i]))
            return false;
    }
    json_end_array(w);
    return true;
}
