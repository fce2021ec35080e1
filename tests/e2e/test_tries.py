"""Tries of a step that ended, each with what ended it; and what is said while the next one waits."""
import re

from harness import PlueTest


class Tries(PlueTest):
    def ends(self, step="a", run=1):
        """(outcome, reason, exit code) of each try."""
        events = self.plue("run", "watch", run, "--json").json_lines
        return [(e["outcome"], e.get("reason"), e.get("exit_code")) for e in events
                if e["type"] == "step_completed" and e["step_id"] == step]

    def test_a_try_that_timed_out_and_is_followed_by_another_is_told_as_that(self):
        self.steps_workflow("""
            ctx.run(name="a", timeout="3s", retries=1,
                    cmd="[ -e again ] && exit 0; touch again; trap 'exit 0' TERM; sleep NAP & wait")
            """)
        self.run_ci()
        self.assertEqual(self.ends(), [("timed_out", "step_timed_out", 0), ("success", None, 0)])

    def test_a_try_that_died_of_a_signal_is_told_as_that(self):
        self.steps_workflow("""ctx.run(name="a", retries=1, cmd="[ -e again ] && exit 0; touch again; kill -9 $$")""")
        self.run_ci()
        self.assertEqual(self.ends(), [("failed", "signalled", 137), ("success", None, 0)])

    def test_a_try_that_failed_keeps_its_status(self):
        self.steps_workflow("""ctx.run(name="a", retries=1, cmd="[ -e again ] && exit 0; touch again; exit 7")""")
        self.run_ci()
        self.assertEqual(self.ends(), [("failed", "exit_code", 7), ("success", None, 0)])


class Timeouts(PlueTest):
    HINT = "timeout= of the step changes it; it had no network; network= of the step or of the workflow allows it"
    MESSAGE = "the step passed its time limit of 3.0s"

    def check(self, cmd, exit_code):
        self.steps_workflow(f"""ctx.run(name="a", timeout="3s", cmd="{cmd}")""")
        result = self.plue("workflow", "run", "ci", expect=1)
        step = self.step(self.view(), "a")
        self.assertEqual((step["outcome"], step["reason"]["code"], step["exit_code"], step["error"]["code"],
                          step["error"]["message"], step["error"]["hint"]),
                         ("timed_out", "step_timed_out", exit_code, "step_timed_out", self.MESSAGE, self.HINT))
        self.assertEqual(self.without_times(result.out),
                         f"ci: run 1 (manual)\n* a running\n✗ a failed in TIME: {self.MESSAGE}\n\n"
                         f"✗ a failed in TIME: {self.MESSAGE}\n    hint: {self.HINT}\n    x\n\n"
                         f"error: step 'a' failed: {self.MESSAGE}\n  hint: its log: plue run view 1 --log --step a\n\n"
                         "run 1 failed in TIME: a step failed\nsee more: plue run view 1 --log-failed\n")
        self.assertIn(f": {self.MESSAGE}.\nWhat may mend it: {self.HINT}.\n", self.plue("why", 1, "a").out)

    def without_times(self, text):
        return re.sub(r"\d+(\.\d+)?m?s\b(?!\n)", "TIME", text)

    def test_a_step_that_is_out_of_time_says_so_and_its_limit(self):
        self.check("echo x; sleep NAP", 143)

    def test_so_does_one_that_caught_the_signal(self):
        self.check("echo x; trap 'exit 0' TERM; sleep NAP & wait", 0)

    def test_an_approval_that_nobody_gave_in_time_says_so(self):
        self.steps_workflow("""ctx.approval("ok", timeout="3s")""")
        run = self.run_ci(expect=1)
        self.assertEqual((self.step(run, "ok")["error"]["code"], self.step(run, "ok")["error"]["message"]),
                         ("step_timed_out", self.MESSAGE))

    def test_a_cancelled_step_says_that_the_run_was_cancelled_not_how_it_was_ended(self):
        self.steps_workflow("""ctx.run(name="a", cmd="echo x; sleep NAP")""")
        process = self.start("workflow", "run", "ci")
        self.wait_for_step("a", "running")
        self.wait_for(lambda: self.log() == "x\n", "it writes")
        self.plue("run", "cancel", 1, expect=0)
        result = self.finish(process, expect=3)
        self.assertIsNone(self.step(self.view(), "a")["error"])
        self.assertIn(": the run was cancelled\n", result.out)

    def test_a_run_that_is_out_of_time_shows_what_it_cut_off(self):
        self.steps_workflow("""ctx.run(name="a", cmd="echo x; sleep NAP")""", '@workflow(triggers=[manual()], timeout="5s")')
        out = self.plue("workflow", "run", "ci", expect=1).out
        self.assertEqual(self.without_times(out),
                         "ci: run 1 (manual)\n* a running\n"
                         "✗ a cancelled in TIME: the run passed its time limit\n\n"
                         "✗ a cancelled in TIME: the run passed its time limit\n    x\n\n"
                         "error: the run passed its time limit\n\n"
                         "run 1 failed in TIME: the run passed its time limit\nsee more: plue run view 1 --log-failed\n")
        self.assertEqual(self.plue("run", "view", 1, "--log-failed", expect=0).out, "a | x\n")
