#include "syntax/parse_int.h"

static const struct refusal {
    const char *message, *hint;
} refusals[] = {
    [REFUSED_CLASS] = {"'class' is not supported",
                       "use functions and dicts, or schema(...) for the shape of data"},
    [REFUSED_WITH] = {"'with' is not supported", "call the functions directly, one after another"},
    [REFUSED_ASYNC_DEF] = {"'async def' is not supported",
                           "use 'def': the evaluator waits for results by itself"},
    [REFUSED_ASYNC_FOR] = {"'async for' is not supported",
                           "use 'for': the evaluator waits for results by itself"},
    [REFUSED_ASYNC_WITH] = {"'async with' is not supported",
                            "call the functions directly, one after another"},
    [REFUSED_ASYNC_COMPREHENSION] = {"asynchronous comprehensions are not supported",
                                     "leave 'async' out: the evaluator waits for results by "
                                     "itself"},
    [REFUSED_AWAIT] = {"'await' is not supported",
                       "leave it out: using a result waits for it by itself"},
    [REFUSED_YIELD] = {"'yield' is not supported", "return a list, or use a generator expression"},
    [REFUSED_YIELD_FROM] = {"'yield from' is not supported",
                            "return a list, or use a generator expression"},
    [REFUSED_MATCH] = {"'match' statements are not supported", "use if and elif"},
    [REFUSED_BYTES] = {"bytes literals are not supported",
                       "use a string; text is Unicode everywhere"},
    [REFUSED_COMPLEX] = {"complex numbers are not supported", "use int or float"},
    [REFUSED_INT_RANGE] = {"integer literal is larger than 64 bits",
                           "integers are between -9223372036854775808 and 9223372036854775807; "
                           "use a float or a string"},
    [REFUSED_EXCEPT_STAR] = {"'except*' is not supported",
                             "use 'except': there are no exception groups"},
    [REFUSED_NAMED_ESCAPE] = {"\\N{...} escapes are not supported",
                              "write the character itself, or \\uXXXX"},
    [REFUSED_SURROGATE] = {"lone surrogates are not supported in strings",
                           "write the whole character as \\UXXXXXXXX"},
    [REFUSED_STAR_IMPORT] = {"star imports are not supported", "name what you import"},
    [REFUSED_RELATIVE_IMPORT] = {"relative imports are not supported",
                                 "import from plue.lib.NAME or plue.actions.NAME"},
};

void parse_refuse(struct parser *p, enum refused what, pos at)
{
    if (parse_token(p)->flags & TOKEN_DEAD)
        return;
    struct err *e = err_list_add(&p->errors);
    err_at(e, "not_supported", at, "%s", refusals[what].message);
    err_hint(e, "%s", refusals[what].hint);
}

/* if True: statements */
struct stmt *parse_stand_in(struct parser *p, uint32_t from, struct block statements)
{
    struct stmt *s = parse_new_stmt(p, STMT_IF, from);
    s->at = parse_since(p, from);
    s->if_.test = parse_new(p, EXPR_TRUE, s->at);
    s->if_.then = statements;
    return s;
}

/* targets = value, or the value alone where nothing is bound. */
struct stmt *parse_stand_in_binding(struct parser *p, pos at, const struct expr_list *targets,
                                    struct expr *value)
{
    struct stmt *s = parse_new_stmt(p, targets->n ? STMT_ASSIGN : STMT_EXPR, at.offset);
    s->at = at;
    if (targets->n) {
        s->assign.targets = *targets;
        s->assign.value = value;
    } else {
        s->expr = value;
    }
    return s;
}
