#include "plan/plan.h"
#include <sodium.h>

str plan_sha256(struct arena *a, str bytes)
{
    unsigned char digest[crypto_hash_sha256_BYTES];
    char *hex = arena_alloc(a, sizeof digest * 2 + 1);

    crypto_hash_sha256(digest, (const unsigned char *)bytes.p, bytes.n);
    sodium_bin2hex(hex, sizeof digest * 2 + 1, digest, sizeof digest);
    return str_make(hex, sizeof digest * 2);
}
