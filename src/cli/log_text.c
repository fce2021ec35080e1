#include "cli/log_text.h"
#include "cli/progress_int.h"

enum { LINE_WIDTH = 1 << 20, MESSAGE_MAX = 1 << 20 };

static void add_plain(struct buf *b, str escaped, bool colors)
{
    auto_buf text = BUF(MESSAGE_MAX);
    log_command_unescape(&text, escaped);
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] == '\n' || text.p[i] == '\r')
            text.p[i] = ' ';
    screen_add(b, buf_str(&text), LINE_WIDTH, colors);
}

static void add_place(struct buf *b, const struct log_command *c)
{
    static const char *const names[] = {"line", "col"};
    str file = log_command_property(c, "file");
    if (!file.n)
        return;
    add_plain(b, file, false);
    for (size_t i = 0; i < 2; i++) {
        str value = log_command_property(c, names[i]);
        if (!value.n)
            break;
        buf_add_byte(b, ':');
        add_plain(b, value, false);
    }
    buf_add_c(b, ": ");
}

static void add_annotation(struct buf *b, const struct log_command *c, bool colors)
{
    static const struct {
        const char *word;
        enum tone tone;
    } looks[LOG_COMMAND_COUNT] = {
        [LOG_COMMAND_ERROR] = {"error", TONE_BAD},
        [LOG_COMMAND_WARNING] = {"warning", TONE_BUSY},
        [LOG_COMMAND_NOTICE] = {"notice", TONE_STRONG},
        [LOG_COMMAND_DEBUG] = {"debug", TONE_FAINT},
    };
    str title = log_command_property(c, "title");
    buf_addf(b, "%s%s:%s ", tone_on(colors, looks[c->kind].tone), looks[c->kind].word,
             tone_off(colors));
    add_place(b, c);
    if (title.n) {
        add_plain(b, title, false);
        buf_add_c(b, ": ");
    }
    add_plain(b, c->message, colors);
}

bool log_text_add(struct buf *b, struct log_commands *commands, str line, bool colors)
{
    struct log_command c = log_commands_read(commands, line);
    switch (c.kind) {
    case LOG_COMMAND_NONE:
        screen_add(b, line, LINE_WIDTH, colors);
        return true;
    case LOG_COMMAND_GROUP:
        buf_addf(b, "%s▼ ", tone_on(colors, TONE_STRONG));
        add_plain(b, c.message, false);
        buf_add_c(b, tone_off(colors));
        return true;
    case LOG_COMMAND_ERROR:
    case LOG_COMMAND_WARNING:
    case LOG_COMMAND_NOTICE:
    case LOG_COMMAND_DEBUG:
        add_annotation(b, &c, colors);
        return true;
    default:
        return false;
    }
}
