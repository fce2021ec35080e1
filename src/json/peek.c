#include "json/peek.h"

static bool member_is(const struct peek_member *m, const char *name, const json_t *value)
{
    return m->length == strlen(name) && strcmp(m->name, name) == 0 && m->value == value;
}

static bool object_is_known(json_t *text, json_t *number, json_t *array)
{
    static const char *const names[] = {"one", "the second", "3"};
    json_t *values[] = {text, number, array}, *object = json_object();
    size_t n = 0;
    for (size_t i = 0; i < 3; i++)
        json_object_set(object, names[2 - i], values[2 - i]);
    json_object_del(object, names[1]);
    json_object_set(object, names[1], values[1]);
    static const size_t order[] = {2, 0, 1};
    bool known = ((const struct peek_object *)object)->n == 3;
    known =
        known && json_object_iter(object) == (const void *)((struct peek_object *)object)->first;
    if (known)
        peek_each(m, object)
        {
            known = known && n < 3 && member_is(m, names[order[n]], values[order[n]]);
            n++;
            if (!known)
                break;
        }
    json_decref(object);
    return known && n == 3;
}

static bool layouts_are_known(void)
{
    size_t n = 0;
    json_t *text = json_stringn("a\0b", 3), *number = json_integer(-(INT64_C(1) << 40)),
           *array = json_array();
    json_array_append(array, text);
    json_array_append(array, number);
    bool known = peek_text(text).n == 3 && peek_text(text).p == json_string_value(text) &&
                 peek_int(number) == json_integer_value(number);
    known = known && peek_items(array, &n) && n == 2 && peek_items(array, &n)[1] == number &&
            object_is_known(text, number, array);
    json_decref(text);
    json_decref(number);
    json_decref(array);
    return known;
}

bool json_can_peek(void)
{
    static _Atomic int answer; /* 0: not tried, 1: no, 2: yes; trying twice does no harm */
    if (!answer)
        answer = sizeof(size_t) == 8 && layouts_are_known() ? 2 : 1;
    return answer == 2;
}
