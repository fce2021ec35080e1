/* Filters for HTML, JSON and addresses. */
#include "base/utf8.h"
#include "value/dict.h"
#include "value/list.h"
#include "value/ops.h"
#include "value/text.h"
#include "vm/filters_int.h"
#include "json/value.h"

static bool filter_escape(struct heap *h, val *args, val *ret)
{
    return markup_escape(h, args[0], ret);
}

static bool filter_force(struct heap *h, val *args, val *ret)
{
    val text, plain;
    return filter_text(h, args[0], &text) && text_new(h, text_str(text), &plain) &&
           markup_escape(h, plain, ret);
}

static bool filter_safe(struct heap *h, val *args, val *ret)
{
    val text;
    return filter_text(h, args[0], &text) && markup_of(h, text, ret);
}

/* Text without tags, comments and entities, with single spaces. */
bool filter_striptags(struct heap *h, val *args, val *ret)
{
    val text;
    auto_buf one = BUF(BUF_TEXT_MAX), two = BUF(BUF_TEXT_MAX), three = BUF(BUF_TEXT_MAX);
    if (!filter_text(h, args[0], &text))
        return false;
    html_cut(text_str(text), STR("<!--"), STR("-->"), &one);
    html_cut(buf_str(&one), STR("<"), STR(">"), &two);
    val words, space;
    if (!text_new(h, buf_str(&two), &text) || !filter_method(h, text, "split", NULL, 0, &words) ||
        !text_new(h, STR(" "), &space) || !filter_method(h, space, "join", &words, 1, &text))
        return false;
    html_unescape(text_str(text), &three);
    return heap_charge(h, (int64_t)(three.n / 16)) && text_new(h, buf_str(&three), ret);
}

/* ---- tojson ---- */

static bool filter_tojson(struct heap *h, val *args, val *ret)
{
    val names[2], values[2] = {VAL_TRUE, args[1]}, text;
    struct call_args call = {args, 1, names, values, 1u + (args[1].kind > V_NONE)};
    auto_buf b = BUF(BUF_TEXT_MAX);
    if (val_is_undefined(args[0])) /* no type that JSON has */
        return heap_raise(h, &exc_TypeError, "Object of type %s is not JSON serializable",
                          val_type_name(args[0]));
    if (!text_new_interned(h, STR("sort_keys"), &names[0]) ||
        !text_new_interned(h, STR("indent"), &names[1]) ||
        !native_call(h, &json_module[0], VAL_UNBOUND, &call, &text))
        return false;
    str s = text_str(text);
    for (size_t i = 0; i < s.n; i++) {
        switch (s.p[i]) {
        case '<':
        case '>':
        case '&':
        case '\'':
            buf_addf(&b, "\\u%04x", (unsigned char)s.p[i]);
            break;
        default:
            buf_add_byte(&b, s.p[i]);
        }
    }
    return heap_charge(h, (int64_t)(s.n / 16)) && markup_from(h, buf_str(&b), ret);
}

/* ---- attributes and addresses ---- */

static bool check_key(struct heap *h, val key)
{
    if (key.kind != V_STR)
        return heap_raise(h, &exc_TypeError, "expected string or bytes-like object, got '%s'",
                          val_type_name(key));
    str s = text_str(key);
    for (size_t i = 0; i < s.n; i++)
        if (strchr(" \t\n\r\f\v/>=", s.p[i]) && s.p[i]) {
            val shown;
            return val_repr(h, key, &shown) &&
                   heap_raise(h, &exc_ValueError, "Invalid character in attribute name: %.*s",
                              STR_ARG(text_str(shown)));
        }
    return true;
}

static bool filter_xmlattr(struct heap *h, val *args, val *ret)
{
    auto_buf b = BUF(BUF_TEXT_MAX);
    struct dict_entry *e;
    uint32_t at = 0;
    bool space;
    if (val_is_undefined(args[0]))
        return undefined_raise(h, args[0]);
    if (args[0].kind != V_DICT)
        return heap_raise(h, &exc_AttributeError, "'%s' object has no attribute 'items'",
                          val_type_name(args[0]));
    if (!filter_flag(h, args[1], true, &space))
        return false;
    while ((e = dict_next(args[0].dict, &at))) {
        val key, value;
        if (e->value.kind == V_NONE || val_is_undefined(e->value))
            continue;
        if (!check_key(h, e->key) || !markup_escape(h, e->key, &key) ||
            !markup_escape(h, e->value, &value) || !heap_charge(h, 1))
            return false;
        if (space || b.n)
            buf_add_byte(&b, ' ');
        buf_addf(&b, "%.*s=\"", STR_ARG(text_str(key)));
        buf_add_str(&b, text_str(value));
        buf_add_byte(&b, '"');
    }
    return context_escapes(vm_of(h)) ? markup_from(h, buf_str(&b), ret)
                                     : text_new(h, buf_str(&b), ret);
}

static void quote(str s, bool query, struct buf *b)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     (c && strchr("_.-~", c));
        if (plain || (!query && c == '/'))
            buf_add_byte(b, (char)c);
        else if (query && c == ' ')
            buf_add_byte(b, '+');
        else
            buf_addf(b, "%%%02X", c);
    }
}

static bool quote_pair(struct heap *h, val pair, struct buf *b)
{
    val items, key, value;
    if (!val_to_list(h, pair, &items))
        return false;
    if (items.list->n != 2)
        return items.list->n > 2
                   ? heap_raise(h, &exc_ValueError, "too many values to unpack (expected 2)")
                   : heap_raise(h, &exc_ValueError,
                                "not enough values to unpack (expected 2, got %u)", items.list->n);
    if (!val_str(h, items.list->at[0], &key) || !val_str(h, items.list->at[1], &value))
        return false;
    if (b->n)
        buf_add_byte(b, '&');
    quote(text_str(key), true, b);
    buf_add_byte(b, '=');
    quote(text_str(value), true, b);
    return heap_charge(h, 2);
}

static bool filter_urlencode(struct heap *h, val *args, val *ret)
{
    auto_buf b = BUF(BUF_TEXT_MAX);
    val v = args[0], items, text;
    bool iterable = v.kind == V_DICT || v.kind == V_LIST || v.kind == V_TUPLE || v.kind == V_SET ||
                    v.kind == V_ITER || v.kind == V_RANGE || v.kind == V_VIEW ||
                    val_is_undefined(v);
    if (!iterable) {
        if (!val_str(h, v, &text))
            return false;
        quote(text_str(text), false, &b);
        return text_new(h, buf_str(&b), ret);
    }
    if (v.kind == V_DICT) {
        val method;
        if (!val_getattr(h, v, STR("items"), &method) || !val_call(h, method, NULL, 0, &v))
            return false;
    }
    if (!val_to_list(h, v, &items))
        return false;
    for (uint32_t i = 0; i < items.list->n; i++)
        if (!quote_pair(h, items.list->at[i], &b))
            return false;
    return text_new(h, buf_str(&b), ret);
}

/* ---- the table ---- */

static const char *const json_names[] = {"indent"}, *const xml_names[] = {"autospace"},
                         *const url_names[] = {"trim_url_limit", "nofollow", "target", "rel",
                                               "extra_schemes"};
const struct native_def filters_html[] = {
    {"escape", filter_escape, 0, 0, 0, 0, 0, NULL, "()", "& < > ' \" as entities; markup stays."},
    {"e", filter_escape, 0, 0, 0, 0, 0, NULL, "()", "The same as escape."},
    {"forceescape", filter_force, 0, 0, 0, 0, 0, NULL, "()", "Escapes markup too."},
    {"safe", filter_safe, 0, 0, 0, 0, 0, NULL, "()", "As markup, which is not escaped."},
    {"striptags", filter_striptags, 0, 0, 0, 0, 0, NULL, "()", "Without tags, with single spaces."},
    {"tojson", filter_tojson, 0, 1, 0, 0, 0, json_names, "(indent=None)",
     "As JSON with sorted keys, safe within HTML."},
    {"xmlattr", filter_xmlattr, 0, 1, 0, 0, 0, xml_names, "(autospace=True)",
     "A mapping as attributes of a tag."},
    {"urlencode", filter_urlencode, 0, 0, 0, 0, 0, NULL, "()", "For an address, or its query."},
    {"urlize", filter_urlize, 0, 5, 0, 0, 0, url_names,
     "(trim_url_limit=None, nofollow=False, target=None, rel=None, extra_schemes=None)",
     "Addresses as links."},
    {0}};
