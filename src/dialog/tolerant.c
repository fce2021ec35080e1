/* JSON as models write it. What is strict JSON is taken as it is; only then is the text searched.
 */
#include "dialog/dialog.h"

/* The end of the value that begins at `from`, by its brackets; the text's length where none ends.
 */
static size_t value_end(str text, size_t from)
{
    size_t depth = 0;
    bool quoted = false;
    for (size_t i = from; i < text.n; i++) {
        char c = text.p[i];
        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '{' || c == '['))
            depth++;
        else if (!quoted && (c == '}' || c == ']') && --depth == 0)
            return i + 1;
    }
    return text.n;
}

/* Without commas before a closing bracket. */
static void drop_trailing_commas(str text, struct buf *ret)
{
    bool quoted = false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (!quoted && c == ',') {
            size_t next = i + 1;
            while (next < text.n && strchr(" \t\r\n", text.p[next]))
                next++;
            if (next < text.n && (text.p[next] == '}' || text.p[next] == ']'))
                continue;
        }
        if (quoted && c == '\\' && i + 1 < text.n)
            buf_add_byte(ret, text.p[i++]);
        else if (c == '"')
            quoted = !quoted;
        buf_add_byte(ret, text.p[i]);
    }
}

static json_t *read_strictly(str text)
{
    return json_loadb(text.p, text.n, JSON_ALLOW_NUL | JSON_DECODE_ANY, NULL);
}

static json_t *read_at(str text, size_t from, size_t *ret_end)
{
    auto_buf b = BUF(LLM_ANSWER_MAX);
    *ret_end = value_end(text, from);
    str value = str_sub(text, from, *ret_end);
    json_t *j = read_strictly(value);
    if (j)
        return j;
    drop_trailing_commas(value, &b);
    return read_strictly(buf_str(&b));
}

enum { PLACES_MAX = 100 }; /* brackets that may begin the value */

json_t *dialog_read_json(str text, struct err *err)
{
    size_t end = 0;
    int places = 0;
    text = str_trim(text);
    json_t *j = read_strictly(text);
    for (size_t at = 0; !j && at < text.n && places < PLACES_MAX; at++) {
        if (text.p[at] != '{' && text.p[at] != '[')
            continue;
        places++;
        j = read_at(text, at, &end);
        if (!j && end < text.n)
            at = end - 1;
    }
    if (!j)
        err_set(err, "llm_no_json", "the answer holds no JSON: %.*s%s",
                STR_ARG(str_sub(text, 0, 200)), text.n > 200 ? "..." : "");
    return j;
}
