/* Bytes are a command, judged by an allow list and by a deny list: always an answer, always the
 * same. */
#include "shell/grant.h"
#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const str allow[] = {STR("git"), STR("npm test")}, deny[] = {STR("git push"), STR("rm")};
    const struct shell_grant grants[] = {{.allow = allow, .allow_count = 2},
                                         {.deny = deny, .deny_count = 2}};
    str command = str_make((const char *)data, size);
    for (size_t i = 0; i < 2; i++) {
        struct shell_problem p = {0}, again = {0};
        bool good = shell_grant_check(&grants[i], command, &p);
        assert(good == !p.code);
        assert(good == shell_grant_check(&grants[i], command, &again));
        assert(p.code == again.code && p.offset == again.offset);
    }
    return 0;
}
