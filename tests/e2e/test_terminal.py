"""What people see on a terminal, live."""
import codecs
import fcntl
import os
import re
import signal
import struct
import termios

from harness import OnTerminal, processes_with
from screen import Screen


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
            # One runs until it was seen: what runs is shown.
            wait = "while [ ! -e seen ]; do sleep 0.02; done"
            steps = [ctx.run(name=f"a rather long name of step number {i}", cmd=wait if i == 42 else "true", depends_on=[])
                     for i in range(100)]
            ctx.run(name="last", cmd="exit 3", depends_on=steps)
            """)
        process, terminal = self.on_terminal("workflow", "run", "ci", columns=80, rows=24)
        shown = self.read_until(terminal, "-number-42", process)
        (self.data / "workspaces/1/workspace/seen").touch()
        shown += self.read_until(terminal, None, process)
        self.assertEqual(process.wait(60), 1, shown)
        self.assertRegex(shown, r"a-rather-long-n….*-number-42", "names that differ at their ends stay apart")
        for frame in shown.split("\x1b[J"):
            lines = re.sub("\x1b\\[[0-9;?]*[A-Za-z]", "", frame).split("\n")
            live = [line for line in lines if re.match(r"  .? a-rather", line)]
            self.assertLessEqual(max((len(line.rstrip("\r")) for line in live), default=0), 80)

    # -- many steps

    def five_hundred(self):
        self.steps_workflow("""
            last = []
            for k in range(10):
                members = [ctx.run(name=f"part {k} number {i}", cmd=f"echo line of {i}; test {i} != 13", continue_on_error=True,
                                   depends_on=last) for i in range(49)]
                last = [ctx.run(name=f"join-{k}", cmd="true", depends_on=members)]
            """)

    def watch_frames(self, rows, columns, sizes=(), env=None):
        """Runs five hundred steps on a terminal; gives its screen, as it was after each frame, and at the end. After a
        change of size frames of the old one may still come: the first that counts begins at the top."""
        self.five_hundred()
        process, terminal = self.on_terminal("workflow", "run", "ci", "--sandbox", "none", "--slots", "4", rows=rows, columns=columns, env=env)
        screen, sizes, frames, rest, raw, count, settled = Screen(rows, columns), list(sizes), [], "", "", 0, True
        decoder = codecs.getincrementaldecoder("utf-8")()
        while True:
            try:
                data = os.read(terminal, 65536)
            except OSError:
                break
            if not data:
                break
            rest += decoder.decode(data)
            *whole, rest = rest.split("\x1b[J")
            for frame in whole:
                raw += frame
                screen.feed(frame + "\x1b[J")
                if frame.endswith("\x1b[H"):
                    settled = True
                elif settled:
                    frames.append((screen.rows, screen.columns, screen.text))
                    count += 1
                if sizes and settled and count == 4:
                    count, settled = 0, False
                    size = sizes.pop(0)
                    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
                    screen.resize(*size)
        screen.feed(rest)
        self.assertEqual(process.wait(60), 0, screen.text)
        return screen, frames, raw + rest

    def test_five_hundred_steps_stay_on_one_screen(self):
        for rows, columns in ((24, 80), (50, 200)):
            screen, frames, _ = self.watch_frames(rows, columns)
            self.assertGreater(len(frames), 3)
            for _, _, text in frames[:-1]:
                lines = text.splitlines()
                self.assertLessEqual(len(lines), rows)
                self.assertEqual(len([line for line in lines if re.match("[^ ] ci  run ", line)]) + ("starting" in text), 1, text)
                if "500 steps" in text:
                    self.assertRegex(text, r"\n    and \d+ more; in all \d+ done, \d running, \d+ waiting, 0 skipped", text)
            self.assertEqual([line for line in screen.gone if " running " in line], [], "nothing of a frame has scrolled away")
            self.assertIn("500/500 steps, 10 failed", screen.text + "\n".join(screen.gone))

    def test_failures_and_what_runs_are_shown_before_what_waits(self):
        _, frames, _ = self.watch_frames(24, 80)
        seen = 0
        for _, _, text in frames:
            counts = re.search(r"in all (\d+) done, (\d) running, (\d+) waiting", text)
            failed = re.search(r"steps, (\d+) failed", text)
            if not counts or "/500" not in text:
                continue
            done, running, waiting = map(int, counts.groups())
            shown = [line[2] for line in text.splitlines() if line.startswith("  ") and len(line) > 3]
            failures = min(int(failed[1]) if failed else 0, 20 - running)
            self.assertEqual(shown.count("✗"), failures, text)
            if done >= 40:
                seen += 1
                self.assertEqual(shown.count("·"), 0, text)
        self.assertGreater(seen, 0)

    def test_a_terminal_that_changes_its_size_stays_readable(self):
        screen, frames, _ = self.watch_frames(24, 80, sizes=[(12, 50), (40, 120), (24, 60), (50, 100)])
        sizes = {(rows, columns) for rows, columns, _ in frames}
        self.assertGreater(len(sizes), 2, "it was seen in several sizes")
        for rows, columns, text in frames[:-1]:
            if (rows, columns) != (24, 80):
                self.assertEqual(len(re.findall("(?m)^. ci  run 1", text)), 1, text)
                self.assertRegex(text, "^. ci  run 1", "nothing of an older frame stands above")
                self.assertLessEqual(len(text.splitlines()), rows, text)

    def test_five_hundred_steps_are_plain_lines_elsewhere(self):
        self.five_hundred()
        out = self.plue("workflow", "run", "ci", "--sandbox", "none", "--slots", "4", expect=0).out
        self.assertNotIn("\x1b", out)
        ended = re.findall(r"(?m)^[✓✗] (\S+) (?:success|failed) in ", out.split("\nrun 1")[0])
        self.assertEqual(len(ended), 500)
        self.assertEqual(len(set(ended)), 500)

    def test_five_hundred_steps_without_colours(self):
        _, _, raw = self.watch_frames(24, 80, env={"NO_COLOR": "1"})
        self.assertNotRegex(raw, "\x1b\\[[0-9;]*m")

    def test_lists_of_usual_runs_fit_into_80_columns(self):
        self.steps_workflow("pass", decorator="@workflow(triggers=[pull_request()])", name="workflow_of_ci")
        self.commit()
        self.plue("workflow", "run", "workflow_of_ci", "--event", self.event({"type": "pull_request", "branch": "feature/1"}), expect=0)
        out = self.plue("run", "list", expect=0).out
        self.assertLessEqual(max(map(len, out.splitlines())), 80, out)
        self.assertRegex(out, r"^ID  WORKFLOW        STATUS   EVENT         BRANCH +DURATION  CREATED \(UTC\)\n"
                              r"1   workflow_of_ci  success  pull_request  feature/1 +\S+  \d{4}-\d\d-\d\d \d\d:\d\d\n$")
