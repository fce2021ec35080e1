/* val: the one value of the machine: a tag and eight bytes, 16 in all, passed by value.
 * Small values stand in it; everything else is an object on a struct heap (heap.h).
 * Knows nothing of files, steps or plans: objects of other folders join through struct obj_class.
 */
#ifndef VALUE_VAL_H
#define VALUE_VAL_H
#include "base/str.h"
#include <stdint.h>

enum val_kind {
    V_UNBOUND, /* internal: no value (unassigned local, argument not given); never seen by programs
                */
    V_NONE,
    V_BOOL,
    V_INT,
    V_FLOAT,
    V_ELLIPSIS,
    V_TYPE,   /* a built-in type or exception class: const struct type_info, static */
    V_NATIVE, /* a native function: const struct native_def, static */
    /* From here on: objects on the heap. */
    V_STR,
    V_TUPLE,
    V_LIST,
    V_DICT,
    V_SET,
    V_FROZENSET,
    V_RANGE,
    V_SLICE,
    V_VIEW,   /* dict.keys(), .values(), .items() */
    V_ITER,   /* every iterator but a generator */
    V_EXC,    /* an exception instance */
    V_METHOD, /* a native method bound to its self */
    V_FUNC,   /* vm/: closure */
    V_GEN,    /* vm/: generator */
    V_CELL,   /* vm/: captured variable */
    V_OBJECT, /* an object of another folder, with its struct obj_class */
    V_BACK,   /* internal: bytes shared by strings, arrays of containers */
    V_KIND_COUNT
};

struct heap;
struct obj;
struct type_info;
struct native_def;

typedef struct val {
    uint32_t kind;
    uint32_t aux; /* free for the machine; ignored by every comparison */
    union {
        bool b;
        int64_t i;
        double f;
        struct obj *o;
        struct str_obj *s;
        struct tuple_obj *tuple;
        struct list_obj *list;
        struct dict_obj *dict;
        struct set_obj *set;
        struct range_obj *range;
        struct slice_obj *slice;
        struct iter_obj *iter;
        struct exc_obj *exc;
        struct method_obj *method;
        struct object *object;
        const struct type_info *type;
        const struct native_def *native;
        void *any;
    };
} val;
_Static_assert(sizeof(val) == 16, "a val is 16 bytes");

#define VAL_UNBOUND ((val){.kind = V_UNBOUND})
#define VAL_NONE ((val){.kind = V_NONE})
#define VAL_TRUE ((val){.kind = V_BOOL, .i = 1})
#define VAL_FALSE ((val){.kind = V_BOOL, .i = 0})
#define VAL_ELLIPSIS ((val){.kind = V_ELLIPSIS})
static inline val val_bool(bool b)
{
    return (val){.kind = V_BOOL, .i = b}; /* the whole word, so that a bool reads as an int */
}
static inline val val_int(int64_t i)
{
    return (val){.kind = V_INT, .i = i};
}
static inline val val_float(double f)
{
    return (val){.kind = V_FLOAT, .f = f};
}
static inline val val_obj(enum val_kind kind, void *o)
{
    return (val){.kind = kind, .any = o};
}
static inline val val_type(const struct type_info *t)
{
    return (val){.kind = V_TYPE, .type = t};
}
static inline val val_native(const struct native_def *n)
{
    return (val){.kind = V_NATIVE, .native = n};
}
/* By words: a value is mostly written in two parts, and a copy as one of 16 bytes would have to
 * wait until both have left the processor's store buffer. */
static inline void val_copy(val *to, const val *from)
{
    uint64_t words[2];
    memcpy(words, from, sizeof words);
    __asm__("" : "+r"(words[0]), "+r"(words[1]));
    memcpy(to, words, sizeof words);
}
static inline bool val_is_obj(val v)
{
    return v.kind >= V_STR;
}
/* bool counts as int, as in Python. */
static inline bool val_is_int(val v)
{
    return v.kind == V_INT || v.kind == V_BOOL;
}
static inline bool val_is_unbound(val v)
{
    return v.kind == V_UNBOUND;
}

/* ---- objects ---- */

enum {
    OBJ_FROZEN = 1,
    OBJ_RECORD = 2, /* dict: fields are attributes too, before methods */
    OBJ_MARKUP = 4, /* str of a template: not escaped again */
};

struct obj {
    uint8_t kind; /* enum val_kind; 0 in a free cell */
    uint8_t mark;
    uint8_t flags;
    uint8_t pad;
    uint32_t bytes; /* size of the cell, for accounting */
};

/* Untrusted extents of a string, in bytes, sorted, not touching. A string without taint is
 * trusted. A string that is untrusted as a whole has one extent over all of it. */
struct taint {
    struct obj h; /* V_BACK */
    uint32_t n;
    uint32_t at[][2]; /* [from, to) */
};

/* Text, immutable, valid UTF-8. p points behind the header, or into `back`, which several strings
 * may share: appending to the last of them writes into the spare room, so that s = s + x is
 * linear. NUL-terminated only by accident: use n. */
struct str_obj {
    struct obj h;
    uint32_t n;      /* bytes */
    uint32_t points; /* code points; == n: ASCII */
    uint64_t hash;   /* 0 until it is asked for */
    struct taint *taint;
    struct str_back *back;
    const char *p;
    char inline_data[];
};

struct tuple_obj {
    struct obj h;
    uint32_t n;
    uint32_t pad;
    val at[];
};

struct list_obj {
    struct obj h;
    uint32_t n, cap;
    val *at; /* array owned by the list, accounted to the heap */
};

struct dict_entry {
    val key; /* V_UNBOUND: removed */
    val value;
    uint64_t hash;
};
/* Insertion ordered; entries compact, with an index above 8 entries. */
struct dict_obj {
    struct obj h;
    uint32_t n, used, cap; /* live, with removed ones, room */
    uint32_t mask;         /* slots of the index - 1; 0 without an index */
    uint32_t version;      /* raised when keys come or go: iterators see it */
    uint32_t first;        /* no entry before it is live */
    uint32_t found;        /* what the last lookup found, if it is still that: a hint */
    struct dict_entry *entries;
    uint32_t *index; /* of table.c */
};

/* The same table without values. */
struct set_entry {
    val key;
    uint64_t hash;
};
struct set_obj {
    struct obj h; /* V_SET or V_FROZENSET */
    uint32_t n, used, cap;
    uint32_t mask;
    uint32_t version;
    uint32_t first;
    uint32_t found;
    struct set_entry *entries;
    uint32_t *index;
};

struct range_obj {
    struct obj h;
    int64_t start, stop, step, n; /* n: how many; step is never 0 */
};

struct slice_obj {
    struct obj h;
    val low, high, step;
};

struct exc_obj {
    struct obj h;
    const struct type_info *type;
    val args;                  /* a tuple */
    val cause;                 /* V_UNBOUND where there is none; VAL_NONE after `from None` */
    val context;               /* the exception being handled when this one was raised */
    struct trace_entry *trace; /* places it passed, innermost first; owned */
    uint32_t trace_count, trace_cap;
    val extra; /* of classes with more than args (JSONDecodeError, StepFailed, KeyError...) */
};
struct trace_entry {
    uint32_t source, offset, length; /* diag's pos */
    val function;                    /* V_FUNC, or V_UNBOUND for a module */
};

struct method_obj {
    struct obj h;
    const struct native_def *def;
    val self;
};

/* ---- types ---- */

/* A built-in type or exception class. All of them are static and immutable. */
struct type_info {
    const char *name;
    const struct type_info *base; /* of exception classes; bool's is int */
    int kind;                     /* enum val_kind of instances; V_EXC for exception classes */
    const struct native_def *construct; /* what calling the type does; NULL: not callable */
    const struct native_def *methods;   /* ends with a row without a name; NULL: none */
};

/* The type of a value (for isinstance, type(), error messages); objects of other folders have one
 * in their class. */
const struct type_info *val_type_of(val v);
/* "int", "NoneType", "builtin_function_or_method": CPython's names. */
const char *val_type_name(val v);
/* The same as CPython's errors of one argument have it: None stands for its type. */
const char *val_argument_name(val v);
bool type_is_subclass(const struct type_info *t, const struct type_info *of);

/* ---- native functions ---- */

enum native_flags {
    NATIVE_VARARGS = 1,  /* args[max] is a tuple of further positional arguments */
    NATIVE_KWARGS = 2,   /* the last of args is a dict of further keyword arguments */
    NATIVE_DECIDES = 4,  /* deferred arguments are decided (awaited) before the call: len, sorted */
    NATIVE_DEFERS = 8,   /* with a deferred argument the call becomes a deferred value: str, int */
    NATIVE_CALLS = 16,   /* calls back into the machine (key functions, iterators) */
    NATIVE_MUTATES = 32, /* changes its self: refused on frozen and deferred values */
    NATIVE_CLASS =
        64, /* method of the type itself: dict.fromkeys; args[0] is the type or instance */
    NATIVE_PARSED = 128, /* words its arity errors as CPython's PyArg_ParseTuple does */
    NATIVE_SPARSE = 512, /* with KWARGS: V_UNBOUND instead of a dict where no keyword is given */
    NATIVE_TYPE = 256,   /* a type's construct: words its arity errors as types do */
};

/* One row says all. args[0] is self for methods. Arguments not given are V_UNBOUND; args may be
 * overwritten. Returns false with a fault in the heap (heap.h). A native that may await must not
 * have changed anything before it decides: it is called again, whole, when the value is there. */
struct native_def {
    const char *name;
    bool (*fn)(struct heap *h, val *args, val *ret);
    uint8_t min, max;        /* positional-or-keyword arguments, without self */
    uint8_t positional_only; /* how many of them cannot be named; max: all */
    uint8_t keyword_only;    /* how many further named ones stand in names after max */
    uint16_t flags;
    const char *const *names; /* max + keyword_only names; NULL where all are positional only */
    const char *signature;    /* "(sep=None, maxsplit=-1)": for documentation and stubs */
    const char *doc;
};
/* Where arguments stand in args: [self] max positional, [tuple if VARARGS], keyword_only, [dict if
 * KWARGS]. */

/* ---- objects of other folders ---- */

struct object {
    struct obj h; /* V_OBJECT */
    const struct obj_class *class;
};

struct call_args { /* of a call, borrowed */
    const val *at;
    uint32_t n;
    const val *names; /* V_STR each */
    const val *named; /* values of the names */
    uint32_t named_count;
};

/* What an object of another folder does in the language. A NULL hook means that it cannot, with
 * CPython's TypeError. Hooks return false with a fault. Static and immutable. */
struct obj_class {
    struct type_info type;
    bool (*getattr)(struct heap *h, struct object *o, str name, val *ret);
    /* ret is untouched where the name is unknown and the hook returns true with V_UNBOUND. */
    bool (*call)(struct heap *h, struct object *o, const struct call_args *args, val *ret);
    bool (*getitem)(struct heap *h, struct object *o, val key, val *ret);
    /* op is an enum binary_op of ops.h; o may stand on either side (a or b). */
    bool (*binary)(struct heap *h, int op, val a, val b, val *ret);
    bool (*unary)(struct heap *h, int op, val a, val *ret);
    bool (*compare)(struct heap *h, int op, val a, val b, val *ret);
    bool (*truth)(struct heap *h, struct object *o, bool *ret);
    bool (*iter)(struct heap *h, struct object *o, val *ret);
    /* The concrete value of a deferred one; FAULT_AWAIT while it is unknown. A class that has this
     * hook is deferred: truth, iteration, len, is, in, hashing and all of NATIVE_DECIDES use it. */
    bool (*decide)(struct heap *h, struct object *o, val *ret);
    /* A call of a NATIVE_DEFERS builtin with a deferred argument; of a method, self stands first
     * among the args. */
    bool (*defer_call)(struct heap *h, const struct native_def *def, const struct call_args *args,
                       val *ret);
    /* f"{o!c:spec}", format(o, spec): ret is a str or again deferred. spec may be deferred too. */
    bool (*format)(struct heap *h, val o, char conversion, val spec, val *ret);
    /* Joins parts (strs and deferred values): an f-string. */
    bool (*concat)(struct heap *h, const val *parts, uint32_t n, val *ret);
    bool (*repr)(struct heap *h, struct object *o, val *ret);
    /* str() and len(), where str is not repr. */
    bool (*str)(struct heap *h, struct object *o, val *ret);
    bool (*len)(struct heap *h, struct object *o, int64_t *ret);
    bool (*hash)(struct heap *h, struct object *o, uint64_t *ret); /* NULL: as compare has it */
    bool hashes_by_class; /* all its objects are equal, and so are their hashes */
    void (*trace)(struct heap *h, struct object *o); /* heap_mark what it holds */
    void (*free)(struct heap *h, struct object *o);  /* what it owns outside of the heap */
    /* Names for "did you mean" and dir-like tools: fills at most max; returns how many there are.
     */
    size_t (*names)(struct heap *h, struct object *o, str *ret, size_t max);
};

static inline bool val_is_object_of(val v, const struct obj_class *class)
{
    return v.kind == V_OBJECT && v.object->class == class;
}
static inline bool val_is_deferred(val v)
{
    return v.kind == V_OBJECT && v.object->class->decide != NULL;
}

#endif
