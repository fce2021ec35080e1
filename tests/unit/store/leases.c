#include "fixture.h"
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static struct store_owner self(void)
{
    auto_err err = ERR_INIT;
    struct store_owner o;
    check(store_owner_self(&o, &err), &err);
    return o;
}

static bool take(struct fixture *f, int64_t run, const struct store_owner *who, int64_t now,
                 struct err *err)
{
    struct store_batch *b = store_batch_new(f->store);
    store_take_lease(b, run, who, now);
    return store_commit(f->store, b, NULL, err);
}

static void assert_orphans(struct fixture *f, const struct store_owner *who, int64_t now,
                           const char *want)
{
    auto_err err = ERR_INIT;
    auto_buf got = BUF(BUF_TEXT_MAX);
    int64_t *ids;
    size_t n;
    check(store_list_orphans(f->reader, who, now, &f->arena, &ids, &n, &err), &err);
    for (size_t i = 0; i < n; i++)
        buf_addf(&got, "%s%lld", i ? " " : "", (long long)ids[i]);
    assert_string_equal(buf_c(&got), want);
}

/* A process that waits for its end of the pipe to be closed. */
static pid_t start_process(int *ret_end)
{
    int pipe_fds[2];
    char c;
    assert_int_equal(pipe(pipe_fds), 0);
    pid_t pid = fork();
    if (pid == 0) {
        close(pipe_fds[1]);
        if (read(pipe_fds[0], &c, 1) < 0)
            _exit(1);
        _exit(0);
    }
    close(pipe_fds[0]);
    *ret_end = pipe_fds[1];
    return pid;
}

/* The owner that the process is: what /proc says of it. */
static struct store_owner owner_of(pid_t pid)
{
    struct store_owner o = self();
    char path[64], text[1024];
    long long start = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t n = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[n] = '\0';
    assert_int_equal(sscanf(strrchr(text, ')') + 2,
                            "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d "
                            "%*d %*d %lld",
                            &start),
                     1);
    o.pid = pid;
    o.start_time = start;
    return o;
}

static void owner__is_alive_while_its_process_is(void **state)
{
    int end;
    struct store_owner me = self();
    pid_t pid = start_process(&end);
    struct store_owner other = owner_of(pid);
    (void)state;

    assert_int_equal(store_owner_look(&me, &me), STORE_OWNER_ALIVE);
    assert_int_equal(store_owner_look(&other, &me), STORE_OWNER_ALIVE);
    close(end);
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(store_owner_look(&other, &me), STORE_OWNER_DEAD); /* a zombie */
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(store_owner_look(&other, &me), STORE_OWNER_DEAD);
}

static void owner__is_told_by_start_boot_machine_and_pid_space(void **state)
{
    struct store_owner me = self(), o;
    (void)state;
    o = me;
    o.start_time--;
    assert_int_equal(store_owner_look(&o, &me), STORE_OWNER_DEAD);
    o = me;
    o.boot_id[0] = o.boot_id[0] == 'a' ? 'b' : 'a';
    assert_int_equal(store_owner_look(&o, &me), STORE_OWNER_DEAD);
    snprintf(o.machine, sizeof o.machine, "elsewhere");
    assert_int_equal(store_owner_look(&o, &me), STORE_OWNER_UNSEEN);
    o = me;
    o.pid_space++;
    assert_int_equal(store_owner_look(&o, &me), STORE_OWNER_UNSEEN);
}

static void lease__of_a_live_owner_is_never_taken(void **state)
{
    struct fixture *f = *state;
    auto_err err = ERR_INIT;
    auto_buf want = BUF(BUF_TEXT_MAX);
    int end;
    int64_t id = make_run(f);
    struct store_owner me = self();
    pid_t pid = start_process(&end);
    struct store_owner other = owner_of(pid);

    check(take(f, id, &other, 1000, &err), &err);
    /* Not even when it is late with its renewals. */
    assert_false(take(f, id, &me, 1000 + 10 * STORE_LEASE_MS, &err));
    buf_addf(&want,
             "run_has_owner: run 1 is driven by process %d on %s (follow it with: "
             "plue run watch 1)",
             (int)pid, me.machine);
    assert_err(&err, buf_c(&want));
    assert_orphans(f, &me, 1000 + 10 * STORE_LEASE_MS, "");

    err_reset(&err);
    close(end);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_orphans(f, &me, 1001, "1");
    check(take(f, id, &me, 1001, &err), &err);
    assert_orphans(f, &me, 1002, "");
}

static void lease__of_an_unseen_owner_is_free_when_it_expired(void **state)
{
    struct fixture *f = *state;
    auto_err err = ERR_INIT;
    struct store_owner me = self(), far = self();
    struct store_lease l;
    bool has;
    int64_t id = make_run(f);

    snprintf(far.boot_id, sizeof far.boot_id, "another-boot");
    snprintf(far.machine, sizeof far.machine, "elsewhere");
    check(take(f, id, &far, 1000, &err), &err);
    assert_false(take(f, id, &me, 1000 + STORE_LEASE_MS - 1, &err));
    err_reset(&err);
    struct store_batch *b = store_batch_new(f->store);
    store_renew_leases(b, &far, 2000);
    commit(f, b);
    check(store_load_lease(f->reader, id, &l, &has, &err), &err);
    assert_true(has);
    assert_int_equal(l.run_id, id);
    assert_int_equal(l.acquired_at, 1000);
    assert_int_equal(l.expires_at, 2000 + STORE_LEASE_MS);
    assert_string_equal(l.owner.machine, "elsewhere");
    assert_string_equal(l.owner.boot_id, "another-boot");
    assert_int_equal(l.owner.pid, far.pid);
    assert_orphans(f, &me, 2000 + STORE_LEASE_MS - 1, "");
    assert_orphans(f, &me, 2000 + STORE_LEASE_MS, "1");
    check(take(f, id, &me, 2000 + STORE_LEASE_MS, &err), &err);
}

static void lease__is_dropped_by_its_owner_alone(void **state)
{
    struct fixture *f = *state;
    auto_err err = ERR_INIT;
    struct store_owner me = self(), other = self();
    struct store_lease l;
    bool has;
    int64_t id = make_run(f);
    other.pid++;

    check(take(f, id, &me, 1000, &err), &err);
    check(take(f, id, &me, 1001, &err), &err); /* again, by the same */
    struct store_batch *b = store_batch_new(f->store);
    store_drop_lease(b, id, &other);
    commit(f, b);
    check(store_load_lease(f->reader, id, &l, &has, &err), &err);
    assert_true(has);
    b = store_batch_new(f->store);
    store_drop_lease(b, id, &me);
    commit(f, b);
    check(store_load_lease(f->reader, id, &l, &has, &err), &err);
    assert_false(has);
    assert_orphans(f, &me, 1002, "1");
}

static void orphans__are_unfinished_runs_only(void **state)
{
    struct fixture *f = *state;
    struct store_owner me = self();
    struct store_batch *b;
    make_run(f);
    int64_t ended = make_run(f), waiting = make_run(f);
    b = store_batch_new(f->store);
    store_update_run(
        b, &(struct store_run_update){.run_id = ended, .from = RUN_RUNNING, .to = RUN_CANCELLED});
    store_update_run(
        b, &(struct store_run_update){.run_id = waiting, .from = RUN_RUNNING, .to = RUN_WAITING});
    commit(f, b);
    assert_orphans(f, &me, 1000, "1 3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(owner__is_alive_while_its_process_is),
        cmocka_unit_test(owner__is_told_by_start_boot_machine_and_pid_space),
        STORE_TEST(lease__of_a_live_owner_is_never_taken),
        STORE_TEST(lease__of_an_unseen_owner_is_free_when_it_expired),
        STORE_TEST(lease__is_dropped_by_its_owner_alone),
        STORE_TEST(orphans__are_unfinished_runs_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
