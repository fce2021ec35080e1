/* What the files of filters and tests share. A filter is a native whose self is the value before
 * the bar; a test returns a bool. */
#ifndef VM_FILTERS_INT_H
#define VM_FILTERS_INT_H
#include "vm/template_int.h"

extern const struct native_def filters_text[], filters_sequence[], filters_order[],
    filters_select[], filters_numbers[], filters_html[], filters_schema[], template_tests[];

/* "a.b.0" of an item, as Jinja2's attribute= has it; default_value may be unbound. */
bool filter_attribute(struct heap *h, val item, val attribute, val default_value,
                      val *ret) must_use;
/* item.attribute, or the item itself where attribute is unbound or None; without case: strs are
 * lowered. */
bool filter_key(struct heap *h, val item, val attribute, bool with_case, val *ret) must_use;
/* A method of str, by its name. */
bool filter_method(struct heap *h, val self, const char *name, const val *args, uint32_t n,
                   val *ret) must_use;
/* A builtin of the language, by its name. */
bool filter_builtin(struct heap *h, const char *name, const val *args, uint32_t n,
                    val *ret) must_use;
/* Truth of an argument; `otherwise` where it was not given. */
bool filter_flag(struct heap *h, val v, bool otherwise, bool *ret) must_use;
/* An int argument; TypeError otherwise. */
bool filter_int(struct heap *h, val v, int64_t otherwise, int64_t *ret) must_use;
/* soft_str: the value as a str, markup as it is. */
bool filter_text(struct heap *h, val v, val *ret) must_use;
/* The same, and markup where `like` is. */
bool filter_text_like(struct heap *h, val like, str text, val *ret) must_use;
/* An iterator over a list, which stands for Jinja2's generators. */
bool filter_generator(struct heap *h, val list, val *ret) must_use;
/* What a name that a program computed does: map("upper"), select("odd"). */
bool filter_call(struct heap *h, bool test, val name, val value, const struct call_args *args,
                 val *ret) must_use;

/* ---- filters_wrap.c, filters_links.c ---- */
bool filter_wordwrap(struct heap *h, val *args, val *ret);
bool filter_urlize(struct heap *h, val *args, val *ret);

/* ---- html.c ---- */
/* Without what stands from begin to end, both included. */
void html_cut(str text, str begin, str end, struct buf *out);
/* As Python's html.unescape. */
void html_unescape(str text, struct buf *out);
/* Of filters_html.c: also a method of markup. */
bool filter_striptags(struct heap *h, val *args, val *ret);

#endif
