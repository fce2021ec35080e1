"""What a step can see and do: each promise is tested by trying to break it."""
import os
import signal
import socket

from harness import PlueTest, processes_with

SYSTEM_CALLS = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
for name, number, *args in [
        ("ptrace", 101, 0, 0, 0, 0), ("keyctl", 250, 0, -3, 0), ("add_key", 248, b"user", b"x", b"y", 1, -3),
        ("bpf", 321, 0, 0, 0), ("userfaultfd", 323, 0), ("perf_event_open", 298, 0, 0, -1, -1, 0),
        ("io_uring_setup", 425, 1, 0), ("mount", 165, b"none", b"/tmp", b"tmpfs", 0, 0), ("umount2", 166, b"/proc", 2),
        ("pivot_root", 155, b"/tmp", b"/tmp"), ("chroot", 161, b"/tmp"), ("init_module", 175, 0, 0, b""),
        ("clone", 56, 0x10000000 | 17, 0, 0, 0, 0), ("setns", 308, 0, 0), ("open_by_handle_at", 304, -100, 0, 0)]:
    print(name, "allowed" if libc.syscall(number, *args) >= 0 else "refused")
"""


class Sandbox(PlueTest):
    def in_step(self, script):
        """The output of one sandboxed step that runs this script."""
        self.write("step.sh", script)
        self.steps_workflow("""ctx.run(name="a", cmd="bash step.sh 2>&1 || true")""")
        self.run_ci()
        return self.log(step="a")

    def test_it_is_user_1000_without_capabilities(self):
        out = self.in_step("id -u; id -g; grep -E 'CapEff|CapBnd|NoNewPrivs|Seccomp:' /proc/self/status | tr '\\t' ' '")
        self.assertEqual(out, "1000\n1000\nCapEff: 0000000000000000\nCapBnd: 0000000000000000\nNoNewPrivs: 1\nSeccomp: 2\n")

    def test_the_root_is_read_only_and_only_two_folders_can_be_written(self):
        out = self.in_step("""
            for d in / /usr /etc /bin /lib /opt /dev /proc /proc/sys; do (touch $d/plue-test) 2> /dev/null && echo wrote $d; done
            echo x > /workspace/x && echo workspace
            echo x > /tmp/x && echo tmp
            mkdir -p $HOME; echo x > $HOME/x && echo $HOME
            """)
        self.assertEqual(out, "workspace\ntmp\n/tmp/home\n")

    def test_nothing_of_the_host_is_there_but_programs(self):
        out = self.in_step("ls -d /home /root /run /var /srv /mnt /media 2> /dev/null\n"
                           "cat /etc/shadow /etc/sudoers /etc/ssh/* 2> /dev/null\ntrue")
        self.assertEqual(out, "")

    def test_the_data_folder_and_private_files_cannot_be_read(self):
        (self.top / "private").write_text("private words")
        out = self.in_step(f"cat {self.top}/private {self.data}/plue.db; ls -a {self.top} {self.home}")
        self.assertNotIn("private words", out)
        self.assertNotIn("SQLite", out)
        self.assertEqual(out.count("No such file"), 4, out)

    def test_the_hosts_environment_does_not_enter(self):
        self.env["PRIVATE_TOKEN"] = "from-the-host"
        out = self.in_step("env")
        self.assertNotIn("from-the-host", out)
        names = {line.split("=")[0] for line in out.splitlines() if "=" in line and not line.startswith("PLUE_")}
        self.assertLessEqual(names, {"PATH", "HOME", "LANG", "LC_ALL", "TERM", "USER", "LOGNAME", "SHELL", "PWD", "OLDPWD",
                                     "SHLVL", "_", "CI", "PLUE", "TZ", "TMPDIR"})

    def test_processes_of_the_host_are_not_seen(self):
        self.assertLess(int(self.in_step("ls /proc | grep -c '^[0-9]'")), 10)

    def test_there_is_no_network(self):
        server = socket.socket()
        self.addCleanup(server.close)
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        out = self.in_step(f"""
            (echo > /dev/tcp/127.0.0.1/{port}) 2> /dev/null && echo connected
            (echo > /dev/tcp/169.254.169.254/80) 2> /dev/null && echo metadata
            tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '
            """)
        self.assertEqual(out, "lo\n")

    def test_system_calls_that_reach_into_the_kernel_are_refused(self):
        self.write("calls.py", SYSTEM_CALLS)
        out = self.in_step("unshare -U true 2> /dev/null && echo unshare allowed\npython3 calls.py")
        self.assertEqual([line for line in out.splitlines() if not line.endswith(" refused")], [])
        self.assertEqual(len(out.splitlines()), 15)

    def test_devices_are_the_harmless_ones(self):
        out = self.in_step("ls /dev; touch /dev/shm/x && echo shm-can-be-written")
        self.assertLessEqual(set(out.split()), {"core", "fd", "full", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin",
                                                "stdout", "tty", "urandom", "zero", "console", "shm-can-be-written"})
        self.assertIn("shm-can-be-written", out)

    def test_standard_input_is_empty(self):
        self.assertEqual(self.in_step("cat; echo end"), "end\n")

    def test_no_descriptor_is_inherited(self):
        self.steps_workflow("""ctx.run(name="a", cmd="ls /proc/self/fd", shell="sh")""")
        self.run_ci()
        self.assertEqual(self.log(step="a").split(), ["0", "1", "2", "3"])

    def test_a_host_process_cannot_be_signalled(self):
        self.assertNotIn("killed", self.in_step(f"kill -0 {os.getpid()} && echo killed\ntrue"))

    def test_steps_of_one_run_share_tmp_and_home_and_other_runs_do_not(self):
        self.steps_workflow("""
            ctx.run(name="a", cmd="ls -A /tmp; echo x > /tmp/left; mkdir -p ~; echo y > ~/mine")
            ctx.run(name="b", cmd="cat /tmp/left ~/mine")
            """)
        self.run_ci()
        self.assertEqual(self.log(1, step="b"), "x\ny\n")
        self.run_ci()
        self.assertNotIn("left", self.log(2, step="a"))

    def test_the_step_runs_as_no_real_user_of_the_host(self):
        self.steps_workflow("""ctx.run(name="a", cmd="exec sleep NAP")""")
        process = self.start("workflow", "run", "ci")

        def uid_of_step():
            for pid in processes_with(self.nap):
                lines = open(f"/proc/{pid}/status").read().splitlines()
                if "sleep" in lines[0]:
                    return [line.split()[1] for line in lines if line.startswith("Uid:")]
            return None
        [uid] = self.wait_for(uid_of_step, "the step runs")
        if os.getuid() == 0:
            self.assertNotIn(uid, ("0", "1000"))
        process.send_signal(signal.SIGINT)
        self.finish(process, expect=3)


    def test_steps_side_by_side_do_not_see_each_other(self):
        self.write("look.sh", """
            touch /workspace/looking
            until [ -e /workspace/there ]; do sleep 0.05; done
            # The patterns do not match themselves: grep's own command line is among those.
            cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n' | grep -c -e 'hidden-valu[e]' -e 'hidden-wor[d]'
            ls /plue /plue/.. /tmp | grep -c -e first
            cat /proc/[0-9]*/root/plue/script 2>/dev/null | grep -c hidden-word
            touch /workspace/looked
            """)
        self.steps_workflow("""
            ctx.run(name="first", env={"HIDDEN": "hidden-value"}, depends_on=[],
                    cmd=": hidden-word; touch there; until [ -e looked ]; do sleep 0.05; done")
            ctx.run(name="second", shell="sh", cmd="sh look.sh || true", depends_on=[])
            """)
        self.run_ci("--slots", "2")
        self.assertEqual(self.log(step="second"), "0\n0\n0\n")


class Bounds(PlueTest):
    def test_a_fork_bomb_ends_with_its_step_and_the_next_runs(self):
        self.steps_workflow("""
            ctx.run(name="a", cmd="bomb() { bomb | bomb & }; bomb; sleep 1; echo over", continue_on_error=True)
            ctx.run(name="b", cmd="ls /proc | grep -c '^[0-9]'")
            """)
        run = self.run_ci()
        self.assertLess(int(self.log(step="b")), 10)
        self.assertEqual(self.step(run, "b")["outcome"], "success")

    def test_a_full_disk_is_said_and_the_run_is_kept(self):
        if os.getuid() != 0:
            self.skipTest("only root can mount a small disk")
        self.data.mkdir()
        workspaces = self.data / "workspaces"
        workspaces.mkdir(mode=0o700)
        self.steps_workflow("""
            ctx.run(name="a", cmd="head -c 90000000 /dev/zero > big 2> /dev/null", continue_on_error=True)
            ctx.run(name="b", cmd="rm big; echo room > x; cat x")
            """)
        mount = 'mount -t tmpfs -o size=24m,mode=0700 none "$0" && exec "$@"'
        run = self.plue("workflow", "run", "ci", "--json", expect=0,
                        below=("unshare", "--mount", "sh", "-c", mount, workspaces)).json
        self.assertEqual(self.step(run, "a")["error"]["message"], "the command ended with exit code 1, and the disk was full")
        self.assertEqual(self.log(step="a"), "plue: the disk that holds the workspace is full\n")
        self.assertEqual(self.log(step="b"), "room\n")

    def test_processes_are_bounded(self):
        self.write("bomb.py", "import subprocess\nmade = []\ntry:\n    while len(made) < 3000:\n"
                              "        made.append(subprocess.Popen(['sleep', '60']))\nexcept OSError:\n    print('bounded')\n")
        self.steps_workflow("""ctx.run(name="a", cmd="python3 bomb.py")""")
        self.run_ci()
        self.assertEqual(self.log(), "bounded\n")

    def test_memory_is_bounded(self):
        self.write("eat.py", "try:\n    x = bytearray(6 << 30)\n    print('got it')\nexcept MemoryError:\n    print('bounded')\n")
        self.steps_workflow("""ctx.run(name="a", cmd="python3 eat.py || echo bounded")""")
        self.run_ci(seconds=600)        # 4 GiB are written, which a small machine may have to find first
        self.assertEqual(self.log().splitlines()[-1], "bounded")
