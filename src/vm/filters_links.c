/* urlize: addresses in a text as links. */
#include "base/utf8.h"
#include "base/vec.h"
#include "value/dict.h"
#include "value/list.h"
#include "value/ops.h"
#include "value/text.h"
#include "vm/filters_int.h"
#include <strings.h>

struct linker {
    struct heap *heap;
    int64_t limit; /* of the shown address; below 0: none */
    struct buf attributes;
    val schemes;
    struct buf out;
};

static bool is_word(int c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (c & 0x80);
}

static bool is_alpha(int c)
{
    return (c | 32) >= 'a' && (c | 32) <= 'z';
}

static bool is_label(str s, size_t least, size_t most)
{
    if (utf8_length(s) < least || utf8_length(s) > most)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (!is_word(s.p[i]) && s.p[i] != '%' && s.p[i] != '-')
            return false;
    return true;
}

static bool starts_folded(str s, const char *prefix)
{
    size_t n = strlen(prefix);
    return s.n >= n && strncasecmp(s.p, prefix, n) == 0;
}

static bool is_tld(str s)
{
    if (starts_folded(s, "xn--")) {
        str rest = str_sub(s, 4, SIZE_MAX);
        bool ok = utf8_length(rest) >= 2 && utf8_length(rest) <= 59;
        for (size_t i = 0; i < rest.n; i++)
            ok = ok && (is_word(rest.p[i]) || rest.p[i] == '%');
        if (ok)
            return true;
    }
    for (size_t i = 0; i < s.n; i++)
        if (!is_alpha(s.p[i]))
            return false;
    return s.n >= 2 && s.n <= 63;
}

static bool is_basic_tld(str s)
{
    static const char *const names[] = {"com", "net", "int", "edu", "gov", "org", "info", "mil"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (s.n == strlen(names[i]) && strncasecmp(s.p, names[i], s.n) == 0)
            return true;
    return false;
}

static bool is_ipv4(str s)
{
    str part;
    int n = 0;
    while (str_next(&s, '.', &part)) {
        for (size_t i = 0; i < part.n; i++)
            if (part.p[i] < '0' || part.p[i] > '9')
                return false;
        if (part.n < 1 || part.n > 3)
            return false;
        n++;
    }
    return n == 4;
}

static bool labels(str host, size_t least, bool need, bool (*last)(str s))
{
    size_t dot = str_rfind_byte(host, '.');
    if (dot == SIZE_MAX)
        return !need && last(host);
    if (!last(str_sub(host, dot + 1, SIZE_MAX)))
        return false;
    str rest = str_sub(host, 0, dot), one;
    bool any = false;
    while (str_next(&rest, '.', &one)) {
        if (!is_label(one, least, least > 1 ? 63 : SIZE_MAX))
            return false;
        any = true;
    }
    return any;
}

/* [a:b:...] */
static size_t ipv6_end(str s)
{
    int colons = 0;
    if (!s.n || s.p[0] != '[')
        return 0;
    for (size_t i = 1; i < s.n; i++) {
        if (s.p[i] == ']')
            return colons >= 2 ? i + 1 : 0;
        if (s.p[i] == ':')
            colons++;
        else if (!((s.p[i] >= '0' && s.p[i] <= '9') ||
                   ((s.p[i] | 32) >= 'a' && (s.p[i] | 32) <= 'f')))
            return 0;
    }
    return 0;
}

static bool is_address(str s)
{
    size_t scheme = starts_folded(s, "https://") ? 8 : starts_folded(s, "http://") ? 7 : 0;
    str rest = str_sub(s, scheme, SIZE_MAX);
    size_t end = scheme ? ipv6_end(rest) : 0;
    bool v6 = end > 0;
    while (!v6 && end < rest.n && !strchr(":/?#", rest.p[end]))
        end++;
    str host = str_sub(rest, 0, end);
    bool www = starts_folded(host, "www.");
    bool ok = v6 || (scheme && (labels(host, 1, false, is_tld) || is_ipv4(host))) ||
              (www && labels(str_sub(host, 4, SIZE_MAX), 1, false, is_tld)) ||
              labels(host, 2, true, is_basic_tld);
    if (!ok)
        return false;
    if (end < rest.n && rest.p[end] == ':') {
        size_t from = ++end;
        while (end < rest.n && rest.p[end] >= '0' && rest.p[end] <= '9')
            end++;
        if (end == from || end - from > 5)
            return false;
    }
    return end == rest.n || strchr("/?#", rest.p[end]);
}

/* ^\S+@\w[\w.-]*\.\w+$ */
static bool is_email(str s)
{
    size_t at = str_rfind_byte(s, '@');
    if (at == SIZE_MAX || at == 0)
        return false;
    str host = str_sub(s, at + 1, SIZE_MAX);
    size_t dot = str_rfind_byte(host, '.');
    if (dot == SIZE_MAX || dot == 0 || dot + 1 == host.n || !is_word(host.p[0]))
        return false;
    for (size_t i = 0; i < host.n; i++)
        if (!is_word(host.p[i]) && (i > dot || (host.p[i] != '.' && host.p[i] != '-')))
            return false;
    return true;
}

static void add_shown(struct linker *l, str address)
{
    if (l->limit < 0 || (int64_t)utf8_length(address) <= l->limit) {
        buf_add_str(&l->out, address);
        return;
    }
    buf_add_str(&l->out, str_sub(address, 0, utf8_offset(address, (size_t)l->limit)));
    buf_add_c(&l->out, "...");
}

static void add_link(struct linker *l, const char *scheme, str address, bool trims, bool attributes)
{
    buf_addf(&l->out, "<a href=\"%s", scheme);
    buf_add_str(&l->out, address);
    buf_add_byte(&l->out, '"');
    if (attributes)
        buf_add_str(&l->out, buf_str(&l->attributes));
    buf_add_byte(&l->out, '>');
    if (trims)
        add_shown(l, address);
    else
        buf_add_str(&l->out,
                    str_starts(address, STR("mailto:")) ? str_sub(address, 7, SIZE_MAX) : address);
    buf_add_c(&l->out, "</a>");
}

static void add_middle(struct linker *l, str s)
{
    if (is_address(s)) {
        bool scheme = str_starts(s, STR("https://")) || str_starts(s, STR("http://"));
        add_link(l, scheme ? "" : "https://", s, true, true);
    } else if (str_starts(s, STR("mailto:")) && is_email(str_sub(s, 7, SIZE_MAX))) {
        add_link(l, "", s, false, false);
    } else if (!str_starts(s, STR("www.")) && str_find_byte(s, ':', 0) == SIZE_MAX && is_email(s)) {
        add_link(l, "mailto:", s, false, false);
    } else {
        for (uint32_t i = 0; l->schemes.kind == V_LIST && i < l->schemes.list->n; i++) {
            str scheme = text_str(l->schemes.list->at[i]);
            if (s.n > scheme.n && str_starts(s, scheme)) {
                add_link(l, "", s, false, true);
                return;
            }
        }
        buf_add_str(&l->out, s);
    }
}

static size_t count_of(str s, str what)
{
    size_t n = 0;
    for (size_t at = 0; (at = str_find(s, what, at)) != SIZE_MAX; at += what.n)
        n++;
    return n;
}

/* Closing characters behind an address belong to it as far as it opens them. */
static size_t balance(str word, size_t head, size_t end)
{
    static const str pairs[][2] = {{STR_INIT("("), STR_INIT(")")},
                                   {STR_INIT("<"), STR_INIT(">")},
                                   {STR_INIT("&lt;"), STR_INIT("&gt;")}};
    for (int i = 0; i < 3; i++) {
        str middle = str_sub(word, head, end);
        size_t open = count_of(middle, pairs[i][0]);
        if (open <= count_of(middle, pairs[i][1]))
            continue;
        while (open-- > 0) {
            size_t at = str_find(word, pairs[i][1], end);
            if (at == SIZE_MAX)
                break;
            end = at + pairs[i][1].n;
        }
    }
    return end;
}

static void add_word(struct linker *l, str word)
{
    size_t head = 0, end = word.n;
    for (;;) {
        str rest = str_sub(word, head, word.n);
        if (str_starts(rest, STR("(")) || str_starts(rest, STR("<")))
            head++;
        else if (str_starts(rest, STR("&lt;")))
            head += 4;
        else
            break;
    }
    for (;;) {
        str rest = str_sub(word, head, end);
        if (rest.n && strchr(")>.,", rest.p[rest.n - 1]) && rest.p[rest.n - 1])
            end--;
        else if (str_ends(rest, STR("&gt;")))
            end -= 4;
        else
            break;
    }
    end = balance(word, head, end);
    buf_add_str(&l->out, str_sub(word, 0, head));
    add_middle(l, str_sub(word, head, end));
    buf_add_str(&l->out, str_sub(word, end, word.n));
}

static bool is_space(int c)
{
    return c == ' ' || (c >= 9 && c <= 13) || (c >= 0x1c && c <= 0x1f);
}

static void add_words(struct linker *l, str text)
{
    for (size_t at = 0; at < text.n;) {
        size_t from = at;
        while (at < text.n && is_space(text.p[at]))
            at++;
        buf_add_str(&l->out, str_sub(text, from, at));
        from = at;
        while (at < text.n && !is_space(text.p[at]))
            at++;
        add_word(l, str_sub(text, from, at));
    }
}

/* rel="a b": the given words, nofollow and noopener, sorted. */
static bool add_rel(struct heap *h, struct linker *l, val rel, bool nofollow)
{
    val words, set, space, word;
    if (!text_new(h, STR(" "), &space) || !list_new(h, 0, &words) || !set_new(h, V_SET, 0, &set))
        return false;
    if (rel.kind == V_STR && !filter_method(h, rel, "split", NULL, 0, &words))
        return false;
    if (!text_new(h, STR("noopener"), &word) || !list_push(h, words.list, word))
        return false;
    if (nofollow && (!text_new(h, STR("nofollow"), &word) || !list_push(h, words.list, word)))
        return false;
    for (uint32_t i = 0; i < words.list->n; i++)
        if (!set_add(h, set.set, words.list->at[i]))
            return false;
    if (!val_to_list(h, set, &words) || !list_sort(h, words.list, VAL_NONE, false) ||
        !filter_method(h, space, "join", &words, 1, &word))
        return false;
    buf_add_c(&l->attributes, " rel=\"");
    markup_add_escaped(&l->attributes, text_str(word));
    buf_add_byte(&l->attributes, '"');
    return true;
}

bool filter_urlize(struct heap *h, val *args, val *ret)
{
    struct linker l = {.heap = h,
                       .limit = -1,
                       .schemes = VAL_UNBOUND,
                       .attributes = BUF(1 << 16),
                       .out = BUF(BUF_TEXT_MAX)};
    bool nofollow;
    val text;
    bool ok = (args[1].kind <= V_NONE || filter_int(h, args[1], -1, &l.limit)) &&
              filter_flag(h, args[2], false, &nofollow) && add_rel(h, &l, args[4], nofollow) &&
              (args[5].kind <= V_NONE || val_to_list(h, args[5], &l.schemes)) &&
              markup_escape(h, args[0], &text);
    for (uint32_t i = 0; ok && l.schemes.kind == V_LIST && i < l.schemes.list->n; i++)
        if (l.schemes.list->at[i].kind != V_STR)
            ok = heap_raise(h, &exc_TypeError, "expected string or bytes-like object, got '%s'",
                            val_type_name(l.schemes.list->at[i]));
    if (ok && args[3].kind == V_STR) {
        buf_add_c(&l.attributes, " target=\"");
        markup_add_escaped(&l.attributes, text_str(args[3]));
        buf_add_byte(&l.attributes, '"');
    }
    if (ok)
        add_words(&l, text_str(text));
    ok = ok && heap_charge(h, (int64_t)(l.out.n / 16)) &&
         (context_escapes(vm_of(h)) ? markup_from(h, buf_str(&l.out), ret)
                                    : text_new(h, buf_str(&l.out), ret));
    buf_done(&l.attributes);
    buf_done(&l.out);
    return ok;
}
