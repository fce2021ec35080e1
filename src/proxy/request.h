/* request: the head of what a client asks a proxy for (RFC 9110 and 9112), read strictly.
 *
 * Refuses: whatever two readers could read in two ways (lone CR or LF, folded lines, control
 * characters, names with spaces, user names in URLs). One request a connection: the head that goes
 * on says `Connection: close`, and what follows is carried, not read. */
#ifndef PROXY_REQUEST_H
#define PROXY_REQUEST_H
#include "proxy/rule.h"

enum { PROXY_HEAD_MAX = 32 << 10 };

struct proxy_request {
    bool tunnel; /* CONNECT */
    char host[PROXY_HOST_MAX + 1];
    uint16_t port;
    size_t used; /* bytes of the head; what comes after it is the client's data */
};

enum proxy_read { PROXY_READ_MORE, PROXY_READ_GOOD, PROXY_READ_BAD };
/* Into head what the origin is sent (nothing for a tunnel). BAD: *ret_problem is a sentence,
 * static. */
enum proxy_read proxy_read_request(str bytes, struct proxy_request *ret_request, struct buf *head,
                                   const char **ret_problem);

#endif
