/* completion: the table of commands as what shells and man read: completions of bash, zsh and
 * fish, and the page plue.1. */
#ifndef CLI_COMPLETION_H
#define CLI_COMPLETION_H
#include "base/buf.h"

void completion_add_bash(struct buf *b);
void completion_add_zsh(struct buf *b);
void completion_add_fish(struct buf *b);
void completion_add_man(struct buf *b);

#endif
