#include "workflow/evaluation.h"

void bundle_done(struct bundle *b)
{
    free(b->files);
    arena_done(&b->arena);
    *b = (struct bundle){0};
}

void bundle_add(struct bundle *b, str path, str text)
{
    b->files = mem_realloc_array(b->files, b->n + 1, sizeof *b->files);
    b->files[b->n++] = (struct bundle_file){arena_str(&b->arena, path), arena_str(&b->arena, text)};
}

const struct bundle_file *bundle_find(const struct bundle *b, str path)
{
    for (uint32_t i = 0; i < b->n; i++)
        if (str_eq(b->files[i].path, path))
            return &b->files[i];
    return NULL;
}
