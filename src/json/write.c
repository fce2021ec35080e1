/* Values as parts of documents. */
#include "value/dict.h"
#include "value/ops.h"
#include "value/text.h"
#include "value/types.h"
#include "json/value.h"

struct write_open {
    const struct obj *o;
    const struct write_open *outer;
};

static bool write_val(struct heap *h, struct json_writer *w, val v, const struct write_open *open);

static bool write_list(struct heap *h, struct json_writer *w, val v, const struct write_open *open)
{
    uint32_t n = v.kind == V_LIST ? v.list->n : v.tuple->n;
    const val *at = v.kind == V_LIST ? v.list->at : v.tuple->at;

    json_begin_array(w);
    for (uint32_t i = 0; i < n; i++)
        if (!write_val(h, w, at[i], open))
            return false;
    json_end_array(w);
    return true;
}

static bool write_dict(struct heap *h, struct json_writer *w, val v, const struct write_open *open)
{
    uint32_t at = 0;

    json_begin_object(w);
    for (struct dict_entry *e; (e = dict_next(v.dict, &at));) {
        if (e->key.kind != V_STR)
            return heap_raise(h, &exc_TypeError, "keys must be str here, not %s",
                              val_type_name(e->key));
        json_key(w, text_str(e->key));
        if (!write_val(h, w, e->value, open))
            return false;
    }
    json_end_object(w);
    return true;
}

static bool write_nested(struct heap *h, struct json_writer *w, val v,
                         const struct write_open *outer)
{
    struct write_open open = {v.o, outer};

    for (const struct write_open *o = outer; o; o = o->outer)
        if (o->o == v.o)
            return heap_raise(h, &exc_ValueError, "Circular reference detected");
    if (!heap_enter(h))
        return false;
    bool ok = v.kind == V_DICT ? write_dict(h, w, v, &open) : write_list(h, w, v, &open);
    heap_leave(h);
    return ok;
}

static bool write_val(struct heap *h, struct json_writer *w, val v, const struct write_open *open)
{
    if (!heap_charge(h, 1) || !val_decide(h, v, &v))
        return false;
    switch ((enum val_kind)v.kind) {
    case V_NONE:
        json_put_null(w);
        return true;
    case V_BOOL:
        json_put_bool(w, v.b);
        return true;
    case V_INT:
        json_put_int(w, v.i);
        return true;
    case V_FLOAT:
        json_put_double(w, v.f);
        return true;
    case V_STR:
        json_put_str(w, text_str(v));
        return heap_charge(h, v.s->n / 8);
    case V_LIST:
    case V_TUPLE:
    case V_DICT:
        return write_nested(h, w, v, open);
    default:
        return heap_raise(h, &exc_TypeError, "Object of type %s is not JSON serializable",
                          val_type_name(v));
    }
}

bool json_write_val(struct heap *h, struct json_writer *w, val v)
{
    return write_val(h, w, v, NULL);
}
