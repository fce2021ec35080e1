"""Tries of a step that ended, each with what ended it; and what is said while the next one waits."""
from harness import PlueTest

import re


class Tries(PlueTest):
    def ends(self, step="a", run=1):
        """(outcome, reason, exit code) of each try."""
        events = self.plue("run", "watch", run, "--json").json_lines
        return [(e["outcome"], e.get("reason"), e.get("exit_code")) for e in events
                if e["type"] == "step_completed" and e["step_id"] == step]

    def test_a_try_that_timed_out_and_is_followed_by_another_is_told_as_that(self):
        self.steps_workflow("""
            ctx.run(name="a", timeout="1s", retries=1,
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
