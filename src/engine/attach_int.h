/* attach_int: what both sides of an attachment share. */
#ifndef ENGINE_ATTACH_INT_H
#define ENGINE_ATTACH_INT_H
#include "engine/attach.h"
#include "json/json.h"
#include <sys/un.h>

enum { ATTACH_FDS = 3 };

/* The address of a run's socket. A path below DATA_DIR can be too long for an address: it goes
 * through *ret_dir, which stays open as long as the address is used. ENOENT or another errno. */
int attach_address(const char *data_dir, int64_t run_id, int *ret_dir, struct sockaddr_un *ret);
/* One JSON message, which is released, with descriptors; 0 or an errno. */
int attach_send(int socket, json_t *message, const int *fds, size_t n);
/* NULL at the end, and for what is no message. fds that did not come are -1. */
json_t *attach_receive(int socket, int fds[ATTACH_FDS]);

#endif
