/* Tools that an agent was given, and which of them it has called. */
#include "engine/agent_int.h"
#include "json/json.h"

void agent_note_granted(struct agent *a, json_t *tools)
{
    for (size_t i = 0; i < json_array_size(tools); i++) {
        str name = json_get_text(json_array_get(tools, i), "name");
        vec_push(&a->granted, (struct agent_tool){arena_str(&a->arena, name), false});
    }
}

/* Tools of an MCP server are called by the server's name and their own. */
void agent_note_call(struct agent *a, str name)
{
    vec_each (t, &a->granted)
        t->used |= str_eq(t->name, name) ||
                   (str_starts(name, t->name) &&
                    str_starts(str_sub(name, t->name.n, name.n), STR(TOOLS_SERVER_SEPARATOR)));
}

void agent_record_unused(struct agent *a)
{
    struct live_run *r = a->sink.run;
    struct store_batch *b = NULL;
    vec_each (t, &a->granted) {
        struct store_grant g = {
            .key = record_key(r, a->sink.step), .kind = STR("tool"), .name = t->name};
        if (t->used)
            continue;
        if (!b)
            b = store_batch_new(r->engine->options.store);
        store_add_unused_grant(b, &g);
    }
    if (b)
        run_submit(r, b, run_nothing, NULL);
}
