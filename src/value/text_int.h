/* text_int: what the files of text share: raw strings to be filled, extents, charges. */
#ifndef VALUE_TEXT_INT_H
#define VALUE_TEXT_INT_H
#include "value/text.h"

/* Bytes that several strings share. The string that ends at `used` may grow into the rest. */
struct str_back {
    struct obj h; /* V_BACK */
    uint32_t used, cap;
    char data[];
};

enum {
    TEXT_COPY_STEP = 64, /* bytes copied for one instruction */
    TEXT_SCAN_STEP = 8,  /* bytes looked at one by one for one instruction */
};
static inline bool text_charge_copy(struct heap *h, size_t bytes)
{
    return heap_charge(h, (int64_t)(bytes / TEXT_COPY_STEP));
}
static inline bool text_charge_scan(struct heap *h, size_t bytes)
{
    return heap_charge(h, (int64_t)(bytes / TEXT_SCAN_STEP));
}

/* A string of n bytes and `points` code points to be filled at once through *ret_bytes; never
 * interned. NULL with a fault. */
struct str_obj *text_alloc(struct heap *h, size_t n, size_t points, char **ret_bytes) must_use;
/* Copies s, whose code points are known; trusted. */
bool text_new_points(struct heap *h, str s, size_t points, val *ret) must_use;
/* Makes `s` the copy's or slice's trust: the extents of `from`, moved by -start, cut to s's
 * bytes. */
bool text_copy_taint(struct heap *h, const struct str_obj *from, size_t start,
                     struct str_obj *s) must_use;
/* All of s becomes untrusted. */
bool text_taint_whole(struct heap *h, struct str_obj *s) must_use;
struct taint *text_taint_new(struct heap *h, size_t extents) must_use;
/* Where the fault is an exception: its texts become untrusted, since the message quotes what is. */
void text_taint_fault(struct heap *h);
/* Where code point `index` begins; charged. */
bool text_offset(struct heap *h, const struct str_obj *s, size_t index, size_t *ret) must_use;

#endif
