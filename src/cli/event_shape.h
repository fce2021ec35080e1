/* event_shape: whether an event file has the shape of ctx.event (SPEC 4, 6). */
#ifndef CLI_EVENT_SHAPE_H
#define CLI_EVENT_SHAPE_H
#include "json/json.h"

/* err names the file and the field. */
bool event_check_shape(const json_t *event, str path, struct err *err) must_use;

#endif
