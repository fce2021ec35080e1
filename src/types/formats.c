/* The formats of JSON Schema that can be told from the text alone. */
#include "base/num.h"
#include "types/schema_int.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

static bool is_letter(char c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

/* Exactly n digits at *at, which moves behind them. */
static bool read_digits(str s, size_t *at, size_t n, int *ret)
{
    *ret = 0;
    for (size_t i = 0; i < n; i++, ++*at) {
        if (*at >= s.n || !is_digit(s.p[*at]))
            return false;
        *ret = *ret * 10 + (s.p[*at] - '0');
    }
    return true;
}

static bool read_char(str s, size_t *at, const char *wanted)
{
    if (*at >= s.n || !strchr(wanted, s.p[*at]) || !s.p[*at])
        return false;
    ++*at;
    return true;
}

static bool read_date(str s, size_t *at)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year, month, day;
    if (!read_digits(s, at, 4, &year) || !read_char(s, at, "-") || !read_digits(s, at, 2, &month) ||
        !read_char(s, at, "-") || !read_digits(s, at, 2, &day))
        return false;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1] + (month == 2 && leap);
}

static bool read_time(str s, size_t *at)
{
    int hour, minute, second, zone_hour = 0, zone_minute = 0, sign = 0;
    if (!read_digits(s, at, 2, &hour) || !read_char(s, at, ":") ||
        !read_digits(s, at, 2, &minute) || !read_char(s, at, ":") ||
        !read_digits(s, at, 2, &second))
        return false;
    if (read_char(s, at, ".")) {
        size_t from = *at;
        while (*at < s.n && is_digit(s.p[*at]))
            ++*at;
        if (*at == from)
            return false;
    }
    if (!read_char(s, at, "zZ")) {
        sign = *at < s.n && s.p[*at] == '-' ? -1 : 1;
        if (!read_char(s, at, "+-") || !read_digits(s, at, 2, &zone_hour) ||
            !read_char(s, at, ":") || !read_digits(s, at, 2, &zone_minute))
            return false;
    }
    if (hour > 23 || minute > 59 || second > 60 || zone_hour > 23 || zone_minute > 59)
        return false;
    /* A leap second is the last one of a day in UTC. */
    int utc = hour * 60 + minute - sign * (zone_hour * 60 + zone_minute);
    return second < 60 || (utc + 2880) % 1440 == 1439;
}

static bool is_date(str s)
{
    size_t at = 0;
    return read_date(s, &at) && at == s.n;
}

static bool is_time(str s)
{
    size_t at = 0;
    return read_time(s, &at) && at == s.n;
}

static bool is_date_time(str s)
{
    size_t at = 0;
    return read_date(s, &at) && read_char(s, &at, "tT") && read_time(s, &at) && at == s.n;
}

/* P3Y6M4DT12H30M5S, units in order and without gaps, or weeks alone. */
static bool is_duration(str s)
{
    static const char date_units[] = "YMD", time_units[] = "HMS";
    const char *units = date_units;
    size_t at = 1, last = 0;
    bool any = false, after_t = false, open = false;

    if (s.n < 2 || s.p[0] != 'P')
        return false;
    while (at < s.n) {
        if (s.p[at] == 'T') {
            if (after_t)
                return false;
            after_t = open = true;
            units = time_units;
            last = 0;
            at++;
            continue;
        }
        size_t from = at;
        while (at < s.n && is_digit(s.p[at]))
            at++;
        if (at == from || at == s.n)
            return false;
        if (s.p[at] == 'W')
            return !any && !after_t && at + 1 == s.n;
        const char *unit = strchr(units, s.p[at++]);
        size_t rank = unit ? (size_t)(unit - units) + 1 : 0;
        if (!rank || rank <= last || (last && rank != last + 1))
            return false;
        last = rank;
        any = true;
        open = false;
    }
    return any && !open;
}

static bool is_ipv4(str s)
{
    str part;
    int parts = 0;
    size_t dots = 0;
    for (size_t i = 0; i < s.n; i++)
        dots += s.p[i] == '.';
    while (str_next(&s, '.', &part)) {
        int64_t n;
        if (!part.n || part.n > 3 || !is_digit(part.p[0]) || (part.n > 1 && part.p[0] == '0') ||
            !num_parse_int(part, &n) || n > 255)
            return false;
        parts++;
    }
    return parts == 4 && dots == 3;
}

static bool is_ipv6(str s)
{
    int groups = 0;
    bool gap = false;
    size_t at = 0;

    if (str_starts(s, STR("::"))) {
        gap = true;
        at = 2;
    }
    while (at < s.n) {
        str rest = str_sub(s, at, s.n);
        if (!str_has(rest, STR(":")) && str_has(rest, STR("."))) {
            groups += 2;
            return is_ipv4(rest) && (gap ? groups < 8 : groups == 8);
        }
        size_t from = at;
        while (at < s.n && is_hex(s.p[at]))
            at++;
        if (at == from || at - from > 4)
            return false;
        groups++;
        if (at == s.n)
            break;
        if (s.p[at++] != ':' || at == s.n)
            return at > 2 && gap && at == s.n && s.p[at - 1] == ':' && s.p[at - 2] == ':';
        if (s.p[at] == ':') {
            if (gap)
                return false;
            gap = true;
            at++;
        }
    }
    return gap ? groups < 8 : groups == 8;
}

static bool is_uuid(str s)
{
    if (s.n != 36)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? s.p[i] != '-' : !is_hex(s.p[i]))
            return false;
    }
    return true;
}

static bool is_hostname(str s)
{
    str label;
    if (!s.n || s.n > 253 || s.p[s.n - 1] == '.')
        return false;
    while (str_next(&s, '.', &label)) {
        if (!label.n || label.n > 63 || label.p[0] == '-' || label.p[label.n - 1] == '-')
            return false;
        if (label.n > 3 && label.p[2] == '-' && label.p[3] == '-')
            return false; /* A-labels would need IDNA's tables to be judged */
        for (size_t i = 0; i < label.n; i++)
            if (!is_letter(label.p[i]) && !is_digit(label.p[i]) && label.p[i] != '-')
                return false;
    }
    return true;
}

static bool is_local_part(str s, bool international)
{
    if (s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"') {
        for (size_t i = 1; i + 1 < s.n; i++)
            if (s.p[i] == '"' || (s.p[i] == '\\' && ++i + 1 >= s.n))
                return false;
        return true;
    }
    for (size_t i = 0; i < s.n; i++) {
        bool dot = s.p[i] == '.';
        if (dot && (i == 0 || i + 1 == s.n || s.p[i + 1] == '.'))
            return false;
        bool known = is_letter(s.p[i]) || is_digit(s.p[i]) || dot ||
                     (s.p[i] && strchr("!#$%&'*+-/=?^_`{|}~", s.p[i]));
        if (!known && !(international && (unsigned char)s.p[i] >= 0x80))
            return false;
    }
    return s.n > 0 && s.n <= 64;
}

static bool is_mail(str s, bool international)
{
    size_t sign = str_rfind_byte(s, '@');
    if (sign == SIZE_MAX)
        return false;
    str host = str_sub(s, sign + 1, s.n), local = str_sub(s, 0, sign);
    bool literal = host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']';
    if (literal) {
        str inside = str_sub(host, 1, host.n - 1);
        bool six = str_starts(inside, STR("IPv6:"));
        if (!(six ? is_ipv6(str_sub(inside, 5, inside.n)) : is_ipv4(inside)))
            return false;
    }
    bool foreign = false;
    for (size_t i = 0; i < host.n; i++)
        foreign |= (unsigned char)host.p[i] >= 0x80;
    return is_local_part(local, international) &&
           (literal || (international && foreign) || is_hostname(host));
}

static bool is_email(str s)
{
    return is_mail(s, false);
}

static bool is_idn_email(str s)
{
    return is_mail(s, true);
}

/* ---- URIs ---- */

static bool is_uri_text(str s, bool international, const char *more)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '%') {
            if (i + 2 >= s.n || !is_hex(s.p[i + 1]) || !is_hex(s.p[i + 2]))
                return false;
            i += 2;
        } else if (!is_letter(c) && !is_digit(c) && (!c || !strchr("-._~!$&'()*+,;=:@", c)) &&
                   (!c || !strchr(more, c)) && !(international && (unsigned char)c >= 0x80)) {
            return false;
        }
    }
    return true;
}

static bool is_authority(str s, bool international)
{
    size_t sign = str_rfind_byte(s, '@');
    str host = s;
    if (sign != SIZE_MAX) {
        host = str_sub(s, sign + 1, s.n);
        str user = str_sub(s, 0, sign);
        if (str_has(user, STR("@")) || !is_uri_text(user, international, ""))
            return false;
    }
    if (host.n && host.p[0] == '[') {
        size_t end = str_find_byte(host, ']', 0);
        if (end == SIZE_MAX || !is_ipv6(str_sub(host, 1, end)))
            return false;
        host = str_sub(host, end + 1, host.n);
        if (host.n && host.p[0] != ':')
            return false;
    }
    size_t colon = str_rfind_byte(host, ':');
    for (size_t i = colon == SIZE_MAX ? host.n : colon + 1; i < host.n; i++)
        if (!is_digit(host.p[i]))
            return false;
    str name = str_sub(host, 0, colon);
    return !str_has(name, STR(":")) && is_uri_text(name, international, "");
}

static bool is_reference(str s, bool absolute, bool international)
{
    size_t hash = str_find_byte(s, '#', 0), colon;
    bool has_scheme;

    if (hash != SIZE_MAX && !is_uri_text(str_sub(s, hash + 1, s.n), international, "/?"))
        return false;
    s = str_sub(s, 0, hash);
    size_t mark = str_find_byte(s, '?', 0);
    if (mark != SIZE_MAX && !is_uri_text(str_sub(s, mark + 1, s.n), international, "/?"))
        return false;
    s = str_sub(s, 0, mark);
    colon = str_find_byte(s, ':', 0);
    has_scheme = colon != SIZE_MAX && colon < str_find_byte(s, '/', 0);
    if (has_scheme) {
        if (!colon || !is_letter(s.p[0]))
            return false;
        for (size_t i = 0; i < colon; i++)
            if (!is_letter(s.p[i]) && !is_digit(s.p[i]) && !strchr("+-.", s.p[i]))
                return false;
        s = str_sub(s, colon + 1, s.n);
    }
    if (absolute && !has_scheme)
        return false;
    if (str_starts(s, STR("//"))) {
        size_t end = str_find_byte(s, '/', 2);
        if (!is_authority(str_sub(s, 2, end), international))
            return false;
        s = str_sub(s, end, s.n);
    }
    return is_uri_text(s, international, "/");
}

static bool is_uri(str s)
{
    return is_reference(s, true, false);
}

static bool is_uri_reference(str s)
{
    return is_reference(s, false, false);
}

static bool is_iri(str s)
{
    return is_reference(s, true, true);
}

static bool is_iri_reference(str s)
{
    return is_reference(s, false, true);
}

/* RFC 6570: braces are balanced and hold names. */
static bool is_uri_template(str s)
{
    bool open = false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '{') {
            if (open || i + 1 == s.n || s.p[i + 1] == '}')
                return false;
            open = true;
        } else if (c == '}') {
            if (!open)
                return false;
            open = false;
        } else if ((unsigned char)c <= ' ' || strchr("\"<>\\^`", c)) {
            return false;
        }
    }
    return !open;
}

/* ---- pointers, patterns ---- */

static bool is_json_pointer(str s)
{
    if (s.n && s.p[0] != '/')
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '~' && (i + 1 == s.n || (s.p[i + 1] != '0' && s.p[i + 1] != '1')))
            return false;
    return true;
}

static bool is_relative_json_pointer(str s)
{
    size_t digits = 0;
    while (digits < s.n && is_digit(s.p[digits]))
        digits++;
    if (!digits || (digits > 1 && s.p[0] == '0'))
        return false;
    str rest = str_sub(s, digits, s.n);
    return str_is(rest, "#") || is_json_pointer(rest);
}

static bool is_regex(str s)
{
    auto_err err = ERR_INIT;
    struct pattern *p = pattern_new(s, &err);
    pattern_free(p);
    return p != NULL;
}

static const struct {
    const char *name;
    format_check check;
} formats[] = {
    {"date-time", is_date_time},
    {"date", is_date},
    {"time", is_time},
    {"duration", is_duration},
    {"email", is_email},
    {"idn-email", is_idn_email},
    {"hostname", is_hostname},
    {"ipv4", is_ipv4},
    {"ipv6", is_ipv6},
    {"uri", is_uri},
    {"uri-reference", is_uri_reference},
    {"iri", is_iri},
    {"iri-reference", is_iri_reference},
    {"uuid", is_uuid},
    {"uri-template", is_uri_template},
    {"json-pointer", is_json_pointer},
    {"relative-json-pointer", is_relative_json_pointer},
    {"regex", is_regex},
};

format_check format_find(str name)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (str_is(name, formats[i].name))
            return formats[i].check;
    return NULL;
}
