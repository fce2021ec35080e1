/* capture: a step's output, from chunks cut anywhere to masked lines, and to the text that deferred
 * values read. A line over CAPTURE_LINE_MAX is cut into pieces; bytes that are no UTF-8 become
 * U+FFFD. A secret is masked wherever chunks or pieces are cut. */
#ifndef ENGINE_CAPTURE_H
#define ENGINE_CAPTURE_H
#include "engine/mask.h"
#include "event/command.h"
#include "event/event.h"
#include "store/tables.h"

enum {
    CAPTURE_LINE_MAX = 64 << 10,
    CAPTURE_LOG_QUOTA = 1 << 30, /* bytes of one step's log; the rest is dropped, with a notice */
};

typedef void capture_lines_fn(void *ctx, const struct log_line *lines, size_t n);

struct capture {
    enum log_stream stream;
    struct mask *mask;             /* kept; ::add-mask:: adds to it */
    struct log_commands *commands; /* kept; of both streams of the step; NULL: none is obeyed */
    struct buf line;               /* the unfinished line */
    struct buf value;              /* the first STORE_STEP_TEXT_MAX bytes, as they came */
    bool value_cut;
    void (*hides)(void *ctx, str value); /* told of each ::add-mask::; may be NULL */
    void *hides_ctx;
    VEC(struct log_line) lines;
    struct buf scratch; /* texts of lines that had to be changed */
    struct mask_seam seam;
    struct mask_ranges secrets; /* of the line that is added */
};
void capture_init(struct capture *c, enum log_stream stream, struct mask *mask,
                  struct log_commands *commands);
void capture_done(struct capture *c);
/* Calls fn at most once, with all lines that end in the chunk. */
void capture_feed(struct capture *c, str chunk, int64_t now_ms, capture_lines_fn *fn, void *ctx);
/* The last line, if it has no newline. */
void capture_finish(struct capture *c, int64_t now_ms, capture_lines_fn *fn, void *ctx);
/* The text for deferred values: masked, valid UTF-8. */
void capture_text(const struct capture *c, struct buf *ret);

/* Appends text with invalid UTF-8 and NUL replaced by U+FFFD. */
void capture_add_valid(struct buf *b, str text);

#endif
