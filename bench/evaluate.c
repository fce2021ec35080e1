/* In-process evaluation: one workflow file to a finished plan and its JSON, COUNT times over.
 *     evaluate FOLDER PATH WORKFLOW EVENT COUNT     prints processor microseconds per evaluation */
#include "base/fd.h"
#include "diag/print.h"
#include "plan/plan.h"
#include "workflow/evaluation.h"
#include <fcntl.h>
#include <stdio.h>
#include <time.h>

enum { FILE_BYTES_MAX = 1 << 20 };

static bool read_text(const char *folder, const char *path, struct buf *text)
{
    auto_buf full = BUF(4096);
    buf_addf(&full, "%s%s%s", folder, *folder ? "/" : "", path);
    int status = fd_read_file(AT_FDCWD, buf_c(&full), text);
    if (status)
        fprintf(stderr, "evaluate: %s: %s\n", buf_c(&full), strerror(status));
    return status == 0;
}

static bool evaluate_once(const struct bundle *bundle, const char *path, const char *workflow,
                          str event, struct buf *json)
{
    struct evaluation_options options = {0};
    struct evaluation *e = evaluation_new(bundle, &options);
    struct err_list errors = {0};
    bool ok = evaluation_load(e, str_of(path), &errors);
    if (ok) {
        const struct definition *d = evaluation_find(e, DEFINITION_WORKFLOW, str_of(workflow));
        struct evaluation_request request = {.event = event};
        ok = d && evaluation_start(e, d, &request) != EVALUATION_FAILED;
        if (ok)
            plan_add_json(json, evaluation_plan(e), false);
    }
    evaluation_free(e);
    err_list_done(&errors);
    return ok;
}

static double processor_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

int main(int argc, char **argv)
{
    if (argc != 6) {
        fprintf(stderr, "usage: evaluate FOLDER PATH WORKFLOW EVENT COUNT\n");
        return 2;
    }
    auto_buf text = BUF(FILE_BYTES_MAX);
    auto_buf event = BUF(FILE_BYTES_MAX);
    auto_buf json = BUF(FILE_BYTES_MAX);
    if (!read_text(argv[1], argv[2], &text) || !read_text("", argv[4], &event))
        return 1;
    struct bundle bundle = {0};
    bundle_add(&bundle, str_of(argv[2]), buf_str(&text));

    long count = strtol(argv[5], NULL, 10);
    double began = processor_us();
    for (long i = 0; i < count; i++) {
        buf_reset(&json);
        if (!evaluate_once(&bundle, argv[2], argv[3], buf_str(&event), &json)) {
            fprintf(stderr, "evaluate: the evaluation failed\n");
            return 1;
        }
    }
    printf("%.3f\n", (processor_us() - began) / (double)count);
    bundle_done(&bundle);
    return 0;
}
