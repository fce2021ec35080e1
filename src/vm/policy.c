#include "vm/builtins_int.h"
#include "vm/machine_int.h"
#include "vm/policy_int.h"

enum { CANDIDATES_MAX = 1000 };

/* What Python has and the language does not, with what to use instead. */
static const struct refusal {
    const char *name, *hint;
} refusals[] = {
    {"aiter", "there is no async: steps of a run already wait for each other"},
    {"anext", "there is no async: steps of a run already wait for each other"},
    {"ascii", "use repr(x)"},
    {"breakpoint", "use print(...), or `plue workflow run --break-before STEP`"},
    {"bytearray", "text is str; bytes do not exist here"},
    {"bytes", "text is str; bytes do not exist here"},
    {"classmethod", "there are no classes: use functions and dicts"},
    {"compile", "code cannot be made at run time: write a function"},
    {"complex", "use float"},
    {"copyright", NULL},
    {"credits", NULL},
    {"delattr", "use a dict, and del d[\"name\"]"},
    {"dir", "name the attributes that you need, or use hasattr(x, \"name\")"},
    {"eval", "code cannot be evaluated at run time: use json.loads for data"},
    {"exec", "code cannot be executed at run time: write a function"},
    {"exit", "end a workflow with `return ctx.success()` or `return ctx.fail(reason)`"},
    {"globals", "use a dict of your own"},
    {"hash", "use the value itself as a dict key"},
    {"help", NULL},
    {"id", "compare with `is`, or use names of your own"},
    {"input", "use manual(inputs={...}) and ctx.inputs"},
    {"issubclass", "compare types with ==, or use isinstance"},
    {"license", NULL},
    {"locals", "use a dict of your own"},
    {"memoryview", "text is str; bytes do not exist here"},
    {"object", "use a dict, or None as a marker"},
    {"open", "use ctx.read(\"x\"), which reads the file when the run reaches it"},
    {"property", "there are no classes: use functions and dicts"},
    {"quit", "end a workflow with `return ctx.success()` or `return ctx.fail(reason)`"},
    {"setattr", "use a dict, and d[\"name\"] = value"},
    {"staticmethod", "there are no classes: use functions and dicts"},
    {"super", "there are no classes: use functions and dicts"},
    {"vars", "use a dict of your own"},
    {"Ellipsis", "write ..."},
    {"NotImplemented", "use None, or raise NotImplementedError"},
    {"BaseExceptionGroup", "raise one exception"},
    {"BlockingIOError", "use OSError"},
    {"BrokenPipeError", "use OSError"},
    {"BufferError", "use ValueError"},
    {"BytesWarning", "use Warning"},
    {"ChildProcessError", "use OSError"},
    {"ConnectionAbortedError", "use OSError"},
    {"ConnectionError", "use OSError"},
    {"ConnectionRefusedError", "use OSError"},
    {"ConnectionResetError", "use OSError"},
    {"EncodingWarning", "use Warning"},
    {"EnvironmentError", "use OSError"},
    {"ExceptionGroup", "raise one exception"},
    {"FileExistsError", "use OSError"},
    {"FutureWarning", "use Warning"},
    {"GeneratorExit", NULL},
    {"IOError", "use OSError"},
    {"ImportWarning", "use Warning"},
    {"IndentationError", "use SyntaxError"},
    {"InterruptedError", "use OSError"},
    {"IsADirectoryError", "use OSError"},
    {"KeyboardInterrupt", NULL},
    {"MemoryError", "limits cannot be caught"},
    {"NotADirectoryError", "use OSError"},
    {"PendingDeprecationWarning", "use DeprecationWarning"},
    {"ProcessLookupError", "use OSError"},
    {"ReferenceError", "use LookupError"},
    {"ResourceWarning", "use Warning"},
    {"StopAsyncIteration", "there is no async"},
    {"SyntaxWarning", "use Warning"},
    {"SystemError", "use RuntimeError"},
    {"SystemExit", "end a workflow with `return ctx.success()` or `return ctx.fail(reason)`"},
    {"TabError", "use SyntaxError"},
    {"UnicodeDecodeError", "use UnicodeError"},
    {"UnicodeEncodeError", "use UnicodeError"},
    {"UnicodeTranslateError", "use UnicodeError"},
    {"UnicodeWarning", "use Warning"},
};

static const struct refusal *find_refusal(str name)
{
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        if (str_is(name, refusals[i].name))
            return &refusals[i];
    return NULL;
}

bool policy_refuses(str name)
{
    return find_refusal(name) != NULL;
}

bool policy_is_private(str name)
{
    return name.n > 1 && name.p[0] == '_';
}

void policy_name(struct unit *u, str name, pos at, const char *what)
{
    if (!policy_is_private(name))
        return;
    struct err *e = unit_error(u, "not_supported", at,
                               "%s '%.*s' is not available in workflow files: it begins with an "
                               "underscore",
                               what, STR_ARG(name));
    if (str_is(name, "__import__"))
        err_hint(e, "use `from plue.lib.NAME import ...`");
    else if (str_starts(name, STR("__")))
        err_hint(e, "special names of Python do not exist here");
    else
        err_hint(e, "use a name without a leading underscore");
}

size_t policy_candidates(struct unit *u, struct scope *s, str *ret, size_t max)
{
    size_t n = 0;
    for (; s; s = s->parent)
        vec_each (symbol, &s->order)
            if (n < max && ((*symbol)->assigned || (*symbol)->shared))
                ret[n++] = (*symbol)->name;
    n += builtins_names(ret + n, max - n);
    const struct vm_host *host = &u->vm->host;
    if (host->global_names && n < max) {
        size_t more = host->global_names(host->data, ret + n, max - n);
        n += more < max - n ? more : max - n;
    }
    return n;
}

static void warn_unknown(struct unit *u, struct scope *s, const struct use *use)
{
    struct err *e = err_list_add(&u->file->warnings);
    str names[CANDIDATES_MAX];
    err_at(e, "unknown_name", use->at, "name '%.*s' is not defined", STR_ARG(use->name));
    long nearest = str_nearest(use->name, names, policy_candidates(u, s, names, CANDIDATES_MAX));
    if (nearest >= 0)
        err_hint(e, "did you mean '%.*s'?", STR_ARG(names[nearest]));
}

void policy_unknown_name(struct unit *u, struct scope *s, const struct use *use)
{
    val value;
    if (policy_is_private(use->name) || builtins_find(use->name, NULL))
        return;
    if (machine_host_global(u->vm, use->name, &value))
        return;
    const struct refusal *r = find_refusal(use->name);
    if (r) {
        struct err *e = unit_error(u, "not_supported", use->at,
                                   "'%s' is not available in workflow files", r->name);
        if (r->hint)
            err_hint(e, "%s", r->hint);
    } else if (!use->annotation) {
        warn_unknown(u, s, use);
    }
}

static bool is_builtin_type(struct scope *s, const struct expr *e)
{
    val value;
    return e->kind == EXPR_NAME && scope_find(s, e->s).kind == BOUND_NOWHERE &&
           builtins_find(e->s, &value) && value.kind == V_TYPE;
}

static str source_of(struct unit *u, pos at)
{
    return str_sub(sources_get(&u->vm->sources, at.source)->text, at.offset, at.offset + at.length);
}

void policy_type_expression(struct unit *u, struct scope *s, const struct expr *e)
{
    if (e->kind == EXPR_INDEX && is_builtin_type(s, e->index.target)) {
        struct err *err =
            unit_error(u, "not_supported", e->at, "'%.*s' is not available outside of annotations",
                       STR_ARG(source_of(u, e->at)));
        err_hint(err, "use %.*s(...) of the types, such as list(str) or optional(str)",
                 STR_ARG(e->index.target->s));
    } else if (e->kind == EXPR_BINARY && e->binary.op == BINARY_OR &&
               (is_builtin_type(s, e->binary.left) || is_builtin_type(s, e->binary.right))) {
        struct err *err = unit_error(u, "not_supported", e->op_at.length ? e->op_at : e->at,
                                     "'|' on types is not available outside of annotations");
        err_hint(err, "use optional(T) where None is allowed; isinstance takes a tuple of types");
    }
}

/* ---- imports ---- */

static void refuse_import(struct unit *u, pos at, str module, struct err *why)
{
    struct err *e = unit_error(u, "not_supported", at, "%.*s",
                               STR_ARG(why && why->message.n ? why->message : STR("")));
    if (why && why->hint.n)
        err_hint(e, "%.*s", STR_ARG(why->hint));
    else if (str_is(module, "json"))
        err_hint(e, "json.dumps and json.loads are there without an import");
    else
        err_hint(e, "import from plue, plue.prompts, plue.tools, plue.lib.NAME or "
                    "plue.actions.NAME; do other work in a step with ctx.run");
}

void policy_import(struct unit *u, const struct stmt *s)
{
    const struct vm_host *host = &u->vm->host;
    bool from = s->kind == STMT_IMPORT_FROM;
    if (from && s->import.star) {
        struct err *e = unit_error(u, "not_supported", s->at,
                                   "'from %.*s import *' is not available in workflow files",
                                   STR_ARG(s->import.module));
        err_hint(e, "name what you import");
        return;
    }
    for (uint32_t i = 0; i < (from ? 1 : s->import.n); i++) {
        str module = from ? s->import.module : s->import.names[i].name;
        pos at = from ? s->import.module_at : s->import.names[i].at;
        auto_err why = ERR_INIT;
        bool allowed = host->may_import && (from || str_is(module, "plue")) &&
                       host->may_import(host->data, module, &why);
        if (allowed)
            continue;
        if (!err_is_set(&why))
            err_set(&why, "not_supported", "import of '%.*s' is not available in workflow files",
                    STR_ARG(module));
        refuse_import(u, at.length ? at : s->at, module, &why);
    }
}
