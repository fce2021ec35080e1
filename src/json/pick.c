/* Members of an object by name, cut out of its text: nothing is decoded, so that a long document of
 * which little is wanted costs little. */
#include "json/json.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static size_t skip_space(str text, size_t at)
{
    while (at < text.n && is_space(text.p[at]))
        at++;
    return at;
}

/* Behind the string that begins at `at`; past the text where it does not end. */
static size_t skip_string(str text, size_t at)
{
    for (at++; at < text.n && text.p[at] != '"'; at++)
        at += text.p[at] == '\\';
    return at + 1;
}

/* Behind the value, at the comma or the bracket that follows it. */
static size_t skip_value(str text, size_t at)
{
    for (size_t depth = 0; at < text.n;) {
        char c = text.p[at];
        if (c == '"') {
            at = skip_string(text, at);
            continue;
        }
        if (depth == 0 && (c == ',' || c == '}' || c == ']'))
            return at;
        depth += c == '{' || c == '[';
        depth -= c == '}' || c == ']';
        at++;
    }
    return at;
}

static bool is_wanted(str name, const char *const *names)
{
    while (*names && !str_is(name, *names))
        names++;
    return *names;
}

bool json_pick(str object, const char *const *names, struct buf *ret)
{
    size_t at = skip_space(object, 0);
    if (at == object.n || object.p[at] != '{')
        return false;
    buf_add_byte(ret, '{');
    for (char sep = '{'; sep != '}';) {
        size_t name = skip_space(object, at + 1);
        if (name < object.n && object.p[name] == '}' && sep == '{')
            break; /* an empty one */
        if (name >= object.n || object.p[name] != '"')
            return false;
        size_t name_end = skip_string(object, name), colon = skip_space(object, name_end);
        if (colon >= object.n || object.p[colon] != ':')
            return false;
        size_t value = skip_space(object, colon + 1);
        at = skip_value(object, value);
        if (at >= object.n || object.p[at] == ']')
            return false;
        sep = object.p[at];
        str text = str_trim(str_sub(object, value, at));
        if (str_is(text, "null") || !is_wanted(str_sub(object, name + 1, name_end - 1), names))
            continue;
        if (ret->n > 1)
            buf_add_byte(ret, ',');
        buf_add_str(ret, str_sub(object, name, name_end));
        buf_add_byte(ret, ':');
        buf_add_str(ret, text);
    }
    buf_add_byte(ret, '}');
    return !ret->overflow;
}
