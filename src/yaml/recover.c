/* Reading on behind what is no YAML: the top-level key that holds it is taken out of the text, by
 * bytes that keep every place, and the rest is read anew. Tabs in an indentation are tried as
 * spaces first. */
#include "base/buf.h"
#include "yaml/parse_int.h"

enum { ROUNDS_MAX = 2 * YAML_LOST_MAX };

struct recovery {
    struct arena *arena;
    char *text; /* a copy of the source */
    size_t n;
    struct yaml_lost *lost;
    struct err_list found;
    size_t untabbed; /* where the key begins whose tabs have become spaces; SIZE_MAX: none */
};

static size_t line_start(const struct recovery *r, size_t at)
{
    while (at && r->text[at - 1] != '\n')
        at--;
    return at;
}

static size_t next_line(const struct recovery *r, size_t at)
{
    size_t end = str_find_byte(str_make(r->text, r->n), '\n', at);
    return end == SIZE_MAX ? r->n : end + 1;
}

/* Whether a line can begin a top-level key: not an indented one, the rest of a list or of brackets,
 * a comment, or a line ---. */
static bool begins_key(const struct recovery *r, size_t at)
{
    return at < r->n && !strchr(" \t\r\n#-]},", r->text[at]);
}

struct section {
    size_t from, to;
};

static struct section section_at(const struct recovery *r, size_t at)
{
    struct section s = {line_start(r, at < r->n ? at : r->n), 0};
    while (s.from && !begins_key(r, s.from))
        s.from = line_start(r, s.from - 1);
    for (s.to = next_line(r, s.from); s.to < r->n && !begins_key(r, s.to);)
        s.to = next_line(r, s.to);
    return s;
}

static bool is_indent(char c)
{
    return c == ' ' || c == '\t';
}

static bool remove_tabs(struct recovery *r, struct section s)
{
    bool found = false;
    for (size_t line = s.from; line < s.to; line = next_line(r, line))
        for (size_t i = line; i < s.to && is_indent(r->text[i]); i++) {
            found |= r->text[i] == '\t';
            r->text[i] = ' ';
        }
    r->untabbed = s.from;
    return found;
}

/* Comments end whatever stood before, where blank lines would go into a text above. */
static void take_out(struct recovery *r, struct section s)
{
    str key = str_make(r->text + s.from, s.to - s.from);
    size_t colon = str_find_byte(key, ':', 0);
    key = colon == SIZE_MAX ? STR("") : str_trim(str_sub(key, 0, colon));
    for (size_t i = 0; i < key.n; i++)
        if (strchr(" \t\n\"'{[", key.p[i]))
            key = STR("");
    yaml_lost_add(r->lost, arena_str(r->arena, key));
    for (size_t i = s.from; i < s.to; i++)
        if (r->text[i] != '\n')
            r->text[i] = '#';
}

/* False where there is nothing left to take out. */
static bool mend(struct recovery *r, struct err *end)
{
    struct section s = section_at(r, end->at.offset);
    bool again = r->untabbed == s.from;
    if (!again)
        err_move(err_list_add(&r->found), end);
    if (!begins_key(r, s.from))
        return false;
    if (again || !remove_tabs(r, s))
        take_out(r, s);
    return true;
}

static void take(struct err_list *to, struct err_list *from)
{
    for (size_t i = 0; i < from->n; i++)
        err_move(err_list_add(to), &from->at[i]);
}

/* The errors in the order of the text. */
static void report(struct err_list *errors, struct err_list *found)
{
    for (size_t i = 1; i < found->n; i++)
        for (size_t k = i; k && found->at[k].at.offset < found->at[k - 1].at.offset; k--) {
            struct err e = found->at[k];
            found->at[k] = found->at[k - 1];
            found->at[k - 1] = e;
        }
    take(errors, found);
    err_list_done(found);
}

static struct yaml_node *read_rounds(struct recovery *r, uint32_t source)
{
    for (int round = 0; round < ROUNDS_MAX; round++) {
        auto_yaml_reading reading = {0};
        struct yaml_node *root = yaml_read(r->arena, source, str_make(r->text, r->n), &reading);
        bool more = !root && mend(r, &reading.end);
        if (more)
            continue;
        take(&r->found, &reading.mistakes);
        for (uint32_t i = 0; i < reading.lost.n; i++)
            yaml_lost_add(r->lost, reading.lost.keys[i]);
        return root;
    }
    return NULL;
}

struct yaml_node *yaml_parse_all(struct arena *a, struct sources *s, uint32_t source,
                                 struct yaml_lost *ret_lost, struct err_list *errors)
{
    str text = sources_get(s, source)->text;
    struct recovery r = {.arena = a, .n = text.n, .lost = ret_lost, .untabbed = SIZE_MAX};
    auto_free char *copy = str_dup(text);
    r.text = copy;
    *ret_lost = (struct yaml_lost){0};
    struct yaml_node *root = read_rounds(&r, source);
    report(errors, &r.found);
    if (root)
        return root;
    yaml_lost_add(ret_lost, STR(""));
    root = arena_new(a, struct yaml_node);
    *root = (struct yaml_node){.kind = YAML_SCALAR, .plain = true, .at = {source, 0, 1}};
    return root;
}

void yaml_lost_add(struct yaml_lost *lost, str key)
{
    if (lost->n < YAML_LOST_MAX)
        lost->keys[lost->n++] = key;
    else
        lost->keys[0] = STR(""); /* so that it may be any */
}

bool yaml_is_lost(const struct yaml_lost *lost, const char *key)
{
    for (uint32_t i = 0; i < lost->n; i++)
        if (!lost->keys[i].n || str_is(lost->keys[i], key))
            return true;
    return false;
}
