/* object_pack: git objects into one pack file, stored and not compressed: that costs less than a
 * file for each, and they live as long as a run. Formats: gitformat-pack(5). */
#ifndef RUNNER_OBJECT_PACK_H
#define RUNNER_OBJECT_PACK_H
#include "base/arena.h"
#include "base/buf.h"
#include "base/map.h"
#include "base/vec.h"
#include "diag/err.h"
#include <nettle/sha1.h>

/* One object as it stands in a pack; it can be made again, and is the caller's to end. */
struct object {
    uint8_t name[SHA1_DIGEST_SIZE];
    uint32_t crc;
    struct buf packed;
};
enum object_type { OBJECT_COMMIT = 1, OBJECT_TREE = 2, OBJECT_BLOB = 3 };
/* On any thread. */
void object_make(struct object *o, enum object_type type, str bytes);
void object_done(struct object *o);

struct packed_object {
    uint8_t name[SHA1_DIGEST_SIZE];
    uint32_t crc, offset;
};
struct object_pack {
    int fd; /* of the .pack; owned */
    struct buf out;
    uint32_t offset;
    VEC(struct packed_object) objects;
    struct map known; /* names, in the arena */
    struct arena arena;
    struct object scratch;
    struct err *err; /* borrowed */
};

must_use bool object_pack_begin(struct object_pack *p, int objects_dir, struct err *err);
/* What is there already is not written again. */
must_use bool object_pack_put(struct object_pack *p, const struct object *o);
/* Makes it too; its name into ret. */
must_use bool object_pack_add(struct object_pack *p, enum object_type type, str bytes,
                              uint8_t ret[SHA1_DIGEST_SIZE]);
/* Writes the index beside it and gives both their names. */
must_use bool object_pack_end(struct object_pack *p, int objects_dir);
void object_pack_done(struct object_pack *p);

static inline void put_be32(struct buf *b, uint32_t x)
{
    char bytes[] = {(char)(x >> 24), (char)(x >> 16), (char)(x >> 8), (char)x};
    buf_add_str(b, str_make(bytes, sizeof bytes));
}

#endif
