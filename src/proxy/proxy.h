/* proxy: lets one step reach the hosts that its network= lists, and no other. A step's namespace
 * has no routes; its only way out is the listener that this proxy answers, which stands in the
 * host's namespace: CONNECT, and plain http:// forwarded.
 *
 * Refuses: hosts and ports that no rule lists, names whose addresses are not public (rule.h).
 * Each name is looked up once, and the connection made to the very address that was judged.
 * Knows nothing of sandboxes and steps: it has a listener, rules and a loop. The program ignores
 * SIGPIPE. */
#ifndef PROXY_PROXY_H
#define PROXY_PROXY_H
#include "proxy/rule.h"

struct uv_loop_s;
struct proxy;

enum {
    PROXY_LINKS_MAX = 256,     /* connections at a time */
    PROXY_NOTICES_MAX = 100,   /* sentences told; the last says that there are more */
    PROXY_WAIT_MS = 30 * 1000, /* for a request's head, and for the host's answer */
    PROXY_ADDRESSES_MAX = 8,   /* tried of one host */
};

struct proxy_options {
    struct uv_loop_s *loop;
    int listener;             /* a listening TCP socket of any namespace; taken in any case */
    struct proxy_rules rules; /* taken in any case */
    /* Why somebody was refused or not reached, as a sentence; borrowed. */
    void (*notice)(void *user, str sentence);
    void *user;
};
must_use bool proxy_new(struct proxy_options *options, struct proxy **ret_proxy, struct err *err);
/* In the order in which they were given; `used` are those that a request was for. Borrowed. */
const struct proxy_rules *proxy_rules_of(const struct proxy *p);
/* Ends every connection; no notice comes any more. `closed` comes from the loop, once, and the
 * proxy is gone then. */
void proxy_close(struct proxy *p, void (*closed)(void *user));

#endif
