#include "sandbox/order.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* Behind it the texts, each ended by NUL: the folder, the arguments, the environment. */
struct head {
    uint32_t argc, envc;
};

bool order_send(int socket, const void *data, size_t size, const int *fds, size_t n)
{
    _Alignas(struct cmsghdr) char room[CMSG_SPACE(sizeof(int) * ORDER_DESCRIPTORS)] = {0};
    struct iovec part = {(void *)data, size};
    struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};
    if (n) {
        m.msg_control = room;
        m.msg_controllen = CMSG_SPACE(sizeof(int) * n);
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        *c = (struct cmsghdr){CMSG_LEN(sizeof(int) * n), SOL_SOCKET, SCM_RIGHTS};
        memcpy(CMSG_DATA(c), fds, sizeof(int) * n);
    }
    ssize_t done;
    do
        done = sendmsg(socket, &m, MSG_NOSIGNAL);
    while (done < 0 && errno == EINTR);
    return done == (ssize_t)size;
}

int order_receive(int socket, void *data, size_t size, int *fds, size_t n)
{
    _Alignas(struct cmsghdr) char room[CMSG_SPACE(sizeof(int) * ORDER_DESCRIPTORS)];
    struct iovec part = {data, size};
    struct msghdr m = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};
    ssize_t done;
    int came = 0;
    do
        done = recvmsg(socket, &m, MSG_CMSG_CLOEXEC);
    while (done < 0 && errno == EINTR);
    memset(fds, -1, sizeof(int) * n);
    struct cmsghdr *c = done > 0 ? CMSG_FIRSTHDR(&m) : NULL;
    if (c && c->cmsg_type == SCM_RIGHTS && c->cmsg_len <= CMSG_LEN(sizeof(int) * n)) {
        came = (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        memcpy(fds, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
    }
    if (done == 0)
        errno = EPIPE;
    else if (done > 0 && done != (ssize_t)size)
        errno = EPROTO;
    return done == (ssize_t)size ? came : -1;
}

static size_t measure(const char *const *texts, uint32_t *ret_n)
{
    size_t size = 0;
    for (; texts[*ret_n]; ++*ret_n)
        size += strlen(texts[*ret_n]) + 1;
    return size;
}

static char *put(char *at, const char *text)
{
    return stpcpy(at, text) + 1;
}

static int write_memory(const char *bytes, size_t n)
{
    int fd = memfd_create("plue-step", MFD_CLOEXEC);
    ssize_t done = 0;
    for (; fd >= 0 && n; bytes += done, n -= (size_t)done) {
        done = write(fd, bytes, n);
        if (done < 0 && errno == EINTR)
            done = 0;
        if (done < 0)
            break;
    }
    if (fd >= 0 && n) {
        int e = errno;
        close(fd);
        errno = e;
        return -1;
    }
    return fd;
}

int order_write(const char *cwd, const char *const *argv, const char *const *env)
{
    struct head head = {0};
    size_t size = sizeof head + strlen(cwd) + 1;
    size += measure(argv, &head.argc);
    size += measure(env, &head.envc);
    char *bytes = malloc(size);
    if (!bytes)
        return -1;
    memcpy(bytes, &head, sizeof head);
    char *at = put(bytes + sizeof head, cwd);
    for (; *argv; argv++)
        at = put(at, *argv);
    for (; *env; env++)
        at = put(at, *env);
    int fd = write_memory(bytes, size);
    free(bytes);
    return fd;
}

bool order_read(int memory, struct order_texts *ret_texts)
{
    struct head head;
    off_t size = lseek(memory, 0, SEEK_END);
    char *at = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, memory, 0);
    if (at == MAP_FAILED)
        return false;
    memcpy(&head, at, sizeof head);
    size_t n = (size_t)head.argc + head.envc + 2;
    char **list =
        mmap(NULL, n * sizeof *list, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (list == MAP_FAILED)
        return false;
    *ret_texts = (struct order_texts){at + sizeof head, list, list + head.argc + 1};
    char *text = at + sizeof head + strlen(at + sizeof head) + 1;
    for (size_t i = 0; i < n; i++) {
        if (i == head.argc || i == n - 1)
            continue; /* the NULL behind a list */
        list[i] = text;
        text += strlen(text) + 1;
    }
    return true;
}
