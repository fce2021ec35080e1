/* seed: a fresh repository of one commit over the files of a workspace, which nobody but its filler
 * changes meanwhile. Files that are taken while they are copied are not read again. Blocks. */
#ifndef RUNNER_SEED_H
#define RUNNER_SEED_H
#include "runner/local_int.h"
#include "runner/object_pack.h"
#include <sys/stat.h>

struct start_record;
struct seeding;

/* Keeps start (may be NULL), to which each file goes, and err. owner: of the files as steps see
 * them, which the repository's index is to agree with. */
must_use bool seed_begin(const char *workspace, struct start_record *start, struct owner owner,
                         struct seeding **ret, struct err *err);
/* On any thread: a regular file as it stands now, below the workspace. scratch is the thread's.
 * False with seed_begin's err. */
must_use bool seed_take(struct seeding *s, struct object *scratch, str path, const struct stat *st,
                        str bytes);
/* The workspace is a mount by now, under whose path all that was there stands. */
must_use bool seed_open_again(struct seeding *s);
/* Takes what was not taken, and writes the repository. *ret_recorded: all went to start. */
must_use bool seed_end(struct seeding *s, bool *ret_recorded);
void seed_free(struct seeding *s);

/* Whether a .gitattributes of this text keeps files otherwise than they stand in a workspace. */
bool seed_attributes_change_files(str text);

/* The first and the last of them. */
must_use bool workspace_seed(const char *workspace, struct start_record *start, struct owner owner,
                             bool *ret_recorded, struct err *err);

#endif
