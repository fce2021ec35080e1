/* What an MCP server writes, cut anywhere: whatever it is, the owner is told exactly once that the
 * server is ready or not, and each call ends exactly once. */
#include "mcp/client.h"
#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct owner {
    struct mcp_client *client;
    unsigned readied, answers;
    bool usable;
};

static void sent(void *data, str line)
{
    (void)data;
    assert(line.n && memchr(line.p, '\n', line.n) == line.p + line.n - 1);
    json_t *message = json_loadb(line.p, line.n, JSON_ALLOW_NUL, NULL);
    assert(message);
    json_decref(message);
}

static void ready(void *data, const struct err *err)
{
    struct owner *o = data;
    assert(!err || err_is_set(err));
    o->readied++;
    o->usable = !err;
}

static void logged(void *data, str text)
{
    (void)data;
    (void)text;
}

static void answered(void *data, json_t *result, const struct err *err)
{
    struct owner *o = data;
    assert((result != NULL) == (err == NULL));
    o->answers++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct owner o = {0};
    const struct mcp_client_owner owner = {sent, ready, logged, &o};
    auto_err gone = ERR_INIT;
    if (!size)
        return 0;
    str stream = {(const char *)data + 1, size - 1};
    size_t step = 1 + data[0] % 64;
    bool called = false;
    o.client = mcp_client_new(STR("1"), &owner);
    for (size_t at = 0; at < stream.n; at += step) {
        mcp_client_add(o.client, str_sub(stream, at, at + step));
        if (!o.usable || called || !mcp_client_is_open(o.client))
            continue;
        json_t *arguments = json_object();
        mcp_client_call(o.client, "t", arguments, answered, &o);
        json_decref(arguments);
        called = true;
    }
    err_set(&gone, "mcp_server", "it is gone");
    mcp_client_end(o.client, &gone);
    assert(o.readied == 1 && o.answers == (called ? 1 : 0));
    assert(json_is_array(mcp_client_tools(o.client)));
    mcp_client_free(o.client);
    return 0;
}
