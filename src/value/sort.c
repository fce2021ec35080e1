/* sort: list.sort and sorted: a stable merge sort that uses the runs it finds, as CPython's does.
 */
#include "value/list.h"
#include "value/ops_int.h"
#include "value/text.h"
#include "value/types.h"

enum {
    RUN_MIN = 32,     /* shorter runs are filled up by insertion */
    RUNS_MAX = 64,    /* lengths on the stack grow like Fibonacci numbers */
    CHARGE_EVERY = 4, /* elements moved for one instruction */
};

/* How the elements are ordered: one kind for all of them allows the quick comparisons. */
enum order { ORDER_INT, ORDER_FLOAT, ORDER_TEXT, ORDER_TUPLE, ORDER_ANY };

struct sorter {
    struct heap *heap;
    enum order order;
    val *at;
    val *spare; /* half as many */
    struct run {
        uint32_t from, n;
    } runs[RUNS_MAX];
    uint32_t run_count;
};

/* Tuples are mostly told apart by their first elements. */
static bool less_tuple(struct sorter *s, val a, val b, bool *ret)
{
    if (a.tuple->n && b.tuple->n) {
        val x = a.tuple->at[0], y = b.tuple->at[0];
        if (x.kind == V_INT && y.kind == V_INT && x.i != y.i) {
            *ret = x.i < y.i;
            return true;
        }
        if (x.kind == V_STR && y.kind == V_STR) {
            int order = str_cmp(text_str(x), text_str(y));
            if (order) {
                *ret = order < 0;
                return true;
            }
        }
    }
    return val_less(s->heap, a, b, ret);
}

/* a < b. Only ORDER_TUPLE and ORDER_ANY can fail. */
static inline __attribute__((always_inline)) bool less(struct sorter *s, enum order order, val a,
                                                       val b, bool *ret)
{
    switch (order) {
    case ORDER_INT:
        *ret = a.i < b.i;
        return true;
    case ORDER_FLOAT:
        *ret = a.f < b.f;
        return true;
    case ORDER_TEXT:
        *ret = str_cmp(text_str(a), text_str(b)) < 0;
        return true;
    case ORDER_TUPLE:
        return less_tuple(s, a, b, ret);
    default:
        return val_less(s->heap, a, b, ret);
    }
}

/* Length of the run at `from`, which is ascending afterwards; 0 with a fault. */
static inline __attribute__((always_inline)) uint32_t find_run(struct sorter *s, enum order order,
                                                               uint32_t from, uint32_t to)
{
    uint32_t i = from + 1;
    bool down, is_less;

    if (i == to)
        return 1;
    if (!less(s, order, s->at[i], s->at[from], &down))
        return 0;
    for (i++; i < to; i++) {
        if (!less(s, order, s->at[i], s->at[i - 1], &is_less))
            return 0;
        if (is_less != down)
            break;
    }
    if (down) /* strictly, so that turning it round keeps equal elements in order */
        for (uint32_t a = from, b = i - 1; a < b; a++, b--) {
            val v = s->at[a];
            s->at[a] = s->at[b];
            s->at[b] = v;
        }
    return i - from;
}

/* Sorts [from, to), of which [from, sorted) is in order. */
static inline __attribute__((always_inline)) bool insert_into_run(struct sorter *s,
                                                                  enum order order, uint32_t from,
                                                                  uint32_t sorted, uint32_t to)
{
    for (uint32_t i = sorted; i < to; i++) {
        val v = s->at[i];
        uint32_t low = from, high = i;
        while (low < high) {
            uint32_t mid = low + (high - low) / 2;
            bool is_less;
            if (!less(s, order, v, s->at[mid], &is_less))
                return false;
            if (is_less)
                high = mid;
            else
                low = mid + 1;
        }
        memmove(s->at + low + 1, s->at + low, (i - low) * sizeof v);
        s->at[low] = v;
    }
    return true;
}

/* Merges two neighbouring runs, the left one of which fits into spare. On a fault every element is
 * still there. */
static inline __attribute__((always_inline)) bool merge_left(struct sorter *s, enum order order,
                                                             struct run x, struct run y)
{
    val *to = s->at + x.from, *a = s->spare, *a_end = a + x.n;
    val *b = s->at + y.from, *b_end = b + y.n;
    bool ok = true;

    memcpy(s->spare, to, x.n * sizeof *to);
    while (a < a_end && b < b_end) {
        bool is_less;
        ok = less(s, order, *b, *a, &is_less);
        if (!ok)
            break;
        *to++ = is_less ? *b++ : *a++;
    }
    memcpy(to, a, (size_t)(a_end - a) * sizeof *to);
    return ok;
}

/* The same from the end, where the right one is the shorter. */
static inline __attribute__((always_inline)) bool merge_right(struct sorter *s, enum order order,
                                                              struct run x, struct run y)
{
    val *begin_a = s->at + x.from, *a = begin_a + x.n, *begin_b = s->spare, *b = begin_b + y.n;
    val *to = s->at + y.from + y.n;
    bool ok = true;

    memcpy(s->spare, s->at + y.from, y.n * sizeof *to);
    while (a > begin_a && b > begin_b) {
        bool is_less;
        ok = less(s, order, b[-1], a[-1], &is_less);
        if (!ok)
            break;
        *--to = is_less ? *--a : *--b;
    }
    size_t left = (size_t)(b - begin_b);
    memcpy(to - left, begin_b, left * sizeof *to);
    return ok;
}

static inline __attribute__((always_inline)) bool merge_at(struct sorter *s, enum order order,
                                                           uint32_t i)
{
    struct run x = s->runs[i], y = s->runs[i + 1];
    bool in_order;

    s->runs[i].n += y.n;
    s->run_count--;
    for (uint32_t k = i + 1; k < s->run_count; k++)
        s->runs[k] = s->runs[k + 1];
    if (!heap_charge(s->heap, ((int64_t)x.n + y.n) / CHARGE_EVERY) ||
        !less(s, order, s->at[y.from], s->at[y.from - 1], &in_order))
        return false;
    if (!in_order) /* nothing to do: the right one begins where the left one ends */
        return true;
    return x.n <= y.n ? merge_left(s, order, x, y) : merge_right(s, order, x, y);
}

/* Keeps each run longer than the two above it together, so that merges are of like lengths. */
static inline __attribute__((always_inline)) bool merge_runs(struct sorter *s, enum order order,
                                                             bool all)
{
    while (s->run_count > 1) {
        const struct run *r = s->runs;
        uint32_t i = s->run_count - 2;
        bool too_long = (i > 0 && r[i - 1].n <= r[i].n + r[i + 1].n) ||
                        (i > 1 && r[i - 2].n <= r[i - 1].n + r[i].n);
        if (!all && !too_long && r[i].n > r[i + 1].n)
            return true;
        if (i > 0 && (all || too_long) && r[i - 1].n < r[i + 1].n)
            i--;
        if (!merge_at(s, order, i))
            return false;
    }
    return true;
}

static inline __attribute__((always_inline)) bool sort_all(struct sorter *s, enum order order,
                                                           uint32_t n)
{
    for (uint32_t from = 0; from < n;) {
        uint32_t run = find_run(s, order, from, n);
        if (!run || !heap_charge(s->heap, run / CHARGE_EVERY + 1))
            return false;
        if (run < RUN_MIN) {
            uint32_t want = n - from < RUN_MIN ? n - from : RUN_MIN;
            if (!heap_charge(s->heap, want) ||
                !insert_into_run(s, order, from, from + run, from + want))
                return false;
            run = want;
        }
        s->runs[s->run_count++] = (struct run){from, run};
        from += run;
        if (!merge_runs(s, order, false))
            return false;
    }
    return merge_runs(s, order, true);
}

static enum order common_order(const val *at, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (at[i].kind != at[0].kind)
            return ORDER_ANY;
    return n == 0                  ? ORDER_ANY
           : at[0].kind == V_INT   ? ORDER_INT
           : at[0].kind == V_FLOAT ? ORDER_FLOAT
           : at[0].kind == V_STR   ? ORDER_TEXT
           : at[0].kind == V_TUPLE ? ORDER_TUPLE
                                   : ORDER_ANY;
}

/* Sorts n values in place; on a fault they are in some order, none lost. */
static bool sort_values(struct heap *h, val *at, uint32_t n)
{
    struct sorter s = {.heap = h, .at = at, .order = common_order(at, n)};
    size_t spare_bytes = (n / 2 + 1) * sizeof *at;
    bool ok;

    s.spare = heap_array(h, NULL, 0, spare_bytes);
    if (!s.spare)
        return false;
    switch (s.order) {
    case ORDER_INT:
        ok = sort_all(&s, ORDER_INT, n);
        break;
    case ORDER_FLOAT:
        ok = sort_all(&s, ORDER_FLOAT, n);
        break;
    case ORDER_TEXT:
        ok = sort_all(&s, ORDER_TEXT, n);
        break;
    case ORDER_TUPLE:
        ok = sort_all(&s, ORDER_TUPLE, n);
        break;
    default:
        ok = sort_all(&s, ORDER_ANY, n);
        break;
    }
    heap_array_free(h, s.spare, spare_bytes);
    return ok;
}

static void turn_round(val *at, uint32_t n)
{
    for (uint32_t a = 0, b = n; a + 1 < b; a++) {
        b--;
        val v = at[a];
        at[a] = at[b];
        at[b] = v;
    }
}

/* ---- keys ---- */

/* Sorts values by keys, whose aux holds where each value stood. */
static bool sort_by_keys(struct heap *h, struct list_obj *values, struct list_obj *keys)
{
    uint32_t n = values->n;
    for (uint32_t i = 0; i < n; i++)
        keys->at[i].aux = i;
    bool ok = sort_values(h, keys->at, n);
    val *sorted = heap_array(h, NULL, 0, n * sizeof *sorted);
    if (!sorted)
        return false;
    for (uint32_t i = 0; i < n; i++)
        sorted[i] = values->at[keys->at[i].aux];
    heap_array_free(h, values->at, values->cap * sizeof *sorted);
    values->at = sorted;
    values->cap = n;
    return ok;
}

static bool make_keys(struct heap *h, const struct list_obj *values, val fn, struct list_obj *keys)
{
    for (uint32_t i = 0; i < values->n; i++) {
        val key;
        if (!heap_charge(h, 1) || !val_call(h, fn, &values->at[i], 1, &key) ||
            !val_decide(h, key, &key) || !list_push(h, keys, key))
            return false;
    }
    return true;
}

/* What may await or call goes first: the elements are decided while nothing has moved yet. */
static bool decide_elements(struct heap *h, struct list_obj *l)
{
    for (uint32_t i = 0; i < l->n; i++)
        if (val_is_deferred(l->at[i])) {
            val v;
            if (!val_decide(h, l->at[i], &v))
                return false;
            if (i < l->n)
                l->at[i] = v;
        }
    return true;
}

/* Sorts the elements in `own`, a list that programs cannot see. */
static bool sort_own(struct heap *h, struct list_obj *own, val key, bool reverse)
{
    val keys = VAL_NONE;
    bool ok = true;

    if (key.kind != V_NONE) {
        if (!list_new(h, own->n, &keys))
            return false;
        heap_hold(h, keys);
        ok = make_keys(h, own, key, keys.list);
        heap_release(h, 1);
        if (!ok)
            return false;
    }
    /* Turning both round twice keeps the order of equal elements. */
    if (reverse) {
        turn_round(own->at, own->n);
        if (keys.kind == V_LIST)
            turn_round(keys.list->at, keys.list->n);
    }
    heap_hold(h, keys);
    ok = keys.kind == V_LIST ? sort_by_keys(h, own, keys.list) : sort_values(h, own->at, own->n);
    heap_release(h, 1);
    if (reverse)
        turn_round(own->at, own->n);
    return ok;
}

bool list_sort(struct heap *h, struct list_obj *l, val key, bool reverse)
{
    val own;

    if (val_is_unbound(key))
        key = VAL_NONE;
    if ((key.kind == V_NONE && !decide_elements(h, l)) || !list_new(h, 0, &own))
        return false;
    if (l->n < 2 && key.kind == V_NONE)
        return true;
    /* Programs see an empty list meanwhile, and a change of it is an error, as in CPython. */
    own.list->at = l->at;
    own.list->n = l->n;
    own.list->cap = l->cap;
    l->at = NULL;
    l->n = l->cap = 0;
    heap_hold(h, own);
    heap_hold(h, val_obj(V_LIST, l));
    bool ok = sort_own(h, own.list, key, reverse);
    heap_release(h, 2);
    bool changed = l->at != NULL;
    heap_array_free(h, l->at, l->cap * sizeof *l->at);
    l->at = own.list->at;
    l->n = own.list->n;
    l->cap = own.list->cap;
    own.list->at = NULL;
    own.list->n = own.list->cap = 0;
    if (ok && changed)
        return heap_raise(h, &exc_ValueError, "list modified during sort");
    return ok;
}
