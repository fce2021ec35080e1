/* A document held against a JSON Schema, COUNT times over.
 *     schema SCHEMA DOCUMENT COUNT
 * prints microseconds of processor time per check. The document has been read before, as the peer's
 * has. */
#include "types/schema.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double microseconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

int main(int argc, char **argv)
{
    struct err_list errors = {0};
    if (argc != 4) {
        fprintf(stderr, "usage: schema SCHEMA DOCUMENT COUNT\n");
        return 2;
    }
    json_t *root = json_load_file(argv[1], 0, NULL), *document = json_load_file(argv[2], 0, NULL);
    struct schema *s = root ? schema_compile(root, NULL, &errors) : NULL;
    if (!s || !document || !schema_check(s, document, STR("the document"), NULL))
        return 1;
    long count = strtol(argv[3], NULL, 10);
    double began = microseconds();
    for (long i = 0; i < count; i++)
        if (!schema_check(s, document, STR("the document"), NULL))
            return 1;
    printf("%.3f\n", (microseconds() - began) / (double)count);
    schema_free(s);
    json_decref(document);
    json_decref(root);
    return 0;
}
