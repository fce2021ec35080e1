/* log_text: a line of a log as a person reads it: groups have titles, errors and warnings their
 * places; what only tells the runner something is left out. Only what a step has printed commands
 * the log, not what a model says. */
#ifndef CLI_LOG_TEXT_H
#define CLI_LOG_TEXT_H
#include "event/command.h"
#include "event/event.h"

/* False: the line is not to be shown. */
bool log_text_add(struct buf *b, struct log_commands *commands, enum log_stream stream, str line,
                  bool colors);

#endif
