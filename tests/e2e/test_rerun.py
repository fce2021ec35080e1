"""Running a run again: what is kept, what runs, and that nothing of earlier attempts is lost."""
from harness import PlueTest


class Rerun(PlueTest):
    BODY = """
        a = ctx.run(name="a", cmd="echo a >> order; echo out=kept >> $PLUE_OUTPUT; echo a-ran")
        b = ctx.run(name="b", cmd="echo b >> order; [ $(grep -c b order) -gt 1 ]")
        c = ctx.run(name="c", cmd=f"echo {a.outputs.out}; cat order")
        d = ctx.run(name="d", cmd="echo d-ran", depends_on=[a])
        """

    def fail_once(self):
        self.steps_workflow(self.BODY)
        run = self.run_ci(expect=1)
        self.assertEqual(self.outcomes(run), {"a": "success", "b": "failed", "c": "skipped", "d": "success"})

    def test_failed_steps_and_what_follows_run_again_in_the_files_that_were_left(self):
        self.fail_once()
        result = self.plue("run", "rerun", 1, "--failed", "--json", expect=0)
        self.assertEqual(result.err, "run 1, attempt 2\n  kept: a, d\n  runs: b, c\n  files: as attempt 1 left them\n")
        self.assertEqual((result.json["attempt"], result.json["status"], self.outcomes(result.json)),
                         (2, "success", {"a": "success", "b": "success", "c": "success", "d": "success"}))
        self.assertEqual(self.log(step="c"), "kept\na\nb\nb\n")
        self.assertEqual(self.log(step="a"), "a-ran\n")

    def test_from_a_step_runs_it_and_what_follows(self):
        self.fail_once()
        result = self.plue("run", "rerun", 1, "--from", "a", "--json", expect=1)
        self.assertEqual(result.err, "run 1, attempt 2\n  runs: a, b, c, d\n  files: those that the run began with\n")
        result = self.plue("run", "rerun", 1, "--from", "b", "--dry-run", expect=0)
        self.assertEqual(result.out, "run 1, attempt 3\n  kept: a, d\n  runs: b, c\n  files: as attempt 2 left them\n")
        # d has ended well in the files that were left: they are not those before d.
        result = self.plue("run", "rerun", 1, "--from", "d", "--dry-run", expect=0)
        self.assertEqual(result.out, "run 1, attempt 3\n  runs: a, b, c, d\n  again, since no files are kept from after it: a\n"
                         "  files: those that the run began with\n")

    def test_all_of_it_runs_again_in_fresh_files(self):
        self.fail_once()
        run = self.plue("run", "rerun", 1, "--json", expect=1).json
        self.assertEqual((run["attempt"], self.outcomes(run)["b"]), (2, "failed"))
        self.assertEqual(self.log(step="d"), "d-ran\n")

    def test_events_go_on_over_attempts_without_a_gap(self):
        self.fail_once()
        self.plue("run", "rerun", 1, "--failed", expect=0)
        events = self.plue("run", "watch", 1, "--json", expect=0).json_lines
        self.assertEqual([e["seq"] for e in events], list(range(1, len(events) + 1)))
        self.assertEqual([e["attempt"] for e in events if e["type"] == "run_started"], [1, 2])

    def test_the_plan_grows_again_from_what_the_steps_give_now(self):
        self.steps_workflow("""
            a = ctx.run(name="a", cmd="echo x >> n; wc -l < n")
            if a.stdout.strip() == "1":
                ctx.run(name="first", cmd="false")
            else:
                ctx.run(name="second", cmd="true")
            """)
        self.assertEqual(self.outcomes(self.run_ci(expect=1)), {"a": "success", "first": "failed"})
        run = self.plue("run", "rerun", 1, "--failed", "--json", expect=1).json
        self.assertEqual(self.outcomes(run), {"a": "success", "first": "failed"})
        run = self.plue("run", "rerun", 1, "--from", "a", "--json", expect=1).json
        self.assertEqual((self.outcomes(run), run["attempt"]), ({"a": "success", "first": "failed"}, 3))

    def test_a_changed_step_and_what_follows_run_again(self):
        self.fail_once()
        self.steps_workflow(self.BODY.replace("-gt 1", "-gt 0").replace("d-ran", "d-new"))
        result = self.plue("run", "rerun", 1, "--failed", "--working-tree", "--json", expect=0)
        self.assertEqual(result.err, "run 1, attempt 2\n  kept: a\n  runs: b (changed), c, d (changed)\n"
                         "  files: as attempt 1 left them\n")
        self.assertEqual(self.log(step="d"), "d-new\n")

    def test_the_files_of_the_workflow_are_the_recorded_ones(self):
        self.fail_once()
        self.workflow("this is no workflow (")
        self.plue("run", "rerun", 1, "--failed", expect=0)

    def test_a_run_that_has_not_ended_is_refused(self):
        self.steps_workflow("""ctx.run(name="a", cmd="sleep NAP")""")
        process = self.start("workflow", "run", "ci")
        self.wait_for_step("a", "running")
        result = self.plue("run", "rerun", 1, expect=2)
        self.assertIn("run 1 has not ended: it is running", result.err)
        process.terminate()
        self.finish(process, expect=3)

    def test_an_unknown_step_gets_a_suggestion(self):
        self.steps_workflow("""ctx.run(name="build", cmd="true")""")
        self.run_ci()
        result = self.plue("run", "rerun", 1, "--from", "biuld", expect=2)
        self.assertIn("did you mean 'build'?", result.err)

    def test_a_killed_rerun_is_resumed_in_its_attempt(self):
        self.steps_workflow("""
            ctx.run(name="a", cmd="echo a >> order")
            ctx.run(name="b", cmd="echo b >> order; [ $(grep -c b order) = 2 ] && sleep NAP; [ $(grep -c b order) = 3 ]")
            """)
        self.run_ci(expect=1)
        process = self.start("run", "rerun", 1, "--failed")
        self.wait_for_step("b", "running")
        self.wait_for(lambda: (self.data / "workspaces/1/workspace/order").read_text() == "a\nb\nb\n", "b is there")
        process.kill()
        process.wait()
        run = self.plue("run", "resume", 1, "--json", expect=0).json
        self.assertEqual((run["attempt"], self.outcomes(run)), (2, {"a": "success", "b": "success"}))
