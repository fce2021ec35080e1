#include "cli/stub_prompts.h"
#include "prompt/prompt.h"
#include "json/json.h"

enum { CLASS_NAME_MAX = 4096 };

/* ---- types ---- */

/* An object is a class called `object`, which was written before; Any where there is none. */
static void add_named(struct buf *b, const struct type *t, str object)
{
    static const char *const plain[] = {
        [TYPE_STR] = "str",   [TYPE_INT] = "int", [TYPE_FLOAT] = "float",
        [TYPE_BOOL] = "bool", [TYPE_ANY] = "Any", [TYPE_SECRET] = "str"};
    switch (t->kind) {
    case TYPE_ENUM:
        buf_add_c(b, "Literal[");
        for (uint32_t i = 0; i < t->n; i++) {
            buf_add_c(b, i ? ", " : "");
            json_add_quoted(b, t->words[i]);
        }
        buf_add_byte(b, ']');
        break;
    case TYPE_LIST:
        buf_add_c(b, "list[");
        add_named(b, t->of, object);
        buf_add_byte(b, ']');
        break;
    case TYPE_DICT:
        buf_add_c(b, "dict[str, ");
        add_named(b, t->of, object);
        buf_add_byte(b, ']');
        break;
    case TYPE_OPTIONAL:
        add_named(b, t->of, object);
        buf_add_c(b, " | None");
        break;
    case TYPE_OBJECT:
        buf_add_str(b, object.n ? object : STR("Any"));
        break;
    default:
        buf_add_c(b, plain[t->kind]);
    }
}

void stub_add_type(struct buf *b, const struct type *t)
{
    add_named(b, t, STR(""));
}

static const struct type *object_in(const struct type *t)
{
    while (t->kind == TYPE_LIST || t->kind == TYPE_DICT || t->kind == TYPE_OPTIONAL)
        t = t->of;
    return t->kind == TYPE_OBJECT ? t : NULL;
}

/* ---- outputs ---- */

/* Fields that every step has mean the step's. */
static bool is_of_step(str name)
{
    static const char *const names[] = {"ok",     "failed",  "exit_code", "stdout",
                                        "stderr", "outputs", "duration"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_is(name, names[i]))
            return true;
    return false;
}

/* class NAME: its fields; those of objects in them first, as NAME_field. */
static void add_class(struct buf *b, str name, const char *base, const struct type *t)
{
    bool any = false;
    for (uint32_t i = 0; i < t->n; i++) {
        const struct type *inner = object_in(t->fields[i].type);
        auto_buf own = BUF(CLASS_NAME_MAX);
        buf_addf(&own, "%.*s_%.*s", STR_ARG(name), STR_ARG(t->fields[i].name));
        if (inner)
            add_class(b, buf_str(&own), "", inner);
    }
    buf_addf(b, "class %.*s%s:\n", STR_ARG(name), base);
    for (uint32_t i = 0; i < t->n; i++) {
        const struct type_field *f = &t->fields[i];
        auto_buf own = BUF(CLASS_NAME_MAX);
        if (*base && is_of_step(f->name))
            continue;
        buf_addf(&own, "%.*s_%.*s", STR_ARG(name), STR_ARG(f->name));
        buf_addf(b, "    %.*s: ", STR_ARG(f->name));
        add_named(b, f->type, buf_str(&own));
        buf_add_byte(b, '\n');
        any = true;
    }
    buf_add_c(b, any ? "\n" : "    pass\n\n");
}

/* ---- prompts ---- */

static void add_prompt(struct buf *b, const struct prompt *p)
{
    auto_buf name = BUF(CLASS_NAME_MAX);
    buf_addf(&name, "%.*sStep", STR_ARG(p->name));
    if (p->output && p->output->kind == TYPE_OBJECT)
        add_class(b, buf_str(&name), "(Step)", p->output);
    else
        buf_addf(b, "class %s(Step):\n    text: str\n\n", buf_c(&name));
    buf_addf(b, "def %.*s(\n    *,\n", STR_ARG(p->name));
    for (uint32_t i = 0; i < p->inputs->n; i++) {
        const struct type_field *f = &p->inputs->fields[i];
        buf_addf(b, "    %.*s: ", STR_ARG(f->name));
        stub_add_type(b, f->type);
        buf_add_c(b, f->type->kind == TYPE_OPTIONAL ? " = None,\n" : ",\n");
    }
    buf_addf(b,
             "    tools: Sequence[Any] | None = None,\n    max_turns: int | None = None,\n"
             "    client: str | None = None,\n    temperature: float | None = None,\n"
             "    timeout: Duration | None = None,\n    retries: int | None = None,\n"
             "    budget: Any = None,\n    depends_on: After | None = None,\n) -> %s: ...\n\n",
             buf_c(&name));
}

static bool read_bundle(void *data, str path, str *ret_text)
{
    const struct bundle_file *f = bundle_find(data, path);
    if (f)
        *ret_text = f->text;
    return f != NULL;
}

static void add_file(struct buf *b, const struct bundle *bundle, const struct bundle_file *f)
{
    struct sources sources = SOURCES_INIT;
    auto_arena a = ARENA_INIT;
    struct err_list errors = {0};
    str name;
    const struct prompt *p =
        prompt_load(&a, &sources, f->path, read_bundle, (void *)bundle, &errors);
    if (p)
        add_prompt(b, p);
    else if (prompt_name(&a, f->path, f->text, &name))
        buf_addf(b, "%.*s: Any\n\n", STR_ARG(name));
    err_list_done(&errors);
    sources_done(&sources);
}

void stub_add_prompts(struct buf *b, const struct bundle *bundle)
{
    buf_add_c(b, "\"\"\"The repository's prompts. Written by `plue stubs`.\"\"\"\n"
                 "from typing import Any, Literal, Sequence\n\n"
                 "from plue import After, Duration, Step\n\n");
    for (uint32_t i = 0; i < bundle->n; i++)
        if (str_starts(bundle->files[i].path, STR(".plue/prompts/")) &&
            str_ends(bundle->files[i].path, STR(".prompt.md")))
            add_file(b, bundle, &bundle->files[i]);
}
