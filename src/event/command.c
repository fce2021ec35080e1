#include "event/command.h"

static const char *const names[LOG_COMMAND_COUNT] = {
    [LOG_COMMAND_GROUP] = "group",       [LOG_COMMAND_ENDGROUP] = "endgroup",
    [LOG_COMMAND_ERROR] = "error",       [LOG_COMMAND_WARNING] = "warning",
    [LOG_COMMAND_NOTICE] = "notice",     [LOG_COMMAND_DEBUG] = "debug",
    [LOG_COMMAND_ADD_MASK] = "add-mask", [LOG_COMMAND_STOP] = "stop-commands",
};

static enum log_command_kind kind_of(str name)
{
    for (int i = 1; i < LOG_COMMAND_COUNT; i++)
        if (names[i] && str_is(name, names[i]))
            return (enum log_command_kind)i;
    return LOG_COMMAND_NONE;
}

/* GitHub's runner looks at the trimmed line; its names have no case. */
static struct log_command parse(str line)
{
    struct log_command none = {0}, c = {0};
    while (line.n && (line.p[0] == ' ' || line.p[0] == '\t'))
        line = str_sub(line, 1, line.n);
    if (!str_starts(line, STR("::")))
        return none;
    size_t end = str_find(line, STR("::"), 2);
    if (end == SIZE_MAX)
        return none;
    str head = str_sub(line, 2, end), name = head;
    size_t space = str_find_byte(head, ' ', 0);
    if (space != SIZE_MAX) {
        name = str_sub(head, 0, space);
        c.properties = str_trim(str_sub(head, space + 1, head.n));
    }
    c.kind = kind_of(name);
    c.message = str_sub(line, end + 2, line.n);
    return c.kind ? c : none;
}

static bool ends_stop(const struct log_commands *c, str line)
{
    line = str_trim(line);
    size_t n = strlen(c->token);
    return line.n == n + 4 && str_starts(line, STR("::")) && str_ends(line, STR("::")) &&
           memcmp(line.p + 2, c->token, n) == 0;
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
    str token = str_trim(found.message);
    if (!token.n || token.n > LOG_COMMAND_TOKEN_MAX)
        return none;
    memcpy(c->token, token.p, token.n);
    c->token[token.n] = '\0';
    return found;
}

void log_command_unescape(struct buf *b, str s)
{
    static const struct {
        const char *code;
        char is;
    } escapes[] = {{"%25", '%'}, {"%0D", '\r'}, {"%0A", '\n'}, {"%3A", ':'}, {"%2C", ','}};
    while (s.n) {
        size_t k = 0, n = sizeof escapes / sizeof *escapes;
        while (k < n && !str_starts(s, str_of(escapes[k].code)))
            k++;
        buf_add_byte(b, k < n ? escapes[k].is : s.p[0]);
        s = str_sub(s, k < n ? 3 : 1, s.n);
    }
}

str log_command_property(const struct log_command *c, const char *name)
{
    str rest = c->properties, part;
    while (str_next(&rest, ',', &part)) {
        part = str_trim(part);
        size_t equals = str_find_byte(part, '=', 0);
        if (equals != SIZE_MAX && str_is(str_sub(part, 0, equals), name))
            return str_sub(part, equals + 1, part.n);
    }
    return STR("");
}
