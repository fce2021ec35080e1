#include "base/num.h"
#include "prompt/prompt_int.h"
#include <math.h>
#include <nettle/sha2.h>
#include <sodium.h>

static const char *const known_keys[] = {
    "name",   "description", "type",    "client",      "inputs",     "output",
    "types",  "tools",       "extends", "temperature", "max_tokens", "max_turns",
    "system", "repairs",     "budget",  "cache",       NULL,
};
static const char *const call_options[] = {"tools",       "max_turns",  "client",
                                           "temperature", "timeout",    "retries",
                                           "budget",      "depends_on", NULL};

struct loading {
    struct head head;
    struct sources *sources;
    prompt_reader read;
    void *data;
    str chain[PROMPT_EXTENDS_MAX];
    uint32_t depth;
};

struct err *head_problem(struct head *h, pos at, const char *code, const char *fmt, ...)
{
    auto_buf text = BUF(1 << 16);
    va_list args;
    va_start(args, fmt);
    buf_addv(&text, fmt, args);
    va_end(args);
    struct err *e = err_list_add(h->errors);
    err_at(e, code, at, "%s", buf_c(&text));
    return e;
}

/* ---- the two parts of a file ---- */

struct parts {
    str head, body; /* head begins at line 2 */
    uint32_t body_line;
    bool has_head, closed;
};

struct head_read {
    struct parts parts;
    struct yaml_lost lost;
    pos top; /* where a missing key is reported */
};

static bool is_fence(str line)
{
    line = str_sub(line, 0, line.n);
    while (line.n && (line.p[line.n - 1] == '\r' || line.p[line.n - 1] == ' '))
        line.n--;
    return str_is(line, "---");
}

/* How many bytes look like a frontmatter where no line ends it: up to an empty line, or one that is
 * of a template or begins no key. */
static size_t guess_head(str text)
{
    str rest = text, line;
    while (str_next(&rest, '\n', &line)) {
        size_t colon = str_find_byte(line, ':', 0), space = str_find_byte(line, ' ', 0);
        bool key = colon != SIZE_MAX && (space == SIZE_MAX || colon < space);
        bool inner = line.n && strchr(" \t#-]}", line.p[0]);
        if ((!key && !inner) || str_has(line, STR("{{")) || str_has(line, STR("{%")))
            return (size_t)(line.p - text.p);
    }
    return text.n;
}

static struct parts split(str text)
{
    struct parts p = {.body_line = 1};
    if (str_starts(text, STR("\xEF\xBB\xBF")))
        text = str_sub(text, 3, text.n);
    size_t end = str_find_byte(text, '\n', 0);
    p.body = text;
    if (!is_fence(str_sub(text, 0, end)))
        return p;
    p.has_head = true;
    size_t start = end == SIZE_MAX ? text.n : end + 1, at = start;
    for (uint32_t line = 2; at < text.n; line++) {
        end = str_find_byte(text, '\n', at);
        if (is_fence(str_sub(text, at, end))) {
            p.closed = true;
            p.head = str_sub(text, start, at);
            p.body = str_sub(text, end == SIZE_MAX ? text.n : end + 1, text.n);
            p.body_line = line + 1;
            return p;
        }
        at = end == SIZE_MAX ? text.n : end + 1;
    }
    p.head = str_sub(text, start, start + guess_head(str_sub(text, start, text.n)));
    return p;
}

size_t prompt_body_at(str text)
{
    struct parts p = split(text);
    return p.closed ? (size_t)(p.body.p - text.p) : 0;
}

/* ---- scalars ---- */

str head_text(struct head *h, const struct yaml_node *n, const char *key)
{
    if (n->kind == YAML_SCALAR && !yaml_is_null(n))
        return n->text;
    err_hint(head_problem(h, n->at, "invalid_value", "%s: expected a text, found %s", key,
                          yaml_describe(n)),
             "write %s: TEXT", key);
    return STR("");
}

/* What stands where a number of some range is wanted: a number of the wrong size is shown itself.
 */
static str found_of(struct loading *l, const struct yaml_node *n)
{
    double number;
    bool shown =
        n->kind == YAML_SCALAR && n->plain && n->text.n <= 40 && num_parse_double(n->text, &number);
    return shown ? n->text : arena_str(l->head.arena, str_of(yaml_describe(n)));
}

static int64_t count_of(struct loading *l, const struct yaml_node *n, const char *key, int64_t min,
                        int64_t max)
{
    int64_t i;
    if (n->kind == YAML_SCALAR && n->plain && num_parse_int(n->text, &i) && i >= min && i <= max)
        return i;
    err_hint(head_problem(&l->head, n->at, "invalid_value",
                          "%s: expected an integer from %lld to %lld, found %.*s", key,
                          (long long)min, (long long)max, STR_ARG(found_of(l, n))),
             "write %s: %lld", key, (long long)(min ? min * 10 : 2));
    return 0;
}

static str flag_of(struct loading *l, const struct yaml_node *n, const char *key)
{
    if (n->kind == YAML_SCALAR && n->plain && (str_is(n->text, "true") || str_is(n->text, "false")))
        return str_is(n->text, "true") ? STR("true") : STR("false");
    err_hint(head_problem(&l->head, n->at, "invalid_value",
                          "%s: expected true or false, found %.*s", key, STR_ARG(found_of(l, n))),
             "write %s: true", key);
    return STR("");
}

static str json_of(struct loading *l, const struct yaml_node *n)
{
    struct err e = ERR_INIT;
    json_t *j = yaml_to_json(n, &e);
    if (!j) {
        err_move(err_list_add(l->head.errors), &e);
        return STR("");
    }
    auto_free char *text = json_dumps(j, JSON_ENCODE_ANY);
    json_decref(j);
    return arena_str(l->head.arena, str_of(text));
}

/* A number of US dollars, or {tokens: N, usd: X}. */
static bool is_budget(const struct yaml_node *n)
{
    int64_t tokens;
    double usd;
    if (n->kind == YAML_SCALAR)
        return yaml_is_null(n) || (n->plain && num_parse_double(n->text, &usd) && usd >= 0);
    if (n->kind != YAML_MAP || !n->n)
        return false;
    for (uint32_t i = 0; i < n->n; i++) {
        const struct yaml_node *v = n->items[i];
        bool fits = v->kind == YAML_SCALAR && v->plain;
        if (str_is(n->keys[i]->text, "tokens"))
            fits = fits && num_parse_int(v->text, &tokens) && tokens >= 0;
        else if (str_is(n->keys[i]->text, "usd"))
            fits = fits && num_parse_double(v->text, &usd) && usd >= 0;
        else
            fits = false;
        if (!fits)
            return false;
    }
    return true;
}

static str budget_of(struct loading *l, const struct yaml_node *n)
{
    if (is_budget(n))
        return json_of(l, n);
    err_hint(head_problem(&l->head, n->at, "invalid_budget",
                          "budget: expected US dollars, or a mapping of tokens and usd"),
             "write budget: {tokens: 100000}, or budget: {usd: 0.50}");
    return STR("");
}

/* ---- keys ---- */

static void read_type(struct loading *l, struct prompt *p, const struct yaml_node *n)
{
    str text = head_text(&l->head, n, "type");
    p->agent = str_is(text, "agent");
    if (text.n && !p->agent && !str_is(text, "llm"))
        err_hint(head_problem(&l->head, n->at, "invalid_value",
                              "type: expected llm or agent, found '%.*s'", STR_ARG(text)),
                 "llm answers once, agent uses tools in turns");
}

static void read_temperature(struct loading *l, struct prompt *p, const struct yaml_node *n)
{
    p->has_temperature = n->kind == YAML_SCALAR && n->plain &&
                         num_parse_double(n->text, &p->temperature) && p->temperature >= 0 &&
                         p->temperature <= 2;
    if (!p->has_temperature)
        err_hint(head_problem(&l->head, n->at, "invalid_value",
                              "temperature: expected a number from 0 to 2, found %.*s",
                              STR_ARG(found_of(l, n))),
                 "write temperature: 0.2");
}

/* The `types:` mapping; NULL where there is none, or what stands there is something else. */
static const struct yaml_node *read_types(struct loading *l, const struct yaml_node *map)
{
    const struct yaml_node *types = yaml_get(map, "types");
    if (!types || types->kind == YAML_MAP)
        return types;
    err_hint(head_problem(&l->head, types->at, "invalid_value",
                          "types: expected a mapping of names and types, found %s",
                          yaml_describe(types)),
             "write types: {Comment: {path: string, line: integer}}");
    return NULL;
}

static void read_inputs(struct loading *l, struct prompt *p, const struct yaml_node *n)
{
    if (n->kind != YAML_MAP) {
        err_hint(head_problem(&l->head, n->at, "invalid_value",
                              "inputs: expected a mapping of names and types, found %s",
                              yaml_describe(n)),
                 "write inputs: {diff: string}");
        return;
    }
    p->inputs = head_object(&l->head, n, 0);
    for (uint32_t i = 0; i < n->n; i++)
        for (const char *const *o = call_options; *o; o++)
            if (str_is(n->keys[i]->text, *o))
                err_hint(head_problem(&l->head, n->keys[i]->at, "invalid_value",
                                      "an input cannot be called '%s': calls of prompts have an "
                                      "option of this name",
                                      *o),
                         "give it another name");
}

static void read_output(struct loading *l, struct prompt *p, const struct yaml_node *n)
{
    const struct type *t = head_type(&l->head, n, 0);
    if (t && t->kind != TYPE_OBJECT && !yaml_is_null(n)) {
        err_hint(head_problem(&l->head, n->at, "invalid_value",
                              "output: expected a mapping of names and types"),
                 "name the value: output: {answer: string}");
        return;
    }
    p->output = t;
}

static const struct prompt *load(struct loading *l, str path);

/* The base: from the prompt's own folder, then from .plue/prompts. */
static const struct prompt *read_base(struct loading *l, str path, const struct yaml_node *n)
{
    str name = head_text(&l->head, n, "extends"), text;
    size_t slash = str_rfind_byte(path, '/');
    if (!name.n)
        return NULL;
    str own =
        arena_printf(l->head.arena, "%.*s%.*s",
                     STR_ARG(str_sub(path, 0, slash == SIZE_MAX ? 0 : slash + 1)), STR_ARG(name));
    str top = arena_printf(l->head.arena, ".plue/prompts/%.*s", STR_ARG(name));
    str found = str_has(name, STR(".."))       ? STR("")
                : l->read(l->data, own, &text) ? own
                : l->read(l->data, top, &text) ? top
                                               : STR("");
    if (!found.n) {
        err_hint(head_problem(&l->head, n->at, "file_missing", "there is no prompt '%.*s'",
                              STR_ARG(name)),
                 "extends names a file of this folder, or of .plue/prompts");
        return NULL;
    }
    for (uint32_t i = 0; i < l->depth; i++) {
        if (str_eq(l->chain[i], found) || l->depth == PROMPT_EXTENDS_MAX) {
            err_hint(head_problem(&l->head, n->at, "import_cycle",
                                  "'%.*s' extends itself, through its bases", STR_ARG(found)),
                     "a prompt's base cannot be one that extends it");
            return NULL;
        }
    }
    struct head own_head = l->head;
    const struct prompt *base = load(l, found);
    l->head = own_head;
    return base;
}

static void read_keys(struct loading *l, struct prompt *p, const struct yaml_node *map)
{
    const struct yaml_node *n;
    if ((n = yaml_get(map, "description")))
        p->description = head_text(&l->head, n, "description");
    if ((n = yaml_get(map, "client")))
        p->client = head_text(&l->head, n, "client");
    if ((n = yaml_get(map, "system")))
        p->system = head_text(&l->head, n, "system");
    if ((n = yaml_get(map, "type")))
        read_type(l, p, n);
    if ((n = yaml_get(map, "inputs")))
        read_inputs(l, p, n);
    if ((n = yaml_get(map, "output")))
        read_output(l, p, n);
    if ((n = yaml_get(map, "tools")))
        head_tools(&l->head, p, n);
    if ((n = yaml_get(map, "temperature")))
        read_temperature(l, p, n);
    if ((n = yaml_get(map, "max_turns")))
        p->max_turns = count_of(l, n, "max_turns", 1, PROMPT_TURNS_MAX);
    if ((n = yaml_get(map, "max_tokens")))
        p->max_tokens = count_of(l, n, "max_tokens", 1, INT32_MAX);
    if ((n = yaml_get(map, "repairs")))
        p->repairs = count_of(l, n, "repairs", 0, PROMPT_REPAIRS_MAX);
    if ((n = yaml_get(map, "budget")))
        p->budget = budget_of(l, n);
    if ((n = yaml_get(map, "cache")))
        p->cache = flag_of(l, n, "cache");
}

static void read_name(struct loading *l, struct prompt *p, const struct yaml_node *map, pos top)
{
    const struct yaml_node *n = yaml_get(map, "name");
    if (!n) {
        err_hint(head_problem(&l->head, top, "missing_name", "the prompt has no name"),
                 "write name: NAME; workflows import it by this name");
        return;
    }
    p->name = head_text(&l->head, n, "name");
    for (size_t i = 0; i < p->name.n; i++) {
        char c = p->name.p[i];
        bool letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
        if (letter || (i && (c == '_' || (c >= '0' && c <= '9'))))
            continue;
        err_hint(head_problem(&l->head, n->at, "invalid_value",
                              "'%.*s' cannot be the name of a prompt", STR_ARG(p->name)),
                 "names are letters, digits and _, and begin with a letter, such as CodeReview");
        return;
    }
}

static void add_hash(struct arena *a, struct prompt *p)
{
    auto_buf text = BUF(BUF_TEXT_MAX);
    struct json_writer w = JSON_WRITER(&text, false);
    unsigned char digest[SHA256_DIGEST_SIZE];
    char *hex = arena_alloc(a, sizeof digest * 2 + 1);
    struct sha256_ctx hash;

    p->sha256 = STR(""); /* not its base's */
    prompt_write_json(&w, p);
    buf_add_byte(&text, '\n');
    buf_add_str(&text, p->body);
    sha256_init(&hash);
    sha256_update(&hash, text.n, (const uint8_t *)buf_c(&text));
    sha256_digest(&hash, sizeof digest, digest);
    sodium_bin2hex(hex, sizeof digest * 2 + 1, digest, sizeof digest);
    p->sha256 = str_make(hex, sizeof digest * 2);
}

/* The head as a source of its own, whose lines are the file's. What cannot be read is reported, and
 * the rest given all the same. */
static const struct yaml_node *read_head(struct loading *l, str path, str text, struct head_read *r)
{
    struct parts *parts = &r->parts;
    *parts = split(text);
    auto_buf head = BUF(BUF_TEXT_MAX);
    buf_add_c(&head, "---\n");
    buf_add_str(&head, parts->head);
    uint32_t source =
        sources_add(l->sources, path, parts->has_head ? buf_str(&head) : text, POS_NONE);
    r->top = (pos){source, 0, 1};
    if (!parts->closed)
        err_hint(head_problem(&l->head, r->top, "invalid_prompt", "%s",
                              parts->has_head ? "the frontmatter has no closing ---"
                                              : "the file does not begin with a frontmatter"),
                 "a prompt begins with ---, its keys (name: NAME), and a second line ---");
    if (!parts->has_head)
        return NULL;
    const struct yaml_node *map =
        yaml_parse_all(l->head.arena, l->sources, source, &r->lost, l->head.errors);
    if (map->kind == YAML_MAP || yaml_is_null(map))
        return map;
    if (parts->closed)
        err_hint(head_problem(&l->head, map->at, "invalid_prompt",
                              "the frontmatter is %s, not a mapping", yaml_describe(map)),
                 "write name: NAME");
    return NULL;
}

static const struct prompt *load(struct loading *l, str path)
{
    static const struct type nothing = {.kind = TYPE_OBJECT};
    size_t before = l->head.errors->n + l->head.errors->dropped;
    struct prompt *p = arena_new(l->head.arena, struct prompt);
    struct head_read head;
    str text;

    if (!l->read(l->data, path, &text)) {
        err_set(err_list_add(l->head.errors), "file_missing", "there is no file %.*s",
                STR_ARG(path));
        return NULL;
    }
    const struct yaml_node *map = read_head(l, path, text, &head);
    if (!map)
        return NULL;
    l->chain[l->depth++] = path;
    l->head.types = read_types(l, map);
    l->head.types_lost = yaml_is_lost(&head.lost, "types");
    *p = (struct prompt){.inputs = &nothing, .repairs = 2};
    const struct yaml_node *extends = yaml_get(map, "extends");
    const struct prompt *base = extends ? read_base(l, path, extends) : NULL;
    if (base)
        *p = *base;
    p->path = arena_str(l->head.arena, path);
    p->name = STR("");
    p->extends = base ? base->path : STR("");
    p->body = arena_str(l->head.arena, head.parts.body);
    p->body_line = head.parts.body_line;
    if (map->kind == YAML_MAP && !yaml_check_keys(map, "a prompt", known_keys, l->head.errors)) {
        /* reported; the other keys are read all the same */
    }
    for (uint32_t i = 0; l->head.types && i < l->head.types->n; i++)
        (void)head_type(&l->head, l->head.types->items[i], 0);
    if (!yaml_is_lost(&head.lost, "name"))
        read_name(l, p, map, head.top);
    read_keys(l, p, map);
    l->depth--;
    if (l->head.errors->n + l->head.errors->dropped != before)
        return NULL;
    add_hash(l->head.arena, p);
    return p;
}

const struct prompt *prompt_load(struct arena *a, struct sources *sources, str path,
                                 prompt_reader read, void *data, struct err_list *errors)
{
    struct loading l = {
        .head = {.arena = a, .errors = errors}, .sources = sources, .read = read, .data = data};
    return load(&l, path);
}

bool prompt_name(struct arena *a, str path, str text, str *ret_name)
{
    struct sources sources = SOURCES_INIT;
    struct err_list errors = {0};
    struct loading l = {.head = {.arena = a, .errors = &errors}, .sources = &sources};
    struct head_read head;
    const struct yaml_node *map = read_head(&l, path, text, &head);
    const struct yaml_node *n = map ? yaml_get(map, "name") : NULL;
    bool found = n && n->kind == YAML_SCALAR;
    if (found)
        *ret_name = arena_str(a, n->text);
    err_list_done(&errors);
    sources_done(&sources);
    return found;
}
