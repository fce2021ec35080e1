/* findings: errors and warnings of many files, each once, kept after the evaluations that found
 * them are gone: as text for people and as JSON. */
#ifndef CLI_FINDINGS_H
#define CLI_FINDINGS_H
#include "base/map.h"
#include "cli/command.h"
#include "workflow/evaluation.h"

struct finding {
    const char *severity; /* "error" or "warning" */
    str json;             /* error object of SPEC 21 */
    str text;
    str path;
    uint32_t line, column;
};
struct findings {
    VEC(struct finding) all;
    struct map seen;  /* by text */
    struct map names; /* of definitions: kind and name -> where it was first */
    struct arena arena;
    bool color;      /* of the text */
    bool severities; /* in the JSON */
    size_t errors, warnings;
};
void findings_done(struct findings *f);

/* Empties nothing: the errors stay the caller's. s may be NULL. */
void findings_add_all(struct findings *f, struct sources *s, const struct err_list *errors,
                      const char *severity);
void findings_add(struct findings *f, struct sources *s, const struct err *e, const char *severity);
/* An error where another definition of its kind has the name already. */
void findings_check_name(struct findings *f, struct sources *s, const struct definition *d);

/* An array of error objects. */
void findings_put_json(struct json_writer *w, struct findings *f);
void findings_print(struct cli *c, struct findings *f);

#endif
