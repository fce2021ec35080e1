/* Bytes are a client's request. What is forwarded must be read again by the same rules as what it
 * was, and nothing that a head holds may become a line of its own. */
#include "proxy/request.h"
#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str bytes = {(const char *)data, size};
    struct proxy_request r;
    const char *problem = NULL;
    auto_buf head = BUF(4 * PROXY_HEAD_MAX);
    enum proxy_read read = proxy_read_request(bytes, &r, &head, &problem);
    char host[PROXY_HOST_MAX + 1];
    if (read == PROXY_READ_BAD)
        assert(problem);
    if (read != PROXY_READ_GOOD)
        return 0;
    assert(r.used <= size && r.port > 0 && proxy_read_host(str_of(r.host), host) &&
           strcmp(host, r.host) == 0);
    assert(r.tunnel == (head.n == 0) && !head.overflow);
    if (r.tunnel)
        return 0;
    assert(str_find(buf_str(&head), STR("\r\n\r\n"), 0) == head.n - 4);
    for (size_t i = 0; i < head.n; i++)
        assert((head.p[i] == '\n') == (i > 0 && head.p[i - 1] == '\r'));
    return 0;
}
