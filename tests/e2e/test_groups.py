"""Concurrency groups: one run at a time, and no run disappears without a reason."""
from pathlib import Path

from harness import OnTerminal


class Groups(OnTerminal):
    def group(self, policy, body='ctx.run(name="a", cmd="while [ ! -e go ]; do sleep 0.03; done")'):
        self.steps_workflow(body, f'@workflow(triggers=[manual()], concurrency=concurrency("deploy", policy="{policy}"))')

    def begin(self, run):
        process = self.start("workflow", "run", "ci")
        self.wait_for(lambda: self.try_view(run), f"run {run} is recorded")
        return process

    def go(self, run):
        self.wait_for_step("a", "running", run)
        self.wait_for(lambda: (self.data / f"workspaces/{run}/ready").exists(), "its files are there")
        (self.data / f"workspaces/{run}/workspace/go").touch()

    def reason(self, run):
        reason = self.view(run)["reason"]
        return reason and reason["text"]

    def test_fifo_lets_them_run_one_after_the_other(self):
        self.group("fifo")
        runs = []
        for i in (1, 2, 3):
            runs.append(self.begin(i))
            if i == 1:
                self.wait_for_step("a", "running")
        self.wait_for(lambda: self.reason(3) == "waits for run 1 of the group deploy, at place 2", "the place is told")
        self.wait_for(lambda: self.reason(2) == "waits for run 1 of the group deploy, at place 1", "and that of the one before")
        listed = self.plue("run", "list", "--json", expect=0).json["runs"]
        self.assertEqual([(run["id"], run["queue_position"]) for run in listed], [(3, 2), (2, 1), (1, None)])
        self.assertEqual([self.view(run)["queue_position"] for run in (1, 2, 3)], [None, 1, 2])
        self.assertIn("at place 2", self.plue("why", 3, expect=0).out)
        for i in (1, 2, 3):
            self.assertEqual([self.view(k)["status"] for k in range(i + 1, 4)], ["queued"] * (3 - i))
            self.go(i)
            self.finish(runs[i - 1], expect=0)

    def test_a_run_that_waits_for_its_turn_says_so_wherever_it_is_shown(self):
        self.group("fifo")
        text = "waits for run 1 of the group deploy, at place 1"
        first = self.begin(1)
        self.wait_for_step("a", "running")
        second = self.begin(2)
        follow = self.start("run", "watch", 2, "--follow")
        for shown in (second, follow):
            self.wait_for(lambda: Path(shown.out_path).read_text() == f"ci: run 2 (manual)\n? run 2 {text}\n", "it says so")
        self.assertEqual(self.plue("why", 2, "a", expect=0).out,
                         f"It has not begun: it waits until its run begins.\nIts run is queued: {text}.\n")
        self.assertEqual(self.step(self.view(2), "a")["reason"],
                         {"code": "waiting_for_start", "text": "waits until its run begins"})
        process, terminal = self.on_terminal("run", "watch", "2", columns=100)
        live = self.read_until(terminal, f"  {text}", process)
        self.assertNotIn("depends on", live)
        process.kill()
        for run, ended in ((1, first), (2, second)):
            self.go(run)
            self.finish(ended, expect=0)
        self.finish(follow, expect=0)

    def test_a_higher_priority_goes_first(self):
        self.group("fifo")
        self.steps_workflow("ctx.run(name='a', cmd='true')",
                            '@workflow(triggers=[manual()], concurrency=concurrency("deploy", policy="fifo"), priority=5)', name="urgent")
        first = self.begin(1)
        self.wait_for_step("a", "running")
        second = self.begin(2)
        self.wait_for(lambda: self.reason(2), "it waits")
        third = self.start("workflow", "run", "urgent")
        self.wait_for(lambda: self.try_view(3) and self.reason(3) == "waits for run 1 of the group deploy, at place 1", "it is next")
        self.wait_for(lambda: self.reason(2) == "waits for run 1 of the group deploy, at place 2", "the other one is behind it")
        self.go(1)
        self.finish(first, expect=0)
        self.finish(third, expect=0)
        self.go(2)
        self.finish(second, expect=0)

    def test_latest_keeps_only_the_newest_of_those_that_wait(self):
        self.group("latest")
        first = self.begin(1)
        self.wait_for_step("a", "running")
        second, third = self.begin(2), self.begin(3)
        self.finish(second, expect=3)
        run = self.view(2)
        self.assertEqual((run["status"], run["reason"]["code"], self.outcomes(run)),
                         ("cancelled", "superseded", {"a": "cancelled"}))
        self.assertEqual(self.reason(2), "run 3 of its concurrency group took its place")
        self.go(1)
        self.finish(first, expect=0)
        self.go(3)
        self.finish(third, expect=0)

    def test_cancel_ends_what_runs(self):
        self.group("cancel")
        first = self.begin(1)
        self.wait_for_step("a", "running")
        second = self.begin(2)
        out = self.finish(first, expect=3).out
        text = "run 2 of its concurrency group took its place"
        self.assertRegex(out, fr"\nrun 1 cancelled in \S+: {text}\nsee more: plue run view 1 --log\n$")
        run = self.view()
        self.assertEqual((run["reason"], run["error"]["code"], run["error"]["message"], self.step(run, "a")["reason"]["code"]),
                         ({"code": "superseded", "text": text}, "superseded", text, "superseded"))
        self.assertEqual(self.plue("why", 1, expect=0).out,
                         f"Run 1 of ci began by a manual event and is cancelled: {text}.\n")
        self.assertIn(f"  reason     {text}\n\n", self.plue("run", "view", 1, expect=0).out)
        self.go(2)
        self.finish(second, expect=0)

    def test_a_waiting_run_can_be_cancelled(self):
        self.group("fifo")
        first = self.begin(1)
        self.wait_for_step("a", "running")
        second = self.begin(2)
        self.plue("run", "cancel", 2, expect=0)
        self.finish(second, expect=3)
        self.assertEqual((self.view(2)["status"], self.view(2)["reason"]["code"]), ("cancelled", "run_cancelled"))
        self.go(1)
        self.finish(first, expect=0)

    def test_a_group_whose_holder_died_is_waited_for_and_said(self):
        self.group("fifo")
        first = self.begin(1)
        self.wait_for_step("a", "running")
        first.kill()
        first.wait()
        second = self.begin(2)
        self.wait_for(lambda: "no process drives that one: plue run resume 1" in (self.reason(2) or ""), "it is said")
        self.plue("run", "cancel", 1, expect=0)
        self.go(2)
        self.finish(second, expect=0)

    def test_a_waiting_run_that_died_holds_up_nobody_and_can_be_resumed(self):
        self.group("fifo")
        first = self.begin(1)
        self.wait_for_step("a", "running")
        second = self.begin(2)
        self.wait_for(lambda: self.reason(2), "it waits")
        second.kill()
        second.wait()
        third = self.begin(3)
        self.go(1)
        self.finish(first, expect=0)
        self.go(3)
        self.finish(third, expect=0)
        second = self.start("run", "resume", 2)
        self.go(2)
        self.finish(second, expect=0)

    def test_a_bare_name_is_a_group_that_runs_in_turn(self):
        self.steps_workflow('ctx.run(name="a", cmd="while [ ! -e go ]; do sleep 0.03; done")',
                            '@workflow(triggers=[manual()], concurrency="deploy")')
        first = self.begin(1)
        self.wait_for_step("a", "running")
        second = self.begin(2)
        self.wait_for(lambda: self.reason(2) == "waits for run 1 of the group deploy, at place 1", "it waits")
        self.go(1)
        self.finish(first, expect=0)
        self.go(2)
        self.finish(second, expect=0)

    def test_groups_of_other_names_do_not_wait(self):
        self.group("fifo")
        first = self.begin(1)
        self.wait_for_step("a", "running")
        self.steps_workflow("pass", '@workflow(triggers=[manual()], concurrency="other")', name="other")
        self.run_ci(name="other")
        self.go(1)
        self.finish(first, expect=0)
