/* str.maketrans and str.translate. */
#include "base/utf8.h"
#include "value/dict.h"
#include "value/ops.h"
#include "value/str_int.h"
#include "value/text_int.h"
#include "value/types.h"

/* ---- maketrans ---- */

static bool table_from_dict(struct heap *h, const struct dict_obj *from, struct dict_obj *table)
{
    uint32_t at = 0;
    for (struct dict_entry *e; (e = dict_next(from, &at));) {
        val key = e->key;
        if (!heap_charge(h, 1))
            return false;
        if (key.kind == V_STR) {
            size_t first = 0;
            if (key.s->points != 1)
                return heap_raise(h, &exc_ValueError,
                                  "string keys in translate table must be of length 1");
            key = val_int(utf8_next(text_str(key), &first));
        } else if (!val_is_int(key)) {
            return heap_raise(h, &exc_TypeError,
                              "keys in translate table must be strings or integers");
        }
        if (!dict_set(h, table, key, e->value))
            return false;
    }
    return true;
}

static bool table_from_text(struct heap *h, str from, str to, struct dict_obj *table)
{
    for (size_t i = 0, k = 0; i < from.n;)
        if (!heap_charge(h, 1) ||
            !dict_set(h, table, val_int(utf8_next(from, &i)), val_int(utf8_next(to, &k))))
            return false;
    return true;
}

static bool check_text(struct heap *h, val v, int which)
{
    return v.kind == V_STR ||
           heap_raise(h, &exc_TypeError, "maketrans() argument %d must be str, not %s", which,
                      val_argument_name(v));
}

bool str_method_maketrans(struct heap *h, val *args, val *ret)
{
    val from = args[1], to = args[2], gone = args[3];

    if (!val_is_unbound(to) && !check_text(h, to, 2))
        return false;
    if (!val_is_unbound(gone) && !check_text(h, gone, 3))
        return false;
    if (!dict_new(h, 0, ret))
        return false;
    if (val_is_unbound(to)) {
        if (from.kind != V_DICT)
            return heap_raise(h, &exc_TypeError,
                              "if you give only one argument to maketrans it must be a dict");
        return table_from_dict(h, from.dict, ret->dict);
    }
    if (from.kind != V_STR)
        return heap_raise(
            h, &exc_TypeError,
            "first maketrans argument must be a string if there is a second argument");
    if (from.s->points != to.s->points)
        return heap_raise(h, &exc_ValueError,
                          "the first two maketrans arguments must have equal length");
    if (!table_from_text(h, text_str(from), text_str(to), ret->dict))
        return false;
    if (val_is_unbound(gone))
        return true;
    str dropped = text_str(gone);
    for (size_t i = 0; i < dropped.n;)
        if (!heap_charge(h, 1) ||
            !dict_set(h, ret->dict, val_int(utf8_next(dropped, &i)), VAL_NONE))
            return false;
    return true;
}

/* ---- translate ---- */

/* V_UNBOUND where the table has nothing for the character. */
static bool look_up(struct heap *h, val table, uint32_t cp, val *ret)
{
    if (table.kind == V_DICT)
        return dict_get(h, table.dict, val_int(cp), ret);
    if (val_getitem(h, table, val_int(cp), ret))
        return true;
    if (h->fault.kind != FAULT_EXCEPTION ||
        !type_is_subclass(h->fault.value.exc->type, &exc_LookupError))
        return false;
    heap_clear_fault(h);
    *ret = VAL_UNBOUND;
    return true;
}

static bool add_mapped(struct text_builder *b, val to, str original, bool *tainted)
{
    char bytes[4];

    if (val_is_unbound(to)) {
        text_builder_add(b, original);
        return true;
    }
    if (to.kind == V_NONE)
        return true;
    if (to.kind == V_STR) {
        *tainted = *tainted || !text_is_trusted(to);
        text_builder_add(b, text_str(to));
        return true;
    }
    if (!val_is_int(to))
        return heap_raise(b->heap, &exc_TypeError,
                          "character mapping must return integer, None or str");
    if (to.i < 0 || to.i > 0x10FFFF)
        return heap_raise(b->heap, &exc_ValueError, "character mapping must be in range(0x110000)");
    if (to.i >= 0xD800 && to.i <= 0xDFFF)
        return heap_refuse(b->heap, "not_supported", "a string holds whole characters only",
                           "the surrogate 0x%x is not a character", (unsigned)to.i);
    text_builder_add(b, str_make(bytes, utf8_put((uint32_t)to.i, bytes)));
    return true;
}

bool str_method_translate(struct heap *h, val *args, val *ret)
{
    auto_text_builder b;
    str s = text_str(args[0]);
    bool tainted = text_any_untrusted(args, 2);

    text_builder_init(&b, h);
    for (size_t at = 0; at < s.n && !b.bytes.overflow;) {
        size_t from = at;
        val to;
        if (!heap_charge(h, 1) || !look_up(h, args[1], utf8_next(s, &at), &to) ||
            !val_decide(h, to, &to) || !add_mapped(&b, to, str_sub(s, from, at), &tainted))
            return false;
    }
    return str_finish(&b, tainted, ret);
}
