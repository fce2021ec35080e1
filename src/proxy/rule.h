/* rule: which hosts and ports a step may reach, and which addresses those names may stand for.
 *
 * Refuses: wildcards, URLs, ranges of addresses. A name allows public addresses only; an address of
 * a private network or of this machine must be listed itself, and what a cloud answers its own
 * machines on (link-local and metadata addresses) cannot be listed at all.
 * Knows nothing of sockets or DNS: it judges what others found. */
#ifndef PROXY_RULE_H
#define PROXY_RULE_H
#include "base/buf.h"
#include "base/vec.h"
#include "diag/err.h"

enum {
    PROXY_HOST_MAX = 253, /* bytes of a host's name */
    PROXY_RULES_MAX = 1000,
};

/* As IPv6; one of IPv4 is ::ffff:a.b.c.d. */
struct proxy_address {
    uint8_t byte[16];
};

struct proxy_rule {
    char
        host[PROXY_HOST_MAX + 1]; /* in lower case, without a last dot; "" where it is an address */
    struct proxy_address address;
    uint16_t port; /* 0: 80 and 443 */
    bool used;     /* proxy_rules_use */
};

struct proxy_rules {
    VEC(struct proxy_rule) rules;
};

/* "example.org:443", "example.org" (ports 80 and 443), "10.0.0.5:8080", "[fd00::5]:443". */
bool proxy_rule_is_valid(str text);
/* NULL-terminated. */
must_use bool proxy_rules_parse(const char *const *texts, struct proxy_rules *ret_rules,
                                struct err *err);
void proxy_rules_done(struct proxy_rules *r);
/* Whether this machine's own "localhost" or 127.0.0.0/8 is listed. */
bool proxy_rules_name_loopback(const struct proxy_rules *r);

/* A host as a request writes it, brought to the form of the rules; false where it is no host. */
must_use bool proxy_read_host(str text, char ret_host[PROXY_HOST_MAX + 1]);
/* "a.b.c.d" or an IPv6 address without brackets; nothing that inet_aton would also take. */
bool proxy_read_address(str text, struct proxy_address *ret_address);

enum proxy_verdict {
    PROXY_ALLOWED,
    PROXY_NOT_LISTED,
    PROXY_PORT_NOT_LISTED, /* the host is, with another port */
    PROXY_PRIVATE,         /* a listed name has an address that is not public and not listed */
    PROXY_NEVER,           /* metadata, link-local, multicast, reserved */
};
/* Before anything is looked up. host as proxy_read_host gives it. */
enum proxy_verdict proxy_judge_host(const struct proxy_rules *r, const char *host, uint16_t port);
/* What an allowed host was found to be. */
enum proxy_verdict proxy_judge_address(const struct proxy_rules *r, const char *host, uint16_t port,
                                       const struct proxy_address *address);
/* Marks the rules that let this host and port be reached. */
void proxy_rules_use(struct proxy_rules *r, const char *host, uint16_t port);
/* One sentence that names the host and says how to allow it; address where the verdict is on one.
 */
void proxy_add_refusal(struct buf *b, enum proxy_verdict verdict, const char *host, uint16_t port,
                       const struct proxy_address *address);

#endif
