/* prompt: a NAME.prompt.md as a typed definition: its frontmatter read, its base's keys inherited.
 * Plain immutable data in an arena; every mistake of a head is reported where it stands.
 * Refuses unknown keys, a missing name or closing ---, types that mean nothing, bases that
 * extend each other. Reads files only through the caller; renders nothing and runs nothing. */
#ifndef PROMPT_PROMPT_H
#define PROMPT_PROMPT_H
#include "types/type.h"

enum {
    PROMPT_EXTENDS_MAX = 10,  /* bases of each other */
    PROMPT_TOOLS_MAX = 100,   /* of one prompt */
    PROMPT_TYPE_NESTING = 32, /* levels of a type */
    PROMPT_TYPES_MAX = 5000,  /* types of one prompt, named ones counted wherever they are used */
    PROMPT_FIELDS_MAX = 500,  /* of one object */
    PROMPT_TURNS_MAX = 1000,  /* what max_turns may ask for */
    PROMPT_REPAIRS_MAX = 20,
    PROMPT_SERVER_NAME_MAX = 32, /* bytes */
};

struct prompt_tool {
    str name;   /* read_file, run_tests */
    str path;   /* "//tools:run_tests"; empty: a built-in one */
    str server; /* of an MCP server: its config in a plan, JSON; else empty */
};

struct prompt {
    str path, name, description;
    str client; /* empty: the configuration's default */
    bool agent;
    const struct type *inputs; /* an object, empty where none are declared */
    const struct type *output; /* NULL: the answer is text */
    const struct prompt_tool *tools;
    uint32_t tool_count;
    bool dynamic; /* the caller may add tools */
    bool has_temperature;
    double temperature;
    int64_t max_turns, max_tokens; /* 0: the default */
    int64_t repairs;
    str system;
    str budget, cache;  /* JSON text; empty: none */
    str extends;        /* path of its base, or empty */
    str body;           /* the template's text */
    uint32_t body_line; /* the file's line that the body begins at */
    str sha256;         /* of the definition's JSON and the body */
};

/* The text of a repository's file; false where there is none. */
typedef bool (*prompt_reader)(void *data, str path, str *ret_text);

/* The prompt in this file. NULL where there were errors, each with its place. Texts are copied. */
const struct prompt *prompt_load(struct arena *a, struct sources *sources, str path,
                                 prompt_reader read, void *data, struct err_list *errors) must_use;
/* The `name` of a file's frontmatter, as far as it can be told without judging the rest. */
bool prompt_name(struct arena *a, str path, str text, str *ret_name);

/* The byte that a prompt's template begins at: behind the frontmatter, if there is one. */
size_t prompt_body_at(str text);

/* The definition as JSON: types as JSON Schema; without the body. Its sha256 is of the same without
 * the sha256, a newline, and the body. */
void prompt_write_json(struct json_writer *w, const struct prompt *p);

/* ---- tools ---- */
/* The built-in tools' names; ends with NULL. */
extern const char *const prompt_builtin_tools[];
bool prompt_is_builtin_tool(str name);
/* "//tools:run_tests" to its name; false where it is no such reference. */
bool prompt_tool_reference(str text, str *ret_name);
/* Whether an MCP server may be called so: letters, digits and -. */
bool prompt_is_server_name(str name);

#endif
