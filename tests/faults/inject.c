/* Linked into the whole program: PLUE_FAULT=FAULT:N[:stays] makes its database's disk fail, and
 * PLUE_FAULT_COUNT=FILE keeps how many calls the fault concerned. */
#include "vfs.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void write_count(void)
{
    const char *path = getenv("PLUE_FAULT_COUNT");
    FILE *f = path ? fopen(path, "w") : NULL;
    if (!f)
        return;
    fprintf(f, "%ld %d\n", vfs_calls(), (int)vfs_has_failed());
    fclose(f);
}

__attribute__((constructor)) static void inject(void)
{
    const char *text = getenv("PLUE_FAULT");
    char word[16] = "";
    long n = 0;
    if (!text || sscanf(text, "%15[a-z]:%ld", word, &n) != 2)
        return;
    vfs_install();
    for (enum vfs_fault f = VFS_NONE; f < VFS_FAULT_COUNT; f++)
        if (strcmp(word, vfs_fault_name(f)) == 0)
            vfs_arm(f, n, strstr(text, ":stays") != NULL);
    atexit(write_count);
}
