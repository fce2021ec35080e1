/* mask, inside: base64 that is broken into lines. */
#ifndef ENGINE_MASK_INT_H
#define ENGINE_MASK_INT_H
#include "engine/mask.h"

/* text: base64 of a whole secret, in the standard alphabet. */
void mask_add_form(struct mask *m, str text, size_t skew);
/* Appends what is found, unordered. */
void mask_find_forms(const struct mask *m, struct mask_seam *s, str text, struct mask_ranges *ret);
/* Whether a piece stands anywhere in text. */
bool mask_has_form(const struct mask *m, str text);

#endif
