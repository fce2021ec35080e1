/* vfs: SQLite's files on a disk that fails. Becomes the default VFS, so that the store opens its
 * databases through it, and passes every call on, until the armed one. Calls are counted over all
 * files and threads of the process. */
#ifndef TESTS_FAULTS_VFS_H
#define TESTS_FAULTS_VFS_H
#include <stdbool.h>

enum vfs_fault {
    VFS_NONE,  /* only counts what VFS_WRITE would */
    VFS_WRITE, /* EIO where bytes, a new length or shared memory are written */
    VFS_FULL,  /* ENOSPC there */
    VFS_SHORT, /* half of the bytes are written, then EIO */
    VFS_SYNC,  /* EIO where a file is synced */
    VFS_READ,  /* EIO where bytes are read */
    VFS_FAULT_COUNT
};
/* The word of a fault: "write", "full", ... */
const char *vfs_fault_name(enum vfs_fault f);

void vfs_install(void);
/* The n-th call (from 1) that the fault concerns fails; stays: all after it as well. */
void vfs_arm(enum vfs_fault f, long n, bool stays);
/* Calls since vfs_arm that the fault concerns. */
long vfs_calls(void);
bool vfs_has_failed(void);

#endif
