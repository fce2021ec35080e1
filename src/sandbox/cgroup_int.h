/* cgroup_int: what the two files about control groups share. */
#ifndef SANDBOX_CGROUP_INT_H
#define SANDBOX_CGROUP_INT_H
#include "sandbox/sandbox_int.h"

enum { CGROUP_TEXT_MAX = 1 << 20, CGROUP_KNOB_MAX = 4096 };

/* 0 or an errno. */
int cgroup_write(int dir, const char *name, const char *text);
void cgroup_kill_members(int dir);
/* Tries again what could not be removed before: rmdir may be refused for a moment after the last
 * process has ended. */
void cgroup_remove_busy(struct cgroups *c);
void cgroups_remove_idle(struct cgroups *c);

#endif
