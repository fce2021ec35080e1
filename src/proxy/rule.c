#include "proxy/rule.h"
#include "base/num.h"
#include <arpa/inet.h>
#include <stdio.h>

enum { PORT_MAX = 65535, ADDRESS_TEXT = INET6_ADDRSTRLEN };

enum reach { REACH_PUBLIC, REACH_PRIVATE, REACH_LOOPBACK, REACH_NEVER };

/* The first row that fits says it. */
static const struct {
    uint8_t byte[4];
    int bits;
    enum reach reach;
} v4_reach[] = {
    {{100, 100, 100, 200}, 32, REACH_NEVER}, /* metadata of Alibaba */
    {{168, 63, 129, 16}, 32, REACH_NEVER},   /* of Azure */
    {{169, 254}, 16, REACH_NEVER},           /* link-local: of most others */
    {{192, 0, 0}, 24, REACH_NEVER},          /* protocols' own; of Oracle */
    {{0}, 8, REACH_NEVER},                   /* "this host" is the loopback by another name */
    {{192, 0, 2}, 24, REACH_NEVER},          /* documentation */
    {{198, 51, 100}, 24, REACH_NEVER},
    {{203, 0, 113}, 24, REACH_NEVER},
    {{224}, 3, REACH_NEVER}, /* multicast, reserved, broadcast */
    {{127}, 8, REACH_LOOPBACK},
    {{10}, 8, REACH_PRIVATE},
    {{172, 16}, 12, REACH_PRIVATE},
    {{192, 168}, 16, REACH_PRIVATE},
    {{100, 64}, 10, REACH_PRIVATE},
    {{198, 18}, 15, REACH_PRIVATE},
};

/* `inner` is where an address of IPv4 stands that is reached in its place; 0 where there is none.
 */
static const struct {
    uint8_t byte[16];
    int bits;
    enum reach reach;
    int inner;
} v6_reach[] = {
    {{[10] = 0xff, 0xff}, 96, REACH_PUBLIC, 12},
    {{[15] = 1}, 128, REACH_LOOPBACK, 0},
    {{0}, 96, REACH_NEVER, 0},                      /* ::, and ::a.b.c.d of old */
    {{0, 0x64, 0xff, 0x9b}, 96, REACH_PUBLIC, 12},  /* NAT64 */
    {{0x20, 0x02}, 16, REACH_PUBLIC, 2},            /* 6to4 */
    {{0x20, 0x01, 0, 0}, 32, REACH_NEVER, 0},       /* Teredo */
    {{0x20, 0x01, 0x0d, 0xb8}, 32, REACH_NEVER, 0}, /* documentation */
    {{0xfd, 0x00, 0x0e, 0xc2}, 32, REACH_NEVER, 0}, /* metadata of Amazon */
    {{0xfd, 0x20, 0x00, 0xce}, 32, REACH_NEVER, 0}, /* of Google */
    {{0xfc}, 7, REACH_PRIVATE, 0},
    {{0x20}, 3, REACH_PUBLIC, 0}, /* all that is given out so far */
    {{0}, 0, REACH_NEVER, 0},
};

static bool has_prefix(const uint8_t *address, const uint8_t *prefix, int bits)
{
    int whole = bits / 8, rest = bits % 8;
    if (memcmp(address, prefix, (size_t)whole) != 0)
        return false;
    uint8_t mask = (uint8_t)(0xff << (8 - rest));
    return !rest || (address[whole] & mask) == (prefix[whole] & mask);
}

static enum reach reach_v4(const uint8_t *address)
{
    for (size_t i = 0; i < sizeof v4_reach / sizeof *v4_reach; i++)
        if (has_prefix(address, v4_reach[i].byte, v4_reach[i].bits))
            return v4_reach[i].reach;
    return REACH_PUBLIC;
}

static enum reach reach_of(const struct proxy_address *a)
{
    for (size_t i = 0; i < sizeof v6_reach / sizeof *v6_reach; i++)
        if (has_prefix(a->byte, v6_reach[i].byte, v6_reach[i].bits))
            return v6_reach[i].inner ? reach_v4(a->byte + v6_reach[i].inner) : v6_reach[i].reach;
    return REACH_NEVER;
}

bool proxy_read_address(str text, struct proxy_address *ret_address)
{
    char c[ADDRESS_TEXT];
    struct proxy_address a = {.byte = {[10] = 0xff, 0xff}};
    if (!text.n || text.n >= sizeof c || memchr(text.p, '\0', text.n))
        return false;
    memcpy(c, text.p, text.n);
    c[text.n] = '\0';
    if (inet_pton(AF_INET, c, a.byte + 12) != 1 && inet_pton(AF_INET6, c, a.byte) != 1)
        return false;
    *ret_address = a;
    return true;
}

static void add_address(struct buf *b, const struct proxy_address *a)
{
    static const uint8_t mapped[12] = {[10] = 0xff, 0xff};
    char text[ADDRESS_TEXT];
    bool v4 = memcmp(a->byte, mapped, sizeof mapped) == 0;
    inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? a->byte + 12 : a->byte, text, sizeof text);
    buf_addf(b, v4 ? "%s" : "[%s]", text);
}

bool proxy_read_host(str text, char ret_host[PROXY_HOST_MAX + 1])
{
    if (text.n && text.p[text.n - 1] == '.')
        text.n--;
    if (!text.n || text.n > PROXY_HOST_MAX || text.p[0] == '.' || text.p[0] == '-' ||
        text.p[text.n - 1] == '.')
        return false;
    bool colons = str_find_byte(text, ':', 0) != SIZE_MAX;
    struct proxy_address a;
    if (colons && !proxy_read_address(text, &a))
        return false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        bool upper = c >= 'A' && c <= 'Z', good = upper || (c >= 'a' && c <= 'z') ||
                                                  (c >= '0' && c <= '9') || c == '-' || c == '_' ||
                                                  c == '.' || (colons && c == ':');
        if (!good || (c == '.' && text.p[i - 1] == '.'))
            return false;
        ret_host[i] = upper ? (char)(c - 'A' + 'a') : c;
    }
    ret_host[text.n] = '\0';
    return true;
}

/* ---- the rules ---- */

/* "host", "host:port", "[v6]", "[v6]:port". */
static bool split(str text, str *ret_host, str *ret_port)
{
    size_t end = text.n && text.p[0] == '[' ? str_find_byte(text, ']', 0) : 0;
    size_t colon = str_find_byte(text, ':', end);
    if (end == SIZE_MAX || (end && end + 1 != (colon == SIZE_MAX ? text.n : colon)))
        return false;
    *ret_host = end ? str_sub(text, 1, end) : str_sub(text, 0, colon);
    *ret_port = colon == SIZE_MAX ? (str){0} : str_sub(text, colon, text.n);
    return true;
}

static bool parse_rule(str text, struct proxy_rule *ret_rule)
{
    struct proxy_rule rule = {0};
    str host, port;
    int64_t n = 0;
    if (!split(text, &host, &port) || !proxy_read_host(host, rule.host))
        return false;
    if (port.n &&
        (!num_parse_int(str_sub(port, 1, port.n), &n) || n < 1 || n > PORT_MAX || port.p[1] == '+'))
        return false;
    rule.port = (uint16_t)n;
    if (proxy_read_address(host, &rule.address))
        rule.host[0] = '\0';
    else if (text.p[0] == '[')
        return false;
    *ret_rule = rule;
    return true;
}

bool proxy_rule_is_valid(str text)
{
    struct proxy_rule ignored;
    return parse_rule(text, &ignored);
}

bool proxy_rules_parse(const char *const *texts, struct proxy_rules *ret_rules, struct err *err)
{
    struct proxy_rules r = {0};
    for (size_t i = 0; texts && texts[i]; i++) {
        struct proxy_rule rule;
        if (i < PROXY_RULES_MAX && parse_rule(str_of(texts[i]), &rule)) {
            vec_push(&r.rules, rule);
            continue;
        }
        proxy_rules_done(&r);
        if (i == PROXY_RULES_MAX)
            return err_set(err, "network_rule", "network= lists more than %d hosts",
                           PROXY_RULES_MAX);
        err_set(err, "network_rule", "network=: '%s' is not a host and a port", texts[i]);
        err_hint(err, "write \"example.org:443\", or \"example.org\" for the ports 80 and 443");
        return false;
    }
    *ret_rules = r;
    return true;
}

void proxy_rules_done(struct proxy_rules *r)
{
    vec_done(&r->rules);
}

bool proxy_rules_name_loopback(const struct proxy_rules *r)
{
    for (size_t i = 0; i < r->rules.n; i++) {
        const struct proxy_rule *rule = &r->rules.at[i];
        if (rule->host[0] ? strcmp(rule->host, "localhost") == 0
                          : reach_of(&rule->address) == REACH_LOOPBACK)
            return true;
    }
    return false;
}

static bool fits_port(const struct proxy_rule *rule, uint16_t port)
{
    return rule->port ? rule->port == port : port == 80 || port == 443;
}

static bool lists_address(const struct proxy_rules *r, const struct proxy_address *a, uint16_t port)
{
    for (size_t i = 0; i < r->rules.n; i++) {
        const struct proxy_rule *rule = &r->rules.at[i];
        if (!rule->host[0] && memcmp(&rule->address, a, sizeof *a) == 0 && fits_port(rule, port))
            return true;
    }
    return false;
}

static bool names_host(const struct proxy_rule *rule, const char *host,
                       const struct proxy_address *literal)
{
    return literal ? !rule->host[0] && memcmp(&rule->address, literal, sizeof *literal) == 0
                   : strcmp(rule->host, host) == 0;
}

void proxy_rules_use(struct proxy_rules *r, const char *host, uint16_t port)
{
    struct proxy_address a;
    bool literal = proxy_read_address(str_of(host), &a);
    for (size_t i = 0; i < r->rules.n; i++) {
        struct proxy_rule *rule = &r->rules.at[i];
        rule->used |= names_host(rule, host, literal ? &a : NULL) && fits_port(rule, port);
    }
}

enum proxy_verdict proxy_judge_host(const struct proxy_rules *r, const char *host, uint16_t port)
{
    struct proxy_address a;
    bool literal = proxy_read_address(str_of(host), &a), known = false;
    for (size_t i = 0; i < r->rules.n; i++) {
        const struct proxy_rule *rule = &r->rules.at[i];
        bool same = names_host(rule, host, literal ? &a : NULL);
        if (same && fits_port(rule, port))
            return literal ? proxy_judge_address(r, host, port, &a) : PROXY_ALLOWED;
        known = known || same;
    }
    if (literal && reach_of(&a) == REACH_NEVER)
        return PROXY_NEVER;
    return known ? PROXY_PORT_NOT_LISTED : PROXY_NOT_LISTED;
}

enum proxy_verdict proxy_judge_address(const struct proxy_rules *r, const char *host, uint16_t port,
                                       const struct proxy_address *address)
{
    enum reach reach = reach_of(address);
    if (reach == REACH_PUBLIC)
        return PROXY_ALLOWED;
    if (reach == REACH_NEVER)
        return PROXY_NEVER;
    bool own = reach == REACH_LOOPBACK && strcmp(host, "localhost") == 0;
    return own || lists_address(r, address, port) ? PROXY_ALLOWED : PROXY_PRIVATE;
}

void proxy_add_refusal(struct buf *b, enum proxy_verdict verdict, const char *host, uint16_t port,
                       const struct proxy_address *address)
{
    struct proxy_address own;
    auto_buf name = BUF(PROXY_HOST_MAX + 2), found = BUF(ADDRESS_TEXT + 2);
    if (proxy_read_address(str_of(host), &own))
        add_address(&name, &own);
    else
        buf_add_c(&name, host);
    if (address)
        add_address(&found, address);
    else
        buf_add_c(&found, buf_c(&name));
    buf_addf(b, "%s:%u was refused: ", buf_c(&name), port);
    switch (verdict) {
    case PROXY_ALLOWED:
        break;
    case PROXY_NOT_LISTED:
        buf_addf(b, "it is not among the hosts of network=; to allow it, add \"%s:%u\"",
                 buf_c(&name), port);
        break;
    case PROXY_PORT_NOT_LISTED:
        buf_addf(b, "network= lists the host with another port; to allow it, add \"%s:%u\"",
                 buf_c(&name), port);
        break;
    case PROXY_PRIVATE:
        buf_addf(b,
                 "its address %s is not a public one; to allow it, add \"%s:%u\" to network= too",
                 buf_c(&found), buf_c(&found), port);
        break;
    case PROXY_NEVER:
        buf_addf(b,
                 "no step may reach %s: link-local, metadata and reserved addresses cannot be "
                 "allowed",
                 buf_c(&found));
        break;
    }
}
