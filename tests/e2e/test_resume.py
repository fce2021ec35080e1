"""Going on where more than the process is gone: files, keys, disks; and what was hidden stays hidden."""
import os
import shutil
import signal
import sqlite3

from harness import PlueTest, processes_with


class Resume(PlueTest):
    def kill_in_step_b(self, first="echo a-ran", more="", options=""):
        self.steps_workflow(f"""
            ctx.run(name="a", cmd="{first}"{options})
            ctx.run(name="b", cmd="[ -e {self.top}/go ] || [ -e go ] || sleep NAP || true; {more}echo b-ended")
            """)
        process = self.start("workflow", "run", "ci")
        self.wait_for(lambda: processes_with(self.nap), "step b runs")
        self.wait_for_step("b", "running")
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        if (self.data / "workspaces/1/workspace").exists():
            (self.data / "workspaces/1/workspace/go").touch()

    def wake(self, *args, expect=0):
        """The same where the files were lost: the step sleeps again, and is woken."""
        self.wait_for(lambda: not processes_with(self.nap), "what was killed is gone")
        process = self.start(*args)
        self.wait_for(lambda: processes_with(self.nap), "the step runs")
        for pid in processes_with(self.nap):
            os.kill(pid, signal.SIGTERM)
        return self.finish(process, expect=expect)

    def lose_files(self, part="workspaces/1"):
        shutil.rmtree(self.data / part)

    def test_a_run_whose_files_are_gone_begins_again_as_a_further_attempt(self):
        for part in ("workspaces/1", "workspaces/1/workspace"):
            with self.subTest(part):
                shutil.rmtree(self.data, ignore_errors=True)
                self.kill_in_step_b()
                self.lose_files(part)
                done = self.wake("run", "resume", 1)
                self.assertIn("run 1: its files are gone: it runs again from its start, as attempt 2\n", done.err)
                run = self.view()
                self.assertEqual((run["status"], run["attempt"], self.outcomes(run)),
                                 ("success", 2, {"a": "success", "b": "success"}))
                self.assertEqual(self.log(), "a-ran\nTerminated\nb-ended\n")
                with sqlite3.connect(self.data / "plue.db") as db:
                    rows = db.execute("select step_id, status, reason_code from workflow_steps where attempt = 1 order by id")
                    self.assertEqual(rows.fetchall(), [("a", "success", None), ("b", "cancelled", "workspace_lost")])
                events = self.plue("run", "watch", 1, "--json", expect=0).json_lines
                self.assertEqual([e["seq"] for e in events], list(range(1, len(events) + 1)))

    def test_it_fails_instead_where_a_step_must_not_run_twice(self):
        self.kill_in_step_b(options=", idempotent=False")
        self.lose_files()
        done = self.plue("run", "resume", 1)
        self.assertEqual(done.status, 4, str(done))
        self.assertIn("error: the files of run 1 are gone, and step 'a' must not run twice\n"
                      "  hint: start a new run, or run all of it again: plue run rerun 1\n", done.err)
        run = self.view()
        self.assertEqual((run["status"], run["attempt"], run["reason"]["code"], run["error"]["code"]),
                         ("failed", 1, "workspace_lost", "workspace_lost"))
        self.wake("run", "rerun", 1)
        self.assertEqual((self.view()["status"], self.view()["attempt"]), ("success", 2))

    def test_what_no_step_has_ended_in_is_made_again_in_the_same_attempt(self):
        self.steps_workflow("""ctx.run(name="a", cmd="sleep NAP || true; echo ended")""")
        process = self.start("workflow", "run", "ci")
        self.wait_for_step("a", "running")
        self.wait_for(lambda: processes_with(self.nap), "the step runs")
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        self.lose_files()
        self.wake("run", "resume", 1)
        self.assertEqual((self.view()["attempt"], self.log()), (1, "Terminated\nended\n"))

    def test_a_value_that_a_step_hid_stays_hidden(self):
        self.kill_in_step_b(first="echo ::add-mask::tok-$((12345)); echo ::add-mask::other-one",
                            more="echo tok-$((12345)) other-one; ")
        kept = b"".join(path.read_bytes() for path in self.data.glob("plue.db*"))
        self.assertFalse(b"tok-12345" in kept, "the value stands in the database")
        self.plue("run", "resume", 1, expect=0)
        self.assertEqual(self.log(step="b"), "*** ***\nb-ended\n")
        with sqlite3.connect(self.data / "plue.db") as db:
            self.assertEqual(db.execute("select count(*) from run_masks").fetchone(), (2,))

    def test_without_the_key_what_was_hidden_is_not_shown(self):
        self.kill_in_step_b(first="echo ::add-mask::tok-12345", more="echo tok-12345; ")
        key = self.data / "secret.key"
        key.rename(self.data / "away")
        done = self.plue("run", "resume", 1, expect=2)
        self.assertIn(f"error: the key of the secret store, {key}, cannot be opened", done.err)
        self.assertEqual(self.view()["status"], "running")
        (self.data / "away").rename(key)
        self.plue("run", "resume", 1, expect=0)
        self.assertEqual(self.log(step="b"), "***\nb-ended\n")
