"""Stop and look: steps that are held, shells in their sandboxes, and how they go on."""
import fcntl
import os
import signal
import sqlite3
import struct
import subprocess
import termios
from pathlib import Path

import harness
from harness import OnTerminal, processes_with


class Hold(OnTerminal):
    def held(self, *args, step="test", name="ci"):
        """Starts a run and waits until the step is held."""
        process = self.start("workflow", "run", name, *args)
        self.wait_for_step(step, "waiting")
        return process

    def attach(self, commands, *args, expect=0):
        return self.plue("run", "attach", 1, *(args or ["test"]), stdin=commands, expect=expect)

    def attach_on_terminal(self, step="test", **more):
        process, terminal = self.on_terminal("run", "attach", "1", step, **more)
        self.read_until(terminal, "$ ")
        return process, terminal

    def reason(self, name="test"):
        return self.step(self.view(), name)["reason"]["code"]

    def two_steps(self):
        self.steps_workflow("""
            ctx.run(name="prepare", cmd='echo 41 > n; echo FROM_BEFORE=yes >> "$PLUE_ENV"; echo /workspace/tools >> "$PLUE_PATH"')
            ctx.run(name="test", cmd="cat n; test $(cat n) = 42", env={"OWN": "a b"}, cwd=".")
            """)

    # -- before

    def test_a_step_is_held_before_it_runs_and_sees_what_was_changed(self):
        self.two_steps()
        process = self.held("--break-before", "test")
        run = self.view()
        self.assertEqual((run["status"], run["reason"]["code"]), ("waiting", "step_held"))
        step = self.step(run, "test")
        self.assertEqual((step["status"], step["reason"]["code"], step["started_at"], step["outcome"]), ("waiting", "held_before", None, None))
        self.assertEqual(step["reason"]["text"], "is held before it runs: plue run attach 1 test, then plue run continue 1 test")
        shown = self.attach('cat n; echo "$FROM_BEFORE $OWN $PLUE_STEP_ID"; echo "${PATH%%:*}"; cat /plue/script; echo 42 > n; touch /tmp/seen').out
        self.assertEqual(shown, "41\nyes a b test\n/workspace/tools\ncat n; test $(cat n) = 42")
        self.assertEqual(self.plue("run", "continue", 1, expect=0).out, "test of run 1 goes on\n")
        self.assertIn("success", self.finish(process, 0).out)
        self.assertEqual(self.log(step="test"), "42\n")
        events = [e["type"] for e in self.plue("run", "watch", 1, "--json", expect=0).json_lines if e.get("step_id") == "test"]
        self.assertEqual([e for e in events if e != "step_output"], ["step_held", "step_started", "step_completed"])

    def test_it_is_said_how_to_look_and_how_to_go_on(self):
        self.two_steps()
        process = self.held("--break-before", "test")
        line = "test waiting: is held before it runs: plue run attach 1 test, then plue run continue 1 test\n"
        self.wait_for(lambda: line in Path(process.out_path).read_text(), "the way on is shown")
        self.assertEqual(self.plue("why", 1, "test", expect=0).out, "It is held before it runs: plue run attach 1 test, then plue run continue 1 test.\n")
        self.assertIn("plue run attach 1 test", self.plue("run", "view", 1, expect=0).out)
        self.assertIn("plue run attach 1 test", self.plue("why", 1, expect=0).out)

    def test_a_terminal_shows_what_to_type_in_another(self):
        self.two_steps()
        process, terminal = self.on_terminal("workflow", "run", "ci", "--break-before", "test", columns=60)
        shown = self.read_until(terminal, "go on  in another terminal: plue run continue 1 test")
        self.assertIn("look   in another terminal: plue run attach 1 test", shown)
        self.attach("echo 42 > n")
        self.plue("run", "continue", 1, expect=0)
        self.read_until(terminal, None)
        self.assertEqual(process.wait(60), 0)

    def test_the_first_step_of_all_can_be_held(self):
        self.write("kept.txt", "here\n")
        self.steps_workflow("""ctx.run(name="test", cmd="cat kept.txt")""")
        process = self.held("--break-before", "test")
        self.assertEqual(self.attach("cat kept.txt; echo more >> kept.txt").out, "here\n")
        self.plue("run", "continue", 1, "test", expect=0)
        self.finish(process, 0)
        self.assertEqual(self.log(step="test"), "here\nmore\n")

    def test_an_unknown_step_is_refused_with_a_suggestion(self):
        self.two_steps()
        result = self.plue("workflow", "run", "ci", "--break-before", "tset", expect=2)
        self.assertEqual(result.err, "error: --break-before: 'ci' has no step 'tset'\n  hint: did you mean 'test'?\n")
        self.assertEqual(self.plue("run", "list", "--json").json.get("runs", []), [])

    def test_a_group_runs_nothing_to_hold(self):
        self.steps_workflow("""ctx.parallel([ctx.run(name="a", cmd="true"), ctx.run(name="b", cmd="true")])""")
        result = self.plue("workflow", "run", "ci", "--break-before", "parallel-1", expect=2)
        self.assertIn("is a group of steps", result.err)

    def test_a_step_that_comes_later_can_be_named(self):
        self.steps_workflow("""
            first = ctx.run(name="first", cmd="echo yes")
            if first.stdout.strip() == "yes":
                ctx.run(name="later", cmd="echo late")
            """)
        process = self.held("--break-before", "later", step="later")
        self.assertIn("the plan has no step 'later' yet: it is held if it comes", Path(process.err_path).read_text())
        self.plue("run", "continue", 1, expect=0)
        self.finish(process, 0)

    def test_a_step_that_never_came_is_told_of(self):
        self.steps_workflow("""
            first = ctx.run(name="first", cmd="echo no")
            if first.stdout.strip() == "yes":
                ctx.run(name="later", cmd="echo late")
            """)
        result = self.plue("workflow", "run", "ci", "--break-before", "later", expect=0)
        self.assertIn("--break-before held nothing: the plan never had a step 'later'", result.err)

    def test_files_that_a_cache_key_names_are_hashed_for_the_shell(self):
        self.write("lock", "1\n")
        self.steps_workflow("""ctx.run(name="test", cmd="true", env={"KEY": hash_files("lock")})""")
        process = self.held("--break-before", "test")
        self.assertRegex(self.attach("echo $KEY").out, "^[0-9a-f]{64}\n$")
        self.plue("run", "continue", 1, expect=0)
        self.finish(process, 0)

    def test_what_was_done_before_the_first_step_outlives_a_crash(self):
        self.write("kept.txt", "here\n")
        self.steps_workflow("""ctx.run(name="test", cmd="cat kept.txt")""")
        owner = self.held("--break-before", "test")
        self.attach("echo more >> kept.txt")
        owner.kill()
        owner.wait()
        again = self.start("run", "resume", 1)
        self.wait_for(lambda: self.plue("run", "attach", 1, stdin="cat kept.txt").out == "here\nmore\n", "it is held again, in its files")
        self.plue("run", "continue", 1, expect=0)
        self.finish(again, 0)
        self.assertEqual(self.log(step="test"), "here\nmore\n")

    # -- after a failure

    def failing(self, more=""):
        self.steps_workflow(f"""
            ctx.run(name="test", cmd="echo left > made; echo try; test -e mended"{more})
            ctx.run(name="after", cmd="true")
            """)

    def test_a_failed_step_is_held_in_the_files_that_it_left(self):
        self.failing()
        process = self.held("--break-on-failure")
        step = self.step(self.view(), "test")
        self.assertEqual((step["reason"]["code"], step["outcome"], step["conclusion"], step["exit_code"]), ("held_after_failure", "failed", None, 1))
        self.assertIn("(the command ended with exit code 1)", step["reason"]["text"])
        self.assertEqual(self.attach("cat made").out, "left\n")
        self.plue("run", "continue", 1, expect=0)
        self.finish(process, 1)
        run = self.view()
        self.assertEqual(self.outcomes(run), {"test": "failed", "after": "skipped"})
        self.assertEqual((self.step(run, "test")["attempts"], self.step(run, "test")["exit_code"]), (1, 1))

    def test_once_mended_it_runs_again(self):
        self.failing()
        process = self.held("--break-on-failure")
        self.attach("touch mended")
        self.plue("run", "continue", 1, "test", "--again", expect=0)
        self.finish(process, 0)
        run = self.view()
        self.assertEqual(self.outcomes(run), {"test": "success", "after": "success"})
        self.assertEqual(self.step(run, "test")["attempts"], 2)

    def wishes(self):
        with sqlite3.connect(self.data / "plue.db") as db:
            return [kind for kind, in db.execute("SELECT kind FROM run_commands")]

    def stop(self, process):
        """Stops it where others can write: a program that is stopped within a transaction keeps them out."""
        def is_stopped():
            process.send_signal(signal.SIGSTOP)
            self.wait_for(lambda: all(stat.read_text().rpartition(")")[2].split()[0] == "T"
                                      for stat in Path(f"/proc/{process.pid}/task").glob("*/stat")), "it stands still")
            db = sqlite3.connect(self.data / "plue.db", timeout=0, isolation_level=None)
            try:
                db.execute("BEGIN IMMEDIATE")
                return True
            except sqlite3.OperationalError:
                process.send_signal(signal.SIGCONT)
            finally:
                db.close()
        self.wait_for(is_stopped, "it is stopped")

    def test_a_new_try_that_fails_at_once_is_an_answer(self):
        """It may be held again before anybody has seen it run."""
        self.steps_workflow("""ctx.run(name="test", cmd="false")""")
        process = self.held("--break-on-failure")
        self.stop(process)
        asking = self.start("run", "continue", 1, "test", "--again")
        self.wait_for(lambda: self.wishes() == ["continue"], "it has asked")
        self.stop(asking)
        process.send_signal(signal.SIGCONT)
        self.wait_for(lambda: self.step(self.view(), "test")["attempts"] == 2, "it runs again")
        self.wait_for_step("test", "waiting")
        asking.send_signal(signal.SIGCONT)
        self.assertEqual(self.finish(asking, 0).out, "test of run 1 goes on\n")
        self.plue("run", "continue", 1, expect=0)
        self.finish(process, 1)

    def test_again_is_for_what_has_run(self):
        self.two_steps()
        self.held("--break-before", "test")
        result = self.plue("run", "continue", 1, "--again", expect=2)
        self.assertIn("step 'test' has not run yet", result.err)

    def test_retries_follow_once_it_goes_on(self):
        self.failing(more=", retries=1")
        process = self.held("--break-on-failure")
        self.attach("touch mended")
        self.plue("run", "continue", 1, expect=0)
        self.finish(process, 0)
        self.assertEqual(self.step(self.view(), "test")["attempts"], 2)

    def test_what_a_person_looks_at_is_no_time_of_the_step(self):
        self.failing()
        process = self.held("--break-on-failure")
        ended = self.step(self.view(), "test")["completed_at"]
        self.attach("sleep 0.5")
        self.plue("run", "continue", 1, expect=0)
        self.finish(process, 1)
        self.assertEqual(self.step(self.view(), "test")["completed_at"], ended)

    def test_neither_the_run_nor_the_step_runs_out_of_time(self):
        self.steps_workflow("""
            ctx.run(name="test", cmd="true", timeout=3)
            """, decorator="@workflow(triggers=[manual()], timeout=5)")
        process = self.held("--break-before", "test")
        self.attach("sleep 6")
        self.assertEqual(self.view()["status"], "waiting")
        self.plue("run", "continue", 1, expect=0)
        self.finish(process, 0)

    def test_a_rerun_can_be_held_too(self):
        self.failing()
        self.plue("workflow", "run", "ci", expect=1)
        process = self.start("run", "rerun", 1, "--failed", "--break-before", "test")
        self.wait_for_step("test", "waiting")
        self.attach("touch mended")
        self.plue("run", "continue", 1, expect=0)
        self.finish(process, 0)
        result = self.plue("run", "rerun", 1, "--break-before", "tast", expect=2)
        self.assertIn("did you mean 'test'?", result.err)

    # -- the shell

    def test_the_shell_is_in_the_same_kind_of_sandbox(self):
        self.steps_workflow("""ctx.run(name="test", cmd="true")""")
        self.held("--break-before", "test")
        shown = self.attach("id -u; grep -E 'Seccomp:|NoNewPrivs|CapEff' /proc/self/status; ls /proc/sys/net/ipv4/conf; "
                            "touch /usr/x 2>&1; unshare -U true 2>&1; cat /etc/shadow 2>&1; ls /root /home 2>&1; ls " + str(self.data) + " 2>&1; true").out
        self.assertIn("1000\n", shown)
        self.assertRegex(shown, r"Seccomp:\t2\n")
        self.assertRegex(shown, r"NoNewPrivs:\t1\n")
        self.assertRegex(shown, r"CapEff:\t0000000000000000\n")
        for word in ("Read-only file system", "unshare failed", "/etc/shadow", f"'{self.data}': No such file"):
            self.assertIn(word, shown)
        self.assertNotIn("root:", shown)
        self.assertNotIn("eth0", shown)

    def test_its_exit_status_is_ours(self):
        self.two_steps()
        self.held("--break-before", "test")
        for status in (0, 3, 77):
            done = subprocess.run([harness.PLUE, "run", "attach", "1", "test"], input=f"exit {status}\n".encode(), env=self.env, timeout=60)
            self.assertEqual(done.returncode, status)

    def test_a_terminal_is_a_real_one(self):
        self.two_steps()
        self.held("--break-before", "test")
        process, terminal = self.attach_on_terminal(rows=31, columns=97)
        os.write(terminal, b"stty size; test -t 0 && test -t 1 && test -t 2 && echo is-a-tty; echo T=$TERM\n")
        shown = self.read_until(terminal, "T=xterm-256color\r\n")
        self.assertIn("31 97\r\n", shown)
        self.assertIn("is-a-tty\r\n", shown)
        self.assertNotIn("no job control", shown)
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        os.write(terminal, b"stty size\n")
        self.read_until(terminal, "40 120\r\n")
        os.write(terminal, b"exit 9\n")
        self.read_until(terminal, "the step is still held: plue run continue 1 test")
        self.assertEqual(process.wait(60), 9)

    def test_a_program_is_told_of_a_new_size(self):
        self.two_steps()
        self.held("--break-before", "test")
        _, terminal = self.attach_on_terminal(rows=24, columns=80)
        os.write(terminal, b"trap 'echo SIZE=$(stty size)' WINCH; echo set''ready\n")
        self.read_until(terminal, "setready")
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 132, 0, 0))
        os.write(terminal, b"\n")
        self.read_until(terminal, "SIZE=50 132")

    def test_ctrl_c_goes_inside(self):
        self.two_steps()
        self.held("--break-before", "test")
        process, terminal = self.attach_on_terminal()
        os.write(terminal, f"sleep {self.nap}\n".encode())
        self.wait_for(lambda: processes_with(self.nap), "the command runs")
        os.write(terminal, b"\x03")
        self.wait_for(lambda: not processes_with(self.nap), "it was interrupted")
        os.write(terminal, b"echo still''here=$?; PS1=at''rest\n")
        shown = self.read_until(terminal, "atrest")     # only a shell that reads a line takes Ctrl-D for the end
        self.assertIn("stillhere=130\r\n", shown)
        os.write(terminal, b"\x04")
        process.wait(60)

    def test_ctrl_z_stops_a_command_and_not_us(self):
        self.two_steps()
        self.held("--break-before", "test")
        _, terminal = self.attach_on_terminal()
        os.write(terminal, f"sleep {self.nap}\n".encode())
        self.wait_for(lambda: processes_with(self.nap), "the command runs")
        os.write(terminal, b"\x1a")
        self.read_until(terminal, "Stopped")
        os.write(terminal, b"kill %1; echo went''on\n")
        self.read_until(terminal, "wenton")

    def test_the_terminal_is_as_it_was_afterwards(self):
        self.two_steps()
        self.held("--break-before", "test")
        for end in ("exit", "kill"):
            process, terminal = self.attach_on_terminal()
            raw = termios.tcgetattr(terminal)
            self.assertFalse(raw[3] & (termios.ICANON | termios.ECHO | termios.ISIG))
            if end == "exit":
                os.write(terminal, b"exit\n")
            else:
                process.send_signal(signal.SIGTERM)
            process.wait(60)
            after = termios.tcgetattr(terminal)
            wanted = termios.ICANON | termios.ECHO | termios.ISIG
            self.assertEqual(after[3] & wanted, wanted, end)
        self.assertEqual(process.returncode, -signal.SIGTERM)

    def test_streams_of_a_pipe_stay_apart(self):
        self.two_steps()
        self.held("--break-before", "test")
        result = self.attach("echo out; echo err >&2; cat <<'E'\nlast\nE\n")
        self.assertEqual((result.out, result.err), ("out\nlast\n", "err\n"))

    def test_much_output_comes_whole(self):
        self.two_steps()
        self.held("--break-before", "test")
        shown = self.attach("seq 200000").out
        self.assertEqual(shown, "".join(f"{i}\n" for i in range(1, 200001)))

    def test_two_people_look_at_one_step(self):
        self.two_steps()
        self.held("--break-before", "test")
        one, terminal = self.attach_on_terminal()
        os.write(terminal, b"echo mine > /tmp/one; echo do''ne\n")
        self.read_until(terminal, "done")
        self.assertEqual(self.attach("cat /tmp/one; ls /plue").out.splitlines()[0], "mine")
        os.write(terminal, b"exit\n")
        self.assertEqual(one.wait(60), 0)

    def test_the_number_of_shells_is_bounded(self):
        self.two_steps()
        self.held("--break-before", "test")
        for _ in range(8):
            self.attach_on_terminal()
        result = self.attach("true", expect=2)
        self.assertIn("8 shells are attached to run 1 already", result.err)

    def test_a_shell_ends_when_its_person_is_gone(self):
        self.two_steps()
        self.held("--break-before", "test")
        process, terminal = self.attach_on_terminal()
        os.write(terminal, f"sleep {self.nap}\n".encode())
        self.wait_for(lambda: processes_with(self.nap), "the command runs")
        process.kill()
        process.wait(60)
        self.wait_for(lambda: not processes_with(self.nap), "its processes are gone")
        self.assertEqual(self.attach("echo free").out, "free\n")

    def test_a_shell_ends_when_the_step_goes_on(self):
        self.two_steps()
        run = self.held("--break-before", "test")
        process, terminal = self.attach_on_terminal()
        os.write(terminal, f"echo 42 > n; sleep {self.nap}\n".encode())
        self.wait_for(lambda: processes_with(self.nap), "the command runs")
        self.plue("run", "continue", 1, expect=0)
        self.assertIn("the shell was ended: the step goes on", self.read_until(terminal, None))
        self.assertEqual(process.wait(60), 2)
        self.finish(run, 0)
        self.assertEqual(processes_with(self.nap), [])

    def test_cancelling_works_as_always(self):
        self.two_steps()
        run = self.held("--break-before", "test")
        process, terminal = self.attach_on_terminal()
        self.plue("run", "cancel", 1, expect=0)
        self.finish(run, 3)
        self.read_until(terminal, None)
        self.assertEqual(process.wait(60), 2)
        self.assertEqual(self.step(self.view(), "test")["outcome"], "cancelled")
        self.assertEqual(list((self.data / "attach").iterdir()), [])

    def test_without_a_sandbox_it_works_too(self):
        self.two_steps()
        self.held("--break-before", "test", "--sandbox", "none")
        self.assertEqual(self.attach("cat n; echo $OWN").out, "41\na b\n")
        process, terminal = self.attach_on_terminal()
        os.write(terminal, f"sleep {self.nap}\n".encode())
        self.wait_for(lambda: processes_with(self.nap), "the command runs")
        os.write(terminal, b"\x03")
        self.wait_for(lambda: not processes_with(self.nap), "it was interrupted")
        os.write(terminal, b"exit 5\n")
        self.read_until(terminal, None)
        self.assertEqual(process.wait(60), 5)

    # -- secrets

    def test_a_secret_of_the_step_is_in_no_log_and_on_no_command_line(self):
        secret = "s3cret-" + self.nap
        self.steps_workflow("""ctx.run(name="test", cmd="true", env={"TOKEN": ctx.secrets.TOKEN})""")
        run = self.start("workflow", "run", "ci", "--break-before", "test", env={"PLUE_SECRET_TOKEN": secret})
        self.wait_for_step("test", "waiting")
        process, terminal = self.attach_on_terminal()
        os.write(terminal, b"echo got=$TOKEN\n")
        self.read_until(terminal, "got=" + secret)
        lines = [(Path("/proc") / p / "cmdline") for p in os.listdir("/proc") if p.isdigit()]
        for line in lines:
            try:
                self.assertNotIn(secret.encode(), line.read_bytes(), line)
            except OSError:
                pass
        os.write(terminal, b"exit\n")
        process.wait(60)
        self.plue("run", "continue", 1, expect=0)
        self.finish(run, 0)
        for path in self.data.rglob("*"):
            if path.is_file():
                self.assertNotIn(secret.encode(), path.read_bytes(), path)

    # -- what is not held

    def test_only_held_steps_can_be_attached_to(self):
        self.steps_workflow("""
            ctx.run(name="done", cmd="true")
            ctx.run(name="slow", cmd="sleep NAP")
            """)
        self.start("workflow", "run", "ci")
        self.wait_for_step("slow", "running")
        self.assertEqual(self.attach("", "slow", expect=2).err,
                         "error: step 'slow' of run 1 is not held: it is running\n  hint: plue run view 1 shows where it is; "
                         "only steps that --break-before or --break-on-failure hold can be attached to\n")
        self.assertIn("plue run rerun 1 --break-before done", self.attach("", "done", expect=2).err)
        self.assertIn("did you mean 'slow'?", self.attach("", "slwo", expect=2).err)
        self.assertIn("no step of run 1 is held", self.plue("run", "continue", 1, expect=2).err)

    def test_after_the_run_has_ended_there_is_nothing_to_attach_to(self):
        self.two_steps()
        self.plue("workflow", "run", "ci", expect=1)
        self.assertEqual(self.attach("", expect=2).err, "error: run 1 has ended: failed\n"
                         "  hint: hold a step in another attempt: plue run rerun 1 --break-before STEP\n")

    # -- when processes die

    def test_a_killed_owner_leaves_no_process_and_a_resume_holds_again(self):
        self.two_steps()
        owner = self.held("--break-before", "test")
        process, terminal = self.attach_on_terminal()
        os.write(terminal, f"echo 42 > n; sleep {self.nap}\n".encode())
        self.wait_for(lambda: processes_with(self.nap), "the command runs")
        owner.kill()
        owner.wait()
        shown = self.read_until(terminal, None)
        self.assertIn("the process that drives the run has ended, and the shell with it", shown)
        self.assertEqual(process.wait(60), 4)
        self.wait_for(lambda: not processes_with(self.nap), "its processes are gone")
        self.assertIn("plue run resume 1", self.attach("", expect=4).err)
        again = self.start("run", "resume", 1)
        self.wait_for(lambda: self.plue("run", "attach", 1, "test", stdin="cat n").out == "42\n", "it is held again")
        self.plue("run", "continue", 1, expect=0)
        self.finish(again, 0)

    def test_a_failed_try_is_held_again_after_a_crash(self):
        self.failing()
        owner = self.held("--break-on-failure")
        before = self.step(self.view(), "test")
        owner.kill()
        owner.wait()
        again = self.start("run", "resume", 1)
        self.wait_for(lambda: self.plue("run", "attach", 1, "test", stdin="cat made; touch mended").out == "left\n", "it is held again")
        after = self.step(self.view(), "test")
        for key in ("reason", "exit_code", "attempts", "completed_at", "outcome"):
            self.assertEqual(before[key], after[key], key)
        self.plue("run", "continue", 1, "--again", expect=0)
        self.finish(again, 0)
        self.assertEqual(self.outcomes(self.view()), {"test": "success", "after": "success"})

    def test_another_user_has_no_way_in(self):
        self.two_steps()
        self.held("--break-before", "test")
        self.assertEqual((self.data / "attach").stat().st_mode & 0o777, 0o700)
        if os.getuid() != 0:
            return
        # Even if the folders were open: who asks is asked for. The same question is answered for us.
        for folder in (self.top, self.data, self.data / "attach"):
            folder.chmod(0o755)
        door, = (self.data / "attach").iterdir()
        door.chmod(0o777)
        ask = ["/usr/bin/python3", "-c", "import socket, sys; s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); s.connect(sys.argv[1])\n"
               "try: s.send(b'{}'); print(s.recv(1000))\nexcept (BrokenPipeError, ConnectionResetError): print(b'')", door]
        self.assertIn(b"error", subprocess.check_output(ask))
        other = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", *ask]
        self.assertEqual(subprocess.check_output(other), b"b''\n")
