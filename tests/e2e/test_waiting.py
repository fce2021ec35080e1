"""Runs that wait for a person: their sandbox is closed meanwhile, and their files go on."""
import os
import shutil
import signal
import sqlite3
from pathlib import Path

from harness import PlueTest


def sandboxes(process):
    """The small programs of a run's sandbox that a plue process holds."""
    children = []
    for task in Path(f"/proc/{process.pid}/task").iterdir():
        try:
            for child in (task / "children").read_text().split():
                children.append(Path(f"/proc/{child}/comm").read_text().strip())
        except OSError:         # the thread or the child has ended
            pass
    return [name for name in children if name == "plue-room"]


class Waiting(PlueTest):
    WORKFLOW = """
        a = ctx.run(name="a", cmd="echo file > f; echo tmp > /tmp/t; echo home > ~/h; git status --porcelain")
        ok = ctx.approval("ok")
        b = ctx.run(name="b", cmd="cat f /tmp/t ~/h; git status --porcelain", depends_on=[a, ok])
        """

    def is_kept(self):
        if not (self.data / "plue.db").exists() or not self.try_view():
            return False
        with sqlite3.connect(self.data / "plue.db") as db:
            return db.execute("SELECT 1 FROM workspace_snapshots WHERE kind = 'waiting'").fetchall()

    def waits(self):
        """Starts the run; it waits, and its sandbox is closed."""
        process = self.start("workflow", "run", "ci")
        self.wait_for_question()
        self.wait_for(self.is_kept, "its files are kept")
        self.wait_for(lambda: not sandboxes(process), "its sandbox is closed")
        return process

    def test_it_gives_its_sandbox_back_and_goes_on_in_its_files(self):
        self.steps_workflow(self.WORKFLOW + "held = ctx.run(name='held', cmd='while [ ! -e go ]; do sleep 0.05; done', depends_on=[a])\n        ")
        process = self.start("workflow", "run", "ci")
        self.wait_for_step("held", "running")
        self.assertEqual(sandboxes(process), ["plue-room"])         # as long as a step runs
        (self.data / "workspaces/1/workspace/go").touch()
        self.wait_for(lambda: (self.try_view() or {}).get("status") == "waiting", "the run waits")
        self.wait_for(lambda: not sandboxes(process), "its sandbox is closed")
        self.plue("run", "approve", 1, expect=0)
        self.finish(process, expect=0)
        self.assertEqual(self.log(step="b"), "file\ntmp\nhome\n?? f\n?? go\n")
        self.assertFalse((self.data / "workspaces/1").exists())

    def test_what_waited_last_leaves_nothing(self):
        self.steps_workflow("""
            a = ctx.run(name="a", cmd="echo file > f")
            ctx.approval("ok")
            """)
        process = self.waits()
        self.plue("run", "approve", 1, expect=0)
        self.finish(process, expect=0)
        self.assertFalse((self.data / "workspaces/1").exists())

    def test_a_rejected_run_keeps_its_files_for_a_rerun(self):
        self.steps_workflow(self.WORKFLOW)
        process = self.waits()
        self.plue("run", "approve", 1, "--reject", expect=0)
        self.finish(process, expect=1)
        self.assertEqual((self.data / "workspaces/1/workspace/f").read_text(), "file\n")
        self.assertFalse((self.data / "keepers/1").exists())

    def test_a_cancelled_run_ends_while_its_sandbox_is_closed(self):
        self.steps_workflow(self.WORKFLOW)
        process = self.waits()
        process.send_signal(signal.SIGINT)
        self.finish(process, expect=3)
        self.assertEqual(self.view()["status"], "cancelled")
        self.assertEqual(sandboxes_anywhere(self.data), [])

    def test_a_killed_one_goes_on_with_another_process(self):
        self.steps_workflow(self.WORKFLOW)
        process = self.waits()
        process.kill()
        process.wait()
        process = self.start("run", "resume", 1)
        self.wait_for(lambda: self.plue("run", "approve", 1).status == 0, "the approval is taken")
        self.finish(process, expect=0)
        self.assertEqual(self.log(step="b"), "file\ntmp\nhome\n?? f\n")

    def test_files_that_are_lost_meanwhile_are_said(self):
        self.steps_workflow(self.WORKFLOW)
        process = self.waits()
        shutil.rmtree(self.data / "workspaces/1/workspace")
        self.plue("run", "approve", 1, expect=0)
        self.finish(process, expect=1)
        step = self.step(self.view(), "b")
        self.assertEqual((step["status"], step["error"]["code"]), ("failed", "workspace_lost"))

    def test_without_a_sandbox_it_goes_on_too(self):
        self.steps_workflow(self.WORKFLOW.replace("/tmp/t", "$HOME/t"))
        process = self.start("workflow", "run", "ci", "--sandbox", "none")
        self.wait_for_question()
        self.wait_for(self.is_kept, "its files are kept")
        self.plue("run", "approve", 1, expect=0)
        self.finish(process, expect=0)
        self.assertEqual(self.log(step="b"), "file\ntmp\nhome\n?? f\n")
        self.assertFalse((self.data / "workspaces/1").exists())


def sandboxes_anywhere(data):
    """Programs of sandboxes whose folder is below data."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and os.fsencode(str(data)) in (folder / "cmdline").read_bytes():
                found.append((folder / "comm").read_text().strip())
        except OSError:
            pass
    return [name for name in found if name.startswith("plue-")]
