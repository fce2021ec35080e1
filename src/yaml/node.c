#include "yaml/node.h"
#include "base/buf.h"
#include "base/num.h"
#include <math.h>

const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key)
{
    for (uint32_t i = 0; map && map->kind == YAML_MAP && i < map->n; i++)
        if (str_is(map->keys[i]->text, key))
            return map->items[i];
    return NULL;
}

static bool is_word(str s, const char *const *words)
{
    for (; *words; words++)
        if (str_is(s, *words))
            return true;
    return false;
}

static bool is_null_word(str s)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL", NULL};
    return is_word(s, words);
}

static bool is_bool_word(str s, bool *ret)
{
    static const char *const yes[] = {"true", "True", "TRUE", NULL};
    static const char *const no[] = {"false", "False", "FALSE", NULL};
    *ret = is_word(s, yes);
    return *ret || is_word(s, no);
}

bool yaml_is_null(const struct yaml_node *n)
{
    return n->kind == YAML_SCALAR && n->plain && is_null_word(n->text);
}

enum number { NO_NUMBER, INTEGER, REAL };

static size_t count_digits(str s, size_t from)
{
    size_t n = 0;
    while (from + n < s.n && s.p[from + n] >= '0' && s.p[from + n] <= '9')
        n++;
    return n;
}

/* [-+]? digits (. digits?)? ([eE] [-+]? digits)? without a leading zero before another digit */
static enum number number_of(str s)
{
    size_t at = s.n && (s.p[0] == '-' || s.p[0] == '+') ? 1 : 0, whole = count_digits(s, at);
    enum number kind = INTEGER;
    if (!whole || (whole > 1 && s.p[at] == '0'))
        return NO_NUMBER;
    at += whole;
    if (at < s.n && s.p[at] == '.') {
        kind = REAL;
        at++;
        at += count_digits(s, at);
    }
    if (at < s.n && (s.p[at] == 'e' || s.p[at] == 'E')) {
        kind = REAL;
        at++;
        if (at < s.n && (s.p[at] == '-' || s.p[at] == '+'))
            at++;
        size_t digits = count_digits(s, at);
        if (!digits)
            return NO_NUMBER;
        at += digits;
    }
    return at == s.n ? kind : NO_NUMBER;
}

static json_t *number_to_json(const struct yaml_node *n, enum number kind, struct err *err)
{
    int64_t i;
    str digits = n->text.p[0] == '+' ? str_sub(n->text, 1, n->text.n) : n->text;
    if (kind == INTEGER && num_parse_int(digits, &i))
        return json_integer(i);
    auto_free char *text = str_dup(digits);
    double d = kind == REAL ? strtod(text, NULL) : HUGE_VAL;
    if (isfinite(d))
        return json_real(d);
    err_at(err, "invalid_yaml", n->at, "the number does not fit into 64 bits");
    err_hint(err, "put it in \"quotes\" if it is a text, such as a commit");
    return NULL;
}

static json_t *scalar_to_json(const struct yaml_node *n, struct err *err)
{
    bool truth;
    enum number kind = n->plain ? number_of(n->text) : NO_NUMBER;
    if (yaml_is_null(n))
        return json_null();
    if (n->plain && is_bool_word(n->text, &truth))
        return json_boolean(truth);
    if (kind != NO_NUMBER)
        return number_to_json(n, kind, err);
    return json_stringn(n->text.p, n->text.n);
}

json_t *yaml_to_json(const struct yaml_node *n, struct err *err)
{
    if (n->kind == YAML_SCALAR)
        return scalar_to_json(n, err);
    json_t *all = n->kind == YAML_LIST ? json_array() : json_object();
    for (uint32_t i = 0; i < n->n; i++) {
        json_t *item = yaml_to_json(n->items[i], err);
        if (!item) {
            json_decref(all);
            return NULL;
        }
        if (n->kind == YAML_LIST)
            json_array_append_new(all, item);
        else
            json_object_setn_new(all, n->keys[i]->text.p, n->keys[i]->text.n, item);
    }
    return all;
}

bool yaml_check_keys(const struct yaml_node *map, const char *what, const char *const *names,
                     struct err_list *errors)
{
    str known[64];
    size_t n = 0, before = errors->n;
    for (; names[n] && n < 64; n++)
        known[n] = str_of(names[n]);
    for (uint32_t i = 0; i < map->n; i++) {
        const struct yaml_node *key = map->keys[i];
        if (is_word(key->text, names))
            continue;
        struct err *e = err_list_add(errors);
        err_at(e, "unknown_field", key->at, "%s has no key '%.*s'", what, STR_ARG(key->text));
        long near = str_nearest(key->text, known, n);
        auto_buf all = BUF(1 << 16);
        for (size_t k = 0; k < n; k++)
            buf_addf(&all, "%s%s", k ? ", " : "", names[k]);
        if (near >= 0)
            err_hint(e, "did you mean '%s'?", names[near]);
        else
            err_hint(e, "the keys are %s", buf_c(&all));
    }
    return errors->n == before;
}

const char *yaml_describe(const struct yaml_node *n)
{
    bool truth;
    if (n->kind != YAML_SCALAR)
        return n->kind == YAML_LIST ? "a list" : "a mapping";
    if (yaml_is_null(n))
        return "null";
    if (n->plain && is_bool_word(n->text, &truth))
        return "true or false";
    return n->plain && number_of(n->text) != NO_NUMBER ? "a number" : "a text";
}
