"""What steps do that they should not, and several processes on one database."""
import sqlite3

from harness import PlueTest, processes_with


class BadSteps(PlueTest):
    def test_a_full_tmp_is_said_and_later_steps_have_it_again(self):
        self.steps_workflow("""
            ctx.run(name="fill", cmd="head -c 2G /dev/zero > /tmp/big", continue_on_error=True)
            ctx.run(name="full", cmd="echo x > /tmp/x || rm /tmp/big")
            ctx.run(name="room", cmd="echo x > /tmp/x && cat /tmp/x")
            """)
        run = self.run_ci()
        fill = self.step(run, "fill")
        self.assertEqual((fill["outcome"], fill["error"]["message"]), ("failed", "the command ended with exit code 1, and /tmp was full"))
        self.assertIn("plue: /tmp is full: it has a fixed size, for all steps of a run together\n", self.log(step="fill"))
        self.assertIn("No space left on device", self.log(step="full"))
        self.assertEqual(self.log(step="room"), "x\n")

    def test_a_background_process_that_holds_the_output_ends_with_its_step(self):
        for sandbox in ("bubblewrap", "none"):
            self.steps_workflow("""
                ctx.run(name="a", cmd="sleep NAP & echo started")
                ctx.run(name="b", cmd="echo next")
                """)
            run = self.run_ci("--sandbox", sandbox)
            self.assertEqual(self.outcomes(run), {"a": "success", "b": "success"}, sandbox)
            self.assertLess(self.step(run, "a")["duration_ms"], 60_000)
            self.assertEqual(self.log(run["id"], "a"), "started\n")
            self.assertEqual(processes_with(self.nap), [], sandbox)

    def test_a_process_that_left_its_session_ends_with_its_step_too(self):
        for sandbox in ("bubblewrap", "none"):
            self.steps_workflow("""ctx.run(name="a", cmd="setsid nohup sleep NAP < /dev/null & (setsid sleep NAP &) ; sleep 0.2; echo started")""")
            run = self.run_ci("--sandbox", sandbox)
            self.assertEqual(self.log(run["id"], "a", "stdout"), "started\n")
            self.assertEqual(processes_with(self.nap), [], sandbox)

    def test_nothing_is_written_after_the_step_has_ended(self):
        for sandbox in ("bubblewrap", "none"):
            self.steps_workflow("""
                ctx.run(name="a", cmd="(trap '' TERM HUP; while sleep 0.05; do echo late; date >> late; done) & echo early")
                ctx.run(name="b", cmd="cp late before 2>/dev/null || touch before; sleep 0.5; touch late; cmp late before || echo changed")
                """)
            run = self.run_ci("--sandbox", sandbox)
            lines = self.plue("run", "view", run["id"], "--log", "--json", expect=0).json["lines"]
            ended = [e["seq"] for e in self.plue("run", "watch", run["id"], "--json", expect=0).json_lines
                     if e["type"] == "step_completed" and e["step_id"] == "a"][0]
            self.assertTrue(all(line["seq"] < ended for line in lines if line["step"] == "a"), sandbox)
            self.assertEqual([line["line"] for line in lines if line["step"] == "b"], [], sandbox)

    def test_it_closes_its_output_and_goes_on(self):
        self.steps_workflow("""ctx.run(name="a", cmd="echo one; exec > /dev/null 2>&1; sleep 0.3; touch done"); ctx.run(name="b", cmd="ls done")""")
        self.run_ci()
        self.assertEqual(self.log(), "one\ndone\n")


class OneDatabase(PlueTest):
    def test_two_processes_run_side_by_side_on_one_database(self):
        self.steps_workflow("""
            ctx.run(name="a", cmd="touch here; while [ ! -e go ]; do sleep 0.02; done; seq 3000")
            ctx.run(name="b", cmd="cat n || echo none; echo $PLUE_RUN_ID > n")
            """)
        both = [self.start("workflow", "run", "ci", "--json") for _ in range(2)]
        folders = [self.data / f"workspaces/{i}/workspace" for i in (1, 2)]
        self.wait_for(lambda: all((f / "here").exists() for f in folders), "both steps run at once")
        for folder in folders:
            (folder / "go").touch()
        for process in both:
            run = self.finish(process, expect=0).json
            self.assertEqual(self.outcomes(run), {"a": "success", "b": "success"})
            self.assertEqual(self.log(run["id"], "a"), "".join(f"{n}\n" for n in range(1, 3001)))
            self.assertEqual(self.log(run["id"], "b", "stdout"), "none\n")
            seqs = [e["seq"] for e in self.plue("run", "watch", run["id"], "--json", expect=0).json_lines]
            self.assertEqual(seqs, list(range(1, len(seqs) + 1)))
        with sqlite3.connect(self.data / "plue.db") as db:
            self.assertEqual(db.execute("pragma integrity_check").fetchone(), ("ok",))
