/* parse_int: one reading of a document, which may end early. */
#ifndef YAML_PARSE_INT_H
#define YAML_PARSE_INT_H
#include "yaml/node.h"

struct yaml_reading {
    struct err_list mistakes; /* behind which the rest was read; in the order of the text */
    struct err end;           /* what ended the reading; unset where the end was reached */
    struct yaml_lost lost;    /* top-level keys whose values hold an alias */
};
void yaml_reading_done(struct yaml_reading *r);
#define auto_yaml_reading cleanup(yaml_reading_done) struct yaml_reading

/* The tree, without what `mistakes` say of; NULL where the reading ended early. The text is that of
 * the source, or one of its length with parts taken out. */
struct yaml_node *yaml_read(struct arena *a, uint32_t source, str text,
                            struct yaml_reading *to) must_use;
void yaml_lost_add(struct yaml_lost *lost, str key);

#endif
