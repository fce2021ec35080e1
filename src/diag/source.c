#include "diag/source.h"
#include "base/utf8.h"

void sources_done(struct sources *s)
{
    free(s->at);
    arena_done(&s->arena);
    *s = (struct sources)SOURCES_INIT;
}

uint32_t sources_add(struct sources *s, str path, str text, pos parent)
{
    if (s->n == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 8;
        s->at = mem_realloc_array(s->at, s->cap, sizeof *s->at);
    }
    s->at[s->n++] = (struct source){
        .path = arena_str(&s->arena, path),
        .text = arena_str(&s->arena, text),
        .parent = parent,
    };
    return s->n;
}

struct source *sources_get(struct sources *s, uint32_t id)
{
    return id && id <= s->n ? &s->at[id - 1] : NULL;
}

/* Lines end with LF, CR LF or a lone CR, as they do for Python. */
static bool ends_line(str text, size_t i)
{
    return text.p[i] == '\n' || (text.p[i] == '\r' && (i + 1 == text.n || text.p[i + 1] != '\n'));
}

static void index_lines(struct sources *s, struct source *source)
{
    uint32_t count = 1;
    for (size_t i = 0; i < source->text.n; i++)
        count += ends_line(source->text, i);
    source->lines = arena_array(&s->arena, uint32_t, count);
    source->line_count = count;
    uint32_t line = 0;
    source->lines[line++] = 0;
    for (size_t i = 0; i < source->text.n; i++)
        if (ends_line(source->text, i))
            source->lines[line++] = (uint32_t)i + 1;
}

static uint32_t line_of(const struct source *source, uint32_t offset)
{
    uint32_t low = 0, high = source->line_count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (source->lines[middle] <= offset)
            low = middle;
        else
            high = middle;
    }
    return low;
}

bool sources_place(struct sources *s, pos at, struct place *ret_place)
{
    struct source *source = sources_get(s, at.source);
    if (!source)
        return false;
    if (!source->lines)
        index_lines(s, source);
    uint32_t offset = at.offset <= source->text.n ? at.offset : (uint32_t)source->text.n;
    uint32_t line = line_of(source, offset);
    uint32_t from = source->lines[line];
    uint32_t to =
        line + 1 < source->line_count ? source->lines[line + 1] - 1 : (uint32_t)source->text.n;
    if (to > from && source->text.p[to - 1] == '\r')
        to--;
    *ret_place = (struct place){
        .path = source->path,
        .line = line + 1,
        .column = (uint32_t)utf8_length(str_sub(source->text, from, offset)) + 1,
        .line_text = str_sub(source->text, from, to),
    };
    return true;
}
