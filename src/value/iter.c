#include "value/iter.h"
#include "base/utf8.h"
#include "value/list.h"
#include "value/ops.h"
#include "value/table_int.h"
#include "value/text.h"
#include "value/types.h"
#include "value/view.h"

#define ITER_TYPE(name)                \
    {                                  \
        name, NULL, V_ITER, NULL, NULL \
    }
static const struct type_info own_types[] = {
    [ITER_LIST] = ITER_TYPE("list_iterator"),
    [ITER_TUPLE] = ITER_TYPE("tuple_iterator"),
    [ITER_STR] = ITER_TYPE("str_iterator"),
    [ITER_RANGE] = ITER_TYPE("range_iterator"),
    [ITER_DICT_KEYS] = ITER_TYPE("dict_keyiterator"),
    [ITER_DICT_VALUES] = ITER_TYPE("dict_valueiterator"),
    [ITER_DICT_ITEMS] = ITER_TYPE("dict_itemiterator"),
    [ITER_SET] = ITER_TYPE("set_iterator"),
    [ITER_LIST_REVERSED] = ITER_TYPE("list_reverseiterator"),
    [ITER_DICT_KEYS_REVERSED] = ITER_TYPE("dict_reversekeyiterator"),
    [ITER_DICT_VALUES_REVERSED] = ITER_TYPE("dict_reversevalueiterator"),
    [ITER_DICT_ITEMS_REVERSED] = ITER_TYPE("dict_reverseitemiterator"),
    [ITER_CALL] = ITER_TYPE("callable_iterator"),
};
static const struct type_info type_str_ascii_iterator = ITER_TYPE("str_ascii_iterator");

const struct type_info *iter_type(const struct iter_obj *it)
{
    static const struct type_info *const named[ITER_KIND_COUNT] = {
        [ITER_REVERSED] = &type_reversed, [ITER_ENUMERATE] = &type_enumerate,
        [ITER_ZIP] = &type_zip,           [ITER_ZIP_STRICT] = &type_zip,
        [ITER_MAP] = &type_map,           [ITER_FILTER] = &type_filter,
    };
    if (named[it->which])
        return named[it->which];
    if (it->which == ITER_STR && it->step)
        return &type_str_ascii_iterator;
    return &own_types[it->which];
}

/* ---- making ---- */

static struct iter_obj *iter_new(struct heap *h, enum iter_kind which, uint32_t held, val *ret)
{
    struct iter_obj *it = heap_new(h, V_ITER, sizeof *it + held * sizeof it->held[0]);
    if (!it)
        return NULL;
    it->which = which;
    it->held_count = held;
    *ret = val_obj(V_ITER, it);
    return it;
}

static struct iter_obj *iter_over(struct heap *h, enum iter_kind which, val v, val *ret)
{
    struct iter_obj *it = iter_new(h, which, 1, ret);
    if (it)
        it->held[0] = v;
    return it;
}

static bool iter_table(struct heap *h, enum iter_kind which, val v, val *ret)
{
    const struct table *t = (const struct table *)v.o;
    struct iter_obj *it = iter_over(h, which, v, ret);
    if (!it)
        return false;
    it->expect = t->version;
    it->start_n = t->n;
    it->at = which >= ITER_DICT_KEYS_REVERSED ? t->used : 0;
    return true;
}

static bool iter_range(struct heap *h, const struct range_obj *r, bool reversed, val *ret)
{
    struct iter_obj *it = iter_new(h, ITER_RANGE, 0, ret);
    if (!it)
        return false;
    it->left = r->n;
    it->at = r->start;
    it->step = r->step;
    if (reversed && r->n) {
        it->at = (int64_t)((uint64_t)r->start + (uint64_t)(r->n - 1) * (uint64_t)r->step);
        it->step = (int64_t)(0 - (uint64_t)r->step);
    }
    return true;
}

bool val_iter(struct heap *h, val v, val *ret)
{
    struct iter_obj *it;

    switch ((enum val_kind)v.kind) {
    case V_LIST:
        return iter_over(h, ITER_LIST, v, ret) != NULL;
    case V_TUPLE:
        return iter_over(h, ITER_TUPLE, v, ret) != NULL;
    case V_STR:
        it = iter_over(h, ITER_STR, v, ret);
        if (it)
            it->step = text_is_ascii(v.s);
        return it != NULL;
    case V_RANGE:
        return iter_range(h, v.range, false, ret);
    case V_DICT:
        return iter_table(h, ITER_DICT_KEYS, v, ret);
    case V_SET:
    case V_FROZENSET:
        return iter_table(h, ITER_SET, v, ret);
    case V_VIEW:
        return iter_table(h, ITER_DICT_KEYS + view_of(v)->which, val_obj(V_DICT, view_of(v)->dict),
                          ret);
    case V_ITER:
    case V_GEN:
        *ret = v;
        return true;
    case V_OBJECT:
        if (v.object->class->decide)
            return val_decide(h, v, &v) && val_iter(h, v, ret);
        if (v.object->class->iter)
            return v.object->class->iter(h, v.object, ret);
        break;
    default:
        break;
    }
    return heap_raise(h, &exc_TypeError, "'%s' object is not iterable", val_type_name(v));
}

bool iter_reversed(struct heap *h, val v, val *ret)
{
    struct iter_obj *it;

    if (!val_decide(h, v, &v))
        return false;
    switch ((enum val_kind)v.kind) {
    case V_LIST:
        it = iter_over(h, ITER_LIST_REVERSED, v, ret);
        if (it)
            it->at = v.list->n;
        return it != NULL;
    case V_TUPLE:
        it = iter_over(h, ITER_REVERSED, v, ret);
        if (it)
            it->at = v.tuple->n;
        return it != NULL;
    case V_STR:
        it = iter_over(h, ITER_REVERSED, v, ret);
        if (it)
            it->at = v.s->n;
        return it != NULL;
    case V_RANGE:
        return iter_range(h, v.range, true, ret);
    case V_DICT:
        return iter_table(h, ITER_DICT_KEYS_REVERSED, v, ret);
    case V_VIEW:
        return iter_table(h, ITER_DICT_KEYS_REVERSED + view_of(v)->which,
                          val_obj(V_DICT, view_of(v)->dict), ret);
    default:
        return heap_raise(h, &exc_TypeError, "'%s' object is not reversible", val_type_name(v));
    }
}

bool iter_enumerate(struct heap *h, val iterable, int64_t start, val *ret)
{
    val inner;
    if (!val_iter(h, iterable, &inner))
        return false;
    struct iter_obj *it = iter_over(h, ITER_ENUMERATE, inner, ret);
    if (it)
        it->at = start;
    return it != NULL;
}

/* Slots `from` on become the iterators of n iterables. */
static bool hold_iterators(struct heap *h, struct iter_obj *it, uint32_t from, const val *iterables,
                           uint32_t n)
{
    heap_hold(h, val_obj(V_ITER, it));
    bool ok = true;
    for (uint32_t i = 0; ok && i < n; i++)
        ok = val_iter(h, iterables[i], &it->held[from + i]);
    heap_release(h, 1);
    return ok;
}

bool iter_zip(struct heap *h, const val *iterables, uint32_t n, bool strict, val *ret)
{
    struct iter_obj *it = iter_new(h, strict ? ITER_ZIP_STRICT : ITER_ZIP, n, ret);
    return it && hold_iterators(h, it, 0, iterables, n);
}

bool iter_map(struct heap *h, val fn, const val *iterables, uint32_t n, val *ret)
{
    struct iter_obj *it = iter_new(h, ITER_MAP, n + 1, ret);
    if (!it)
        return false;
    it->held[0] = fn;
    return hold_iterators(h, it, 1, iterables, n);
}

bool iter_filter(struct heap *h, val fn, val iterable, val *ret)
{
    /* held[2]: the element whose verdict is awaited, so that asking again does not lose it. */
    struct iter_obj *it = iter_new(h, ITER_FILTER, 3, ret);
    if (!it)
        return false;
    it->held[0] = fn;
    return hold_iterators(h, it, 1, &iterable, 1);
}

static bool is_callable(val v)
{
    return v.kind == V_FUNC || v.kind == V_TYPE || v.kind == V_NATIVE || v.kind == V_METHOD ||
           (v.kind == V_OBJECT && v.object->class->call);
}

bool iter_call(struct heap *h, val fn, val sentinel, val *ret)
{
    if (!is_callable(fn))
        return heap_raise(h, &exc_TypeError, "iter(v, w): v must be callable");
    struct iter_obj *it = iter_new(h, ITER_CALL, 2, ret);
    if (!it)
        return false;
    it->held[0] = fn;
    it->held[1] = sentinel;
    return true;
}

uint32_t iter_hint(val iterator)
{
    if (iterator.kind != V_ITER)
        return 0;
    const struct iter_obj *it = iterator.iter;
    switch (it->which) {
    case ITER_RANGE:
        return it->left < 1 << 20 ? (uint32_t)it->left : 1 << 20;
    case ITER_DICT_KEYS:
    case ITER_DICT_VALUES:
    case ITER_DICT_ITEMS:
    case ITER_SET:
        return it->at == 0 ? it->start_n : 0;
    default:
        return 0;
    }
}

/* ---- next ---- */

static bool next_text(struct heap *h, struct iter_obj *it, val *ret)
{
    val text = it->held[0];
    size_t from = (size_t)it->at, to = from;
    if (it->which == ITER_REVERSED) {
        if (from == 0)
            return true;
        utf8_prev(text_str(text), &from);
        it->at = (int64_t)from;
    } else {
        if (from >= text.s->n)
            return true;
        if (it->step) { /* ASCII: the byte is the index, and most are interned */
            it->at++;
            return text_at(h, text, from, ret);
        }
        utf8_next(text_str(text), &to);
        it->at = (int64_t)to;
    }
    return text_slice_bytes(h, text, from, to, ret);
}

static bool table_changed(struct heap *h, const struct table *t, const struct iter_obj *it)
{
    if (!table_is_dict(t))
        return heap_raise(h, &exc_RuntimeError, "Set changed size during iteration");
    return heap_raise(h, &exc_RuntimeError,
                      t->n == it->start_n ? "dictionary keys changed during iteration"
                                          : "dictionary changed size during iteration");
}

/* The next key, behind which a dict's value stands; NULL in ret_entry when exhausted. */
static bool next_entry(struct heap *h, struct iter_obj *it, const val **ret_entry)
{
    const struct table *t = (const struct table *)it->held[0].o;
    bool reversed = it->which >= ITER_DICT_KEYS_REVERSED;

    *ret_entry = NULL;
    if (t->version != it->expect)
        return table_changed(h, t, it);
    uint32_t i = reversed ? table_prev(t, (uint32_t)it->at) : table_next(t, (uint32_t)it->at);
    if (i == TABLE_NONE) {
        it->held[0] = VAL_UNBOUND;
        return true;
    }
    it->at = reversed ? i : i + 1;
    *ret_entry = table_key(t, i);
    return true;
}

static bool next_table(struct heap *h, struct iter_obj *it, val *ret)
{
    const val *entry;
    if (!next_entry(h, it, &entry))
        return false;
    if (!entry)
        return true;
    switch (it->which) {
    case ITER_DICT_VALUES:
    case ITER_DICT_VALUES_REVERSED:
        *ret = entry[1];
        return true;
    case ITER_DICT_ITEMS:
    case ITER_DICT_ITEMS_REVERSED:
        return tuple_from(h, entry, 2, ret);
    default:
        *ret = entry[0];
        return true;
    }
}

static bool next_reversed(struct heap *h, struct iter_obj *it, val *ret)
{
    val v = it->held[0];
    if (v.kind == V_STR)
        return next_text(h, it, ret);
    if (v.kind == V_LIST && it->at > v.list->n)
        it->at = 0;
    if (it->at == 0) {
        it->held[0] = VAL_UNBOUND;
        return true;
    }
    it->at--;
    *ret = v.kind == V_LIST ? v.list->at[it->at] : v.tuple->at[it->at];
    return true;
}

/* at[0] is V_UNBOUND when exhausted. */
static bool enumerate_pair(struct heap *h, struct iter_obj *it, val *at)
{
    bool past_end = it->left != 0; /* the last number has been given */
    at[0] = VAL_UNBOUND;
    if (!val_next(h, it->held[0], &at[1]))
        return false;
    if (val_is_unbound(at[1]))
        return true;
    at[0] = val_int(it->at);
    it->left = __builtin_add_overflow(it->at, 1, &it->at);
    return !past_end || heap_raise(h, &exc_OverflowError,
                                   "integer overflow: the result does not fit in 64 bits");
}

static bool next_enumerate(struct heap *h, struct iter_obj *it, val *ret)
{
    val pair[2];
    return enumerate_pair(h, it, pair) && (val_is_unbound(pair[0]) || tuple_from(h, pair, 2, ret));
}

static bool zip_mismatch(struct heap *h, uint32_t at, const char *word)
{
    if (at == 1)
        return heap_raise(h, &exc_ValueError, "zip() argument 2 is %s than argument 1", word);
    return heap_raise(h, &exc_ValueError, "zip() argument %u is %s than arguments 1-%u", at + 1,
                      word, at);
}

/* All must end together: the first has ended, so no other may go on. */
static bool zip_check_ends(struct heap *h, struct iter_obj *it)
{
    for (uint32_t i = 1; i < it->held_count; i++) {
        val v;
        if (!val_next(h, it->held[i], &v))
            return false;
        if (!val_is_unbound(v))
            return zip_mismatch(h, i, "longer");
    }
    return true;
}

static bool next_zip(struct heap *h, struct iter_obj *it, val *ret)
{
    val tuple;
    if (it->held_count == 0)
        return true;
    if (!tuple_new(h, it->held_count, &tuple))
        return false;
    heap_hold(h, tuple);
    bool ok = true;
    uint32_t i = 0;
    for (; ok && i < it->held_count; i++) {
        val *slot = &tuple.tuple->at[i], v;
        ok = heap_charge(h, 1) && val_next(h, it->held[i], &v);
        if (!ok || val_is_unbound(v))
            break;
        *slot = v;
    }
    heap_release(h, 1);
    if (!ok)
        return false;
    if (i == it->held_count)
        *ret = tuple;
    else if (it->which == ITER_ZIP_STRICT)
        return i ? zip_mismatch(h, i, "shorter") : zip_check_ends(h, it);
    return true;
}

static bool zip_pair(struct heap *h, struct iter_obj *it, val *at)
{
    if (!heap_charge(h, 1) || !val_next(h, it->held[0], &at[0]))
        return false;
    if (val_is_unbound(at[0]))
        return true;
    heap_hold(h, at[0]);
    bool ok = heap_charge(h, 1) && val_next(h, it->held[1], &at[1]);
    heap_release(h, 1);
    if (ok && val_is_unbound(at[1]))
        at[0] = VAL_UNBOUND;
    return ok;
}

bool iter_next_pair(struct heap *h, struct iter_obj *it, val *at)
{
    const val *entry;
    at[0] = VAL_UNBOUND;
    if (it->which == ITER_ENUMERATE)
        return enumerate_pair(h, it, at);
    if (it->which == ITER_ZIP)
        return zip_pair(h, it, at);
    if (val_is_unbound(it->held[0]))
        return true;
    if (!next_entry(h, it, &entry))
        return false;
    if (entry) {
        at[0] = entry[0];
        at[1] = entry[1];
    }
    return true;
}

enum { MAP_ON_STACK = 8 };

static bool next_map(struct heap *h, struct iter_obj *it, val *ret)
{
    uint32_t n = it->held_count - 1, held = 0;
    val few[MAP_ON_STACK];
    auto_free val *many = n > MAP_ON_STACK ? mem_realloc_array(NULL, n, sizeof *many) : NULL;
    val *args = many ? many : few;
    bool ok = true;

    for (; ok && held < n; held++) {
        ok = heap_charge(h, 1) && val_next(h, it->held[held + 1], &args[held]);
        if (!ok || val_is_unbound(args[held]))
            break;
        heap_hold(h, args[held]);
    }
    if (ok && held == n)
        ok = val_call(h, it->held[0], args, n, ret);
    heap_release(h, held);
    return ok;
}

static bool next_filter(struct heap *h, struct iter_obj *it, val *ret)
{
    val *element = &it->held[2];
    for (;;) {
        bool keep;
        val verdict;
        if (!heap_charge(h, 1))
            return false;
        if (val_is_unbound(*element) && !val_next(h, it->held[1], element))
            return false;
        if (val_is_unbound(*element))
            return true;
        if (it->held[0].kind == V_NONE)
            verdict = *element;
        else if (!val_call(h, it->held[0], element, 1, &verdict))
            return false;
        if (!val_truth(h, verdict, &keep))
            return false;
        val v = *element;
        *element = VAL_UNBOUND;
        if (keep) {
            *ret = v;
            return true;
        }
    }
}

static bool next_call(struct heap *h, struct iter_obj *it, val *ret)
{
    val v;
    bool end;
    if (!val_call(h, it->held[0], NULL, 0, &v) || !val_equal(h, v, it->held[1], &end))
        return false;
    if (end)
        it->held[0] = VAL_UNBOUND;
    else
        *ret = v;
    return true;
}

static bool next_other(struct heap *h, struct iter_obj *it, val *ret)
{
    if (it->held_count && val_is_unbound(it->held[0]))
        return true;
    switch ((enum iter_kind)it->which) {
    case ITER_STR:
        return next_text(h, it, ret);
    case ITER_LIST_REVERSED:
    case ITER_REVERSED:
        return next_reversed(h, it, ret);
    case ITER_ENUMERATE:
        return next_enumerate(h, it, ret);
    case ITER_ZIP:
    case ITER_ZIP_STRICT:
        return next_zip(h, it, ret);
    case ITER_MAP:
        return next_map(h, it, ret);
    case ITER_FILTER:
        return next_filter(h, it, ret);
    case ITER_CALL:
        return next_call(h, it, ret);
    default:
        return next_table(h, it, ret);
    }
}

bool val_next(struct heap *h, val iterator, val *ret)
{
    if (iterator.kind != V_ITER) {
        if (iterator.kind == V_GEN)
            return h->resume(h, iterator, ret);
        return heap_raise(h, &exc_TypeError, "'%s' object is not an iterator",
                          val_type_name(iterator));
    }
    struct iter_obj *it = iterator.iter;
    *ret = VAL_UNBOUND;
    switch (it->which) {
    case ITER_RANGE:
        if (it->left > 0) {
            *ret = val_int(it->at);
            /* Behind the last one the sum may leave 64 bits; nobody reads it then. */
            it->at = (int64_t)((uint64_t)it->at + (uint64_t)it->step);
            it->left--;
        }
        return true;
    case ITER_LIST:
        if (it->held[0].kind == V_LIST) {
            if (it->at < it->held[0].list->n)
                *ret = it->held[0].list->at[it->at++];
            else
                it->held[0] = VAL_UNBOUND; /* stays exhausted, also when the list grows */
        }
        return true;
    case ITER_TUPLE:
        if (it->held[0].kind == V_TUPLE && it->at < it->held[0].tuple->n)
            *ret = it->held[0].tuple->at[it->at++];
        return true;
    default:
        return next_other(h, it, ret);
    }
}
