#include "base/utf8.h"
#include "syntax/parse_int.h"
#include <stdio.h>
#include <strings.h>

/* ---- children of unfinished nodes ---- */

void parse_push(struct parser *p, const void *element, size_t size)
{
    size_t need = p->scratch_n + size;
    if (need > p->scratch_cap) {
        size_t cap = p->scratch_cap ? p->scratch_cap * 2 : 2048;
        p->scratch_cap = cap > need ? cap : need; /* a text can be longer than all before it */
        p->scratch = mem_realloc(p->scratch, p->scratch_cap);
    }
    memcpy(p->scratch + p->scratch_n, element, size);
    p->scratch_n += size;
}

void *parse_take(struct parser *p, size_t mark, size_t size, uint32_t *ret_n)
{
    size_t bytes = p->scratch_n - mark;
    *ret_n = (uint32_t)(bytes / size);
    p->scratch_n = mark;
    if (!bytes)
        return NULL;
    return memcpy(arena_alloc(p->arena, bytes), p->scratch + mark, bytes);
}

/* ---- statements of a block ---- */

void parse_skip_line(struct parser *p)
{
    while (parse_kind(p) != TOKEN_NEWLINE && parse_kind(p) != TOKEN_EOF)
        p->at++;
    parse_accept(p, TOKEN_NEWLINE);
}

static bool is_continuation(enum token_kind kind)
{
    return kind == TOKEN_ELSE || kind == TOKEN_ELIF || kind == TOKEN_EXCEPT ||
           kind == TOKEN_FINALLY;
}

/* A block that belongs to nothing that was understood: only its own errors are wanted. */
static void parse_lenient_block(struct parser *p)
{
    bool lenient = p->lenient;
    p->at++;
    p->lenient = true;
    if (p->block_depth < SYNTAX_MAX_BLOCK_DEPTH) {
        p->block_depth++;
        parse_statements(p, TOKEN_DEDENT);
        p->block_depth--;
    } else {
        for (uint32_t depth = 1; depth && parse_kind(p) != TOKEN_EOF; p->at++)
            depth += (parse_kind(p) == TOKEN_INDENT) - (parse_kind(p) == TOKEN_DEDENT);
        p->at--;
    }
    parse_accept(p, TOKEN_DEDENT);
    p->lenient = lenient;
}

/* After an error: on to the next statement of this block, with what hangs from the broken one. */
static void recover(struct parser *p, uint32_t began)
{
    /* A header may have failed behind its NEWLINE: its line is over then. */
    bool line_over = p->at > began && p->tokens.at[p->at - 1].kind == TOKEN_NEWLINE;
    if (!line_over)
        parse_skip_line(p);
    for (;;) {
        if (parse_kind(p) == TOKEN_INDENT)
            parse_lenient_block(p);
        if (!is_continuation(parse_kind(p)))
            return;
        parse_skip_line(p);
    }
}

/* A block or a clause stands where none may begin. After a broken statement a clause may be meant
 * for that one. */
static bool report_stray(struct parser *p, bool broken)
{
    enum token_kind kind = parse_kind(p);
    if (kind == TOKEN_INDENT) {
        parse_fail(p, parse_pos(p), "unexpected indent");
        parse_lenient_block(p);
        return true;
    }
    if (!is_continuation(kind))
        return false;
    if (!broken) {
        parse_fail(p, parse_pos(p), "invalid syntax: '%s' has no statement to belong to",
                   parse_kind_name(kind));
        parse_hint(p, "it must be indented as the statement that it continues");
    }
    recover(p, p->at);
    return true;
}

struct block parse_statements(struct parser *p, enum token_kind end)
{
    size_t mark = parse_mark(p);
    bool broken = false;
    while (parse_kind(p) != end && parse_kind(p) != TOKEN_EOF) {
        size_t before = parse_mark(p);
        uint32_t began = p->at, depth = p->depth;
        if (p->errors.n >= PARSE_MAX_ERRORS)
            p->at = (uint32_t)p->tokens.n - 1;
        if (parse_accept(p, TOKEN_DEDENT) || parse_kind(p) == TOKEN_EOF || report_stray(p, broken))
            continue;
        if (!parse_statement(p)) {
            broken = true;
            p->scratch_n = before;
            p->depth = depth;
            recover(p, began);
        }
    }
    struct block b;
    b.at = parse_take(p, mark, sizeof(struct stmt *), &b.n);
    return b;
}

/* ---- the source's bytes ---- */

static bool fail_source(struct parser *p, uint32_t offset, const char *code, const char *message,
                        const char *hint)
{
    struct err *e = err_list_add(&p->errors);
    err_at(e, code, (pos){p->source, offset, 1}, "%s", message);
    err_hint(e, "%s", hint);
    return false;
}

/* PEP 263: the encoding that a comment of the first two lines names, or empty. */
static str coding_of(str line)
{
    size_t at = 0;
    while (at < line.n && (line.p[at] == ' ' || line.p[at] == '\t' || line.p[at] == '\f'))
        at++;
    if (at == line.n || line.p[at] != '#')
        return STR("");
    while ((at = str_find(line, STR("coding"), at)) != SIZE_MAX) {
        at += 6;
        if (at >= line.n || (line.p[at] != ':' && line.p[at] != '='))
            continue;
        do
            at++;
        while (at < line.n && (line.p[at] == ' ' || line.p[at] == '\t'));
        size_t end = at;
        while (end < line.n && (scan_chars[(unsigned char)line.p[end]] & CHAR_CONTINUE ||
                                line.p[end] == '-' || line.p[end] == '.'))
            end++;
        return str_sub(line, at, end);
    }
    return STR("");
}

static bool check_coding(struct parser *p, str text)
{
    static const char *const accepted[] = {"utf-8", "utf_8", "utf8", "utf-8-sig"};
    str rest = text, line;
    for (int i = 0; i < 2 && str_next(&rest, '\n', &line); i++) {
        str coding = coding_of(line);
        for (size_t k = 0; coding.n && k < sizeof accepted / sizeof *accepted; k++)
            if (coding.n == strlen(accepted[k]) &&
                strncasecmp(coding.p, accepted[k], coding.n) == 0)
                return true;
        if (coding.n) {
            struct err *e = err_list_add(&p->errors);
            pos at = {p->source, (uint32_t)(coding.p - text.p), (uint32_t)coding.n};
            err_at(e, "not_supported", at, "the encoding '%.*s' is not supported", STR_ARG(coding));
            return err_hint(e, "save the file as UTF-8 and remove the comment"), false;
        }
        str trimmed = str_trim(line);
        if (trimmed.n && trimmed.p[0] != '#')
            break;
    }
    return true;
}

static bool check_bytes(struct parser *p, str text)
{
    if (text.n > SYNTAX_MAX_SOURCE)
        return fail_source(p, 0, "limit_exceeded", "the source file is larger than 1 MiB",
                           "split it; shared functions can stand in .plue/lib");
    size_t bad = utf8_invalid_at(text);
    if (bad != SIZE_MAX) {
        char message[64];
        snprintf(message, sizeof message, "byte 0x%02x is not valid UTF-8",
                 (unsigned char)text.p[bad]);
        return fail_source(p, (uint32_t)bad, "syntax_error", message, "save the file as UTF-8");
    }
    const char *nul = text.n ? memchr(text.p, '\0', text.n) : NULL;
    if (nul)
        return fail_source(p, (uint32_t)(nul - text.p), "syntax_error",
                           "source code cannot contain null bytes", "remove the byte");
    return check_coding(p, text);
}

/* ---- the whole ---- */

static void parser_init(struct parser *p, struct sources *s, uint32_t id, struct arena *a)
{
    *p = (struct parser){
        .sources = s,
        .arena = a,
        .source = id,
        .errors.max = PARSE_MAX_ERRORS,
    };
    p->scan = (struct scan){
        .text = sources_get(s, id)->text,
        .source = id,
        .tokens = &p->tokens,
        .symbols = &p->symbols,
        .arena = a,
        .errors = &p->errors,
    };
    scan_add_keywords(&p->symbols);
}

static void parser_done(struct parser *p)
{
    vec_done(&p->tokens);
    symbols_done(&p->symbols);
    err_list_done(&p->errors);
    vec_done(&p->walruses);
    free(p->stamps);
    free(p->scratch);
}

/* Moves the errors to the caller's list, in order of place, one for each place. */
static bool report_errors(struct parser *p, struct err_list *errors)
{
    struct err_list *found = &p->errors;
    size_t n = found->n < PARSE_MAX_ERRORS ? found->n : (size_t)PARSE_MAX_ERRORS;
    for (size_t i = 1; i < n; i++) { /* insertion: nearly sorted, at most a hundred */
        struct err e = found->at[i];
        size_t k = i;
        for (; k && found->at[k - 1].at.offset > e.at.offset; k--)
            found->at[k] = found->at[k - 1];
        found->at[k] = e;
    }
    uint32_t last = UINT32_MAX;
    for (size_t i = 0; i < n; i++) {
        if (found->at[i].at.offset == last)
            continue;
        last = found->at[i].at.offset;
        err_move(err_list_add(errors), &found->at[i]);
    }
    errors->dropped += found->n - n + found->dropped;
    return n > 0;
}

struct module *syntax_parse_some(struct sources *s, uint32_t id, struct arena *a,
                                 struct err_list *errors)
{
    struct parser p;
    struct module *m = NULL;
    parser_init(&p, s, id, a);
    if (check_bytes(&p, p.scan.text)) {
        scan_file(&p.scan);
        m = arena_new(a, struct module);
        m->source = id;
        m->body = parse_statements(&p, TOKEN_EOF);
    }
    report_errors(&p, errors);
    parser_done(&p);
    return m;
}

struct module *syntax_parse(struct sources *s, uint32_t id, struct arena *a,
                            struct err_list *errors)
{
    size_t before = errors->n + errors->dropped;
    struct module *m = syntax_parse_some(s, id, a, errors);
    return errors->n + errors->dropped == before ? m : NULL;
}

struct expr *syntax_parse_expr(struct sources *s, uint32_t id, struct arena *a,
                               struct err_list *errors)
{
    struct parser p;
    struct expr *e = NULL;
    parser_init(&p, s, id, a);
    if (check_bytes(&p, p.scan.text)) {
        scan_inside(&p.scan, 0, (uint32_t)p.scan.text.n);
        e = parse_star_exprs(&p);
        if (e && parse_kind(&p) != TOKEN_EOF)
            parse_unexpected(&p, "the end of the expression");
    }
    if (report_errors(&p, errors))
        e = NULL;
    parser_done(&p);
    return e;
}
