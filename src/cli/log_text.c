#include "cli/log_text.h"
#include "cli/progress_int.h"

enum { LINE_WIDTH = 1 << 20, MESSAGE_MAX = 1 << 20 };

/* One line, whatever line ends were escaped in it. */
static void add_plain(struct buf *b, struct buf *text, bool colors)
{
    for (size_t i = 0; i < text->n; i++)
        if (text->p[i] == '\n' || text->p[i] == '\r')
            text->p[i] = ' ';
    screen_add(b, buf_str(text), LINE_WIDTH, colors);
}

static void add_message(struct buf *b, const struct log_command *c, bool colors)
{
    auto_buf text = BUF(MESSAGE_MAX);
    log_command_add_message(&text, c);
    add_plain(b, &text, colors);
}

/* before, the property, after; nothing where it is absent. */
static bool add_property(struct buf *b, const struct log_command *c, const char *before,
                         const char *name, const char *after)
{
    auto_buf text = BUF(MESSAGE_MAX);
    if (!log_command_add_property(&text, c, name))
        return false;
    buf_add_c(b, before);
    add_plain(b, &text, false);
    buf_add_c(b, after);
    return true;
}

static void add_place(struct buf *b, const struct log_command *c)
{
    if (!add_property(b, c, "", "file", ""))
        return;
    if (add_property(b, c, ":", "line", ""))
        add_property(b, c, ":", "col", "");
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
    buf_addf(b, "%s%s:%s ", tone_on(colors, looks[c->kind].tone), looks[c->kind].word,
             tone_off(colors));
    add_place(b, c);
    add_property(b, c, "", "title", ": ");
    add_message(b, c, colors);
}

bool log_text_add(struct buf *b, struct log_commands *commands, enum log_stream stream, str line,
                  bool colors)
{
    struct log_command c = {.kind = LOG_COMMAND_NONE};
    if (stream == LOG_STDOUT || stream == LOG_STDERR)
        c = log_commands_read(commands, line);
    switch (c.kind) {
    case LOG_COMMAND_NONE:
        screen_add(b, line, LINE_WIDTH, colors);
        return true;
    case LOG_COMMAND_GROUP:
        buf_addf(b, "%s▼ ", tone_on(colors, TONE_STRONG));
        add_message(b, &c, false);
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
