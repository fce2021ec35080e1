/* read_file, write_file, edit_file and glob, by the runner's own calls: no process is started. */
#include "base/glob.h"
#include "base/utf8.h"
#include "tools/tools_int.h"

/* ---- reading ---- */

static void on_read(void *user, str bytes, const struct err *err)
{
    struct tool_call *c = user;
    auto_buf text = BUF(8 * TOOLS_TEXT_MAX);
    if (err) {
        tool_failed(c, err);
        return;
    }
    int64_t limit = tool_int(c, "limit", TOOLS_LINES_MAX), offset = tool_int(c, "offset", 1);
    add_lines(&text, bytes, offset < 1 ? 1 : offset,
              limit > TOOLS_LINES_MAX ? TOOLS_LINES_MAX : limit);
    tool_done(c, buf_str(&text), false);
}

bool read_file_begin(struct tool_call *c, struct err *err)
{
    const char *path;
    if (c->tool->sha)
        return ref_begin(c, err);
    if (!tool_path(c, "path", &path, err))
        return false;
    runner_read(c->tools->options.workspace, path, TOOLS_FILE_MAX, on_read, c);
    return true;
}

/* ---- writing ---- */

static void on_written(void *user, const struct err *err)
{
    struct tool_call *c = user;
    auto_buf text = BUF(4096);
    if (err) {
        tool_failed(c, err);
        return;
    }
    buf_addf(&text, "%.3000s is written", json_string_value(json_object_get(c->input, "path")));
    tool_done(c, buf_str(&text), false);
}

static bool check_size(size_t n, struct err *err)
{
    if (n <= TOOLS_FILE_MAX)
        return true;
    return err_set(err, "file_too_large", "a tool writes at most %d MiB", TOOLS_FILE_MAX >> 20);
}

/* The lists speak of paths as they are written: one that goes up and down again is none. */
static bool is_plain(const char *path)
{
    str rest = str_of(path), part;
    while (str_next(&rest, '/', &part))
        if (!part.n || str_is(part, ".") || str_is(part, ".."))
            return false;
    return true;
}

static bool may_write(const struct tool_call *c, const char *path, struct err *err)
{
    const struct shell_grant *g = &c->tool->grant;
    if (!g->allow_count && !g->deny_count)
        return true;
    if (!is_plain(path))
        return err_set(err, "path_not_allowed", "write the path without ., .. and //");
    bool allowed = !g->allow_count || glob_select(g->allow, g->allow_count, str_of(path));
    if (allowed && !glob_select(g->deny, g->deny_count, str_of(path)))
        return true;
    auto_buf list = BUF(4096);
    for (size_t i = 0; i < g->allow_count; i++)
        buf_addf(&list, "%s%.*s", i ? ", " : "", STR_ARG(g->allow[i]));
    return err_set(err, "path_not_allowed", "%s may not write '%.200s'%s%s", c->tool->kind->name,
                   path, list.n ? "; it may write: " : "", buf_c(&list));
}

/* A path that was judged is written where it says: no link takes it elsewhere. */
static void write_judged(struct tool_call *c, const char *path, str text)
{
    const struct shell_grant *g = &c->tool->grant;
    uint32_t mode = g->allow_count || g->deny_count ? RUNNER_NO_LINKS : 0;
    runner_write(c->tools->options.workspace, path, text, mode, on_written, c);
}

bool write_file_begin(struct tool_call *c, struct err *err)
{
    const char *path;
    str content = tool_text(c, "content");
    if (!tool_path(c, "path", &path, err) || !may_write(c, path, err) ||
        !check_size(content.n, err))
        return false;
    write_judged(c, path, content);
    return true;
}

static void on_read_for_edit(void *user, str bytes, const struct err *err)
{
    struct tool_call *c = user;
    str old = tool_text(c, "old"), new = tool_text(c, "new");
    auto_err wrong = ERR_INIT;
    auto_buf text = BUF(2 * TOOLS_FILE_MAX);
    const char *path;
    size_t at = err ? 0 : str_find(bytes, old, 0);
    if (err)
        err_set(&wrong, err->code, "%.*s", STR_ARG(err->message));
    else if (at >= bytes.n)
        err_set(&wrong, "edit_no_match", "`old` is not in the file; it must be equal to the byte");
    else if (str_find(bytes, old, at + 1) < bytes.n)
        err_set(&wrong, "edit_not_unique",
                "`old` is in the file more than once; give more of the text around it");
    if (!err_is_set(&wrong) && tool_path(c, "path", &path, &wrong)) {
        buf_add_str(&text, str_sub(bytes, 0, at));
        buf_add_str(&text, new);
        buf_add_str(&text, str_sub(bytes, at + old.n, bytes.n));
        (void)check_size(text.n, &wrong);
    }
    if (err_is_set(&wrong))
        tool_failed(c, &wrong);
    else
        write_judged(c, path, buf_str(&text));
}

bool edit_file_begin(struct tool_call *c, struct err *err)
{
    const char *path;
    if (!tool_path(c, "path", &path, err) || !may_write(c, path, err))
        return false;
    if (!tool_text(c, "old").n)
        return err_set(err, "tool_arguments", "`old` is empty");
    runner_read(c->tools->options.workspace, path, TOOLS_FILE_MAX, on_read_for_edit, c);
    return true;
}

/* ---- glob ---- */

static void on_listed(void *user, const struct runner_entry *entries, size_t n,
                      const struct err *err)
{
    struct tool_call *c = user;
    str pattern = tool_text(c, "pattern");
    auto_buf text = BUF(8 * TOOLS_TEXT_MAX);
    size_t found = 0, shown = 0;
    if (err) {
        tool_failed(c, err);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (entries[i].kind == RUNNER_DIR || !glob_match(pattern, entries[i].path))
            continue;
        found++;
        if (shown >= TOOLS_PATHS_MAX || text.n > TOOLS_TEXT_MAX)
            continue;
        add_valid(&text, entries[i].path);
        buf_add_byte(&text, '\n');
        shown++;
    }
    if (!found)
        buf_add_str(&text, STR("no file matches\n"));
    else if (shown < found)
        buf_addf(&text, "[%zu of %zu paths; give a narrower pattern]\n", shown, found);
    tool_done(c, buf_str(&text), false);
}

bool glob_begin(struct tool_call *c, struct err *err)
{
    if (c->tool->sha)
        return ref_begin(c, err);
    runner_list(c->tools->options.workspace, "", on_listed, c);
    return true;
}
