/* schema_rule_int: a compiled schema once more, as the quick answer wants it.
 * A rule is one node: it has the shortest judge for each kind of value; members
 * are expected in the order of the properties; references to nothing but a rule are that rule.
 * Rules have no words for what is wrong: schema_check.c finds that, and decides what has no rule.
 */
#ifndef TYPES_SCHEMA_RULE_INT_H
#define TYPES_SCHEMA_RULE_INT_H
#include "types/schema_int.h"

enum { JSON_KINDS = JSON_NULL + 1 };

struct rule;
struct run;
typedef bool rule_judge(struct run *run, const struct rule *r, json_t *v);
struct rule_member {
    str name;
    const struct rule *rule; /* of the rest, where it is not covered */
    bool required, covered;  /* not covered: a name that is only required */
};
/* What enum or const allow beside null, true and false, which their kind says. */
struct rule_choices {
    str *words;
    json_t **others;
    uint32_t word_count, other_count;
};
struct rule_list {
    const struct rule **at;
    uint32_t n;
};
struct rule_pattern {
    const struct pattern *pattern;
    const struct rule *rule;
};
struct rule_object {
    struct rule_member *members; /* behind the last stands one that no name is */
    uint32_t n, required_count;
    const struct rule *rest, *names; /* rest: of members that no keyword names */
    struct rule_pattern *patterns;
    uint32_t pattern_count;
    const struct rule **dependencies; /* one for each of the node's; NULL: only names */
};
struct rule_in_place {
    const struct rule *ref, *when, *then, *otherwise, *not_this;
    struct rule_list all_of, any_of, one_of;
};

struct rule {
    rule_judge *judge[JSON_KINDS]; /* by json_type */
    const struct node *node;       /* all that it says */
    int64_t low, high;             /* of an integer, where bounds_are_whole; both allowed */
    bool bounds_are_whole;
    bool whole;                      /* a real must be an integer */
    struct rule_choices *choices[2]; /* of enum and const; NULL: no such keyword */
    struct rule_object *object;      /* NULL: every object fits */
    const struct rule *items;        /* behind the prefix; NULL: all fit */
    const struct rule *contains;
    struct rule_list prefix;
    struct rule_in_place *in_place; /* NULL: none */
};

/* Sets s->rule, where every keyword of the schema has a quick form. */
void schema_make_rules(struct schema *s);

/* What judges values of a kind that the types and choices do not refuse at once; the rest of the
 * rule is made. */
rule_judge *schema_judge_of(const struct rule *r, json_type kind);
extern rule_judge schema_refuses;

enum schema_verdict { SCHEMA_FITS, SCHEMA_FITS_NOT, SCHEMA_UNDECIDED };
/* Undecided where a bound is passed. */
enum schema_verdict schema_decide(const struct rule *rule, json_t *value);

#endif
