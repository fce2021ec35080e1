/* progress_int: what the files of the watcher share. */
#ifndef CLI_PROGRESS_INT_H
#define CLI_PROGRESS_INT_H
#include "base/clock.h"
#include "base/map.h"
#include "cli/log_text.h"
#include "cli/progress.h"
#include "cli/screen.h"

struct seen_step { /* what was told of it */
    enum step_status status;
    int64_t try;
};

struct progress {
    struct cli *cli;
    enum progress_mode mode;
    struct store_reader *reader;
    int64_t run_id;
    struct arena run_arena, arena; /* of the run's row, of the steps' */
    struct store_run run;
    struct store_step *steps;
    size_t step_count;
    struct map index;    /* id -> its place in steps */
    int64_t picture_seq; /* of the newest event that is in steps */
    size_t whole_bytes;  /* of arena when all steps were loaded last */
    bool loaded, incomplete, done;
    struct err unread; /* why the last look failed; it is tried again */
    VEC(struct seen_step) seen;
    int64_t seq; /* of the last event that was told */
    struct log_commands commands;
    int64_t began_mono, began_wall;
    int64_t next_load; /* clock_mono_ms, before which the run is not read again */
    size_t copied, to_copy;
    const char *said;
    char *told;   /* the last line about the run's turn; owned */
    bool drawing; /* redraws on fd */
    int fd;
    bool colors;
    size_t drawn;         /* lines on the screen */
    size_t width, height; /* of the screen then */
    bool line_is_open;    /* what a model says has not ended its line */
};

/* What the run waits for before it begins, or empty. */
str progress_turn(const struct progress *p);

/* The color's sequence, or nothing. */
enum tone { TONE_NONE, TONE_GOOD, TONE_BAD, TONE_BUSY, TONE_FAINT, TONE_STRONG };
const char *tone_on(bool colors, enum tone t);
const char *tone_off(bool colors);

struct step_look {
    const char *symbol;
    enum tone tone;
};
struct step_look step_look_of(const struct store_step *s);
/* "exit status 2", "timed out", the reason of a skip; may be empty. */
void add_step_remark(struct buf *b, const struct store_step *s);
/* It ran, and was ended with its run, whose time was up: as good as failed, to who looks why. */
static inline bool step_was_cut_off(const struct store_run *r, const struct store_step *s)
{
    return r->reason.code == REASON_RUN_TIMED_OUT && s->outcome == OUTCOME_CANCELLED &&
           s->started_at && s->type != STEP_TYPE_ACTION;
}
/* A line with what may mend a step that has failed, where that is known. */
void add_step_hint(struct buf *b, const struct store_step *s);
int64_t step_duration_ms(const struct store_step *s, int64_t now);
/* Groups only hold others; they have no line of their own. */
static inline bool step_is_shown(const struct store_step *s)
{
    return s->type != STEP_TYPE_PARALLEL;
}

/* progress_picture.c: the rows of the run and of its steps, in p. Failures go to p->unread, and
 * leave what was there. */
void picture_update(struct progress *p);
bool picture_load(struct progress *p, enum store_step_load what);
void picture_done(struct progress *p);
/* progress_live.c */
void live_draw(struct progress *p, bool last);
/* progress_lines.c */
void lines_update(struct progress *p);
void lines_follow(struct progress *p);
void lines_events(struct progress *p);
void lines_speech(struct progress *p);
void lines_summary(struct progress *p, struct buf *b);

void progress_write(struct progress *p, const struct buf *b);

#endif
