/* local: the runner of this machine, on libuv, through a sandbox backend.
 * Workspaces live in DATA_DIR/workspaces/RUN_ID/{workspace,tmp,files}; files go to the loop's
 * thread pool, processes and pipes to the loop itself. */
#ifndef RUNNER_LOCAL_H
#define RUNNER_LOCAL_H
#include "config/config.h"
#include "runner/runner.h"

struct uv_loop_s;

/* Keeps loop and sandbox, which must outlive the runner; copies data_dir, which is made when it is
 * missing. */
must_use bool runner_local_new(struct uv_loop_s *loop, const char *data_dir,
                               struct sandbox *sandbox, struct runner **ret_runner,
                               struct err *err);
/* Sizes, limits and egress as c has them; keeps c. Before the first workspace is opened. */
void runner_local_configure(struct runner *r, const struct config *c);

/* Files from which on a workspace is an image below an overlay: fewer are not worth its mounts. */
enum { RUNNER_IMAGE_PATHS_MIN = 2000 };
/* Whether it would be one where dir is, or why not; tried in a folder of its own there. Blocks. */
must_use bool runner_try_image(const char *dir, struct err *err);

/* Removes a data folder whose runner is gone, and all that steps have left in it. */
must_use bool runner_local_remove(const char *data_dir, struct err *err);
/* A commit's files as a pack of a snapshot, through a folder below data_dir. Blocks. */
must_use bool runner_pack_commit(const char *data_dir, const char *repository, const char *commit,
                                 pack_put_fn *put, void *user, struct err *err);

#endif
