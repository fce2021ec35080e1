/* In-process rendering: a template of a folder with a context, COUNT times over.
 *     render_template FOLDER NAME CONTEXT COUNT render|compile|print
 * prints microseconds of processor time per render; compile makes a new renderer for each; print
 * writes the text. */
#include "base/fd.h"
#include "value/heap.h"
#include "vm/render.h"
#include "json/value.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { FILE_BYTES_MAX = 64 << 20, MEMORY_BYTES = 256 << 20 };

static double microseconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static struct renderer *start(const char *folder, str context, val *ret)
{
    struct render_options options = {.limits = render_limits()};
    auto_err e = ERR_INIT;
    options.limits.bytes = MEMORY_BYTES;
    struct renderer *r = renderer_new(&options);
    if (!renderer_add_root(r, folder, &e) || !json_read_val(renderer_heap(r), context, 0, ret))
        exit(1);
    heap_hold(renderer_heap(r), *ret);
    return r;
}

static void render(struct renderer *r, const char *name, val context, struct buf *out)
{
    auto_err e = ERR_INIT;
    auto_buf report = BUF(1 << 20);
    buf_reset(out);
    if (render_file(r, str_of(name), context, out, &e))
        return;
    render_add_error(&report, renderer_sources(r), &e, false);
    fprintf(stderr, "%s", buf_c(&report));
    exit(1);
}

int main(int argc, char **argv)
{
    if (argc != 6) {
        fprintf(stderr, "usage: render_template FOLDER NAME CONTEXT COUNT render|compile|print\n");
        return 2;
    }
    auto_buf context = BUF(FILE_BYTES_MAX), out = BUF(FILE_BYTES_MAX);
    val value;
    if (fd_read_file(AT_FDCWD, argv[3], &context))
        return 1;
    bool compiles = argv[5][0] == 'c';
    struct renderer *r = start(argv[1], buf_str(&context), &value);
    render(r, argv[2], value, &out);
    if (argv[5][0] == 'p') {
        fwrite(out.p, 1, out.n, stdout);
        renderer_free(r);
        return 0;
    }
    long count = strtol(argv[4], NULL, 10);
    double spent = 0;
    for (long i = 0; i < count; i++) {
        if (compiles) {
            renderer_free(r);
            r = start(argv[1], buf_str(&context), &value);
        }
        double began = microseconds();
        render(r, argv[2], value, &out);
        spent += microseconds() - began;
    }
    printf("%.3f\n", spent / (double)count);
    renderer_free(r);
    return 0;
}
