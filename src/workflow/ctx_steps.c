/* The small steps of ctx: files, git, log, comments, artifacts, approvals. Each is one row: what it
 * is called, its type, its arguments, and whether its value or a handle is given back. */
#include "workflow/deferred.h"
#include <stdio.h>

struct small_step {
    const char *name; /* the first part of its id, and "op" in its config */
    enum step_type type;
    const char *const *names; /* of its arguments, NULL-terminated */
    bool gives_value;         /* the step's output, as a deferred value; else a handle */
    int named_by;             /* index of the argument that names it further, or -1 */
    const char *kinds; /* of its arguments: t text, n number, l texts, a anything; None: capitals */
};

static str describe(struct arena *a, const struct small_step *s, const val *args)
{
    if (s->named_by < 0 || args[s->named_by].kind != V_STR)
        return str_of(s->name);
    str by = str_sub(text_str(args[s->named_by]), 0, STEP_NAME_MAX / 2);
    if (s->type == STEP_TYPE_APPROVAL || s->type == STEP_TYPE_ARTIFACT)
        return arena_str(a, by);
    return arena_printf(a, "%s %.*s", s->name, STR_ARG(by));
}

static bool duration_argument(struct heap *h, val v, struct plan_step *common)
{
    return val_is_unbound(v) || v.kind == V_NONE ||
           parse_duration(h, v, "ctx.approval(timeout=)", &common->timeout_ms);
}

/* "git-changed-files" -> ctx.git.changed_files(base=) */
static void name_argument(char *ret, size_t size, const char *step, const char *argument)
{
    bool inner = strncmp(step, "git-", 4) == 0 || strcmp(step, "issue-comment") == 0;
    snprintf(ret, size, "ctx.%s(%s=)", step, argument);
    for (char *c = ret; *c && *c != '('; c++) {
        if (*c != '-')
            continue;
        *c = inner ? '.' : '_';
        inner = false;
    }
}

static bool is_texts(val v)
{
    if (v.kind != V_LIST && v.kind != V_TUPLE)
        return false;
    const val *at = v.kind == V_LIST ? v.list->at : v.tuple->at;
    uint32_t n = v.kind == V_LIST ? v.list->n : v.tuple->n;
    for (uint32_t i = 0; i < n; i++)
        if (at[i].kind != V_STR && !is_deferred(at[i]))
            return false;
    return true;
}

/* A deferred value is looked at when it is known. */
static bool check_kind(struct heap *h, char kind, val v, const char *what)
{
    bool optional = kind < 'a';
    if (is_deferred(v) || (optional && (val_is_unbound(v) || v.kind == V_NONE)))
        return true;
    switch (kind | 0x20) {
    case 't':
        return v.kind == V_STR ||
               heap_raise(h, &exc_TypeError, "%s must be a text, not %s", what, val_type_name(v));
    case 'n':
        return v.kind == V_INT || heap_raise(h, &exc_TypeError, "%s must be a whole number, not %s",
                                             what, val_type_name(v));
    case 'l':
        return v.kind == V_STR || is_texts(v) ||
               heap_raise(h, &exc_TypeError, "%s must be a list of texts, not %s", what,
                          val_type_name(v));
    default:
        return true;
    }
}

/* args[0] is self; the arguments follow in the order of names. */
static bool small_step(struct heap *h, const struct small_step *s, const val *args, val *ret)
{
    struct evaluation *e = evaluation_of(h);
    struct step_draft draft = {.type = s->type, .common = {.idempotent = true}};
    auto_buf config = BUF(CONFIG_MAX);
    struct json_writer w = JSON_WRITER(&config, false);
    uint32_t n = 0;
    char what[96];

    if (!e->scope)
        return heap_refuse(h, "no_workflow", NULL,
                           "ctx.%s can only be called while a workflow runs", s->name);
    json_begin_object(&w);
    json_key_c(&w, "op");
    json_put_c(&w, s->name);
    for (; s->names[n]; n++) {
        val v = args[n + 1];
        name_argument(what, sizeof what, s->name, s->names[n]);
        if (!check_kind(h, s->kinds[n], v, what))
            return false;
        if (strcmp(s->names[n], "timeout") == 0) {
            if (!duration_argument(h, v, &draft.common))
                return false;
            json_key_c(&w, "timeout_ms");
            if (draft.common.timeout_ms)
                json_put_int(&w, draft.common.timeout_ms);
            else
                json_put_null(&w);
        } else if (!write_field(h, &w, s->names[n], v, what, 0)) {
            return false;
        }
    }
    json_end_object(&w);
    draft.depends_on = VAL_UNBOUND;
    draft.name = describe(&e->arena, s, args + 1);
    draft.uses = args + 1;
    draft.use_count = n;
    draft.config = &config;
    if (!step_register(h, &draft, ret))
        return false;
    uint32_t step = ((struct handle *)ret->object)->step;
    val root;
    return !s->gives_value ||
           (deferred_step(h, step, &root) && deferred_attr(h, root, STR("output"), ret));
}

/* STEP(function, "name", type, gives value, named by, kinds, arguments...) */
#define STEP(function, title, kind, value, by, types, ...)                           \
    static const char *const function##_names[] = {__VA_ARGS__, NULL};               \
    static const struct small_step function##_step = {title, kind, function##_names, \
                                                      value, by,   types};           \
    static bool native_##function(struct heap *h, val *args, val *ret)               \
    {                                                                                \
        return small_step(h, &function##_step, args, ret);                           \
    }
STEP(read, "read", STEP_TYPE_FILE, true, 0, "t", "path")
STEP(write, "write", STEP_TYPE_FILE, false, 0, "ta", "path", "content")
STEP(glob, "glob", STEP_TYPE_FILE, true, -1, "t", "pattern")
STEP(exists, "exists", STEP_TYPE_FILE, true, 0, "t", "path")
STEP(artifact, "artifact", STEP_TYPE_ARTIFACT, false, 0, "tl", "name", "paths")
STEP(log, "log", STEP_TYPE_LOG, false, -1, "a", "text")
STEP(comment, "comment", STEP_TYPE_COMMENT, false, -1, "t", "body")
STEP(review_comment, "review-comment", STEP_TYPE_COMMENT, false, -1, "tnt", "path", "line", "body")
STEP(approve, "approve", STEP_TYPE_COMMENT, false, -1, "T", "body")
STEP(request_changes, "request-changes", STEP_TYPE_COMMENT, false, -1, "t", "body")
STEP(issue_comment, "issue-comment", STEP_TYPE_COMMENT, false, -1, "t", "body")
STEP(approval, "approval", STEP_TYPE_APPROVAL, false, 0, "tLA", "name", "reviewers", "timeout")
STEP(diff, "git-diff", STEP_TYPE_GIT, true, -1, "TTL", "base", "head", "paths")
STEP(git_log, "git-log", STEP_TYPE_GIT, true, -1, "N", "n")
STEP(checkout, "git-checkout", STEP_TYPE_GIT, false, -1, "t", "ref")
STEP(changed_files, "git-changed-files", STEP_TYPE_GIT, true, -1, "T", "base")

#define ROW(method, function, first, count, text, about)                     \
    {                                                                        \
        .name = method, .fn = native_##function, .min = first, .max = count, \
        .names = function##_names, .signature = text, .doc = about           \
    }
const struct native_def ctx_step_natives[] = {
    ROW("read", read, 1, 1, "(path)", "The text of a file of the workspace."),
    ROW("write", write, 2, 2, "(path, content)", "Writes a file of the workspace."),
    ROW("glob", glob, 1, 1, "(pattern)", "The workspace's files that match."),
    ROW("exists", exists, 1, 1, "(path)", "Whether the workspace has this file."),
    ROW("artifact", artifact, 2, 2, "(name, paths)", "Keeps files of the workspace with the run."),
    ROW("log", log, 1, 1, "(text)", "Writes a line to the run's log."),
    ROW("comment", comment, 1, 1, "(body)", "Comments on the event's issue or pull request."),
    ROW("review_comment", review_comment, 3, 3, "(path, line, body)",
        "Comments on a line of the pull request."),
    ROW("approve", approve, 0, 1, "(body=None)", "Approves the pull request."),
    ROW("request_changes", request_changes, 1, 1, "(body)",
        "Asks for changes of the pull request."),
    ROW("approval", approval, 1, 3, "(name, reviewers=None, timeout=None)",
        "Waits until a person approves."),
    {0},
};
const struct native_def ctx_git_natives[] = {
    ROW("diff", diff, 0, 3, "(base=None, head=None, paths=None)",
        "The difference of two commits, as text."),
    ROW("log", git_log, 0, 1, "(n=10)", "The last commits."),
    ROW("checkout", checkout, 1, 1, "(ref)", "Puts another commit's files into the workspace."),
    ROW("changed_files", changed_files, 0, 1, "(base=None)", "Paths that differ from a commit."),
    {0},
};
const struct native_def ctx_issue_natives[] = {
    ROW("comment", issue_comment, 1, 1, "(body)", "Comments on the event's issue."),
    {0},
};
