"""A run has the files of the moment in which it was started: it takes them before it waits for anybody."""
import os
import shutil
import signal
import sqlite3
from pathlib import Path

from harness import PlueTest, dedent
from test_waiting import sandboxes

IDLE_MIB = 20


class FirstFiles(PlueTest):
    GATE = """
        ok = ctx.approval("ok")
        ctx.run(name="show", cmd="cat tracked.txt", depends_on=[ok])
        """

    def setUp(self):
        super().setUp()
        self.write("tracked.txt", "old\n")

    def sql(self, text):
        with sqlite3.connect(self.data / "plue.db") as db:
            return db.execute(text).fetchall()

    def has_source(self, run=1):
        return (self.data / "plue.db").exists() and self.sql(
            f"SELECT 1 FROM workspace_snapshots WHERE kind = 'source' AND run_id = {run}")

    def start_gate(self):
        """Starts it; it waits, and what it took is kept."""
        self.steps_workflow(self.GATE)
        process = self.start("workflow", "run", "ci")
        self.wait_for_question()
        self.wait_for(self.has_source, "its files are kept")
        return process

    def kill(self, process):
        os.kill(process.pid, signal.SIGKILL)
        process.wait()

    def go_on(self, *command, expect=0):
        process = self.start(*command)
        self.wait_for(lambda: self.plue("run", "approve", 1).status == 0, "the approval is taken")
        return self.finish(process, expect=expect)

    # -- people

    def test_what_is_approved_is_what_was_there_when_the_run_was_started(self):
        process = self.start_gate()
        self.write("tracked.txt", "new\n")
        self.plue("run", "approve", 1, expect=0)
        self.finish(process, expect=0)
        self.assertEqual(self.log(step="show"), "old\n")

    def test_nobody_is_asked_before_the_files_are_taken(self):
        self.steps_workflow(self.GATE)
        process = self.start("workflow", "run", "ci")
        self.wait_for_question()
        self.write("tracked.txt", "new\n")      # at once: the question is the sign that they are taken
        self.plue("run", "approve", 1, expect=0)
        self.finish(process, expect=0)
        self.assertEqual(self.log(step="show"), "old\n")

    def test_a_killed_run_goes_on_in_the_files_that_it_had_taken(self):
        self.kill(self.start_gate())
        self.write("tracked.txt", "new\n")
        self.go_on("run", "resume", 1)
        self.assertEqual((self.view()["attempt"], self.log(step="show")), (1, "old\n"))

    def test_where_its_folder_is_gone_they_come_from_what_was_kept(self):
        self.kill(self.start_gate())
        self.write("tracked.txt", "new\n")
        shutil.rmtree(self.data / "workspaces/1")
        self.go_on("run", "resume", 1)
        self.assertEqual((self.view()["attempt"], self.log(step="show")), (1, "old\n"))

    def test_where_that_is_gone_too_it_says_so_and_asks_again(self):
        self.kill(self.start_gate())
        self.plue("run", "approve", 1, expect=0)
        self.sql("DELETE FROM workspace_snapshots")
        self.write("tracked.txt", "new\n")
        shutil.rmtree(self.data / "workspaces/1")
        done = self.go_on("run", "resume", 1)
        self.assertIn("run 1: its files are gone: it runs again from its start, as attempt 2, on the files that the"
                      " working tree has now: those that it began with are not kept\n", done.err)
        self.assertEqual((self.view()["attempt"], self.log(step="show")), (2, "new\n"))

    def test_files_that_were_half_taken_are_taken_anew(self):
        self.kill(self.start_gate())
        # As if it had been killed before.
        self.sql("DELETE FROM workspace_snapshots")
        self.sql("UPDATE workflow_runs SET status = 'queued', started_at = NULL, deadline_at = NULL")
        self.sql("UPDATE workflow_steps SET status = 'pending'")
        self.sql("DELETE FROM approvals")
        (self.data / "workspaces/1/ready").unlink()
        self.write("tracked.txt", "new\n")
        self.go_on("run", "resume", 1)
        self.assertEqual((self.view()["attempt"], self.log(step="show")), (1, "new\n"))

    def test_a_rerun_has_the_same_files_also_where_no_step_had_come_to_them(self):
        process = self.start_gate()
        self.plue("run", "approve", 1, "--reject", expect=0)
        self.finish(process, expect=1)
        self.write("tracked.txt", "new\n")
        self.assertEqual(self.plue("run", "rerun", 1, "--dry-run", expect=0).out,
                         "run 1, attempt 2\n  runs: ok, show\n  files: those that the run began with\n")
        self.go_on("run", "rerun", 1)
        self.assertEqual(self.log(step="show"), "old\n")

    def test_it_rests_without_a_sandbox_and_in_little_memory(self):
        process = self.start_gate()
        self.wait_for(lambda: not sandboxes(process), "its sandbox is closed")
        if "ASAN_OPTIONS" not in self.env:
            self.wait_for(lambda: rss_mib(process) < IDLE_MIB, "it is small")
        self.plue("run", "approve", 1, expect=0)
        self.finish(process, expect=0)
        self.assertFalse((self.data / "workspaces/1").exists())

    # -- a plan that grows, and one that needs no files

    def test_a_plan_that_may_still_come_to_files_takes_them(self):
        self.steps_workflow("""
            ok = ctx.approval("ok")
            if ok.ok:
                ctx.run(name="show", cmd="cat tracked.txt")
            """)
        process = self.start("workflow", "run", "ci")
        self.wait_for_question()
        self.write("tracked.txt", "new\n")
        self.plue("run", "approve", 1, expect=0)
        self.finish(process, expect=0)
        self.assertEqual(self.log(step="show"), "old\n")

    def test_a_run_without_a_step_in_files_has_none(self):
        self.steps_workflow("""
            ok = ctx.approval("ok")
            ctx.comment("done")
            """)
        process = self.start("workflow", "run", "ci")
        self.wait_for_question()
        self.assertFalse((self.data / "workspaces/1").exists())
        self.plue("run", "approve", 1, expect=0)
        self.finish(process, expect=0)
        self.assertEqual(self.sql("SELECT * FROM workspace_snapshots"), [])

    # -- its turn

    def test_a_run_that_waits_for_its_turn_has_taken_its_files(self):
        self.steps_workflow("ctx.run(name='show', cmd='cat tracked.txt; while [ ! -e go ]; do sleep 0.03; done')",
                            '@workflow(triggers=[manual()], concurrency=concurrency("deploy", policy="fifo"))')
        first = self.start("workflow", "run", "ci")
        self.wait_for_step("show", "running")
        second = self.start("workflow", "run", "ci")
        self.wait_for(lambda: ((self.try_view(2) or {}).get("reason") or {}).get("code") == "waiting_for_run", "it waits")
        self.write("tracked.txt", "new\n")
        self.wait_for(lambda: not sandboxes(second), "its sandbox is closed")
        (self.data / "workspaces/1/workspace/go").touch()
        self.finish(first, expect=0)
        self.wait_for_step("show", "running", 2)
        (self.data / "workspaces/2/workspace/go").touch()
        self.finish(second, expect=0)
        self.assertEqual(self.log(2, step="show"), "old\n")

    def test_one_that_was_killed_in_the_queue_has_them_too(self):
        self.steps_workflow("ctx.run(name='show', cmd='cat tracked.txt; while [ ! -e go ]; do sleep 0.03; done')",
                            '@workflow(triggers=[manual()], concurrency=concurrency("deploy", policy="fifo"))')
        first = self.start("workflow", "run", "ci")
        self.wait_for_step("show", "running")
        second = self.start("workflow", "run", "ci")
        self.wait_for(lambda: ((self.try_view(2) or {}).get("reason") or {}).get("code") == "waiting_for_run", "it waits")
        self.kill(second)
        self.write("tracked.txt", "new\n")
        (self.data / "workspaces/1/workspace/go").touch()
        self.finish(first, expect=0)
        resumed = self.start("run", "resume", 2)
        self.wait_for_step("show", "running", 2)
        (self.data / "workspaces/2/workspace/go").touch()
        self.finish(resumed, expect=0)
        self.assertEqual(self.log(2, step="show"), "old\n")

    # -- what cannot be copied

    def test_files_that_cannot_be_copied_fail_the_run_before_anybody_is_asked(self):
        self.steps_workflow(self.GATE)
        (self.repo / "out").symlink_to(self.top / "elsewhere")
        done = self.plue("workflow", "run", "ci", expect=1)
        self.assertEqual(done.out.replace(str(self.top), "TOP"), dedent("""
            ci: run 1 (manual)
            ✗ ok cancelled: its files could not be copied
            ✗ show cancelled: its files could not be copied

            error: the link out points out of the repository, to TOP/elsewhere
              hint: make it relative and within the repository, or list it in .gitignore

            run 1 failed: its files could not be copied
            see more: plue why 1
            """))
        run = self.view()
        self.assertEqual((run["status"], run["reason"]["code"], run["started_at"], self.outcomes(run), run["error"]["code"]),
                         ("failed", "files_not_copied", None, {"ok": "cancelled", "show": "cancelled"}, "workspace_link"))


def rss_mib(process):
    for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0
