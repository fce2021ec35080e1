/* read_file, glob and grep of a commit: what it holds, whatever the workspace has become. */
#include "base/glob.h"
#include "tools/tools_int.h"

struct ref_call {
    uv_work_t work;
    struct tool_call *call;
    char *path;
    struct buf text;
    struct err err;
};

static void read_blob(struct ref_call *r)
{
    struct tool_call *c = r->call;
    auto_buf name = BUF(16 << 10), bytes = BUF(TOOLS_FILE_MAX);
    int64_t offset = tool_int(c, "offset", 1), limit = tool_int(c, "limit", TOOLS_LINES_MAX);
    buf_addf(&name, "%s:%s", c->tool->sha, r->path);
    const char *args[] = {"cat-file", "blob", buf_c(&name), NULL};
    if (!git_run(c->tools->options.repository, args, &bytes, &r->err))
        return;
    add_lines(&r->text, buf_str(&bytes), offset < 1 ? 1 : offset,
              limit > TOOLS_LINES_MAX ? TOOLS_LINES_MAX : limit);
}

static void list_tree(struct ref_call *r)
{
    struct tool_call *c = r->call;
    auto_buf paths = BUF(64 << 20);
    str pattern = tool_text(c, "pattern"), path;
    size_t shown = 0;
    const char *args[] = {"ls-tree", "-r", "-z", "--name-only", "--full-tree", c->tool->sha, NULL};
    if (!git_run(c->tools->options.repository, args, &paths, &r->err))
        return;
    str rest = buf_str(&paths);
    while (str_next(&rest, '\0', &path)) {
        if (!path.n || !glob_match(pattern, path))
            continue;
        if (shown++ >= TOOLS_PATHS_MAX || r->text.n > TOOLS_TEXT_MAX)
            continue;
        add_valid(&r->text, path);
        buf_add_byte(&r->text, '\n');
    }
    if (!shown)
        buf_add_str(&r->text, STR("no file matches\n"));
}

static void search_tree(struct ref_call *r)
{
    struct tool_call *c = r->call;
    auto_buf lines = BUF(64 << 20);
    struct clip clip;
    auto_err err = ERR_INIT;
    const char *args[] = {"--literal-pathspecs",
                          "grep",
                          "-nIE",
                          "-m",
                          "1000",
                          "-e",
                          json_string_value(json_object_get(c->input, "pattern")),
                          c->tool->sha,
                          "--",
                          *r->path ? r->path : ".",
                          NULL};
    /* It also fails, silently, where no line matches. */
    if (!git_run(c->tools->options.repository, args, &lines, &err) &&
        (lines.n || str_has(err.message, STR("fatal")))) {
        err_move(&r->err, &err);
        return;
    }
    clip_init(&clip);
    str rest = buf_str(&lines), line;
    size_t prefix = strlen(c->tool->sha) + 1; /* every line begins with the commit */
    while (str_next(&rest, '\n', &line)) {
        if (line.n <= prefix)
            continue;
        clip_add(&clip, str_sub(line, prefix, line.n));
        clip_add(&clip, STR("\n"));
    }
    clip_text(&clip, &r->text);
    clip_done(&clip);
    if (!r->text.n)
        buf_add_str(&r->text, STR("no line matches\n"));
}

static void work(uv_work_t *w)
{
    struct ref_call *r = w->data;
    if (r->call->tool->kind->begin == read_file_begin)
        read_blob(r);
    else if (r->call->tool->kind->begin == glob_begin)
        list_tree(r);
    else
        search_tree(r);
}

static void worked(uv_work_t *w, int status)
{
    struct ref_call *r = w->data;
    (void)status;
    if (err_is_set(&r->err))
        tool_failed(r->call, &r->err);
    else
        tool_done(r->call, buf_str(&r->text), false);
    buf_done(&r->text);
    err_done(&r->err);
    free(r->path);
    free(r);
}

bool ref_begin(struct tool_call *c, struct err *err)
{
    const char *path = "";
    if (c->tool->kind->begin != glob_begin && !tool_path(c, "path", &path, err))
        return false;
    struct ref_call *r = mem_zalloc(sizeof *r);
    *r = (struct ref_call){
        .call = c, .path = str_dup(str_of(path)), .text = BUF(8 * TOOLS_TEXT_MAX)};
    r->work.data = r;
    uv_queue_work(c->tools->options.loop, &r->work, work, worked);
    return true;
}
