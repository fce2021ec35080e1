/* repr_int: writing values into a builder, shared by repr, formatting and error messages. */
#ifndef VALUE_REPR_INT_H
#define VALUE_REPR_INT_H
#include "value/text.h"

enum repr_style {
    REPR_PLAIN, /* repr() */
    REPR_ASCII, /* ascii(): everything above ASCII escaped */
    REPR_SHOW,  /* as print: deferred values as <deferred EXPR>, instead of deciding them */
};

bool repr_add(struct text_builder *b, val v, enum repr_style style) must_use;
/* A string with its quotes and escapes; extents of untrusted text are kept. */
void repr_add_text(struct text_builder *b, val s, bool ascii);
/* str() of v, which is not deferred. */
bool str_add(struct text_builder *b, val v, enum repr_style style) must_use;

#endif
