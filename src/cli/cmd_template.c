/* plue template: any Jinja2 file, rendered. */
#include "base/fd.h"
#include "cli/commands.h"
#include "value/dict.h"
#include "value/list.h"
#include "vm/render.h"
#include "json/json.h"
#include "json/value.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

enum { TEMPLATE_READ_MAX = 8 << 20 }; /* the parser refuses what is larger than it accepts */

static bool set_limits(struct cli *c, struct heap_limits *l, struct err *err)
{
    int64_t instructions, bytes, depth;
    if (!cli_number(c, "max-instructions", l->instructions, &instructions, err) ||
        !cli_number(c, "max-memory", (int64_t)l->bytes, &bytes, err) ||
        !cli_number(c, "max-depth", l->depth, &depth, err))
        return false;
    l->instructions = instructions;
    l->bytes = (size_t)bytes;
    l->depth = depth > INT32_MAX ? INT32_MAX : (uint32_t)depth;
    return true;
}

static bool set_undefined(struct cli *c, enum undefined_mode *ret, struct err *err)
{
    static const char *const names[] = {"lenient", "strict", "chainable"};
    const char *given = cli_value(c, "undefined");
    *ret = UNDEFINED_LENIENT;
    for (int i = 0; given && i < 3; i++)
        if (strcmp(given, names[i]) == 0) {
            *ret = (enum undefined_mode)i;
            return true;
        }
    return !given || err_set(err, "invalid_option", "--undefined is lenient, strict or chainable");
}

static bool read_file(const char *path, struct buf *text, struct err *err)
{
    int error = fd_read_file(AT_FDCWD, path, text);
    if (!error)
        return true;
    if (error == EFBIG)
        return err_set(err, "file_too_large", "%s is too large", path);
    return err_errno(err, "file_unreadable", error, "%s cannot be read", path);
}

/* jansson judges the text strictly and names the place; values are made of the text itself. */
static bool read_context(struct heap *h, const char *path, val *ret, struct err *err)
{
    auto_buf text = BUF(JSON_FILE_MAX_BYTES);
    if (!path)
        return dict_new(h, 0, ret) || err_set(err, "memory_limit", "the memory limit is too small");
    if (!read_file(path, &text, err))
        return false;
    json_t *j = json_parse(buf_str(&text), str_of(path), JSON_UNIQUE_KEYS, err);
    if (!j)
        return false;
    bool object = json_is_object(j);
    json_decref(j);
    if (!object)
        return err_set(err, "invalid_context", "%s is no JSON object", path);
    if (json_read_val(h, buf_str(&text), 0, ret))
        return true;
    if (err_is_set(&h->fault.err))
        err_move(err, &h->fault.err);
    else
        err_set(err, "invalid_json", "%s cannot be read as values", path);
    heap_clear_fault(h);
    return false;
}

/* FILE's name below the root: the rest of its path where it begins with the root's, else the last
 * part. */
static str name_of(struct cli *c, const char *path)
{
    const char *root = cli_value(c, "root"), *slash = strrchr(path, '/');
    size_t n = root ? strlen(root) : 0;
    while (n && root[n - 1] == '/')
        n--;
    if (n && strncmp(path, root, n) == 0 && path[n] == '/')
        return str_of(path + n + 1);
    return str_of(slash ? slash + 1 : path);
}

/* FILE's folder, "." for a file of the working folder. */
static void folder_of(const char *path, struct buf *b)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        buf_add_c(b, ".");
    else
        buf_add(b, path, slash == path ? 1 : (size_t)(slash - path));
}

static bool prepare(struct cli *c, struct renderer *r, const char *path, val *ret_context,
                    struct buf *text, struct err *err)
{
    auto_buf folder = BUF(PATH_MAX);
    const char *root = cli_value(c, "root");
    folder_of(path, &folder);
    return read_file(path, text, err) && renderer_add_root(r, root ? root : buf_c(&folder), err) &&
           read_context(renderer_heap(r), cli_value(c, "context"), ret_context, err);
}

static int run(struct cli *c)
{
    const char *path = c->args.at[0];
    struct render_options options = {.limits = render_limits()};
    auto_buf text = BUF(TEMPLATE_READ_MAX), out = BUF(BUF_TEXT_MAX), report = BUF(BUF_TEXT_MAX);
    auto_err e = ERR_INIT;
    val context = VAL_UNBOUND;
    if (!set_limits(c, &options.limits, &e) || !set_undefined(c, &options.undefined, &e))
        return cli_fail(c, NULL, &e);
    struct renderer *r = renderer_new(&options);
    bool ready = prepare(c, r, path, &context, &text, &e);
    if (!ready) {
        renderer_free(r);
        return cli_fail(c, NULL, &e);
    }
    heap_hold(renderer_heap(r), context);
    bool ok = render_text(r, name_of(c, path), str_of(path), buf_str(&text), 0, context, &out, &e);
    heap_release(renderer_heap(r), 1);
    if (ok)
        cli_out(c, buf_str(&out));
    else
        render_add_error(&report, renderer_sources(r), &e, c->err_color);
    renderer_free(r);
    int error = fd_write_all(STDERR_FILENO, buf_c(&report), report.n);
    return error ? CLI_SYSTEM : ok ? CLI_OK : CLI_USAGE;
}

const struct command command_template = {
    .name = "template",
    .args = "FILE",
    .min = 1,
    .max = 1,
    .summary = "render any Jinja2 file",
    .doc =
        "Other templates are found below --root. Nothing is written to stdout when the template\n"
        "fails; stderr has the innermost place first, then each place that led there.",
    .example = "plue template page.j2 --context page.json\n"
               "plue template page.j2 --undefined strict --root templates",
    .options =
        (const struct cli_option[]){
            {"context", "FILE", "a JSON object: the names that the template sees"},
            {"undefined", "MODE", "lenient (default), strict or chainable"},
            {"root", "DIR", "where other templates are found (default: FILE's folder)"},
            {"max-instructions", "N", "instructions of the machine (default 100 million)"},
            {"max-memory", "BYTES", "memory of the render (default 64 MiB)"},
            {"max-depth", "N", "calls in each other (default 400)"},
            {0}},
    .run = run,
};
