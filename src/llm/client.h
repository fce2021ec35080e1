/* client: which model a name means, how it is reached, and what it costs. Names are PROVIDER/MODEL
 * or aliases; built-in ones are data (clients.json), and .plue/config.yaml overrides and adds.
 * Refuses unknown keys, providers and aliases, with the nearest known one. Holds no keys. */
#ifndef LLM_CLIENT_H
#define LLM_CLIENT_H
#include "base/arena.h"
#include "diag/err.h"
#include <jansson.h>

enum { LLM_CLIENTS_MAX = 200, LLM_URL_MAX = 2000 };

struct llm_wire;
struct llm_prices { /* US dollars per million tokens */
    bool known;
    double input, output, cache_read, cache_write;
};
/* How an answer is held to its schema: by the provider itself, or as the arguments of a tool that
 * the model must call, which every model has. */
enum llm_structured { LLM_STRUCTURED_TOOL, LLM_STRUCTURED_NATIVE };
struct llm_client {
    str name; /* as it was asked for */
    const struct llm_wire *wire;
    str model;
    str base_url;
    str key_name; /* of the secret or environment variable; empty: none is needed */
    struct llm_prices prices;
    enum llm_structured structured;
};

struct llm_clients {
    struct arena arena;
    json_t *table; /* {"default_client", "providers", "models", "clients"} */
};
/* config: text of .plue/config.yaml, empty: none; path for messages. */
bool llm_clients_init(struct llm_clients *c, str config, str path,
                      struct err_list *errors) must_use;
/* The same with .plue/config.yaml below this folder, where there is one; the first mistake. */
bool llm_clients_open(struct llm_clients *c, const char *root, struct err *err) must_use;
void llm_clients_done(struct llm_clients *c);
/* name empty: the default. ANTHROPIC_BASE_URL and OPENAI_BASE_URL go before the built-in addresses.
 * The client lives as long as c. */
bool llm_clients_find(struct llm_clients *c, str name, struct llm_client *ret,
                      struct err *err) must_use;
/* Where agents search the web (Brave's format), and the name of the key's secret or environment
 * variable; empty: none is needed. Borrowed from c. */
void llm_clients_search(const struct llm_clients *c, str *ret_url, str *ret_key_name);

#endif
