/* Types as a frontmatter writes them: string, integer?, a | b, T[], nested mappings, named types.
 */
#include "prompt/prompt_int.h"

static const struct {
    const char *name;
    const struct type *type;
} basic[] = {
    {"string", &type_of_str},   {"integer", &type_of_int}, {"float", &type_of_float},
    {"boolean", &type_of_bool}, {"any", &type_of_any},
};
enum { BASIC = sizeof basic / sizeof *basic, NAMES_MAX = 64, WORDS_MAX = 200 };

/* What people write from other languages, and what it is called here. */
static const struct {
    const char *wrong, *right;
} foreign[] = {
    {"str", "string"},   {"text", "string"},  {"int", "integer"},
    {"number", "float"}, {"bool", "boolean"}, {"object", "a mapping of its fields"},
    {"array", "T[]"},    {"list", "T[]"},     {"double", "float"},
    {"null", "T?"},
};

/* A part of a scalar: its place, where the text stands in the file as it is written. */
static pos part_of(const struct yaml_node *n, str part)
{
    bool exact = n->plain && n->at.length == n->text.n && part.p >= n->text.p &&
                 part.p + part.n <= n->text.p + n->text.n;
    if (!exact)
        return n->at;
    return (pos){n->at.source, n->at.offset + (uint32_t)(part.p - n->text.p),
                 part.n ? (uint32_t)part.n : 1};
}

static const struct type *unknown_type(struct head *h, const struct yaml_node *n, str name)
{
    str names[NAMES_MAX];
    size_t count = 0;
    for (; count < BASIC; count++)
        names[count] = str_of(basic[count].name);
    for (uint32_t i = 0; h->types && i < h->types->n && count < NAMES_MAX; i++)
        names[count++] = h->types->keys[i]->text;
    struct err *e =
        head_problem(h, part_of(n, name), "unknown_type", "there is no type '%.*s'", STR_ARG(name));
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        if (str_is(name, foreign[i].wrong))
            err_hint(e, "write %s", foreign[i].right);
    long near = str_nearest(name, names, count);
    if (near >= 0)
        err_hint(e, "did you mean '%.*s'?", STR_ARG(names[near]));
    err_hint(e, "types are string, integer, float, boolean, any, a | b | c, T?, T[], a mapping, "
                "or a name from `types:`");
    return NULL;
}

static const struct type *named_type(struct head *h, const struct yaml_node *n, str name, int depth)
{
    for (size_t i = 0; i < BASIC; i++)
        if (str_is(name, basic[i].name))
            return basic[i].type;
    for (uint32_t i = 0; h->types && i < h->types->n; i++)
        if (str_eq(h->types->keys[i]->text, name))
            return head_type(h, h->types->items[i], depth + 1);
    return h->types_lost ? &type_of_any : unknown_type(h, n, name);
}

static bool is_word(str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] <= ' ' || strchr("?[](){}|,:\"'#", s.p[i]))
            return false;
    return s.n > 0;
}

static size_t count_words(str text)
{
    size_t count = 1;
    for (size_t i = 0; i < text.n; i++)
        count += text.p[i] == '|';
    return count;
}

static const struct type *enum_type(struct head *h, const struct yaml_node *n, str text)
{
    str *words = arena_array(h->arena, str, count_words(text)), rest = text, part;
    uint32_t count = 0;
    bool optional = false, more = true;

    while (more) {
        size_t bar = str_find_byte(rest, '|', 0);
        more = bar != SIZE_MAX;
        part = str_trim(str_sub(rest, 0, bar));
        rest = str_sub(rest, more ? bar + 1 : rest.n, rest.n);
        if (str_is(part, "null")) {
            optional = true;
            continue;
        }
        if (!is_word(part) || count == WORDS_MAX) {
            err_hint(head_problem(h, part_of(n, part), "invalid_type",
                                  "'%.*s' cannot be a word of an enum", STR_ARG(part)),
                     "write plain words between the bars; (a | b)? makes the whole optional");
            return NULL;
        }
        for (uint32_t i = 0; i < count; i++) {
            if (str_eq(words[i], part)) {
                err_hint(head_problem(h, part_of(n, part), "invalid_type",
                                      "the word '%.*s' stands here twice", STR_ARG(part)),
                         "remove one of the two");
                return NULL;
            }
        }
        words[count++] = arena_str(h->arena, part);
    }
    for (uint32_t i = 0; i < count; i++) {
        for (size_t b = 0; b < BASIC; b++) {
            if (!str_is(words[i], basic[b].name))
                continue;
            if (count == 1 && optional)
                return type_new_optional(h->arena, basic[b].type);
            err_hint(head_problem(h, n->at, "invalid_type", "'%s' is a type, not a word of an enum",
                                  basic[b].name),
                     "there are no unions of types: use any, or an object with optional fields");
            return NULL;
        }
    }
    if (!count)
        return unknown_type(h, n, text);
    const struct type *t = type_new_enum(h->arena, words, count);
    return optional ? type_new_optional(h->arena, t) : t;
}

/* Named types that use each other twice grow without end where they are written out. */
static bool count_type(struct head *h, const struct yaml_node *n)
{
    if (h->type_count++ < PROMPT_TYPES_MAX)
        return true;
    if (h->type_count == PROMPT_TYPES_MAX + 1)
        err_hint(head_problem(h, n->at, "invalid_type",
                              "the types of this prompt, written out, are more than %d",
                              PROMPT_TYPES_MAX),
                 "a type of `types:` is counted wherever it is used, with all that it holds");
    return false;
}

/* T? and T[] from the outside in; parentheses hold an enum together. */
static const struct type *text_type(struct head *h, const struct yaml_node *n, str text, int depth)
{
    text = str_trim(text);
    if (!count_type(h, n))
        return NULL;
    if (depth > PROMPT_TYPE_NESTING) {
        err_hint(head_problem(h, n->at, "invalid_type", "the type is nested too deep"),
                 "a type of `types:` cannot contain itself");
        return NULL;
    }
    bool bars = str_find_byte(text, '|', 0) != SIZE_MAX;
    bool closed = !bars || (text.n && text.p[0] == '(');
    if (closed && str_ends(text, STR("?"))) {
        const struct type *of = text_type(h, n, str_sub(text, 0, text.n - 1), depth + 1);
        return of ? type_new_optional(h->arena, of) : NULL;
    }
    if (closed && str_ends(text, STR("[]"))) {
        const struct type *of = text_type(h, n, str_sub(text, 0, text.n - 2), depth + 1);
        return of ? type_new_list(h->arena, of) : NULL;
    }
    if (text.n > 1 && text.p[0] == '(' && text.p[text.n - 1] == ')')
        return text_type(h, n, str_sub(text, 1, text.n - 1), depth + 1);
    return bars ? enum_type(h, n, text) : named_type(h, n, text, depth);
}

const struct type *head_type(struct head *h, const struct yaml_node *n, int depth)
{
    if (!count_type(h, n))
        return NULL;
    if (depth > PROMPT_TYPE_NESTING) {
        err_hint(head_problem(h, n->at, "invalid_type", "the type is nested too deep"),
                 "a type of `types:` cannot contain itself");
        return NULL;
    }
    if (n->kind == YAML_MAP)
        return head_object(h, n, depth);
    if (n->kind == YAML_LIST && n->n == 1) {
        const struct type *of = head_type(h, n->items[0], depth + 1);
        return of ? type_new_list(h->arena, of) : NULL;
    }
    if (n->kind == YAML_LIST) {
        err_hint(head_problem(h, n->at, "invalid_type",
                              "a list as a type has exactly one element, this one has %u", n->n),
                 n->n ? "an enum is written a | b | c" : "write [string], or string[]");
        return NULL;
    }
    if (yaml_is_null(n)) {
        err_hint(head_problem(h, n->at, "invalid_type", "a type is missing here"),
                 "write string, integer, float, boolean, any, or a type made of these");
        return NULL;
    }
    return text_type(h, n, n->text, depth);
}

static bool is_field_name(str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
        if (!letter && !(i && (c == '_' || (c >= '0' && c <= '9'))))
            return false;
    }
    return s.n > 0;
}

const struct type *head_object(struct head *h, const struct yaml_node *n, int depth)
{
    struct type_field *fields;
    bool ok = true;

    if (n->n > PROMPT_FIELDS_MAX) {
        err_hint(head_problem(h, n->at, "invalid_type", "an object has at most %d fields",
                              PROMPT_FIELDS_MAX),
                 "group them");
        return NULL;
    }
    fields = arena_array(h->arena, struct type_field, n->n);
    for (uint32_t i = 0; i < n->n; i++) {
        const struct yaml_node *key = n->keys[i];
        if (!is_field_name(key->text)) {
            err_hint(head_problem(h, key->at, "invalid_type",
                                  "'%.*s' cannot be the name of a field", STR_ARG(key->text)),
                     str_ends(key->text, STR("?")) ? "the ? stands behind the type: name: string?"
                                                   : "names are letters, digits and _, and begin "
                                                     "with a letter");
            ok = false;
        }
        fields[i] = (struct type_field){key->text, head_type(h, n->items[i], depth + 1)};
        ok &= fields[i].type != NULL;
    }
    return ok ? type_new_object(h->arena, fields, n->n) : NULL;
}
