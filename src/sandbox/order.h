/* order: what the small processes that start steps are told: descriptors over a socket, and texts
 * in a memory file, so that none stands on a command line. Refuses: to allocate with anything but
 * mmap and malloc; plue-room is linked with this file alone. */
#ifndef SANDBOX_ORDER_H
#define SANDBOX_ORDER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ORDER_DESCRIPTORS = 12 };

bool order_send(int socket, const void *data, size_t size, const int *fds, size_t n)
    __attribute__((warn_unused_result));
/* fds, which are the caller's from now on: as many as came, the others are -1. Their number, or -1
 * at the end of the socket and for a message of another size. */
int order_receive(int socket, void *data, size_t size, int *fds, size_t n)
    __attribute__((warn_unused_result));

/* A memory file of them, with the folder that the program begins in; -1 and errno. */
int order_write(const char *cwd, const char *const *argv, const char *const *env);

struct order_texts { /* as execve wants them; mapped for the life of the process */
    const char *cwd;
    char **argv, **env;
};
bool order_read(int memory, struct order_texts *ret_texts) __attribute__((warn_unused_result));

#endif
