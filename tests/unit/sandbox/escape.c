/* Programs that try to leave: the host's side. The attempts are escapes.c's. */
#include "fixture.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TEXT = 512, OUTPUT_MAX = 1 << 20, TRIED_MIN = 330, KEEPERS_MAX = 4 };

/* Each way of starting, as each kind of user; set once, before the tests. */
static struct {
    const char *bwrap; /* NULL: warm */
    const char *name;
} way;

struct host {
    char dir[64], workspace[TEXT], files[TEXT], tmp[TEXT], file[TEXT], name[64], pid[16], key[16],
        keeper[KEEPERS_MAX][16];
    size_t keepers;
    pid_t victim;
    int listener, segment;
    struct sandbox *sandbox;
    struct sandbox_space *space;
};

static void make_targets(struct host *h)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    h->victim = fork();
    if (h->victim == 0)
        for (;;)
            pause();
    snprintf(h->pid, sizeof h->pid, "%d", (int)h->victim);
    snprintf(h->name, sizeof h->name, "plue-escape-%d", (int)getpid());
    memcpy(un.sun_path + 1, h->name, strlen(h->name));
    h->listener = socket(AF_UNIX, SOCK_STREAM, 0);
    socklen_t n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(h->name));
    assert_int_equal(bind(h->listener, (struct sockaddr *)&un, n), 0);
    assert_int_equal(listen(h->listener, 1), 0);
    int key = 0x706c0000 | (getpid() & 0xffff);
    snprintf(h->key, sizeof h->key, "%d", key);
    h->segment = shmget(key, 4096, IPC_CREAT | 0666);
    assert_true(h->segment >= 0);
    snprintf(h->file, TEXT, "%s/file", h->dir);
    assert_int_equal(fd_write_file(AT_FDCWD, h->file, STR("the host's\n"), 0666), 0);
}

/* The step's own folder, and another step's. */
static void make_files(struct host *h)
{
    int all = sandbox_space_files(h->space);
    assert_int_equal(mkdirat(all, "step", 0755) | mkdirat(all, "other", 0755), 0);
    assert_int_equal(fd_write_file(all, "step/own", STR("own\n"), 0644), 0);
    assert_int_equal(fd_write_file(all, "other/secret", STR("secret\n"), 0644), 0);
}

/* Our children: they keep the folders, and start the steps. */
static void find_keepers(struct host *h)
{
    auto_buf text = BUF(4096);
    auto_fd fd = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
    assert_int_equal(fd_read_all(fd, &text), 0);
    str list = buf_str(&text), word;
    while (h->keepers < KEEPERS_MAX && str_next(&list, ' ', &word))
        snprintf(h->keeper[h->keepers++], sizeof *h->keeper, "%.*s", STR_ARG(word));
    assert_int_equal(h->keepers, way.bwrap ? 1 : 2);
}

static void make_place(struct host *h)
{
    auto_err err = ERR_INIT;
    auto_buf program = BUF(8 << 20);
    bool fresh;
    strcpy(h->dir, "/tmp/plue-escape-XXXXXX");
    assert_non_null(mkdtemp(h->dir));
    chmod(h->dir, 0755);
    snprintf(h->workspace, TEXT, "%s/workspace", h->dir);
    snprintf(h->files, TEXT, "%s/files", h->dir);
    snprintf(h->tmp, TEXT, "%s/tmp", h->dir);
    assert_int_equal(mkdir(h->workspace, 0755) | mkdir(h->files, 0755) | mkdir(h->tmp, 0755), 0);
    auto_fd folder = open(h->workspace, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(fd_read_file(AT_FDCWD, ESCAPES_PROGRAM, &program), 0);
    assert_int_equal(fd_write_file(folder, "escapes", buf_str(&program), 0755), 0);
    if (geteuid() == 0)
        assert_int_equal(chown(h->workspace, SANDBOX_HOST_ID, SANDBOX_HOST_ID), 0);
    struct sandbox_space_spec spec = {
        .workspace = h->workspace, .files = h->files, .tmp = h->tmp, .tmp_bytes = 64 << 20};
    if (!sandbox_open(&(struct sandbox_options){.bwrap = way.bwrap}, &h->sandbox, &err) ||
        !sandbox_space_open(h->sandbox, &spec, &h->space, &fresh, &err))
        fail_msg("%.*s", STR_ARG(err.message));
    if (sandbox_space_notice(h->space))
        fail_msg("%s", sandbox_space_notice(h->space));
    make_files(h);
    find_keepers(h);
}

static int setup(void **state)
{
    struct host *h = mem_zalloc(sizeof *h);
    make_place(h);
    make_targets(h);
    *state = h;
    return 0;
}

static int teardown(void **state)
{
    struct host *h = *state;
    auto_buf command = BUF(256);
    sandbox_space_close(h->space, false);
    sandbox_close(h->sandbox);
    kill(h->victim, SIGKILL);
    waitpid(h->victim, NULL, 0);
    shmctl(h->segment, IPC_RMID, NULL);
    close(h->listener);
    buf_addf(&command, "rm -rf %s", h->dir);
    int status = system(buf_c(&command));
    free(h);
    return status;
}

static bool read_some(int fd, struct buf *out)
{
    char chunk[4096];
    ssize_t n;
    while ((n = read(fd, chunk, sizeof chunk)) > 0)
        buf_add(out, chunk, (size_t)n);
    return n < 0 && errno == EAGAIN;
}

static void run(struct host *h, enum sandbox_network network, struct buf *out,
                struct sandbox_exit *exit)
{
    const char *const argv[] = {"/workspace/escapes",
                                h->pid,
                                h->name,
                                h->file,
                                h->key,
                                way.bwrap ? "bwrap" : "plue-room",
                                h->keeper[0],
                                h->keepers > 1 ? h->keeper[1] : NULL,
                                NULL};
    const char *const env[] = {"PATH=/usr/bin:/bin", NULL};
    struct sandbox_spec spec = {.space = h->space,
                                .files = "step",
                                .argv = argv,
                                .env = env,
                                .network = network,
                                .limits = SANDBOX_LIMITS_DEFAULT};
    struct sandbox_tree *t;
    int streams[2];
    auto_err err = ERR_INIT;
    if (!sandbox_start(h->sandbox, &spec, &t, &streams[0], &streams[1], &err))
        fail_msg("%.*s", STR_ARG(err.message));
    auto_fd stdout_fd = streams[0];
    auto_fd stderr_fd = streams[1];
    bool open[2] = {true, true};
    while (!sandbox_advance(t, exit)) {
        struct pollfd p[] = {{.fd = sandbox_tree_fd(t), .events = POLLIN},
                             {.fd = open[0] ? stdout_fd : -1, .events = POLLIN},
                             {.fd = open[1] ? stderr_fd : -1, .events = POLLIN}};
        poll(p, 3, -1);
        open[0] = open[0] && read_some(stdout_fd, out);
        open[1] = open[1] && read_some(stderr_fd, out);
    }
    read_some(stdout_fd, out);
    read_some(stderr_fd, out);
    sandbox_tree_free(t);
}

/* A process that a step left behind, by the name that it gave itself. */
static bool anybody_left(void)
{
    return system("cat /proc/[0-9]*/comm 2>/dev/null | grep -q '^plue-left$'") == 0;
}

static void expect_none(struct host *h, enum sandbox_network network, const char *what)
{
    auto_buf before = BUF(4096), after = BUF(4096);
    struct sandbox_exit exit;
    auto_fd pattern = open("/proc/sys/kernel/core_pattern", O_RDONLY | O_CLOEXEC);
    fd_read_all(pattern, &before);
    for (int round = 1; round <= 2; round++) {
        auto_buf out = BUF(OUTPUT_MAX);
        int tried = 0, escaped = -1;
        run(h, network, &out, &exit);
        const char *last = strstr(buf_c(&out), "tried ");
        if (!last || sscanf(last, "tried %d, escaped %d", &tried, &escaped) != 2 || escaped != 0 ||
            strstr(buf_c(&out), "cannot leave"))
            fail_msg("%s: exit %d\n%s", what, exit.exit_code, buf_c(&out));
        print_message("%s, %s, step %d: %d escapes tried, %d succeeded\n", way.name, what, round,
                      tried, escaped);
        assert_true(tried >= TRIED_MIN);
        assert_false(anybody_left());
    }
    assert_int_equal(kill(h->victim, 0), 0);
    assert_int_equal(waitpid(h->victim, NULL, WNOHANG), 0);
    lseek(pattern, 0, SEEK_SET);
    fd_read_all(pattern, &after);
    assert_string_equal(buf_c(&before), buf_c(&after));
}

static void escape__nothing_works_without_a_network(void **state)
{
    expect_none(*state, SANDBOX_NETWORK_NONE, "no network");
}

static void escape__nothing_works_behind_the_proxy(void **state)
{
    expect_none(*state, SANDBOX_NETWORK_PROXY, "a list of hosts");
}

static int try_way(const char *name, const char *bwrap)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(escape__nothing_works_without_a_network, setup, teardown),
        cmocka_unit_test_setup_teardown(escape__nothing_works_behind_the_proxy, setup, teardown),
    };
    way.name = name;
    way.bwrap = bwrap;
    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}

static int try_as_ordinary_user(void)
{
    if (access(ESCAPES_PROGRAM, R_OK) < 0) {
        print_message("SKIPPED as an ordinary user: %s cannot be read\n", ESCAPES_PROGRAM);
        return 0;
    }
    return try_way("warm, as an ordinary user", NULL) +
           try_way("bwrap, as an ordinary user", "/usr/bin/bwrap");
}

int main(void)
{
    int failed = try_way("warm", NULL) + try_way("bwrap", "/usr/bin/bwrap");
    return failed + fixture_as_ordinary_user(try_as_ordinary_user);
}
