/* progress: a run as somebody watches it. It polls the store, so that a run of this process and one
 * of another look alike, and a step that prints a million lines costs no more than a quiet one.
 *
 *     p = progress_new(cli, mode)
 *     progress_begin(p, reader, run_id)
 *     progress_update(p)            many times
 *     progress_end(p)               the last state, and what failed */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H
#include "cli/command.h"
#include "store/tables.h"

enum progress_mode {
    PROGRESS_LIVE,   /* a list that is redrawn in place */
    PROGRESS_PLAIN,  /* a line for each change */
    PROGRESS_FOLLOW, /* a line for each change and each line of the logs */
    PROGRESS_EVENTS, /* the events as JSON, one a line */
    PROGRESS_SPEECH, /* what models say and tools do, on stderr, unless --json was given */
    PROGRESS_QUIET,  /* nothing on stdout; a live list on stderr where that is a terminal */
};
/* What the command's --json and --follow and the terminal ask for. */
enum progress_mode progress_mode_of(const struct cli *c);

struct progress;
struct progress *progress_new(struct cli *c, enum progress_mode mode);
void progress_free(struct progress *p);
/* Events up to this one were told before. */
void progress_skip(struct progress *p, int64_t seq);
/* Keeps the reader. Events after seq 0 count as new. */
void progress_begin(struct progress *p, struct store_reader *reader, int64_t run_id);
/* Files copied into the workspace so far. */
void progress_copying(struct progress *p, size_t files, size_t total);
/* A failure of the store only makes the picture old; the run itself reports it. */
void progress_update(struct progress *p);
/* Status as of the last update. */
enum run_status progress_status(const struct progress *p);
/* How often an update is worth its while. */
int progress_interval_ms(const struct progress *p);
/* A sentence for a moment, such as that a cancel has begun. */
void progress_say(struct progress *p, const char *text);
/* Draws the end, says what failed and how to see more; with --json (and no --follow) prints the
 * run. The exit status that the run asks for. */
int progress_end(struct progress *p);

#endif
