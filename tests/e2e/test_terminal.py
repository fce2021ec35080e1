"""What people see on a terminal, live."""
import os
import re
import signal

from harness import OnTerminal, processes_with


class Terminal(OnTerminal):
    def test_a_run_is_drawn_live(self):
        self.steps_workflow("""
            ctx.run(name="first", cmd="echo one")
            ctx.run(name="second", cmd="echo two")
            """)
        process, terminal = self.on_terminal("workflow", "run", "ci")
        shown = self.read_until(terminal, None, process)
        self.assertEqual(process.wait(60), 0, shown)
        self.assertIn("\x1b[", shown)
        for name in ("first", "second"):
            self.assertIn(name, shown)

    def test_no_color_has_no_colours(self):
        self.steps_workflow("""ctx.run(name="first", cmd="exit 1")""")
        process, terminal = self.on_terminal("workflow", "run", "ci", env={"NO_COLOR": "1"})
        shown = self.read_until(terminal, None, process)
        self.assertEqual(process.wait(60), 1, shown)
        self.assertNotRegex(shown, "\x1b\\[[0-9;]*3[0-7]m")

    def test_ci_prints_plain_lines(self):
        self.steps_workflow("""ctx.run(name="first", cmd="true")""")
        process, terminal = self.on_terminal("workflow", "run", "ci", env={"CI": "true"})
        shown = self.read_until(terminal, None, process)
        self.assertEqual(process.wait(60), 0, shown)
        self.assertNotIn("\x1b[", shown)

    def test_a_narrow_terminal_is_fine(self):
        self.steps_workflow("""
            ctx.parallel([ctx.run(name=f"a step with quite a long name, number {i}", cmd="true") for i in range(40)])
            """)
        process, terminal = self.on_terminal("workflow", "run", "ci", rows=5, columns=20)
        shown = self.read_until(terminal, None, process)
        self.assertEqual(process.wait(60), 0, shown)

    def test_ctrl_c_on_the_keyboard_cancels(self):
        self.steps_workflow("""ctx.run(name="slow", cmd="sleep NAP")""")
        process, terminal = self.on_terminal("workflow", "run", "ci")
        self.wait_for(lambda: processes_with(self.nap), "the step runs")
        os.write(terminal, b"\x03")
        shown = self.read_until(terminal, None, process)
        self.assertEqual(process.wait(60), 3, shown)
        self.assertEqual(processes_with(self.nap), [])

    def test_text_of_a_step_cannot_steer_the_terminal(self):
        self.steps_workflow("""
            ctx.run(name="evil \\x1b]0;title\\x07", cmd="printf '\\\\033]0;owned\\\\007\\\\033[2Jcleared\\\\n'; exit 1")
            """)
        process, terminal = self.on_terminal("workflow", "run", "ci")
        shown = self.read_until(terminal, None, process)
        self.assertEqual(process.wait(60), 1, shown)
        self.assertNotIn("\x1b]0;", shown)
        self.assertNotIn("\x1b[2J", shown)

    def test_a_closed_terminal_ends_the_run(self):
        self.steps_workflow("""ctx.run(name="slow", cmd="sleep NAP")""")
        process, _ = self.on_terminal("workflow", "run", "ci")
        self.wait_for(lambda: processes_with(self.nap), "the step runs")
        process.send_signal(signal.SIGHUP)
        self.assertIn(process.wait(60), (3, -1))
        self.wait_for(lambda: not processes_with(self.nap), "the step is gone")

    def test_a_hundred_long_names_stay_readable_in_80_columns(self):
        self.steps_workflow("""
            steps = [ctx.run(name=f"a rather long name of step number {i}", cmd="true", depends_on=[]) for i in range(100)]
            ctx.run(name="last", cmd="exit 3", depends_on=steps)
            """)
        process, terminal = self.on_terminal("workflow", "run", "ci", columns=80, rows=24)
        shown = self.read_until(terminal, None, process)
        self.assertEqual(process.wait(60), 1, shown)
        self.assertRegex(shown, r"a-rather-long-n….*-number-42", "names that differ at their ends stay apart")
        for frame in shown.split("\x1b[J"):
            lines = re.sub("\x1b\\[[0-9;?]*[A-Za-z]", "", frame).split("\n")
            live = [line for line in lines if re.match(r"  .? a-rather", line)]
            self.assertLessEqual(max((len(line.rstrip("\r")) for line in live), default=0), 80)

    def test_lists_of_usual_runs_fit_into_80_columns(self):
        self.steps_workflow("pass", decorator="@workflow(triggers=[pull_request()])", name="workflow_of_ci")
        self.commit()
        self.plue("workflow", "run", "workflow_of_ci", "--event", self.event({"type": "pull_request", "branch": "feature/1"}), expect=0)
        out = self.plue("run", "list", expect=0).out
        self.assertLessEqual(max(map(len, out.splitlines())), 80, out)
        self.assertRegex(out, r"^ID  WORKFLOW        STATUS   EVENT         BRANCH +DURATION  CREATED \(UTC\)\n"
                              r"1   workflow_of_ci  success  pull_request  feature/1 +\S+  \d{4}-\d\d-\d\d \d\d:\d\d\n$")
