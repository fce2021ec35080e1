/* libyaml's events to a tree. Its marks count characters; ours count bytes. */
#include "base/buf.h"
#include "base/vec.h"
#include "yaml/parse_int.h"
#include <yaml.h>

typedef VEC(struct yaml_node *) node_list;

struct reading {
    struct yaml_reading *to;
    struct arena *arena;
    uint32_t source;
    str text;
    size_t chars, bytes; /* the same place, counted both ways; it only moves forward */
    yaml_parser_t parser;
    size_t nodes;
    bool unknown; /* a value below the present key cannot be known */
};

static size_t byte_of(struct reading *r, size_t index)
{
    if (index < r->chars) { /* never for events in order; an error may look back */
        r->chars = 0;
        r->bytes = str_starts(r->text, STR("\xEF\xBB\xBF")) ? 3 : 0;
    }
    while (r->chars < index && r->bytes < r->text.n) {
        r->bytes++;
        while (r->bytes < r->text.n && ((unsigned char)r->text.p[r->bytes] & 0xC0) == 0x80)
            r->bytes++;
        r->chars++;
    }
    return r->bytes;
}

static pos place(struct reading *r, const yaml_mark_t *from, const yaml_mark_t *to)
{
    size_t start = byte_of(r, from->index), end = byte_of(r, to->index);
    return (pos){r->source, (uint32_t)start, (uint32_t)(end > start ? end - start : 1)};
}

/* A block collection's end mark is where the next thing begins: only its first line counts. */
static pos first_line(struct reading *r, const yaml_mark_t *from)
{
    size_t start = byte_of(r, from->index), end = str_find_byte(r->text, '\n', start);
    if (end == SIZE_MAX)
        end = r->text.n;
    return (pos){r->source, (uint32_t)start, (uint32_t)(end > start ? end - start : 1)};
}

/* A mistake behind which the rest can still be read. */
static void report(struct reading *r, pos at, const char *hint, const char *what)
{
    struct err *e = err_list_add(&r->to->mistakes);
    err_at(e, "invalid_yaml", at, "%s", what);
    err_hint(e, "%s", hint);
}

/* One that ends the reading. */
static bool refuse(struct reading *r, pos at, const char *hint, const char *what)
{
    err_at(&r->to->end, "invalid_yaml", at, "%s", what);
    err_hint(&r->to->end, "%s", hint);
    return false;
}

/* libyaml's words for what it was reading: "while parsing a flow sequence" */
static bool was_in(const yaml_parser_t *p, const char *what)
{
    return p->context && strstr(p->context, what);
}

/* A bracket, a quote or a key without its end is noticed lines later: where it begins is shown. */
static pos problem_place(struct reading *r)
{
    const yaml_parser_t *p = &r->parser;
    bool opened = was_in(p, "flow") || was_in(p, "quoted") || was_in(p, "simple key");
    bool behind = opened && p->context_mark.line < p->problem_mark.line;
    const yaml_mark_t *at = behind ? &p->context_mark : &p->problem_mark;
    return place(r, at, at);
}

static bool parser_failed(struct reading *r)
{
    const yaml_parser_t *p = &r->parser;
    struct err *err = &r->to->end;
    if (p->error == YAML_READER_ERROR) {
        uint32_t at = (uint32_t)(p->problem_offset < r->text.n ? p->problem_offset : 0);
        err_at(err, "invalid_yaml", (pos){r->source, at, 1}, "not text in UTF-8: %s", p->problem);
        err_hint(err, "save the file as UTF-8, without control characters");
        return false;
    }
    pos at = problem_place(r);
    err_at(err, "invalid_yaml", at, "not YAML: %s%s%s", p->problem ? p->problem : "?",
           p->context ? ", " : "", p->context ? p->context : "");
    if (at.offset < r->text.n && r->text.p[at.offset] == '\t')
        err_hint(err, "indent with spaces; YAML allows no tabs");
    else if (was_in(p, "flow"))
        err_hint(err, "close the bracket, and put \"quotes\" around a text with one of []{},:#");
    else if (was_in(p, "simple key"))
        err_hint(err, "write key: value; a long text goes on in indented lines");
    else if (was_in(p, "quoted"))
        err_hint(err, "close the quote, on the same line or with the next lines indented");
    else
        err_hint(err, "a text with ': ', '#', or one of {}[]*&!|>%%@` at its start stands in "
                      "\"quotes\"");
    return false;
}

static bool next(struct reading *r, yaml_event_t *ret)
{
    return yaml_parser_parse(&r->parser, ret) || parser_failed(r);
}

static struct yaml_node *node_new(struct reading *r, enum yaml_kind kind, pos at)
{
    struct yaml_node *n = arena_new(r->arena, struct yaml_node);
    n->kind = kind;
    n->at = at;
    return n;
}

static struct yaml_node **keep(struct reading *r, const node_list *list)
{
    struct yaml_node **at = arena_array(r->arena, struct yaml_node *, list->n);
    if (list->n)
        memcpy(at, list->at, list->n * sizeof *at);
    return at;
}

static bool read_node(struct reading *r, yaml_event_t *e, int depth, struct yaml_node **ret);

static bool read_list(struct reading *r, struct yaml_node *n, int depth)
{
    node_list items = {0};
    bool ok = true, more = true;
    while (ok && more) {
        yaml_event_t e;
        struct yaml_node *item;
        if (!next(r, &e)) {
            ok = false;
            break;
        }
        more = e.type != YAML_SEQUENCE_END_EVENT;
        if (!more && n->flow)
            n->at.length = (uint32_t)(byte_of(r, e.end_mark.index) - n->at.offset);
        if (more && (ok = read_node(r, &e, depth + 1, &item)))
            vec_push(&items, item);
        yaml_event_delete(&e);
    }
    n->n = (uint32_t)items.n;
    n->items = keep(r, &items);
    vec_done(&items);
    return ok;
}

static bool check_key(struct reading *r, const node_list *keys, const struct yaml_node *key)
{
    const char *hint = NULL;
    auto_buf what = BUF(1 << 16);
    if (key->kind != YAML_SCALAR) {
        hint = "quote the key if it begins with a bracket";
        buf_add_c(&what, "a key must be a text");
    } else if (key->plain && str_is(key->text, "<<")) {
        hint = "write the keys out";
        buf_add_c(&what, "merge keys are not supported");
    }
    for (size_t i = 0; !hint && i < keys->n; i++)
        if (str_eq(keys->at[i]->text, key->text)) {
            hint = "remove one of the two";
            buf_addf(&what, "the key '%.*s' stands here twice", STR_ARG(key->text));
        }
    if (hint)
        report(r, key->at, hint, buf_c(&what));
    return !hint;
}

/* The value under its key; nothing where the key was refused (NULL) or the value is unknown. */
static void add_pair(struct reading *r, node_list *keys, node_list *values, struct yaml_node *key,
                     struct yaml_node *value, int depth)
{
    if (!key)
        return;
    if (r->unknown && depth == 0) {
        yaml_lost_add(&r->to->lost, key->text);
        return;
    }
    vec_push(keys, key);
    vec_push(values, value);
}

static bool read_map(struct reading *r, struct yaml_node *n, int depth)
{
    node_list keys = {0}, values = {0};
    struct yaml_node *key = NULL;
    bool ok = true, more = true, at_key = true;
    while (ok && more) {
        yaml_event_t e;
        struct yaml_node *item;
        if (!next(r, &e)) {
            ok = false;
            break;
        }
        more = e.type != YAML_MAPPING_END_EVENT;
        if (!more && n->flow)
            n->at.length = (uint32_t)(byte_of(r, e.end_mark.index) - n->at.offset);
        if (more && at_key && depth == 0)
            r->unknown = false;
        if (more && (ok = read_node(r, &e, depth + 1, &item))) {
            if (at_key)
                key = check_key(r, &keys, item) ? item : NULL;
            else
                add_pair(r, &keys, &values, key, item, depth);
            at_key = !at_key;
        }
        yaml_event_delete(&e);
    }
    n->n = (uint32_t)values.n;
    n->keys = keep(r, &keys);
    n->items = keep(r, &values);
    vec_done(&keys);
    vec_done(&values);
    return ok;
}

static bool is_marked(const yaml_event_t *e)
{
    switch (e->type) {
    case YAML_SCALAR_EVENT:
        return e->data.scalar.anchor || e->data.scalar.tag;
    case YAML_SEQUENCE_START_EVENT:
        return e->data.sequence_start.anchor || e->data.sequence_start.tag;
    case YAML_MAPPING_START_EVENT:
        return e->data.mapping_start.anchor || e->data.mapping_start.tag;
    default:
        return e->type == YAML_ALIAS_EVENT;
    }
}

static bool read_node(struct reading *r, yaml_event_t *e, int depth, struct yaml_node **ret)
{
    pos at = place(r, &e->start_mark, &e->end_mark);
    if (is_marked(e))
        report(r, at, "write the value out; a text that begins with & * or ! needs quotes",
               "anchors, aliases and tags are not supported");
    if (depth > YAML_DEPTH_MAX)
        return refuse(r, at, "take levels out", "nested deeper than 64 levels");
    if (++r->nodes > YAML_NODES_MAX)
        return refuse(r, at, "split the file", "more than 200000 values in one file");
    if (e->type == YAML_ALIAS_EVENT) {
        r->unknown = true;
        *ret = node_new(r, YAML_SCALAR, at);
        return true;
    }
    if (e->type == YAML_SCALAR_EVENT) {
        struct yaml_node *n = node_new(r, YAML_SCALAR, at);
        n->plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
        n->text = arena_str(r->arena,
                            str_make((const char *)e->data.scalar.value, e->data.scalar.length));
        *ret = n;
        return true;
    }
    bool list = e->type == YAML_SEQUENCE_START_EVENT;
    bool flow = list ? e->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE
                     : e->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE;
    struct yaml_node *n =
        node_new(r, list ? YAML_LIST : YAML_MAP, flow ? at : first_line(r, &e->start_mark));
    n->flow = flow;
    *ret = n;
    return list ? read_list(r, n, depth) : read_map(r, n, depth);
}

static bool read_document(struct reading *r, struct yaml_node **ret)
{
    bool ok = true, done = false;
    *ret = NULL;
    while (ok && !done) {
        yaml_event_t e;
        if (!next(r, &e))
            return false;
        pos at = place(r, &e.start_mark, &e.end_mark);
        switch (e.type) {
        case YAML_STREAM_END_EVENT:
            done = true;
            break;
        case YAML_STREAM_START_EVENT:
        case YAML_DOCUMENT_END_EVENT:
            break;
        case YAML_DOCUMENT_START_EVENT:
            if (*ret)
                ok = refuse(r, at, "remove the line ---", "a file is one document");
            break;
        default:
            ok = read_node(r, &e, 0, ret);
        }
        yaml_event_delete(&e);
    }
    if (ok && !*ret) {
        *ret = node_new(r, YAML_SCALAR, (pos){r->source, 0, 1});
        (*ret)->plain = true;
    }
    return ok;
}

struct yaml_node *yaml_read(struct arena *a, uint32_t source, str text, struct yaml_reading *to)
{
    struct reading r = {.to = to, .arena = a, .source = source, .text = text};
    struct yaml_node *root;
    r.bytes = str_starts(text, STR("\xEF\xBB\xBF")) ? 3 : 0;
    if (!yaml_parser_initialize(&r.parser)) {
        err_set(&to->end, "invalid_yaml", "the YAML parser cannot be made");
        return NULL;
    }
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text.p + r.bytes,
                                 text.n - r.bytes);
    bool ok = read_document(&r, &root);
    yaml_parser_delete(&r.parser);
    return ok ? root : NULL;
}

void yaml_reading_done(struct yaml_reading *r)
{
    err_list_done(&r->mistakes);
    err_done(&r->end);
}

struct yaml_node *yaml_parse(struct arena *a, struct sources *s, uint32_t source, struct err *err)
{
    auto_yaml_reading r = {.mistakes = {.max = 1}};
    struct yaml_node *root = yaml_read(a, source, sources_get(s, source)->text, &r);
    if (r.mistakes.n)
        err_move(err, &r.mistakes.at[0]);
    else if (!root)
        err_move(err, &r.end);
    return r.mistakes.n ? NULL : root;
}
