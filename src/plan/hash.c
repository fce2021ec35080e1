#include "plan/plan.h"
#include <nettle/sha2.h>
#include <sodium.h>

str plan_sha256(struct arena *a, str bytes)
{
    unsigned char digest[SHA256_DIGEST_SIZE];
    char *hex = arena_alloc(a, sizeof digest * 2 + 1);
    struct sha256_ctx hash;

    sha256_init(&hash);
    sha256_update(&hash, bytes.n, (const uint8_t *)bytes.p);
    sha256_digest(&hash, sizeof digest, digest);
    sodium_bin2hex(hex, sizeof digest * 2 + 1, digest, sizeof digest);
    return str_make(hex, sizeof digest * 2);
}
