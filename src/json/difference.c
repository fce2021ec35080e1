#include "json/json.h"

static bool in_object(const json_t *a, const json_t *b, struct buf *ret)
{
    const char *key;
    size_t key_len, length = ret->n;
    json_t *value;
    json_object_keylen_foreach((json_t *)(uintptr_t)a, key, key_len, value)
    {
        json_pointer_add(ret, str_make(key, key_len));
        if (json_difference(value, json_object_getn(b, key, key_len), ret))
            return true;
        buf_cut(ret, length, ret->n - length);
    }
    json_object_keylen_foreach((json_t *)(uintptr_t)b, key, key_len, value)
    {
        if (json_object_getn(a, key, key_len))
            continue;
        json_pointer_add(ret, str_make(key, key_len));
        return true;
    }
    return false;
}

static bool in_array(const json_t *a, const json_t *b, struct buf *ret)
{
    size_t na = json_array_size(a), nb = json_array_size(b), length = ret->n;
    for (size_t i = 0; i < na || i < nb; i++) {
        json_pointer_add_index(ret, i);
        if (json_difference(json_array_get(a, i), json_array_get(b, i), ret))
            return true;
        buf_cut(ret, length, ret->n - length);
    }
    return false;
}

bool json_difference(const json_t *a, const json_t *b, struct buf *ret)
{
    if (json_is_object(a) && json_is_object(b))
        return in_object(a, b, ret);
    if (json_is_array(a) && json_is_array(b))
        return in_array(a, b, ret);
    if (json_is_integer(a) != json_is_integer(b) && json_is_number(a) && json_is_number(b))
        return json_number_value(a) != json_number_value(b);
    return !json_equal(a, b);
}
