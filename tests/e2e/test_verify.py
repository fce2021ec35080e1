"""plue verify: a run evaluated again from what is recorded of it, and held against its receipt."""
import re
import sqlite3

from harness import PlueTest


class Verify(PlueTest):
    def a_run(self, *args, expect=0):
        self.write(".plue/lib/names.py", "def name(n): return f'more {n}'\n")
        self.steps_workflow("""
            a = ctx.run(name="a", cmd="echo one; echo n=2 >> $PLUE_OUTPUT; echo err >&2")
            group = ctx.parallel([ctx.run(name="b", cmd="exit 3", continue_on_error=True), ctx.run(name="c", cmd="true", retries=2)])
            if a.stdout.strip() == "one":
                for i in range(int(a.outputs.n)):
                    ctx.run(name=name(i), cmd=f"echo {a.stdout} {i}")
            last = ctx.run(name="last", cmd="exit 1", when="always")
            if last.failed:
                return ctx.success(out=a.stdout, took=last.duration >= 0)
            """)
        path = self.repo / ".plue/workflows/ci.py"
        path.write_text("from plue.lib.names import name\n" + path.read_text())
        return self.run_ci(*args, expect=expect)

    def change(self, *statements):
        with sqlite3.connect(self.data / "plue.db") as db:
            for statement in statements:
                changed = db.execute(statement).rowcount
                self.assertGreater(changed, 0, statement)

    def verify(self, expect, run=1):
        return self.plue("verify", run, "--json", expect=expect).json

    def messages(self):
        answer = self.verify(1)
        self.assertFalse(answer["verified"])
        return [p["message"] for p in answer["problems"]]

    def test_a_run_is_verified(self):
        run = self.a_run()
        answer = self.verify(0)
        self.assertEqual(answer, {"run": 1, "workflow": "ci", "verified": True,
                                  "receipt": {"recorded": run["plan_hash"], "computed": run["plan_hash"]},
                                  "evaluator": answer["evaluator"], "files": 2, "steps": 7, "problems": []})
        self.assertRegex(run["plan_hash"], "^[0-9a-f]{64}$")
        self.assertEqual(self.plue("verify", "1", expect=0).out,
                         f"run 1 of ci: verified\n  receipt    {run['plan_hash']}\n  evaluator  {answer['evaluator']}\n"
                         "  evaluated  2 files, 7 steps\n")

    def test_verifying_writes_nothing_and_needs_no_repository(self):
        self.a_run()
        before = (self.data / "plue.db").read_bytes()
        self.plue("verify", "1", cwd=self.top, expect=0)
        self.assertEqual((self.data / "plue.db").read_bytes(), before)

    def test_runs_that_failed_or_were_cancelled_or_resumed_are_verified(self):
        self.steps_workflow("a = ctx.run(name='a', cmd='exit 1')\nb = ctx.run(name='b', cmd='true')\nif b.ok:\n    ctx.run(cmd='x')")
        self.run_ci(expect=1)
        self.steps_workflow("a = ctx.run(name='a', cmd='true')\nraise ValueError(str(a.ok))")
        self.plue("workflow", "run", "ci", expect=None)
        self.steps_workflow("a = ctx.run(name='a', cmd='true')\nif a.ok:\n    raise ValueError('late')")
        self.run_ci(expect=1)
        self.steps_workflow("""
            z, y, a = ctx.run(name="z", cmd="true"), ctx.run(name="y", cmd="true"), ctx.run(name="a", cmd="sleep NAP")
            if z.ok and y.ok and a.ok:
                ctx.run(cmd="x")
            """)
        process = self.start("workflow", "run", "ci")
        self.wait_for_step("a", "running", run=3)
        self.plue("run", "cancel", "3", expect=0)
        self.finish(process, expect=3)
        for run in (1, 2, 3):
            self.assertEqual(self.verify(0, run)["problems"], [], f"run {run}")

    def test_a_run_that_was_resumed_is_verified(self):
        self.steps_workflow("""
            a = ctx.run(name="a", cmd="echo one")
            if a.ok:
                b = ctx.run(name="b", cmd="test -e again && exit 0; touch again; echo here; sleep NAP")
            if b.ok:
                ctx.run(name="c", cmd="true")
            """)
        process = self.start("workflow", "run", "ci")
        self.wait_for_step("b", "running")
        self.wait_for(lambda: "here" in self.log(1, "b"), "the second step has begun")
        process.kill()
        process.wait()
        self.plue("run", "resume", "1", expect=0)
        self.assertEqual(self.verify(0)["problems"], [])

    def test_a_rerun_is_verified(self):
        self.a_run()
        first = self.view()["plan_hash"]
        self.plue("run", "rerun", "1", expect=0)
        self.verify(0)
        self.assertNotEqual(self.view()["plan_hash"], first, "results are part of the receipt")

    def test_a_changed_file_is_named(self):
        self.a_run()
        self.change("UPDATE source_texts SET content = replace(content, 'more', 'most') WHERE content LIKE '%more%'")
        messages = self.messages()
        self.assertEqual(messages[0], ".plue/lib/names.py: its kept text is not the one that was evaluated")
        self.assertIn("step 'more-0' is recorded, and the kept files do not plan it", messages)
        self.assertIn("step 'most-0' is planned by the kept files, and is not recorded", messages)

    def test_a_changed_result_is_named(self):
        said = "step '{}': its result (outcome, exit code, stdout, stderr, outputs or duration) is not the one that it ended with"
        for column, value, step in (("stdout_text", "'two'", "more-1"), ("stderr_text", "''", "a"), ("exit_code", "4", "b"),
                                    ("outcome", "'failed'", "c"), ("outputs", "'{\"n\": \"2\", \"m\": \"1\"}'", "a"),
                                    ("completed_at", "completed_at + 1", "last")):
            with self.subTest(column):
                self.a_run()
                run = self.plue("run", "list", "--json", expect=0).json["runs"][0]["id"]
                self.change(f"UPDATE workflow_steps SET {column} = {value} WHERE step_id = '{step}' AND run_id = {run}")
                answer = self.verify(1, run)
                self.assertEqual([p["message"] for p in answer["problems"]], [said.format(step)])
                self.assertNotEqual(answer["receipt"]["computed"], answer["receipt"]["recorded"])

    def test_a_changed_plan_is_named(self):
        self.a_run()
        self.change('''UPDATE workflow_steps SET config = replace(config, '"cmd": "true"', '"cmd": "rm"') WHERE step_id = 'c' ''',
                    "UPDATE workflow_steps SET depends_on = '[]' WHERE step_id = 'last'")
        self.assertEqual(self.messages(), [
            "step 'c': cmd: recorded is \"rm\", planned is \"true\"",
            "step 'last': depends_on: recorded is nothing, planned is \"more-1\""])

    def test_a_removed_or_added_step_is_named(self):
        self.a_run()
        self.change("DELETE FROM workflow_steps WHERE step_id = 'last'")
        self.assertIn("step 'last' of the receipt is not recorded any more", self.messages())

    def test_a_changed_event_outputs_or_receipt_is_named(self):
        self.a_run()
        self.change("UPDATE workflow_runs SET outputs = '{}'")
        self.assertEqual(self.messages(), ["the outputs of the run are not those that it ended with"])
        self.change("UPDATE workflow_runs SET trigger_payload = '{\"type\": \"manual\", \"inputs\": {}, \"actor\": \"eve\"}'")
        self.assertIn("the event is not the one that the run was given", self.messages())
        run = self.a_run()
        self.change(f"UPDATE workflow_runs SET plan_hash = '{run['plan_hash'][::-1]}' WHERE id = 2")
        answer = self.verify(1, 2)
        self.assertEqual([(p["code"], p["message"], p["hint"]) for p in answer["problems"]], [(
            "receipt_mismatch", "the receipt is not that of the recorded run, and every step is as it was planned and ended",
            "the receipt itself, or what the run knows of its repository, was changed")])
        self.assertEqual(self.plue("verify", "2", expect=1).out.splitlines()[0], "run 2 of ci: not verified")

    def test_what_cannot_be_verified_says_why(self):
        self.assertEqual(self.plue("verify", "1", "--json", expect=2).json["error"]["code"], "run_unknown")
        self.steps_workflow("ctx.run(name='a', cmd='sleep NAP')")
        process = self.start("workflow", "run", "ci")
        self.wait_for_step("a", "running")
        error = self.plue("verify", "1", "--json", expect=2).json["error"]
        self.assertEqual((error["code"], error["hint"]), ("run_not_final", "a run gets its receipt when it ends: plue run watch 1"))
        self.plue("run", "cancel", "1", expect=0)
        self.finish(process, expect=3)
        self.change("UPDATE workflow_runs SET plan = '{\"path\": \".plue/workflows/ci.py\"}'")
        self.assertEqual(self.plue("verify", "1", "--json", expect=2).json["error"]["code"], "receipt_missing")

    def test_the_same_results_give_the_same_receipt(self):
        self.steps_workflow("ctx.log('x')")
        hashes = set()
        for _ in range(2):
            run = self.run_ci()
            hashes.add(run["plan_hash"])
            self.assertTrue(re.fullmatch("[0-9a-f]{64}", run["plan_hash"]))
        self.assertLessEqual(len(hashes), 2)

    def test_help_has_an_example(self):
        self.assertIn("plue verify 12", self.plue("verify", "--help", expect=0).out)
