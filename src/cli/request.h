/* request: what a workflow is to be planned with: repository, definition, event, inputs. */
#ifndef CLI_REQUEST_H
#define CLI_REQUEST_H
#include "cli/command.h"
#include "registry/git.h"
#include "registry/registry.h"
#include "json/json.h"

struct request {
    struct cli *cli;
    struct registry registry;
    struct registry_found found;
    json_t *event; /* owns */
    struct arena arena;
    struct git_head head;
    bool head_known;
    str commit;                      /* of --ref, in full; empty: the working tree */
    str event_text, repository_text; /* JSON; in the arena */
};

enum request_purpose {
    REQUEST_PREVIEW, /* what is missing is made up, and said on stderr */
    REQUEST_RUN,     /* everything is real */
};

/* Opens the repository of the present folder and finds the definition that the command's first
 * argument names; chooses the event, from --event, --input and its triggers. False: reported, with
 * the exit status in *ret_status. */
bool request_open(struct cli *c, enum request_purpose purpose, struct request *ret,
                  int *ret_status) must_use;
void request_done(struct request *r);
#define auto_request cleanup(request_done) struct request

/* The repository of the present folder alone. */
bool request_open_registry(struct cli *c, struct registry *ret, int *ret_status) must_use;

/* The repository's facts for an evaluation, as JSON in a. */
str request_describe_repository(const char *root, struct arena *a);

/* The sources of the commit that --ref names, and the head that it would be. */
bool request_open_commit(struct cli *c, const char *root, struct arena *a, struct registry *ret,
                         struct git_head *ret_head, struct err *err) must_use;

/* Starts the evaluation. False: it failed, and that is reported. */
bool request_evaluate(struct request *r, enum evaluation_state *ret_state,
                      int *ret_status) must_use;

#endif
