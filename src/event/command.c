#include "event/command.h"
#include <strings.h>

static const char *const names[LOG_COMMAND_COUNT] = {
    [LOG_COMMAND_GROUP] = "group",       [LOG_COMMAND_ENDGROUP] = "endgroup",
    [LOG_COMMAND_ERROR] = "error",       [LOG_COMMAND_WARNING] = "warning",
    [LOG_COMMAND_NOTICE] = "notice",     [LOG_COMMAND_DEBUG] = "debug",
    [LOG_COMMAND_ADD_MASK] = "add-mask", [LOG_COMMAND_STOP] = "stop-commands",
};

static bool is_named(str s, const char *name)
{
    return s.n == strlen(name) && strncasecmp(s.p, name, s.n) == 0;
}

static enum log_command_kind kind_of(str name)
{
    for (int i = 1; i < LOG_COMMAND_COUNT; i++)
        if (names[i] && is_named(name, names[i]))
            return (enum log_command_kind)i;
    return LOG_COMMAND_NONE;
}

/* Of a command in one of its two forms: what stands between its marks, and what follows them. */
static bool find_parts(str line, bool is_old, str *ret_head, str *ret_message)
{
    const str begins = is_old ? STR("##[") : STR("::"), ends = is_old ? STR("]") : STR("::");
    size_t from = 0;
    if (is_old)
        from = str_find(line, begins, 0);
    else
        while (from < line.n &&
               (line.p[from] == ' ' || (line.p[from] >= '\t' && line.p[from] <= '\r')))
            from++;
    if (from == SIZE_MAX || !str_starts(str_sub(line, from, line.n), begins))
        return false;
    size_t end = str_find(line, ends, from + begins.n);
    if (end == SIZE_MAX)
        return false;
    *ret_head = str_sub(line, from + begins.n, end);
    *ret_message = str_sub(line, end + ends.n, line.n);
    return true;
}

static str name_of(str head)
{
    size_t space = str_find_byte(head, ' ', 0);
    return space == SIZE_MAX ? head : str_sub(head, 0, space);
}

static struct log_command parse(str line)
{
    for (int is_old = 0; is_old < 2; is_old++) {
        struct log_command c = {.is_old = is_old};
        str head;
        if (!find_parts(line, is_old, &head, &c.message))
            continue;
        str name = name_of(head), rest = str_sub(head, name.n, head.n);
        c.kind = kind_of(name);
        c.properties = is_old && rest.n ? str_sub(rest, 1, rest.n) : str_trim(rest);
        if (c.kind)
            return c;
    }
    return (struct log_command){0};
}

static bool ends_stop(const struct log_commands *c, str line)
{
    str head, message;
    for (int is_old = 0; is_old < 2; is_old++)
        if (find_parts(line, is_old, &head, &message) && is_named(name_of(head), c->token))
            return true;
    return false;
}

struct log_command log_commands_read(struct log_commands *c, str line)
{
    struct log_command none = {0};
    if (c->token[0]) {
        if (!ends_stop(c, line))
            return none;
        c->token[0] = '\0';
        return (struct log_command){.kind = LOG_COMMAND_RESUME};
    }
    struct log_command found = parse(line);
    if (found.kind != LOG_COMMAND_STOP)
        return found;
    auto_buf token = BUF(LOG_COMMAND_TOKEN_MAX);
    log_command_add_message(&token, &found);
    /* The token must not be a word that any output may say. */
    if (token.overflow || !token.n || kind_of(buf_str(&token)) ||
        is_named(buf_str(&token), "pause-logging"))
        return none;
    memcpy(c->token, token.p, token.n);
    c->token[token.n] = '\0';
    return found;
}

enum escapes { OF_MESSAGES = 1, OF_PROPERTIES = 2, OF_OLD = 4 };

static void unescape(struct buf *b, str s, enum escapes which)
{
    static const struct {
        const char *code;
        char is;
        unsigned where;
    } escapes[] = {
        {"%25", '%', OF_MESSAGES | OF_PROPERTIES | OF_OLD},
        {"%0D", '\r', OF_MESSAGES | OF_PROPERTIES | OF_OLD},
        {"%0A", '\n', OF_MESSAGES | OF_PROPERTIES | OF_OLD},
        {"%3A", ':', OF_PROPERTIES},
        {"%2C", ',', OF_PROPERTIES},
        {"%3B", ';', OF_OLD},
        {"%5D", ']', OF_OLD},
    };
    while (s.n) {
        size_t k = 0, n = sizeof escapes / sizeof *escapes;
        while (k < n && !(escapes[k].where & which && str_starts(s, str_of(escapes[k].code))))
            k++;
        buf_add_byte(b, k < n ? escapes[k].is : s.p[0]);
        s = str_sub(s, k < n ? 3 : 1, s.n);
    }
}

void log_command_add_message(struct buf *b, const struct log_command *c)
{
    unescape(b, c->message, c->is_old ? OF_OLD : OF_MESSAGES);
}

bool log_command_add_property(struct buf *b, const struct log_command *c, const char *name)
{
    str rest = c->properties, part, value = STR("");
    while (str_next(&rest, c->is_old ? ';' : ',', &part)) {
        size_t equals = str_find_byte(part, '=', 0);
        if (equals < part.n && equals + 1 < part.n && is_named(str_sub(part, 0, equals), name))
            value = str_sub(part, equals + 1, part.n);
    }
    unescape(b, value, c->is_old ? OF_OLD : OF_PROPERTIES);
    return value.n > 0;
}
