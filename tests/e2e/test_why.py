"""plue why: sentences from recorded facts."""
import re
import signal
from pathlib import Path

from harness import OnTerminal


class Asking(OnTerminal):
    def why(self, *args):
        out = self.plue("why", *args, expect=0).out
        return re.sub(r"\d+(\.\d+)? ?m?s\b", "TIME", out)


class Why(Asking):
    def test_a_failure_and_what_it_skipped(self):
        self.steps_workflow("""
            a = ctx.run(name="a", cmd="echo one; echo it broke >&2; exit 3")
            b = ctx.run(name="b", cmd="true")
            c = ctx.run(name="c", cmd="true")
            d = ctx.run(name="d", cmd="true", when="always", depends_on=[c])
            e = ctx.run(name="e", cmd="true", depends_on=[])
            f = ctx.run(name="f", cmd="true", when="on_failure", depends_on=[e])
            g = ctx.run(name="g", cmd="true", when="on_failure", depends_on=[c])
            """)
        self.run_ci(expect=1)
        self.assertEqual(self.why(1),
                         "Run 1 of ci began by a manual event and is failed: a step failed.\n"
                         "The error: step 'a' failed: the command ended with exit code 3.\n"
                         "Failed: 'a'.\n"
                         "Skipped for it, or by their when=: 'b', 'c', 'f'.\n"
                         "More of a step: plue why 1 a\n")
        self.assertEqual(self.why(1, "a"),
                         "It ran at once: it depends on no other step.\n"
                         "It failed: the command ended with exit code 3.\n"
                         "What may mend it: it had no network; network= of the step or of the workflow allows it.\n"
                         "The last that it wrote: it broke\n"
                         "Its log: plue run view 1 --step a\n")
        self.assertEqual(self.why(1, "c"), "It was skipped: a step that it depends on failed, namely 'a'.\n")
        self.assertEqual(self.why(1, "d"), 'It ran because it has when="always".\nIt succeeded after TIME.\n'
                         "It was not cached: it has no cache=.\n")
        self.assertEqual(self.why(1, "f"), "It was skipped: runs only on failure, and nothing before it failed.\n")
        self.assertEqual(self.why(1, "g"), "It ran because it has when=\"on_failure\", and 'a' failed before it.\n"
                         "It succeeded after TIME.\nIt was not cached: it has no cache=.\n")

    def test_retries_and_what_was_kept(self):
        self.steps_workflow("""
            ctx.run(name="a", cmd="test -e f && echo there || { touch f; exit 1; }", retries=1)
            ctx.run(name="b", cmd="echo x >> n; [ $(wc -l < n) = 2 ]")
            """)
        self.run_ci(expect=1)
        self.assertIn("Try 1 of 2 did not succeed: the command ended with exit code 1.\n", self.why(1, "a"))
        self.plue("run", "rerun", 1, "--failed", expect=0)
        self.assertIn("It did not run in this attempt: attempt 1 had its result, which was kept.\n", self.why(1, "a"))
        self.assertIn("in its attempt 2", self.why(1))

    def test_a_step_that_waits_for_its_next_try(self):
        self.steps_workflow("""ctx.run(name="a", cmd="exit 4", retries=9)""")
        process = self.start("workflow", "run", "ci")

        def waits_again():
            process.send_signal(signal.SIGSTOP)
            step = self.try_view() and self.step(self.view(), "a")
            if step and step["status"] == "pending" and step["attempts"] == 2:
                return step
            process.send_signal(signal.SIGCONT)
        reason = self.wait_for(waits_again, "it waits for its second try, and stays so")["reason"]
        self.assertEqual((reason["code"], re.sub(r"\d", "9", reason["text"])),
                         ("waiting_for_retry", "waits before its next try, at 9999-99-99T99:99:99.999Z"))
        self.assertEqual(re.sub(r"2\d+-\S+Z", "THEN", self.why(1, "a")),
                         "Try 1 of 2 did not succeed: the command ended with exit code 4.\n"
                         "It waits before its next try, at THEN.\n")
        self.assertRegex(self.why(1), r"^Run 1 of ci began by a manual event and is running\.\n"
                                      r"Process \d+ on \S+ drives it\.\nWaiting for their next try: 'a'\.\n$")

    def test_what_waits_names_what_it_waits_for(self):
        self.steps_workflow("""
            a = ctx.run(name="a", cmd="sleep NAP")
            ctx.run(name="b", cmd="true")
            ctx.run(name="c", cmd="true", depends_on=[])
            """)
        process = self.start("workflow", "run", "ci", "--slots", "1")
        self.wait_for_step("a", "running")
        self.assertEqual(self.why(1, "b"), "It has not begun: it waits for steps that it depends on, now for 'a'.\n")
        self.assertEqual(self.why(1, "c"),
                         "It has not begun: it waits for a free slot of the runner; 1 steps run: 'a'.\n")
        self.assertRegex(self.why(1), r"Process \d+ on \S+ drives it.\nNow running: 'a'.\n")
        process.kill()
        process.wait()
        self.assertIn("No living process drives it: plue run resume 1 goes on with it.", self.why(1))

    def test_json_and_unknown_ids(self):
        self.steps_workflow("""ctx.run(name="build", cmd="true")""")
        self.run_ci()
        found = self.plue("why", 1, "build", "--json", expect=0).json
        self.assertEqual((found["run"], found["step"], len(found["sentences"])), (1, "build", 3))
        self.assertIn("did you mean 'build'?", self.plue("why", 1, "biuld", expect=2).err)
        self.plue("why", 7, expect=2)


class States(Asking):
    """What is said of each state that a step can be in, and nothing beside it."""

    def test_cached_and_not(self):
        self.steps_workflow("""ctx.run(name="a", cmd="echo x > f", cache=cache("k", ["f"]))""")
        self.run_ci()
        self.assertEqual(self.why(1, "a"), "It ran at once: it depends on no other step.\nIt succeeded after TIME.\n"
                         "It was not taken from the cache: there was no entry of its key.\n")
        self.run_ci()
        self.assertEqual(self.why(2, "a"), "It ran at once: it depends on no other step.\nIt did not run: its cache had an exact hit.\n")

    def test_cancelled(self):
        self.steps_workflow("""ctx.run(name="a", cmd="sleep NAP"); ctx.run(name="b", cmd="true")""")
        process = self.start("workflow", "run", "ci")
        self.wait_for_step("a", "running")
        self.plue("run", "cancel", 1, expect=0)
        self.finish(process, expect=3)
        self.assertEqual(self.why(1), "Run 1 of ci began by a manual event and is cancelled: the run was cancelled.\n")
        self.assertEqual(self.why(1, "a"), "It ran at once: it depends on no other step.\nIt was cancelled: the run was cancelled.\n")
        self.assertEqual(self.why(1, "b"), "It was cancelled: the run was cancelled.\n")

    def test_timed_out(self):
        self.steps_workflow("""ctx.run(name="a", cmd="echo x; sleep NAP", timeout="3s")""")
        self.run_ci(expect=1)
        self.assertEqual(self.why(1, "a"), "It ran at once: it depends on no other step.\n"
                         "It was ended after TIME: the step passed its time limit of TIME.\n"
                         "What may mend it: timeout= of the step changes it; it had no network; network= of the step or of the"
                         " workflow allows it.\n"
                         "The last that it wrote: x\nIts log: plue run view 1 --step a\n")

    def test_a_run_that_timed_out(self):
        self.steps_workflow("""ctx.run(name="a", cmd="sleep NAP")""", '@workflow(triggers=[manual()], timeout="1s")')
        self.run_ci(expect=1)
        self.assertEqual(self.why(1), "Run 1 of ci began by a manual event and is failed: the run passed its time limit.\n")
        self.assertEqual(self.why(1, "a"), "It ran at once: it depends on no other step.\nIt was cancelled: the run passed its time limit.\n")

    def test_running(self):
        self.steps_workflow("""ctx.run(name="a", cmd="sleep NAP")""")
        process = self.start("workflow", "run", "ci")
        self.wait_for_step("a", "running")
        self.assertEqual(self.why(1, "a"), "It ran at once: it depends on no other step.\nIt runs since TIME.\n")
        process.kill()
        process.wait()

    def test_held(self):
        self.steps_workflow("""ctx.run(name="a", cmd="exit 2")""")
        process = self.start("workflow", "run", "ci", "--break-before", "a", "--break-on-failure")
        self.wait_for_step("a", "waiting")
        commands = "plue run attach 1 a, then plue run continue 1 a"
        self.assertEqual(self.why(1, "a"), f"It is held before it runs: {commands}.\n")
        self.assertIn(f"\nStep a is held before it runs: {commands}.\n", self.why(1))
        self.plue("run", "continue", 1, "a", expect=0)
        text = f"is held after a try that failed (the command ended with exit code 2): {commands}"
        self.wait_for(lambda: text in self.why(1), "it is held again")
        self.assertEqual(self.why(1, "a"), f"It ran at once: it depends on no other step.\nIt {text}.\n")
        self.plue("run", "continue", 1, "a", expect=0)
        self.finish(process, expect=1)

    def test_a_failure_that_counts_as_a_success(self):
        self.steps_workflow("""ctx.run(name="a", cmd="exit 2", continue_on_error=True); ctx.run(name="b", cmd="true")""")
        self.run_ci()
        self.assertTrue(self.why(1, "a").endswith("It counts as a success: continue_on_error lets it fail.\n"))
        self.assertIn("It ran although 'a' failed before it: the workflow had read that status, or lets that step fail.\n", self.why(1, "b"))

    def test_a_member_of_a_group_that_failed_fast(self):
        self.steps_workflow("""
            ctx.parallel([ctx.run(name="a", cmd="exit 2"), ctx.run(name="b", cmd="true")], limit=1, fail_fast=True)
            """)
        self.run_ci(expect=1)
        self.assertEqual(self.why(1, "b"), "It was skipped: another member of its fail_fast group failed, and the group has fail_fast=True.\n")

    APPROVAL = """
        ok = ctx.approval("ok", reviewers=["ann", "bob"])
        ctx.run(name="b", cmd="true", depends_on=[ok])
        """
    AT_ONCE = "It ran at once: it depends on no other step.\n"
    ASKS = "waits for a person to approve: plue run approve 1 ok"

    def ask(self):
        self.steps_workflow(self.APPROVAL)
        process = self.start("workflow", "run", "ci")
        self.wait_for_question()
        return process

    def test_what_asks_for_an_approval_names_whom_and_the_command(self):
        process = self.ask()
        self.assertEqual(self.why(1, "ok"), f"{self.AT_ONCE}It {self.ASKS}.\nIt asks for 'ann', 'bob'; that is recorded, and anybody may decide.\n")
        self.assertIn(f"\nStep ok {self.ASKS}.\n", self.why(1))
        self.assertIn(f"  {self.ASKS}\n", self.plue("run", "view", 1, expect=0).out)
        self.wait_for(lambda: Path(process.out_path).read_text() == f"ci: run 1 (manual)\n? ok waiting: {self.ASKS}\n", "it says so")
        watch, terminal = self.on_terminal("run", "watch", "1", columns=60)
        self.read_until(terminal, "decide in another terminal: plue run approve 1 ok", watch)
        watch.kill()
        self.plue("run", "approve", 1, "ok", "--comment", "looks good", env={"USER": "eve"}, expect=0)
        self.finish(process, expect=0)
        actor = self.view()["approvals"][0]["actor"]
        self.assertEqual(self.why(1, "ok"), f"{self.AT_ONCE}It succeeded after TIME.\nIt was approved by {actor}: looks good.\n")
        self.assertEqual(self.plue("run", "rerun", 1, "--from", "b", expect=0).status, 0)
        self.assertIn(f"attempt 1 had its result, which was kept.\nIt was approved by {actor}: looks good.\n", self.why(1, "ok"))

    def test_what_was_rejected_names_who_did(self):
        process = self.ask()
        self.plue("run", "approve", 1, "ok", "--reject", expect=0)
        self.finish(process, expect=1)
        actor = self.view()["approvals"][0]["actor"]
        self.assertEqual(self.why(1, "ok"), f"{self.AT_ONCE}It failed: {actor} rejected it.\nIts log: plue run view 1 --step ok\n")
