/* check: values for tests, written shortly; every helper fails the test where a fault comes up. */
#ifndef TESTS_VALUE_CHECK_H
#define TESTS_VALUE_CHECK_H
#include "value/dict.h"
#include "value/list.h"
#include "value/ops.h"
#include "value/text.h"
#include "value/types.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

/* The text of the fault, as a traceback ends: "TypeError: ...", or the code and message. */
static inline const char *fault_text(struct heap *h)
{
    static char text[512];
    struct fault *f = &h->fault;
    if (f->kind == FAULT_EXCEPTION) {
        val exc = f->value, message;
        heap_clear_fault(h);
        assert_true(val_str(h, exc, &message));
        snprintf(text, sizeof text, "%s: %.*s", exc.exc->type->name, STR_ARG(text_str(message)));
    } else {
        snprintf(text, sizeof text, "%s: %.*s", f->err.code ? f->err.code : "none",
                 STR_ARG(f->err.message));
        heap_clear_fault(h);
    }
    return text;
}

#define must(h, call)                                 \
    do {                                              \
        if (!(call))                                  \
            fail_msg("%s: %s", #call, fault_text(h)); \
    } while (0)
#define must_fail(h, call, text)                    \
    do {                                            \
        assert_false(call);                         \
        assert_string_equal(fault_text(h), (text)); \
    } while (0)

static inline val txt(struct heap *h, const char *c)
{
    val v;
    must(h, text_new(h, str_of(c), &v));
    return v;
}

/* The repr of a value, good until the next call but three. */
static inline const char *repr(struct heap *h, val v)
{
    static char texts[4][4096];
    static int at;
    val r;
    must(h, val_repr(h, v, &r));
    char *text = texts[at++ % 4];
    snprintf(text, sizeof texts[0], "%.*s", STR_ARG(text_str(r)));
    return text;
}
#define assert_repr(h, v, text) assert_string_equal(repr(h, v), (text))

/* v.name(...) */
static inline bool call_method(struct heap *h, val v, const char *name, const val *args, uint32_t n,
                               val *ret)
{
    val method;
    return val_getattr(h, v, str_of(name), &method) && val_call(h, method, args, n, ret);
}

static inline val ints(struct heap *h, const int64_t *at, uint32_t n)
{
    val v;
    must(h, list_new(h, n, &v));
    for (uint32_t i = 0; i < n; i++)
        must(h, list_push(h, v.list, val_int(at[i])));
    return v;
}
#define INTS(h, ...)                        \
    ints(h, (const int64_t[]){__VA_ARGS__}, \
         sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t))

#endif
