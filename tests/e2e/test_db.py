"""plue db: copies while runs go on, removing old runs; the database under stress from outside."""
import os
import signal
import sqlite3

from harness import PlueTest, processes_with


class Backup(PlueTest):
    def test_a_copy_is_made_while_a_run_writes_and_can_be_used(self):
        self.steps_workflow("""
            ctx.run(name="a", cmd="echo first")
            ctx.run(name="b", cmd="while [ ! -e go ]; do echo more; sleep 0.01; done")
            """)
        process = self.start("workflow", "run", "ci")
        self.wait_for_step("b", "running")
        copy = self.top / "copy/plue.db"
        copy.parent.mkdir()
        self.plue("db", "backup", copy, expect=0)
        self.assertEqual(copy.stat().st_mode & 0o777, 0o600)
        (self.data / "workspaces/1/workspace/go").touch()
        self.finish(process, expect=0)
        out = self.plue("run", "view", 1, "--step", "a", env={"PLUE_DATA_DIR": str(copy.parent)}, expect=0).out
        self.assertEqual(out, "first\n")
        with sqlite3.connect(copy) as db:
            self.assertEqual(db.execute("pragma integrity_check").fetchall(), [("ok",)])

    def test_it_replaces_nothing_and_leaves_nothing_half(self):
        self.steps_workflow("pass")
        self.run_ci()
        there = self.top / "there"
        there.write_text("mine")
        self.assertIn("is there already", self.plue("db", "backup", there, expect=2).err)
        self.assertEqual(there.read_text(), "mine")
        self.plue("db", "backup", self.top / "no/such/folder.db", expect=4)
        self.assertEqual([p.name for p in self.top.glob("*.part")], [])


class Prune(PlueTest):
    def ids(self):
        return [r["id"] for r in self.plue("run", "list", "--json", expect=0).json["runs"]]

    def test_old_ended_runs_go_with_all_that_is_theirs(self):
        self.steps_workflow("""ctx.run(name="a", cmd="seq 2000")""")
        for _ in range(3):
            self.run_ci()
        with sqlite3.connect(self.data / "plue.db") as db:
            db.execute("update workflow_runs set completed_at = completed_at - 86400000 where id < 3")
        out = self.plue("db", "prune", "--older-than", "12h", expect=0).out
        self.assertRegex(out, r"^2 runs removed; the database has \d+ bytes\n$")
        self.assertEqual(self.ids(), [3])
        self.assertEqual(len(self.log(3).splitlines()), 2000)
        with sqlite3.connect(self.data / "plue.db") as db:
            self.assertEqual(db.execute("select count(*) from workflow_logs").fetchone(), (2000,))
            self.assertEqual(db.execute("select count(*) from source_texts").fetchone(), (1,))

    def test_the_oldest_go_until_the_size_is_kept_and_open_runs_never(self):
        self.steps_workflow("""ctx.run(name="a", cmd="sleep NAP")""")
        process = self.start("workflow", "run", "ci")
        self.wait_for_step("a", "running")
        self.steps_workflow("""ctx.run(name="a", cmd="seq 20000")""", name="big")
        for _ in range(3):
            self.run_ci(name="big")
        self.plue("db", "prune", "--max-size", "1M", expect=0)
        self.assertEqual(self.ids(), [4, 1])
        self.plue("db", "prune", "--max-size", "1K", expect=0)
        self.assertEqual(self.ids(), [1])
        os.kill(process.pid, signal.SIGINT)
        self.finish(process, expect=3)

    def test_options_are_checked(self):
        self.assertIn("is needed", self.plue("db", "prune", expect=2).err)
        for wrong in ("30", "d", "-3d", "99999999999999d", "3x"):
            self.assertIn("give a number and one of", self.plue("db", "prune", f"--older-than={wrong}", expect=2).err)

    def test_migrate_says_what_there_is(self):
        self.steps_workflow("pass")
        self.run_ci()
        self.assertRegex(self.plue("db", "migrate", expect=0).out, r"plue.db is up to date: version \d+\n$")


class Outside(PlueTest):
    def test_a_database_locked_by_another_program_is_waited_for(self):
        self.steps_workflow("""ctx.run(name="a", cmd="echo one; while [ ! -e go ]; do sleep 0.02; done; seq 1000")""")
        process = self.start("workflow", "run", "ci")
        self.wait_for_step("a", "running")
        other = sqlite3.connect(self.data / "plue.db", isolation_level=None)
        other.execute("begin immediate")
        (self.data / "workspaces/1/workspace/go").touch()
        self.plue("run", "view", 1, expect=0)
        other.execute("rollback")
        other.close()
        self.finish(process, expect=0)
        self.assertEqual(len(self.log().splitlines()), 1001)

    def test_two_processes_go_on_with_one_orphan_and_one_of_them_gets_it(self):
        self.steps_workflow("""ctx.run(name="a", cmd="echo x >> n; [ $(wc -l < n) = 1 ] && sleep NAP; sleep 1")""")
        process = self.start("workflow", "run", "ci")
        self.wait_for(lambda: processes_with(self.nap), "the step sleeps")
        process.kill()
        process.wait()
        both = [self.start("run", "resume", 1) for _ in range(2)]
        self.assertEqual(sorted(self.finish(p).status for p in both), [0, 2])

    def test_a_clock_that_is_set_back_neither_ends_nor_prolongs_a_run(self):
        """As the record would look: it began in the future."""
        self.steps_workflow("""ctx.run(name="a", cmd="echo x >> n; [ $(wc -l < n) = 1 ] && sleep NAP; true")""")
        process = self.start("workflow", "run", "ci")
        self.wait_for(lambda: processes_with(self.nap), "the step sleeps")
        process.kill()
        process.wait()
        with sqlite3.connect(self.data / "plue.db") as db:
            db.execute("update workflow_runs set started_at = started_at + 1e10, deadline_at = deadline_at + 1e10")
            db.execute("update leases set expires_at = expires_at + 1e10")
        run = self.plue("run", "resume", 1, "--json", expect=0).json
        self.assertEqual(run["duration_ms"], 0)
