/* render: Jinja2 templates on the machine. A renderer owns one machine, the folders that names are
 * looked up in, and the templates it has compiled: they are kept by path, mtime and size, and a
 * render notices when any file of its include chain has changed.
 * Does no other I/O than reading templates below its folders. Knows no frontmatter and no prompts:
 * whoever has a text with a head before the template says where the template begins.
 *
 *     r = renderer_new(&options);
 *     renderer_add_root(r, ".plue/prompts", err);
 *     dict_new(renderer_heap(r), 0, &context); ... heap_hold(renderer_heap(r), context);
 *     ok = render_text(r, name, path, text, body_at, context, &out, err);
 *     heap_release(renderer_heap(r), 1);
 */
#ifndef VM_RENDER_H
#define VM_RENDER_H
#include "base/buf.h"
#include "diag/err.h"
#include "value/heap.h"

/* What a name or attribute that is not there may be used for. */
enum undefined_mode {
    UNDEFINED_LENIENT,   /* printed as nothing, iterated as nothing, false: Jinja2's default */
    UNDEFINED_STRICT,    /* only `is defined` and default(); the rest is an error */
    UNDEFINED_CHAINABLE, /* as lenient, and its attributes and items are undefined again */
};

struct render_options {
    struct heap_limits limits; /* of one render; see render_limits */
    enum undefined_mode undefined;
    bool collect_always; /* for tests: at every safepoint */
    /* Where the template begins in a file that was found by its name; NULL: at its first byte. */
    size_t (*body_at)(str path, str text);
};

/* 100 million instructions, 64 MiB, 400 calls in each other, 32 MiB of output. */
struct heap_limits render_limits(void);

struct renderer;

struct renderer *renderer_new(const struct render_options *options);
void renderer_free(struct renderer *r);
/* Folders are searched in the order they were added. */
bool renderer_add_root(struct renderer *r, const char *path, struct err *err) must_use;
/* Contexts are made here: dicts with str keys. What is to outlive a render is held (heap_hold);
 * a render may collect. */
struct heap *renderer_heap(struct renderer *r);
/* Errors point into these. */
struct sources *renderer_sources(struct renderer *r);

/* Adds the rendered text to out; on an error out is as it was. The error's place is the innermost
 * one; its frames are the places that led there, outermost first, itself included. */
bool render_file(struct renderer *r, str name, val context, struct buf *out,
                 struct err *err) must_use;
/* A template that the caller has read: `text` from byte `from` on; `path` is how messages call it,
 * `name` how Jinja2 does. Compiled anew where the text has changed since the last call. */
bool render_text(struct renderer *r, str name, str path, str text, size_t from, val context,
                 struct buf *out, struct err *err) must_use;
/* Everything that is wrong with a template before it runs: syntax, unknown filters and tests. The
 * templates that it names are not opened. */
bool render_check(struct renderer *r, str path, str text, size_t from,
                  struct err_list *errors) must_use;
/* PATH:LINE:COLUMN: error: message, the line with carets, then each place that led there, inner
 * ones first. */
void render_add_error(struct buf *b, struct sources *s, const struct err *e, bool color);

#endif
