#include "proxy/request.h"
#include "base/num.h"
#include <strings.h>

static bool is_token(str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && (c == '\0' || !strchr("!#$%&'*+-.^_`|~", c)))
            return false;
    }
    return s.n > 0;
}

static bool is_plain(str s, bool blanks)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == 0x7f || (c < 0x20 && !(blanks && c == '\t')) || (c == ' ' && !blanks))
            return false;
    }
    return true;
}

static bool same_word(str s, const char *word)
{
    return s.n == strlen(word) && strncasecmp(s.p, word, s.n) == 0;
}

/* The next line, which ends with CR LF. */
static bool next_line(str *rest, str *ret_line)
{
    size_t end = str_find(*rest, STR("\r\n"), 0);
    if (end == SIZE_MAX)
        return false;
    *ret_line = str_sub(*rest, 0, end);
    *rest = str_sub(*rest, end + 2, rest->n);
    return true;
}

static bool read_authority(str text, uint16_t standard_port, struct proxy_request *r)
{
    size_t end = text.n && text.p[0] == '[' ? str_find_byte(text, ']', 0) : 0;
    struct proxy_address a;
    int64_t port = standard_port;
    if (end == SIZE_MAX)
        return false;
    str host = end ? str_sub(text, 1, end) : text, rest = {0};
    if (end) {
        rest = str_sub(text, end + 1, text.n);
    } else {
        size_t colon = str_find_byte(text, ':', 0);
        host = str_sub(text, 0, colon);
        rest = str_sub(text, colon, text.n);
    }
    if (end && !proxy_read_address(host, &a))
        return false;
    if (rest.n > 1 && (rest.p[0] != ':' || rest.p[1] < '0' || rest.p[1] > '9' ||
                       !num_parse_int(str_sub(rest, 1, rest.n), &port)))
        return false;
    if (rest.n == 1 || port < 1 || port > UINT16_MAX)
        return false;
    r->port = (uint16_t)port;
    return proxy_read_host(host, r->host);
}

/* "http://host:port/path" becomes the host and what the origin is asked for. */
static bool read_url(str url, struct proxy_request *r, str *ret_authority, str *ret_path)
{
    if (url.n < 7 || strncasecmp(url.p, "http://", 7) != 0)
        return false;
    str rest = str_sub(url, 7, url.n);
    size_t end = 0;
    while (end < rest.n && rest.p[end] != '/' && rest.p[end] != '?' && rest.p[end] != '#')
        end++;
    *ret_authority = str_sub(rest, 0, end);
    *ret_path = str_sub(rest, end, str_find_byte(rest, '#', 0));
    return read_authority(*ret_authority, 80, r);
}

/* Of this connection only, or ours to write. */
static bool is_dropped(str name, str connection)
{
    static const char *const dropped[] = {"host", "connection", "keep-alive", "upgrade", "te"};
    for (size_t i = 0; i < sizeof dropped / sizeof *dropped; i++)
        if (same_word(name, dropped[i]))
            return true;
    if (name.n >= 6 && strncasecmp(name.p, "proxy-", 6) == 0)
        return true;
    str word;
    while (str_next(&connection, ',', &word)) {
        word = str_trim(word);
        if (word.n == name.n && strncasecmp(word.p, name.p, name.n) == 0)
            return true;
    }
    return false;
}

static bool split_field(str line, str *ret_name, str *ret_value)
{
    size_t colon = str_find_byte(line, ':', 0);
    if (colon == SIZE_MAX)
        return false;
    *ret_name = str_sub(line, 0, colon);
    *ret_value = str_sub(line, colon + 1, line.n);
    return is_token(*ret_name) && is_plain(*ret_value, true);
}

/* All fields are looked at before any is written: Connection may stand behind what it names. */
static bool check_fields(str fields, str *ret_connection)
{
    str line, name, value;
    while (next_line(&fields, &line) && line.n) {
        if (!split_field(line, &name, &value))
            return false;
        if (same_word(name, "connection"))
            *ret_connection = value;
    }
    return true;
}

static void add_fields(struct buf *head, str fields, str connection)
{
    str line, name, value;
    while (next_line(&fields, &line) && line.n)
        if (split_field(line, &name, &value) && !is_dropped(name, connection)) {
            buf_add_str(head, line);
            buf_add_c(head, "\r\n");
        }
}

static enum proxy_read bad(const char **ret_problem, const char *problem)
{
    *ret_problem = problem;
    return PROXY_READ_BAD;
}

enum proxy_read proxy_read_request(str bytes, struct proxy_request *ret_request, struct buf *head,
                                   const char **ret_problem)
{
    struct proxy_request r = {0};
    size_t end = str_find(str_sub(bytes, 0, PROXY_HEAD_MAX), STR("\r\n\r\n"), 0);
    str rest, line, method, target, authority, path, connection = {0};
    if (end == SIZE_MAX)
        return bytes.n < PROXY_HEAD_MAX ? PROXY_READ_MORE
                                        : bad(ret_problem, "the request's head is too long");
    r.used = end + 4;
    rest = str_sub(bytes, 0, r.used);
    if (!next_line(&rest, &line) || !is_plain(line, true) || !str_next(&line, ' ', &method) ||
        !str_next(&line, ' ', &target) || !is_token(method) || !is_plain(target, false))
        return bad(ret_problem, "this is no HTTP request");
    if (!str_is(line, "HTTP/1.1") && !str_is(line, "HTTP/1.0"))
        return bad(ret_problem, "this proxy speaks HTTP/1.0 and 1.1");
    if (!check_fields(rest, &connection))
        return bad(ret_problem, "a field of the request's head cannot be read");
    r.tunnel = str_is(method, "CONNECT");
    if (r.tunnel && !read_authority(target, 0, &r))
        return bad(ret_problem, "CONNECT needs a host and a port");
    if (!r.tunnel && !read_url(target, &r, &authority, &path))
        return bad(ret_problem, "only http:// is forwarded; other traffic needs CONNECT");
    if (!r.tunnel) {
        buf_addf(head, "%.*s %s%.*s %.*s\r\nHost: %.*s\r\nConnection: close\r\n", STR_ARG(method),
                 path.n && path.p[0] == '/' ? "" : "/", STR_ARG(path), STR_ARG(line),
                 STR_ARG(authority));
        add_fields(head, rest, connection);
        buf_add_c(head, "\r\n");
    }
    *ret_request = r;
    return PROXY_READ_GOOD;
}
