/* What an agent was given, and what of it was used: its tools, and the hosts of its MCP servers. */
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

void agent_note_unused_host(void *user, str server, str host)
{
    struct agent *a = user;
    struct agent_host h = {arena_str(&a->arena, server), arena_str(&a->arena, host)};
    vec_push(&a->unused, h);
}

static void record(struct agent *a, struct store_batch **b, const char *kind, str name)
{
    struct live_run *r = a->sink.run;
    struct store_grant g = {.key = record_key(r, a->sink.step), .kind = str_of(kind), .name = name};
    if (!*b)
        *b = store_batch_new(r->engine->options.store);
    store_add_unused_grant(*b, &g);
}

void agent_record_unused(struct agent *a)
{
    struct store_batch *b = NULL;
    vec_each (t, &a->granted)
        if (!t->used)
            record(a, &b, "tool", t->name);
    /* What a server asked for before a crash is not known. */
    for (size_t i = 0; i < a->unused.n && !a->was_taken_up; i++) {
        struct agent_host *h = &a->unused.at[i];
        record(a, &b, "host",
               arena_printf(&a->arena, "%.*s of the MCP server %.*s", STR_ARG(h->host),
                            STR_ARG(h->server)));
    }
    if (b)
        run_submit(a->sink.run, b, run_nothing, NULL);
}
