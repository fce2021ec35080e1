/* sha1: the hash by which git names objects. For names only, never for trust. */
#ifndef RUNNER_SHA1_H
#define RUNNER_SHA1_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SHA1_BYTES = 20 };
struct sha1 {
    uint32_t h[5];
    uint64_t n;
    uint8_t rest[64];
};
void sha1_init(struct sha1 *s);
void sha1_add(struct sha1 *s, const void *bytes, size_t n);
void sha1_end(struct sha1 *s, uint8_t ret[SHA1_BYTES]);

#endif
