"""The files of a run that are kept: what it began with, and what its steps had changed when it waited or ended."""
import json
import os
import shutil
import sqlite3
import subprocess
import time

from harness import PlueTest


class Snapshots(PlueTest):
    def rows(self, sql):
        with sqlite3.connect(self.data / "plue.db") as db:
            return db.execute(sql).fetchall()

    def kinds(self, run=1):
        return [r[0] for r in self.rows(f"SELECT kind FROM workspace_snapshots WHERE run_id = {run} ORDER BY id")]

    def dry(self, *args):
        return self.plue("run", "rerun", 1, *args, "--dry-run", expect=0).out

    # -- what it began with

    LOOK = "find . -path ./.git -prune -o -printf '%M %p %l\\n' | grep -v ' \\./\\.plue' | sort; cat f; cat deep/er/g"

    def test_a_rerun_begins_with_the_files_that_the_run_began_with(self):
        self.write("f", "old f\n")
        self.write("deep/er/g", "old g\n", 0o755)
        os.symlink("deep/er/g", self.repo / "link")
        (self.repo / "empty").mkdir()
        self.steps_workflow(f'ctx.run(name="look", cmd="{self.LOOK}")')
        self.run_ci()
        before = self.log(step="look")
        self.assertIn("old f\nold g\n", before)
        self.write("f", "new f\n")
        self.write("added", "new\n")
        shutil.rmtree(self.repo / "deep")
        self.assertEqual(self.dry(), "run 1, attempt 2\n  runs: look\n  files: those that the run began with\n")
        self.plue("run", "rerun", 1, expect=0)
        self.assertEqual(self.log(step="look"), before)
        # Also where the attempt before did so.
        self.plue("run", "rerun", 1, expect=0)
        self.assertEqual((self.view()["attempt"], self.log(step="look")), (3, before))

    def test_the_working_tree_is_taken_where_it_is_asked_for_and_kept_then(self):
        self.write("f", "one\n")
        self.steps_workflow('ctx.run(name="look", cmd="cat f")')
        self.run_ci()
        self.write("f", "two\n")
        result = self.plue("run", "rerun", 1, "--working-tree", "--json", expect=0)
        self.assertEqual(result.err, "run 1, attempt 2\n  runs: look\n  files: those of the working tree, as they are now\n")
        self.write("f", "three\n")
        self.plue("run", "rerun", 1, expect=0)
        self.assertEqual(self.log(step="look"), "two\n")

    def test_a_run_of_a_commit_begins_with_that_commit_again(self):
        self.write("f", "one\n")
        self.steps_workflow('ctx.run(name="look", cmd="cat f")')
        sha = self.commit()
        self.run_ci("--ref", "HEAD")
        self.write("f", "two\n")
        self.commit()
        result = self.plue("run", "rerun", 1, "--json", expect=0)
        self.assertEqual(result.err, f"run 1, attempt 2\n  runs: look\n  files: those of the commit {sha}\n")
        self.assertEqual((self.log(step="look"), self.kinds()), ("one\n", ["success", "success"]))

    def test_without_them_a_rerun_says_what_else_can_be_taken(self):
        self.write("f", "one\n")
        self.steps_workflow('ctx.run(name="look", cmd="cat f")')
        self.run_ci()
        with sqlite3.connect(self.data / "plue.db") as db:
            db.execute("DELETE FROM workspace_snapshots")
        result = self.plue("run", "rerun", 1, expect=2)
        self.assertEqual(result.err, "error: the files that run 1 began with are not kept (any more)\n"
                         "  hint: --working-tree takes those that are there now, --ref REF a commit's\n")
        self.plue("run", "rerun", 1, "--working-tree", expect=0)

    def test_damaged_bytes_are_said(self):
        self.write("f", "one\n")
        self.steps_workflow('ctx.run(name="look", cmd="cat f")')
        self.run_ci()
        (sha,), = self.rows("SELECT sha256 FROM workspace_snapshots WHERE kind = 'source'")
        blob = self.data / "blobs" / sha[:2] / sha[2:]
        text = bytearray(blob.read_bytes())
        text[len(text) // 2] ^= 1
        blob.write_bytes(text)
        self.plue("run", "rerun", 1, expect=1)
        self.assertIn(f"the kept bytes {sha} are damaged", self.view()["error"]["message"])

    def test_a_run_killed_before_they_were_kept_keeps_them_when_it_is_resumed(self):
        self.write("f", "one\n")
        self.steps_workflow('ctx.run(name="a", cmd="cat f; [ -e again ] || { touch again; sleep NAP; }")')
        process = self.start("workflow", "run", "ci")
        self.wait_for(lambda: (self.data / "workspaces/1/workspace/again").exists(), "the step is there")
        self.wait_for(lambda: self.kinds() == ["source"], "the source is kept")
        process.kill()
        process.wait()
        # As if it had been killed earlier.
        (sha,), = self.rows("SELECT sha256 FROM workspace_snapshots")
        blob = self.data / "blobs" / sha[:2] / sha[2:]
        with sqlite3.connect(self.data / "plue.db") as db:
            db.execute("DELETE FROM workspace_snapshots")
        (self.data / "workspaces/1/source").write_bytes(subprocess.run(["zstd", "-dc", blob], capture_output=True, check=True).stdout)
        self.plue("run", "resume", 1, expect=0)
        self.assertEqual(self.kinds(), ["source", "success"])
        self.assertFalse((self.data / "workspaces/1").exists())

    # -- what steps had changed

    CHANGE = ("echo changed > f; rm gone; chmod 700 mode; rm -r folder; echo file > folder; rm was; mkdir was; echo in > was/in; "
              "mkdir hollow; ln -s /nowhere away; ln -s f near; git -c user.name=a -c user.email=a@b commit -qam step; "
              "printf 'a\\nb' > 'new\nline'")
    SHOW = "find . -path ./.git -prune -o -printf '%M %p %l\\n' | sort; cat f folder was/in; git log --format=%s; git status --short"

    def changing(self):
        self.write("f", "old\n")
        self.write("gone", "x\n")
        self.write("mode", "x\n")
        self.write("folder/a/b", "x\n")
        self.write("was", "x\n")
        self.write("deploy", "no\n")
        self.steps_workflow(f"""
            a = ctx.run(name="a", cmd={self.CHANGE!r}, idempotent=False)
            ok = ctx.approval("ok")
            b = ctx.run(name="b", cmd={self.SHOW!r} + "; echo b >> deploy; cat deploy; exit $(cat fails 2>/dev/null || echo 0)", depends_on=[a, ok])
            """)

    def run_until_it_waits(self):
        process = self.start("workflow", "run", "ci")
        self.wait_for_question()
        self.wait_for(lambda: self.kinds()[1:] == ["waiting"], "the snapshot is there")
        return process

    def test_a_run_that_waits_keeps_its_files_and_from_goes_on_from_there(self):
        self.changing()
        process = self.run_until_it_waits()
        (steps,), = self.rows("SELECT steps FROM workspace_snapshots WHERE kind = 'waiting'")
        self.assertEqual(json.loads(steps), [["a", 1]])
        self.plue("run", "approve", 1, expect=0)
        self.finish(process, expect=0)
        first = self.log(step="b")
        self.assertIn("step\nWorkspace of this run\n", first)
        self.assertEqual(self.kinds(), ["source", "waiting", "success"])
        result = self.plue("run", "rerun", 1, "--from", "b", "--json", expect=0)
        self.assertEqual(result.err, "run 1, attempt 2\n  kept: a, ok\n  runs: b\n"
                         "  files: as they were when attempt 1 waited, after a\n")
        self.assertEqual(self.log(step="b"), first)
        # b has ended well in what the second attempt left: the same snapshot again.
        self.plue("run", "rerun", 1, "--from", "b", expect=0)
        self.assertEqual((self.view()["attempt"], self.log(step="b")), (3, first))

    def test_a_step_that_must_not_run_twice_is_not_run_for_its_files(self):
        self.changing()
        process = self.run_until_it_waits()
        self.plue("run", "approve", 1, expect=0)
        self.finish(process, expect=0)
        with sqlite3.connect(self.data / "plue.db") as db:
            db.execute("DELETE FROM workspace_snapshots WHERE kind = 'waiting'")
        result = self.plue("run", "rerun", 1, "--from", "b", expect=4)
        self.assertEqual(result.err, "error: no files are kept from after step 'a' of run 1 and before what is to run, and it must not run twice\n"
                         "  hint: start a new run, or rerun all of it without --failed or --from\n")

    def test_what_is_missing_runs_again(self):
        self.steps_workflow("""
            a = ctx.run(name="a", cmd="echo a >> order")
            b = ctx.run(name="b", cmd="echo b >> order; cat order", depends_on=[a])
            """)
        self.run_ci()
        result = self.plue("run", "rerun", 1, "--from", "b", "--json", expect=0)
        self.assertEqual(result.err, "run 1, attempt 2\n  runs: a, b\n  again, since no files are kept from after it: a\n"
                         "  files: those that the run began with\n")
        self.assertEqual(self.log(step="b"), "a\nb\n")

    FAILS = """
        a = ctx.run(name="a", cmd="echo a >> order")
        b = ctx.run(name="b", cmd="echo b >> order; cat order; [ $(grep -c b order) -gt 1 ]", depends_on=[a])
        """

    def test_failed_steps_go_on_from_the_snapshot_where_the_folder_is_gone(self):
        self.steps_workflow(self.FAILS)
        self.run_ci(expect=1)
        shutil.rmtree(self.data / "workspaces/1")
        result = self.plue("run", "rerun", 1, "--failed", "--json", expect=0)
        self.assertEqual(result.err, "run 1, attempt 2\n  kept: a\n  runs: b\n"
                         "  files: as they were when attempt 1 ended, after a\n")
        self.assertEqual(self.log(step="b"), "a\nb\nb\n")

    def test_a_folder_of_an_earlier_attempt_is_not_taken_for_the_snapshot(self):
        self.steps_workflow("""
            a = ctx.run(name="a", cmd="echo a >> order")
            b = ctx.run(name="b", cmd="echo b >> order; cat order; [ $(grep -c b order) -gt 2 ]", depends_on=[a])
            """)
        self.run_ci(expect=1)
        folder = self.data / "workspaces/1"
        shutil.copytree(folder, self.top / "left", symlinks=True)
        shutil.rmtree(folder)
        self.plue("run", "rerun", 1, "--failed", expect=1)
        shutil.rmtree(folder)
        shutil.copytree(self.top / "left", folder, symlinks=True)
        self.assertEqual(self.dry("--failed"), "run 1, attempt 3\n  kept: a\n  runs: b\n"
                         "  files: as they were when attempt 2 ended, after a\n")
        self.plue("run", "rerun", 1, "--failed", expect=0)
        self.assertEqual(self.log(step="b"), "a\nb\nb\nb\n")

    def test_a_rerun_killed_while_it_is_filled_is_filled_when_it_is_resumed(self):
        self.steps_workflow("""
            a = ctx.run(name="a", cmd="echo a >> order")
            b = ctx.run(name="b", cmd="echo b >> order; cat order; [ -e /tmp/x ] && sleep NAP; touch /tmp/x; [ $(grep -c b order) -gt 1 ]", depends_on=[a])
            """.replace("[ -e /tmp/x ] && sleep NAP; touch /tmp/x; ", "[ $(grep -c b order) = 2 ] && sleep NAP; "))
        self.run_ci(expect=1)
        shutil.rmtree(self.data / "workspaces/1")
        process = self.start("run", "rerun", 1, "--failed")
        self.wait_for_step("b", "running")
        self.wait_for(lambda: (self.data / "workspaces/1/workspace/order").read_text() == "a\nb\nb\n", "b is there")
        process.kill()
        process.wait()
        # As if it had been killed before its files were whole.
        shutil.rmtree(self.data / "workspaces/1")
        with sqlite3.connect(self.data / "plue.db") as db:
            db.execute("UPDATE workflow_steps SET status = 'pending', started_at = NULL WHERE step_id = 'b' AND attempt = 2")
        process = self.start("run", "resume", 1)
        self.wait_for(lambda: (self.data / "workspaces/1/workspace/order").read_text() == "a\nb\nb\n", "b is there again")
        self.assertEqual(self.view()["attempt"], 2)
        process.terminate()
        self.finish(process, expect=3)

    def test_what_is_too_large_is_said(self):
        self.steps_workflow('ctx.run(name="a", cmd="truncate -s 1100M big")')
        result = self.plue("workflow", "run", "ci", expect=0)
        self.assertIn("run 1: no snapshot of its files is kept: what its steps changed takes more than 1024 MiB", result.err + result.out)
        self.assertEqual(self.kinds(), ["source"])

    def test_a_secret_in_them_is_known(self):
        self.steps_workflow("""ctx.run(name="a", cmd="printf '%s' $T | base64 > out", env={"T": ctx.secrets.TOKEN})""")
        (self.top / "secrets").write_text("TOKEN=s3cret-value-42\n")
        self.plue("workflow", "run", "ci", "--secret-file", self.top / "secrets", expect=0)
        self.assertEqual(self.rows("SELECT kind, holds_secret FROM workspace_snapshots ORDER BY id"), [("source", 0), ("success", 1)])

    # -- how long

    def test_old_ones_go_with_their_bytes(self):
        self.write("f", "one\n")
        self.steps_workflow('ctx.run(name="a", cmd="cat f; echo $RANDOM > out")')
        self.run_ci()
        shas = [r[0] for r in self.rows("SELECT sha256 FROM workspace_snapshots ORDER BY id")]
        with sqlite3.connect(self.data / "plue.db") as db:
            db.execute("UPDATE workspace_snapshots SET created_at = 1000")
        blobs = [self.data / "blobs" / s[:2] / s[2:] for s in shas]
        for blob in blobs:
            os.utime(blob, (1000, 1000))
        self.run_ci()
        self.assertEqual((self.kinds(1), self.kinds(2)), ([], ["source", "success"]))
        # The second run began with the same files: those bytes stay.
        self.assertEqual([b.exists() for b in blobs], [True, False])

    def test_they_can_be_removed_and_the_run_stays(self):
        self.steps_workflow('ctx.run(name="a", cmd="true")')
        self.run_ci()
        out = self.plue("db", "prune", "--snapshots-older-than", "1h", expect=0).out
        self.assertRegex(out, r"^snapshots of 0 runs removed\n0 runs removed; the database has \d+ bytes\n$")
        with sqlite3.connect(self.data / "plue.db") as db:
            db.execute("UPDATE workspace_snapshots SET created_at = created_at - 3600001")
        self.assertIn("snapshots of 1 runs removed\n", self.plue("db", "prune", "--snapshots-older-than", "1h", expect=0).out)
        self.assertEqual((self.kinds(), self.view()["status"]), ([], "success"))

    def test_runs_that_are_pruned_take_theirs_along(self):
        self.steps_workflow('ctx.run(name="a", cmd="echo x > out")')
        self.run_ci()
        self.assertTrue(any((self.data / "blobs").glob("*/*")))
        with sqlite3.connect(self.data / "plue.db") as db:
            db.execute("UPDATE workflow_runs SET completed_at = 1000")
        self.plue("db", "prune", "--older-than", "1d", expect=0)
        self.assertEqual(list((self.data / "blobs").glob("*/*")), [])

    def test_a_run_whose_files_are_still_being_kept_is_waited_for(self):
        self.steps_workflow('ctx.run(name="a", cmd="echo x > out")')
        self.run_ci()
        with sqlite3.connect(self.data / "plue.db") as db:
            boot = open("/proc/sys/kernel/random/boot_id").read().strip()
            start = open(f"/proc/{os.getpid()}/stat").read().rsplit(")", 1)[1].split()[19]
            space = os.stat("/proc/self/ns/pid").st_ino
            now = int(time.time() * 1000)
            db.execute("INSERT INTO leases VALUES (1, ?, ?, ?, ?, ?, ?, ?)",
                       (os.getpid(), start, space, boot, os.uname().nodename, now, now + 30000))
        process = self.start("run", "rerun", 1)
        self.wait_for(lambda: "is still busy with the files of run 1" in open(process.err_path).read(), "it says so")
        with sqlite3.connect(self.data / "plue.db") as db:
            db.execute("DELETE FROM leases")
        self.finish(process, expect=0)
