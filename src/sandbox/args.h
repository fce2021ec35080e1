/* args: the options of one bwrap and the descriptors that they name. */
#ifndef SANDBOX_ARGS_H
#define SANDBOX_ARGS_H
#include "sandbox/root.h"

struct args {
    struct buf text; /* each ends with a NUL */
    int fds[SPAWN_FDS_MAX];
    size_t fd_count;
    int failed; /* errno of the first descriptor that could not be had */
};

void args_done(struct args *a);
void args_add(struct args *a, const char *arg);
void args_add2(struct args *a, const char *option, const char *value);
void args_add3(struct args *a, const char *option, const char *first, const char *second);
/* Takes fd; a negative one is remembered as the failure errno. dest may be NULL. */
void args_fd(struct args *a, const char *option, int fd, const char *dest);

/* The host's root for a step with the host's network; the others' stands ready in SPACE_HOST. */
void args_host_root(struct args *a);
/* An unpacked image's root, as the run's mount namespace shows it. */
must_use bool args_image_root(const struct sandbox *s, struct args *a, const char *image,
                              struct err *err);
bool args_image_is_name(const char *image);
/* Path of an unpacked image: a slash of its name is an underscore in the folder's. */
void args_image_path(const char *images_dir, const char *image, struct buf *path);

#endif
